"""EM for Gaussian mixtures: golden numbers, theorems over the run, other routes, slips, bad input.

Batched starts stand in ``test_gaussian_restarts.py``.
"""

import dataclasses
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from latex2mathml.converter import convert
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.mixtures import gaussian
from engine.mixtures.gaussian import GaussianStop, Params
from engine.params import ParamError
from engine.predict import judge
from engine.working import SLOT

SIX = json.loads((Path(__file__).parents[2] / "golden.json").read_text())["s004.4"]
START = (SIX["pi"], SIX["mu"], SIX["Sigma"])
FAMILIES = ("full", "diag", "spherical", "tied")
FIELDS = ("weights", "means", "covariances", "responsibility", "log_likelihood", "bound")


def preset(name):
    case = gaussian.PRESETS[name]
    return gaussian.run(**case.data, params=case.params)


def near(got, want, tolerance=1e-12):
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def cloud(seed, n=40, D=2):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.normal(size=(n // 2, D)), rng.normal(size=(n - n // 2, D)) * 0.6 + 3]
    )


# Golden case


@pytest.mark.parametrize("floor", [0.0, 1e-6])
def test_the_exercise(floor):
    trace = gaussian.run(SIX["X"], Params(components=2, steps=10, floor=floor), *START)
    near(trace.responsibility[0], SIX["delta"], 1e-15)
    near(trace.weights[1], SIX["pi1"])
    near(trace.means[1], SIX["mu1"])
    near(trace.covariances[1], SIX["Sigma1"])
    near(trace.log_likelihood[:2], [SIX["loglik0"], SIX["loglik1"]])
    near(trace.log_likelihood, SIX["loglik_traj"])
    assert gaussian.PRESETS["exercise"].data["X"] == SIX["X"]


def test_the_collapse_gains_as_the_derivation_says():
    """A component on one point: from variance 1e-2 to 1e-4 it gains 2 log 10 for that point."""
    X = np.array([[0.0, 0], [1, 0], [0, 1], [9, 9]])
    rows = []
    for v in (1e-2, 1e-4):
        covariances = [np.eye(2), v * np.eye(2)]
        start = ([0.5, 0.5], [[0.3, 0.3], [9, 9]], covariances)
        rows.append(gaussian.run(X, Params(components=2, steps=1), *start).log_likelihood[0])
    near(rows[1] - rows[0], 2 * math.log(10), 1e-9)


# Theorems over the run

params = st.builds(
    Params,
    components=st.integers(1, 4),
    covariance=st.sampled_from(FAMILIES),
    steps=st.integers(1, 25),
    seed=st.integers(0, 50),
    floor=st.sampled_from([1e-6, 1e-3, 0.5]),
    held=st.sampled_from([0.0, 0.0, 0.0, 0.2]),
)
coordinate = st.floats(-8, 8).map(lambda v: round(v, 2))
points = st.tuples(st.integers(1, 12), st.integers(1, 3)).flatmap(
    lambda shape: arrays(float, shape, elements=coordinate)
)


@settings(max_examples=80, deadline=None)
@given(points, params)
def test_the_bound_lies_between_two_likelihoods(X, p):
    trace = gaussian.run(X, p)
    size = 1e-10 * np.maximum(1, abs(trace.log_likelihood[1:]))
    assert (trace.log_likelihood[:-1] <= trace.bound[1:] + size).all()
    assert (trace.bound[1:] <= trace.log_likelihood[1:] + size).all()
    assert trace.bound[0] == trace.log_likelihood[0]
    assert len(trace) == p.steps + 1


@settings(max_examples=40, deadline=None)
@given(points, params)
def test_shares_sum_to_one_and_the_mean_is_kept(X, p):
    trace = gaussian.run(X, p)
    near(trace.responsibility.sum(axis=2), 1)
    near(trace.weights.sum(axis=1), 1)
    mean = (trace.weights[1:, :, None] * trace.means[1:]).sum(axis=1)
    near(mean, np.broadcast_to(X.mean(axis=0), mean.shape), 1e-11)


@settings(max_examples=40, deadline=None)
@given(points, params)
def test_no_variance_falls_below_the_floor_and_families_keep_their_form(X, p):
    sigma = gaussian.run(X, p).covariances
    D = X.shape[1]
    if p.held:
        near(sigma, np.broadcast_to(p.held * np.eye(D), sigma.shape), 0)
        return
    values = np.linalg.eigvalsh(sigma)
    assert (values[..., 0] >= p.floor - 1e-14 * values[..., -1]).all()
    near(sigma, np.swapaxes(sigma, -1, -2), 1e-12)
    off = sigma[..., ~np.eye(D, dtype=bool)]
    if p.covariance in ("diag", "spherical"):
        assert not off.any()
    if p.covariance == "spherical":
        diagonal = np.einsum("...dd->...d", sigma)
        near(diagonal, np.broadcast_to(diagonal[..., :1], diagonal.shape), 0)
    if p.covariance == "tied":
        near(sigma, np.broadcast_to(sigma[:, :1], sigma.shape), 0)


@settings(max_examples=25, deadline=None)
@given(points, params)
def test_the_certificate_holds_whatever_is_asked(X, p):
    certificate = gaussian.certify(gaussian.run(X, p))
    assert certificate.holds, str(certificate)


@pytest.mark.parametrize("covariance", FAMILIES)
def test_a_shift_moves_the_means_and_nothing_else(covariance):
    X, p = cloud(1), Params(components=2, covariance=covariance, steps=12)
    here, far = gaussian.run(X, p), gaussian.run(X + np.array([1e6, -3e6]), p)
    near(far.means - [1e6, -3e6], here.means, 1e-8)
    near(far.covariances, here.covariances, 1e-8)
    near(far.responsibility, here.responsibility, 1e-7)
    near(far.log_likelihood, here.log_likelihood, 1e-6)


@pytest.mark.parametrize("covariance", FAMILIES)
def test_renaming_the_components_renames_the_result(covariance):
    X, p = cloud(2), Params(components=3, covariance=covariance, steps=10)
    base = gaussian.run(X, p)
    order = [2, 0, 1]
    start = (base.weights[0][order], base.means[0][order], base.covariances[0][order])
    other = gaussian.run(X, p, *start)
    near(other.means, base.means[:, order], 1e-10)
    near(other.responsibility, base.responsibility[:, :, order], 1e-10)


def test_the_order_of_the_points_does_not_matter():
    X, p, start = cloud(3), Params(components=2, steps=9), ([0.5, 0.5], [[0, 0], [3, 3]])
    there, back = gaussian.run(X, p, *start), gaussian.run(X[::-1], p, *start)
    near(there.means, back.means, 1e-11)
    near(there.responsibility, back.responsibility[:, ::-1], 1e-10)


def test_rotating_full_covariances_rotates_the_result():
    X, p = cloud(4), Params(components=2, steps=8)
    base = gaussian.run(X, p)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    start = (base.weights[0], base.means[0] @ turn.T, turn @ base.covariances[0] @ turn.T)
    other = gaussian.run(X @ turn.T, p, *start)
    near(other.means, base.means @ turn.T, 1e-10)
    near(other.covariances, turn @ base.covariances @ turn.T, 1e-10)


# Other routes


def plain(X, pi, mu, sigma, steps, ddof_mean=None):
    """EM as one writes it first, with scipy's densities."""
    for _ in range(steps):
        log = np.stack(
            [
                np.log(w) + multivariate_normal(m, s).logpdf(X)
                for w, m, s in zip(pi, mu, sigma, strict=True)
            ],
            1,
        )
        q = np.exp(log - logsumexp(log, axis=1, keepdims=True))
        counts = q.sum(0)
        pi, mu = counts / len(X), q.T @ X / counts[:, None]
        sigma = [(q[:, k, None] * (X - m)).T @ (X - m) / counts[k] for k, m in enumerate(mu)]
    return pi, mu, sigma


@pytest.mark.parametrize("D", [2, 5, 10])
def test_a_plain_loop_gives_the_same(D):
    X = cloud(5, 90, D)
    trace = gaussian.run(X, Params(components=2, steps=7, floor=0.0))
    pi, mu, sigma = plain(X, trace.weights[0], trace.means[0], trace.covariances[0], 7)
    near(trace.weights[-1], pi, 1e-10)
    near(trace.means[-1], mu, 1e-10)
    near(trace.covariances[-1], sigma, 1e-10)


@pytest.mark.parametrize("covariance", FAMILIES)
def test_scikit_learn_gives_the_same(covariance):
    from sklearn.mixture import GaussianMixture

    X, steps = cloud(6, 80, 3), 6
    trace = gaussian.run(X, Params(components=2, covariance=covariance, steps=steps, floor=0.0))
    inverse = np.linalg.inv(trace.covariances[0])
    starts = {
        "full": inverse,
        "diag": np.einsum("kdd->kd", inverse),
        "spherical": inverse[:, 0, 0],
        "tied": inverse[0],
    }
    peer = GaussianMixture(
        2, covariance_type=covariance, tol=0, max_iter=steps, reg_covar=0,
        weights_init=trace.weights[0], means_init=trace.means[0],
        precisions_init=starts[covariance],
    )  # fmt: skip
    with pytest.warns(UserWarning, match="did not converge"):
        peer.fit(X)
    near(trace.means[-1], peer.means_, 1e-9)
    near(trace.weights[-1], peer.weights_, 1e-9)
    near(trace.log_likelihood[-1], peer.score(X) * len(X), 1e-8)


@pytest.mark.parametrize("name", ["clouds", "moons", "floor"])
def test_every_m_step_is_a_stationary_point_of_the_bound(name):
    import torch

    trace = preset(name)
    X = torch.tensor(trace.X)
    for t in range(0, len(trace) - 1, 5):
        q = torch.tensor(trace.responsibility[t])
        mu = torch.tensor(trace.means[t + 1], requires_grad=True)
        odds = torch.tensor(np.log(trace.weights[t + 1]), requires_grad=True)
        sigma = torch.tensor(trace.covariances[t + 1], requires_grad=True)
        normal = torch.distributions.MultivariateNormal(mu, (sigma + sigma.mT) / 2)
        joint = torch.log_softmax(odds, 0) + normal.log_prob(X[:, None])
        bound = (torch.special.xlogy(q, q) * -1 + q * joint).sum()
        bound.backward()
        near(bound.item(), trace.bound[t + 1], 1e-9)
        near(mu.grad, 0, 1e-8)
        near(odds.grad, 0, 1e-10)
        if name != "floor":  # there the floor may hold what would go on
            near(sigma.grad, 0, 1e-8)


def test_responsibilities_against_scipy():
    trace = preset("moons")
    for t in (0, 3, len(trace) - 1):
        log = np.stack(
            [np.log(trace.weights[t, k])
             + multivariate_normal(trace.means[t, k], trace.covariances[t, k]).logpdf(trace.X)
             for k in range(2)], axis=1
        )  # fmt: skip
        total = logsumexp(log, axis=1)
        near(trace.responsibility[t], np.exp(log - total[:, None]), 1e-12)
        near(trace.log_likelihood[t], total.sum(), 1e-10)


@pytest.mark.parametrize("covariance", FAMILIES)
def test_torch_computes_the_same(covariance):
    p = Params(components=3, covariance=covariance, steps=15)
    X = gaussian.PRESETS["clouds"].data["X"]
    here, there = gaussian.run(X, p), gaussian.run(X, p, device=TORCH_ON_CPU)
    assert there.device == TORCH_ON_CPU
    for name in FIELDS:
        near(getattr(there, name), getattr(here, name), 1e-10)


def test_small_held_variances_end_where_lloyd_stands_still():
    trace = preset("k-means")
    label = ((trace.X[:, None] - trace.means[-1]) ** 2).sum(-1).argmin(axis=1)
    near(trace.means[-1], np.stack([trace.X[label == k].mean(axis=0) for k in range(3)]), 1e-6)
    np.testing.assert_array_equal(trace.responsibility[-1].argmax(axis=1), label)
    assert (trace.responsibility[-1].max(axis=1) > 0.999).all()


def test_equal_weights_and_a_tiny_variance_are_lloyd_to_the_last_digit():
    X, start = cloud(7), ([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]])
    trace = gaussian.run(X, Params(components=2, steps=6, held=1e-5), *start)
    centres = np.array(start[1])
    for t in range(1, 7):
        label = ((X[:, None] - centres) ** 2).sum(-1).argmin(axis=1)
        centres = np.stack([X[label == k].mean(axis=0) for k in range(2)])
        near(trace.means[t], centres, 1e-12)


