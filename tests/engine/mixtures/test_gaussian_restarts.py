"""Many starts of Gaussian mixtures as one batch: what single runs give, whatever collapses."""

import dataclasses

import numpy as np
import pytest

from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.mixtures import em, gaussian, gaussian_batch
from engine.mixtures.gaussian import Params
from engine.mixtures.gaussian_covariances import inverse_root
from engine.mixtures.gaussian_restarts import climb
from engine.params import ParamError

CLOUDS = np.array(gaussian.PRESETS["clouds"].data["X"])
FAMILIES = ("full", "diag", "spherical", "tied")


def near(got, want, tolerance):
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


@pytest.mark.parametrize("covariance", FAMILIES)
@pytest.mark.parametrize("floor", [1e-6, 0.3])
def test_every_start_of_the_batch_is_the_single_run_of_its_seed(covariance, floor):
    p = Params(components=4, covariance=covariance, steps=15, seed=3, floor=floor)
    many = gaussian.restarts(CLOUDS, p, 7)
    assert many.seeds.tolist() == list(range(3, 10))
    for j, seed in enumerate(many.seeds.tolist()):
        one = gaussian.run(CLOUDS, dataclasses.replace(p, seed=seed))
        near(many.ascent[:, j] / one.log_likelihood, 1, 1e-9)
        near(many.weights[j], one.weights[-1], 1e-9)
        near(many.means[j], one.means[-1], 1e-8)
        near(many.covariances[j], one.covariances[-1], 1e-8)


@pytest.mark.parametrize("D", [1, 3, 9, 12])
def test_features_and_cholesky_factors_agree_in_any_dimension(D):
    rng = np.random.default_rng(D)
    X = np.concatenate([rng.normal(size=(60, D)), rng.normal(size=(60, D)) * 0.5 + 2]) + 1e4
    p = Params(components=2, steps=8)
    many = gaussian.restarts(X, p, 4)
    for j in range(4):
        one = gaussian.run(X, dataclasses.replace(p, seed=j))
        near(many.ascent[:, j] / one.log_likelihood, 1, 1e-9)


