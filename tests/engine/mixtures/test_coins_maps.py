"""Many starts in one batch: the same as one run at a time, on NumPy and on torch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.mixtures import coins, coins_maps
from engine.mixtures.coins_sets import distinct, sets
from engine.params import ParamError

CLASSIC = [5, 9, 8, 4, 7]
UNEQUAL = coins.PRESETS["unequal"].data
FREE = coins.PRESETS["free"].data["heads"]


def near(got, want, tolerance=1e-10):
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


CASES = [
    (CLASSIC, 10, "fixed"),
    (UNEQUAL["heads"], UNEQUAL["tosses"], "fixed"),
    (FREE, 10, "free"),
    ([0, 10, 10, 0], 10, "free"),
    ([10, 10], 10, "fixed"),
    ([310_000, 700_000, 520_000], 1_000_000, "fixed"),
]


@pytest.mark.parametrize(("heads", "tosses", "mixing"), CASES)
def test_each_cell_is_one_run(heads, tosses, mixing):
    grid, steps = 12, 60
    b = coins.basins(heads, tosses, grid, steps, mixing)
    at = [(k + 0.5) / grid for k in range(grid)]
    for i, j in [(0, 0), (7, 2), (2, 7), (11, 3), (5, 5), (0, 11), (10, 9)]:
        params = coins.Params(start=(at[i], at[j]), steps=steps, mixing=mixing)
        trace = coins.run(heads, tosses, params)
        near(b.limit[i, j], trace.theta[-1])
        near(b.mixing[i, j], trace.mixing[-1])
        size = max(1, abs(trace.log_likelihood[-1]))
        near(b.log_likelihood[i, j] / size, trace.log_likelihood[-1] / size)
        assert abs(b.steps_needed[i, j] - trace.settled) <= 1


@pytest.mark.parametrize("mixing", ["fixed", "free"])
@pytest.mark.parametrize("steps", [3, 100])
def test_the_mirrored_half_equals_the_whole_square(mixing, steps):
    grid = 15
    b = coins.basins(FREE, 10, grid, steps, mixing)
    at = (np.arange(grid) + 0.5) / grid
    whole = np.stack(np.meshgrid(at, at, indexing="ij")).reshape(2, -1)
    data = distinct(*sets(FREE, 10))
    end = coins_maps.climb(data, whole, steps, mixing == "free", "cpu").reshape(6, grid, grid)
    near(b.limit, np.moveaxis(end[:2], 0, -1))
    near(b.mixing, np.moveaxis(end[2:4], 0, -1))
    near(b.log_likelihood, end[5])
    assert abs(b.steps_needed - end[4]).max() <= 1


def test_golden_limit_from_all_sides():
    b = coins.basins(CLASSIC, 10, 40)
    a, c = np.meshgrid(*[np.arange(40)] * 2, indexing="ij")
    limit = np.array([0.796789066923, 0.519583120145])  # Do & Batzoglou 2008, direct maximisation
    near(b.limit[a > c], np.broadcast_to(limit, (780, 2)))
    near(b.limit[a < c], np.broadcast_to(limit[::-1], (780, 2)))
    near(b.limit[a == c], 0.66)
    assert (b.steps_needed[a == c] == 1).all()
    near(b.log_likelihood[a != c], -9.796924292222)
    assert b.device == "cpu"


@pytest.mark.parametrize(("heads", "tosses", "mixing"), CASES)
def test_torch_agrees_with_numpy(heads, tosses, mixing):
    by_numpy = coins.basins(heads, tosses, 10, 80, mixing, device="cpu")
    by_torch = coins.basins(heads, tosses, 10, 80, mixing, device=TORCH_ON_CPU)
    near(by_torch.limit, by_numpy.limit)
    near(by_torch.mixing, by_numpy.mixing)
    np.testing.assert_allclose(by_torch.log_likelihood, by_numpy.log_likelihood, rtol=1e-10)
    assert abs(by_torch.steps_needed - by_numpy.steps_needed).max() <= 1
    assert by_torch.device == TORCH_ON_CPU


def test_neither_chunks_nor_leaving_early_change_a_number(monkeypatch):
    usual = coins.basins(FREE, 10, 20, 90, "free")
    monkeypatch.setattr(coins_maps, "CACHE", 700)
    monkeypatch.setattr(coins_maps, "LOOK", 10**9)
    slow = coins.basins(FREE, 10, 20, 90, "free")
    near(usual.limit, slow.limit)
    assert abs(usual.steps_needed - slow.steps_needed).max() <= 1
    near(usual.log_likelihood, slow.log_likelihood)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=12),
    st.sampled_from(["fixed", "free"]),
)
def test_collapsing_equal_sets_changes_nothing(pairs, mixing):
    heads, tosses = [min(p) for p in pairs], [p[1] for p in pairs]
    b = coins.basins(heads, tosses, 3, 25, mixing)
    trace = coins.run(heads, tosses, coins.Params(start=(5 / 6, 0.5), steps=25, mixing=mixing))
    near(b.limit[2, 1], trace.theta[-1], 1e-9)
    near(b.log_likelihood[2, 1], trace.log_likelihood[-1], 1e-9)


def test_surface_is_the_likelihood_of_a_run_that_starts_there():
    heights = coins.surface(UNEQUAL["heads"], UNEQUAL["tosses"], 10)
    for i, j in [(0, 9), (4, 4), (7, 2), (9, 0)]:
        start = ((i + 0.5) / 10, (j + 0.5) / 10)
        trace = coins.run(**UNEQUAL, params=coins.Params(start=start, steps=1))
        near(heights[i, j], trace.log_likelihood[0], 1e-9)
    near(heights, heights.T, 1e-9)


def test_surface_takes_the_mixing_weight():
    heights = coins.surface(CLASSIC, 10, 20, mixing=0.3)
    near(heights, coins.surface(CLASSIC, 10, 20, mixing=0.7).T, 1e-10)
    x, a, b = np.array(CLASSIC), 0.775, 0.525
    ways = np.array([252, 10, 45, 210, 120])
    each = 0.3 * a**x * (1 - a) ** (10 - x) + 0.7 * b**x * (1 - b) ** (10 - x)
    near(heights[15, 10], np.log(ways * each).sum(), 1e-10)


def test_no_point_of_the_surface_lies_above_the_limit_of_em():
    top = coins.surface(CLASSIC, 10, 300).max()
    assert -9.796924292222 - 1e-3 < top <= -9.796924292222 + 1e-9


def test_the_best_restart_is_the_maximum():
    params = coins.Params(steps=40, mixing="free")
    r = coins.restarts(FREE, 10, params, 50, seed=3)
    assert r.starts.shape == r.limits.shape == (50, 2)
    assert ((r.starts > 0) & (r.starts < 1)).all()
    near(r.best.log_likelihood[-1], r.log_likelihood.max(), 1e-9)
    k = int(r.log_likelihood.argmax())
    near(r.best.theta[0], r.starts[k], 0)
    near(r.best.theta[-1], r.limits[k])
    for i in range(0, 50, 10):
        one = coins.run(
            FREE, 10, coins.Params(start=tuple(r.starts[i].tolist()), steps=40, mixing="free")
        )
        near(one.log_likelihood[-1], r.log_likelihood[i], 1e-9)


def test_results_are_read_only():
    b = coins.basins(CLASSIC, 10, 4)
    r = coins.restarts(CLASSIC, 10, coins.Params(steps=2), 3)
    cut = coins.slice_at(r.best, 7)
    for part in (b.limit, b.mixing, b.log_likelihood, b.steps_needed, r.starts, r.limits):
        assert not part.flags.writeable
    assert not cut.bound.flags.writeable
    np.testing.assert_array_equal(cut.at(1).bound, cut.bound[1])


def test_the_seed_decides_the_starts():
    params = coins.Params(steps=5)
    first = coins.restarts(CLASSIC, 10, params, 8, seed=1)
    again = coins.restarts(CLASSIC, 10, params, 8, seed=1)
    other = coins.restarts(CLASSIC, 10, params, 8, seed=2)
    assert (first.limits == again.limits).all()
    assert not (first.starts == other.starts).any()
    torched = coins.restarts(CLASSIC, 10, params, 8, seed=1, device=TORCH_ON_CPU)
    near(torched.limits, first.limits)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: coins.basins(CLASSIC, 10, grid=1),
            ParamError,
            "coins_maps.Asked.grid must lie in [2, 1000], got 1.",
        ),
        (
            lambda: coins.basins(CLASSIC, 10, steps=0),
            ParamError,
            "coins_maps.Asked.steps must lie in [1, 10000], got 0.",
        ),
        (
            lambda: coins.basins(CLASSIC, 10, mixing="both"),
            ParamError,
            "coins_maps.Asked.mixing must be one of fixed, free, got 'both'.",
        ),
        (
            lambda: coins.surface(CLASSIC, 10, mixing=1.0),
            ParamError,
            "coins_maps.Asked.weight must lie in (0, 1), got 1.",
        ),
        (
            lambda: coins.restarts(CLASSIC, 10, coins.Params(), 0),
            ParamError,
            "coins_maps.Asked.count must lie in [1, 1e+06], got 0.",
        ),
        (
            lambda: coins.slice_at(coins.run(CLASSIC, 10), 2),
            ParamError,
            "coins_slice.Asked.points must lie in [3, 2001], got 2.",
        ),
        (
            lambda: coins.basins(CLASSIC, 10, device="tpu"),
            ParamError,
            "device must be one of auto, cpu, cuda, got 'tpu'.",
        ),
        (
            lambda: coins.basins([1, 2, 30], 10),
            DataError,
            "heads must be at most tosses, got 30 of 10 at place 3.",
        ),
        (
            lambda: coins.surface(range(501), 1000, grid=1000),
            DataError,
            "heads and tosses may make at most 500 different sets for 1,000,000 places, got 501.",
        ),
        (
            lambda: coins.basins(range(1251), 2000),
            DataError,
            "heads and tosses may make at most 1,250 different sets for 40,000 places, got 1,251.",
        ),
        (
            lambda: coins.restarts(range(51), 60, coins.Params(), 1_000_000),
            DataError,
            "heads and tosses may make at most 50 different sets for 1,000,000 places, got 51.",
        ),
    ],
)
def test_bad_requests_are_named(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message