def test_keeping_the_last_responsibilities_only():
    X, p = cloud(8), Params(components=2, steps=9)
    whole, last = gaussian.run(X, p), gaussian.run(X, p, keep="last")
    assert last.responsibility.shape == (1, 40, 2)
    near(last.responsibility[0], whole.responsibility[-1], 0)
    for name in ("weights", "means", "covariances", "log_likelihood", "bound"):
        near(getattr(last, name), getattr(whole, name), 0)
    assert gaussian.certify(last).holds
    with pytest.raises(DataError, match="its other responsibilities are gone"):
        gaussian.following(last)


# The certificate


@pytest.mark.parametrize("name", gaussian.PRESETS)
def test_every_preset_is_certified(name):
    certificate = gaussian.certify(preset(name))
    assert certificate.holds, str(certificate)
    assert certificate.count > 300


def off(trace, field, index, by=1e-6):
    values = getattr(trace, field).copy()
    values[index] += by
    return dataclasses.replace(trace, **{field: values})


@pytest.mark.parametrize(
    ("field", "index", "symbol"),
    [
        ("responsibility", (4, 2, 0), r"\delta_{ik}"),
        ("responsibility", (4, 2, 0), r"\sum_k \delta_{ik}"),
        ("log_likelihood", 3, r"\log L"),
        ("weights", (3, 1), r"\hat\pi_k"),
        ("means", (3, 0, 1), r"\hat\mu_k"),
        ("means", (3, 0, 1), r"\sum_k \hat\pi_k \hat\mu_k"),
        ("covariances", (3, 1, 0, 0), r"\hat\Sigma_k"),
    ],
)
def test_the_certificate_sees_one_wrong_number(field, index, symbol):
    certificate = gaussian.certify(off(preset("exercise"), field, index))
    assert symbol in {check.name for check in certificate.checks if not check.holds}