def test_narrow_components_keep_their_digits():
    """Widths of a thousandth, far from the middle: plain features would lose most digits."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [40, 0], [0, 70], [-60, -50]])
    X = np.concatenate([c + 1e-3 * rng.normal(size=(25, 2)) for c in centres])
    p = Params(components=4, steps=12, floor=1e-9)
    many = gaussian.restarts(X, p, 6)
    for j in range(6):
        one = gaussian.run(X, dataclasses.replace(p, seed=j))
        near(many.ascent[:, j] / one.log_likelihood, 1, 1e-9)


def test_torch_computes_the_same():
    p = Params(components=3, steps=20)
    here = gaussian.restarts(CLOUDS, p, 6, device="cpu")
    there = gaussian.restarts(CLOUDS, p, 6, device=TORCH_ON_CPU)
    assert there.device == TORCH_ON_CPU
    near(there.ascent, here.ascent, 1e-8)
    near(there.means, here.means, 1e-9)
    assert there.died.tolist() == here.died.tolist()


def test_the_best_is_the_maximum_and_a_run_of_its_own():
    p = Params(components=3, steps=60)
    many = gaussian.restarts(CLOUDS, p, 30)
    assert many.best.log_likelihood[-1] == pytest.approx(many.log_likelihood.max(), rel=1e-12)
    assert (many.log_likelihood == many.ascent[-1]).all()
    assert (np.diff(many.ascent, axis=0) >= -1e-8).all()
    again = gaussian.run(CLOUDS, many.best.params)
    near(again.means[-1], many.best.means[-1], 0)
    assert many.summit.min() == 0
    assert many.summit.max() >= 1  # local optima there are


def test_a_start_that_collapses_is_reported_and_the_others_go_on():
    X = np.array([*gaussian.PRESETS["collapse"].data["X"], [2.5, 2.8]])  # two equal points apart
    p = Params(components=3, steps=60, floor=0.0)
    many = gaussian.restarts(X, p, 30)
    dead = many.died >= 0
    assert 0 < dead.sum() < 30
    assert (many.log_likelihood[dead] == -np.inf).all()
    assert (many.summit[dead] == -1).all()
    assert np.isfinite(many.log_likelihood[~dead]).all()
    assert many.died[list(many.seeds).index(many.best.params.seed)] == -1
    for j in np.flatnonzero(~dead)[:4]:
        one = gaussian.run(X, dataclasses.replace(p, seed=int(many.seeds[j])))
        near(many.log_likelihood[j] / one.log_likelihood[-1], 1, 1e-9)
    for j in np.flatnonzero(dead)[:4]:
        one = gaussian.run(X, dataclasses.replace(p, seed=int(many.seeds[j])))
        assert one.stop is gaussian.GaussianStop.SINGULAR
        assert abs(len(one) - many.died[j]) <= 1


def test_a_batch_in_which_all_collapse_says_so():
    with pytest.raises(DataError, match="every start singular"):
        gaussian.restarts([[1.0, 2.0]] * 4, Params(components=2, floor=0.0), 3)


def test_pieces_and_chunks_change_nothing(monkeypatch):
    p = Params(components=3, steps=10)
    whole = gaussian.restarts(CLOUDS, p, 8)
    monkeypatch.setattr(gaussian_batch, "CACHE", 100)
    monkeypatch.setattr("engine.mixtures.gaussian_restarts.AT_ONCE", 9)
    pieces = gaussian.restarts(CLOUDS, p, 8)
    near(pieces.ascent, whole.ascent, 1e-10)
    near(pieces.means, whole.means, 1e-10)


def test_starts_come_from_outside_too():
    start = (np.array([[0.4, 0.6]]), np.array([[[0.0, 0], [5, 1]]]), np.stack([[np.eye(2)] * 2]))
    p = Params(components=2, steps=5)
    pi, mu, sigma, ascent, died = climb(CLOUDS, start, p, "cpu")
    one = gaussian.run(CLOUDS, p, *(part[0] for part in start))
    near(ascent[:, 0], one.log_likelihood, 1e-9)
    near(mu[0], one.means[-1], 1e-10)
    near(pi[0], one.weights[-1], 1e-12)
    near(sigma[0], one.covariances[-1], 1e-10)
    assert died.tolist() == [-1]


@pytest.mark.parametrize("D", [1, 2, 5, 8, 9, 16])
def test_the_inverse_root_whitens(D):
    rng = np.random.default_rng(D)
    A = rng.normal(size=(3, 2, D, 2 * D))
    sigma = A @ np.swapaxes(A, -1, -2)
    root, half_log = inverse_root(np, sigma)
    near(root @ sigma @ np.swapaxes(root, -1, -2), np.broadcast_to(np.eye(D), sigma.shape), 1e-10)
    near(half_log, 0.5 * np.linalg.slogdet(sigma)[1], 1e-10)
    sigma[1, 1] = 0
    assert np.isnan(inverse_root(np, sigma)[1][1, 1])
    assert np.isfinite(inverse_root(np, sigma)[1][0]).all()


def test_summits_are_counted_from_the_highest():
    assert em.summits(np.array([-3.0, -1.0, -3.0, -np.inf, -2.0])).tolist() == [2, 0, 2, -1, 1]


@pytest.mark.parametrize("count", [0, 100_001])
def test_a_count_out_of_bounds_is_named(count):
    with pytest.raises(ParamError, match="count"):
        gaussian.restarts(CLOUDS, Params(), count)


def test_too_much_is_named():
    with pytest.raises(DataError, match="for restarts"):
        gaussian.restarts(np.zeros((50_000, 64)), Params())
    with pytest.raises(DataError, match="count must be at most"):
        gaussian.restarts(np.eye(64), Params(), 100_000)