def test_the_certificate_sees_a_likelihood_that_falls_and_a_bound_that_leaves():
    trace = preset("exercise")  # nothing moves at the end
    for field, by, name in (
        ("log_likelihood", -1e-6, r"\log L^{t+1} - \log L^t"),
        ("bound", -1e-6, r"F - \log L^t"),
        ("bound", 1e-6, r"\log L^{t+1} - F"),
    ):
        checks = gaussian.certify(off(trace, field, -1, by)).checks
        assert name in {check.name for check in checks if not check.holds}


def test_the_certificate_stays_bounded_and_says_so():
    X = cloud(9, 4000)
    certificate = gaussian.certify(gaussian.run(X, Params(components=4, steps=200)))
    assert certificate.holds, str(certificate)
    assert "places" in str(certificate)
    assert "steps" in str(certificate)


# Slips


@pytest.mark.parametrize("slip", gaussian.SLIPS)
def test_each_slip_turns_the_certificate_red_and_lights_what_it_changes(slip):
    trace, slip = preset("clouds"), gaussian.SLIPS[slip]
    assert not gaussian.certify(trace, slip).holds
    shown, masks = gaussian.slipped(trace, slip), gaussian.wrong_cells(trace, slip)
    for field in ("weights", "means", "covariances", "responsibility"):
        a, b = getattr(trace, field), getattr(shown, field)
        np.testing.assert_array_equal(masks[field], abs(a - b) > 1e-9 * np.maximum(1, abs(a)))
        assert masks[field].any()
    assert not masks["means"][0].any()


def test_the_old_mean_adds_just_the_square_of_the_move():
    trace = gaussian.run(SIX["X"], Params(components=2, steps=1), *START)
    shown = gaussian.slipped(trace, gaussian.SLIPS["old-mean"])
    move = trace.means[1] - trace.means[0]
    near(shown.covariances[1] - trace.covariances[1], move[:, :, None] * move[:, None], 1e-14)
    near(shown.means[1], trace.means[1], 0)


def test_the_old_mean_hides_while_the_means_stand_still():
    end = gaussian.run(SIX["X"], Params(components=2, steps=60), *START).at(-1)
    still = gaussian.run(
        SIX["X"], Params(components=2, steps=5), end.weights, end.means, end.covariances
    )
    assert gaussian.certify(still, gaussian.SLIPS["old-mean"]).holds
    assert gaussian.certify(preset("k-means"), gaussian.SLIPS["old-mean"]).holds


def test_the_determinant_hides_where_all_are_equally_large():
    case = gaussian.PRESETS["clouds"]
    tied = gaussian.run(**case.data, params=dataclasses.replace(case.params, covariance="tied"))
    assert gaussian.certify(tied, gaussian.SLIPS["no-determinant"]).holds
    assert not any(
        m.any() for m in gaussian.wrong_cells(tied, gaussian.SLIPS["no-determinant"]).values()
    )


def test_the_weight_hides_while_all_weights_are_equal():
    X = np.array([[-3.0, 0], [-2, 1], [-2, -1], [3, 0], [2, 1], [2, -1]])
    mirrored = ([0.5, 0.5], [[-1, 0], [1, 0]], [np.eye(2), np.eye(2)])
    trace = gaussian.run(X, Params(components=2, steps=8), *mirrored)
    near(trace.weights, 0.5)
    assert gaussian.certify(trace, gaussian.SLIPS["no-weight"]).holds


def test_slips_of_the_e_step_are_what_they_say():
    trace = preset("clouds")
    start = (np.array([0.2, 0.3, 0.5]), trace.means[0], 4.0 * trace.covariances[0])
    start[2][1] *= 0.3
    other = gaussian.run(trace.X, Params(steps=1), *start)
    density = np.stack(
        [multivariate_normal(m, s).pdf(trace.X) for m, s in zip(*start[1:], strict=True)], 1
    )
    bare = gaussian.slipped(other, gaussian.SLIPS["no-weight"]).responsibility[0]
    near(bare, density / density.sum(1, keepdims=True))
    flat = density * np.sqrt(np.linalg.det(start[2])) * start[0]
    shown = gaussian.slipped(other, gaussian.SLIPS["no-determinant"]).responsibility[0]
    near(shown, flat / flat.sum(1, keepdims=True))


def test_an_unknown_slip_is_refused():
    unknown = dataclasses.replace(gaussian.SLIPS["old-mean"], name="none")
    with pytest.raises(KeyError):
        gaussian.slipped(preset("exercise"), unknown)


# What a page shows


def computed(line, t):
    """The substituted formula as Python computes it."""
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", line.substituted)
    text = re.sub(r"\\(left|right)", "", text).replace(r"\cdot", "*").replace(r"\max", "max")
    values = {k: v if np.ndim(v) == 0 else v[t] for k, v in line.numbers.items()}
    return eval(SLOT.sub(lambda m: f"({float(values[m[1]])!r})", text), {"max": max})


CASES = [
    (name, covariance)
    for name in ("clouds", "exercise", "floor", "k-means")
    for covariance in FAMILIES
]


@pytest.mark.parametrize(("name", "covariance"), CASES)
def test_what_is_substituted_computes_to_what_is_said(name, covariance):
    case = gaussian.PRESETS[name]
    trace = gaussian.run(
        **case.data, params=dataclasses.replace(case.params, covariance=covariance)
    )
    for i, k, d in ((0, 0, 0), (3, 1, 1)):
        for line in gaussian.working(trace, None, i, k, d):
            if line.name == "density":
                want = np.exp(-line.numbers["half"]) / line.numbers["root"]
                np.testing.assert_allclose(line.value, want, rtol=1e-9, atol=1e-300)
                continue
            for t in range(0, len(trace), 4):
                numbers = {n: np.ravel(v) for n, v in line.numbers.items()}
                if line.name == "responsibility" and numbers["all"][t] < 1e-280:
                    continue  # the densities themselves are rounded away
                assert computed(line, t) == pytest.approx(line.value[t], rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("slip", gaussian.SLIPS)
def test_with_a_slip_the_working_computes_the_mistake(slip):
    slip = gaussian.SLIPS[slip]
    shown = gaussian.slipped(preset("clouds"), slip)
    lines = gaussian.working(shown, slip, 64, 1, 0)
    assert any(line.printed for line in lines)
    for line in lines:
        if line.name != "density":
            for t in (0, 7, len(shown) - 1):
                assert computed(line, t) == pytest.approx(line.value[t], rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("name", gaussian.PRESETS)
def test_every_line_is_complete_mathml_and_says_the_next_state(name):
    trace = preset(name)
    lines = {line.name: line for line in gaussian.working(trace, None, 1, 1, 1)}
    near(lines["weight"].value[:-1], trace.weights[1:, 1])
    near(lines["mean"].value[:-1], trace.means[1:, 1, 1])
    near(lines["responsibility"].value, trace.responsibility[:, 1, 1])
    if "variance" in lines:
        near(lines["variance"].value[:-1], trace.covariances[1:, 1, 1, 1])
    for line in lines.values():
        assert np.shape(line.value) == (len(trace),)
        assert rf"\tag{{{line.tag}}}" in gaussian.__doc__
        for step in (0, len(trace) - 1):
            text = convert(line.tex(step))
            assert "@" not in text
            assert "\\" not in text


def test_questions_know_the_answer_and_the_likely_mistakes():
    trace = preset("exercise")
    share, weight, mean, variance = gaussian.questions(trace, 0, 2, 1, 0)
    assert judge(share, SIX["delta"][2][1]).right
    assert judge(weight, SIX["pi1"][1]).right
    assert judge(mean, SIX["mu1"][1][0]).right
    assert judge(variance, SIX["Sigma1"][1][0][0]).right
    q, X = np.array(SIX["delta"])[:, 1], np.array(SIX["X"])
    old = q @ (X[:, 0] - 4) ** 2 / q.sum()
    assert "old mean" in judge(variance, float(old)).sentence
    assert "divide by N_k" in judge(mean, float(q @ X[:, 0])).sentence
    assert "number of points" in judge(weight, float(q.sum())).sentence
    assert "others" in judge(share, 1 - SIX["delta"][2][1]).sentence


@pytest.mark.parametrize("name", gaussian.PRESETS)
def test_no_mistake_is_taken_for_the_answer(name):
    trace = preset(name)
    for step in range(0, len(trace), 3):
        for question in gaussian.questions(trace, step, 2, 1, 0):
            assert judge(question, question.value).right
            assert question.step == step
            assert not any(math.isnan(v) for v in question.mistakes.values())


@pytest.mark.parametrize("name", ["clouds", "exercise", "k-means", "moons"])
def test_the_bound_touches_the_likelihood_and_peaks_at_the_next(name):
    trace = preset(name)
    cut = gaussian.slice_at(trace, points=31)
    assert cut.place.shape == (len(trace), 31)
    assert np.isfinite(cut.bound).all()
    assert (cut.bound <= cut.log_likelihood + 1e-6).all()
    zero, one = np.searchsorted(cut.place[0], [0, 1])
    near(cut.bound[:, zero], 0, 1e-5)
    moving = abs(cut.gain) > 1e-6
    near(cut.log_likelihood[moving][:, one], 1, 1e-9)
    top = cut.bound.max(axis=1)
    near(cut.bound[moving][:, one], top[moving], 1e-6)


def test_the_slice_holds_equation_4_between_the_states():
    trace = preset("exercise")
    cut = gaussian.slice_at(trace, points=5)
    rise = trace.log_likelihood[1] - trace.log_likelihood[0]
    near(cut.gain[0], rise, 1e-9)
    one = np.searchsorted(cut.place[0], 1)
    near(cut.bound[0, one], (trace.bound[1] - trace.log_likelihood[0]) / rise, 1e-9)


# Edges and bad input

EDGES = {
    "all zero": np.zeros((5, 2)),
    "one point": [[3.0, 4.0]],
    "a constant column": np.stack([np.arange(6.0), np.full(6, 2.0)], 1),
    "duplicates": [[1.0, 2]] * 4 + [[5.0, 6]] * 3,
    "one column": [[1.0], [2.0], [9.0], [10.0]],
    "large": np.random.default_rng(0).normal(size=(9, 2)) * 1e8,
    "large and far": np.random.default_rng(0).normal(size=(9, 2)) + 1e8,
    "on a line": np.outer(np.arange(7.0), [1, 2]),
}


@pytest.mark.parametrize("covariance", FAMILIES)
@pytest.mark.parametrize("X", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("components", [1, 9])
def test_the_edges_are_finite_and_certified(X, covariance, components):
    p = Params(components=components, covariance=covariance, steps=12)
    trace = gaussian.run(X, p)
    for name in FIELDS:
        assert np.isfinite(getattr(trace, name)).all(), name
    certificate = gaussian.certify(trace)
    assert certificate.holds, str(certificate)
    gaussian.working(trace)
    gaussian.questions(trace, 0)
    assert np.isfinite(gaussian.slice_at(trace, points=5).log_likelihood).all()
    for slip in gaussian.SLIPS.values():
        gaussian.certify(trace, slip)


def test_without_a_floor_a_collapse_ends_the_run_at_the_last_density():
    trace = preset("collapse")
    assert trace.stop is GaussianStop.SINGULAR
    assert len(trace) < trace.params.steps + 1
    for name in FIELDS:
        assert np.isfinite(getattr(trace, name)).all()
        assert len(getattr(trace, name)) == len(trace)
    assert trace.log_likelihood[-1] > 100
    with pytest.raises(DataError, match="a larger floor helps"):
        gaussian.run([[1.0, 2]] * 3, Params(components=1, floor=0.0))


def test_why_it_stopped():
    assert preset("floor").stop is GaussianStop.FLOOR
    assert preset("clouds").stop is GaussianStop.SETTLED
    assert preset("moons").stop is GaussianStop.STEPS
    assert gaussian.run(SIX["X"], Params(components=1)).stop is GaussianStop.ONE
    alike = ([0.5, 0.5], [[1, 1], [1, 1]])
    assert gaussian.run(SIX["X"], Params(components=2), *alike).stop is GaussianStop.ALIKE
    assert all(s.value.endswith(".") and len(s.value) < 160 for s in GaussianStop)


def test_one_component_lands_on_mean_and_covariance():
    X = cloud(10)
    trace = gaussian.run(X, Params(components=1, steps=3))
    near(trace.means[1:, 0], np.broadcast_to(X.mean(axis=0), (3, 2)))
    near(trace.covariances[1:, 0], np.broadcast_to(np.cov(X.T, ddof=0), (3, 2, 2)))


def test_the_family_keeps_of_a_start_what_it_can():
    for covariance, want in (("diag", np.diag([2.0, 1.0])), ("spherical", 1.5 * np.eye(2))):
        p = Params(components=2, covariance=covariance, steps=1)
        near(gaussian.run(SIX["X"], p, *START).covariances[0, 1], want, 0)
    tied = gaussian.run(SIX["X"], Params(components=2, covariance="tied", steps=1), *START)
    near(tied.covariances[0, 0], [[1.5, 0.25], [0.25, 1.0]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([1.0, 2.0],), "X must have 2 dimensions, got 1."),
        (([[1.0, math.nan]],), "X must be numbers in"),
        (([[1.0, 1e308]],), "X must be numbers in"),
        (([[1.0, "a"]],), "X must be numbers only."),
        (([],), "X must have 2 dimensions, got 1."),
        ((np.zeros((0, 2)),), "X is empty"),
        ((np.zeros((2, 65)),), "X may have at most 64 columns, got 65."),
        ((np.zeros((200_000, 2)),), "X may hold at most 100,000 points"),
        ((SIX["X"], [0.5, 0.6]), "weights must sum to 1, got 1.1."),
        ((SIX["X"], [1.0]), "weights must be 2, one for each component, got 1."),
        ((SIX["X"], None, [[0, 0]]), "means must be 2 × 2, a row for each component"),
        ((SIX["X"], None, None, [np.eye(2)]), "covariances must be 2 × 2 × 2"),
        ((SIX["X"], None, None, [np.eye(2), [[1, 2], [0, 1]]]), "covariances must be symmetric"),
        ((SIX["X"], None, None, [np.eye(2), -np.eye(2)]), "covariances must be positive"),
    ],
)
def test_bad_data_is_named_in_one_sentence(data, message):
    p = Params(components=2, steps=24, floor=0.0)
    with pytest.raises(DataError) as error:
        gaussian.run(data[0], p, *data[1:])
    assert message in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"components": 0}, "gaussian.Params.components must lie in [1, 20], got 0."),
        ({"floor": -1.0}, "gaussian.Params.floor must lie in [0, 1e+06], got -1."),
        ({"covariance": "round"}, "must be one of full, diag, spherical, tied, got 'round'."),
    ],
)
def test_a_knob_out_of_bounds_is_named(knobs, message):
    with pytest.raises(ParamError) as error:
        Params(**knobs)
    assert message in str(error.value)


def test_keep_is_named_too():
    with pytest.raises(ParamError, match="keep must be all or last"):
        gaussian.run(SIX["X"], keep="none")


def test_the_caller_keeps_the_data_and_the_trace_is_frozen():
    X = np.array(SIX["X"], float)
    means = np.array([[0.0, 1], [4, 4]])
    trace = gaussian.run(X, Params(components=2), None, means)
    X[0] = means[0] = 99
    assert trace.X[0, 0] == 0
    assert trace.means[0, 0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        trace.means[0, 0, 0] = 0.1


def test_the_derivation_is_numbered_and_convertible():
    blocks = gaussian.__doc__.split("$$")[1::2]
    tags = [int(b.split(r"\tag{")[1].split("}")[0]) for b in blocks]
    assert tags == list(range(1, len(tags) + 1))
    for block in blocks:
        assert "\\" not in convert(block.split(r"\tag")[0])


def test_importing_the_module_imports_neither_torch_nor_scipy():
    code = (
        "import sys; from engine.mixtures import gaussian; gaussian.restarts([[1, 2], [3, 5], "
        "[2, 2]], gaussian.Params(components=2, steps=2), 3);"
        "assert not {'torch', 'scipy', 'mpmath'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
