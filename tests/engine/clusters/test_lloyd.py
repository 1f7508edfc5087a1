"""Lloyd's algorithm: golden cases, theorems, two routes, and the octree against all pairs."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.clusters import lloyd, octree, starts
from engine.clusters.images import decibels
from engine.data import DataError
from engine.params import ParamError
from engine.trace import Trace

NORMS = ("l2", "l1")
each_norm = pytest.mark.parametrize("norm", NORMS)


def dense(x: np.ndarray, centres: np.ndarray, norm: str) -> np.ndarray:
    """All pairs at once, (N, K), summed over the coordinates from left to right."""
    gaps = x[:, None] - centres
    gaps = gaps * gaps if norm == "l2" else abs(gaps)
    total = np.zeros(gaps.shape[:2])
    for d in range(gaps.shape[2]):
        total = total + gaps[..., d]
    return total


def agrees_with_all_pairs(trace: lloyd.Lloyd) -> None:
    """Labels, sizes, distortion and every move of a run, from its own centres alone."""
    norm, w = trace.params.norm, trace.weights
    for t in range(len(trace)):
        at = trace.at(t)
        pairs = dense(trace.points, at.centres, norm)
        np.testing.assert_array_equal(at.labels, pairs.argmin(axis=1))
        own = pairs[np.arange(len(pairs)), at.labels]
        assert at.distortion == pytest.approx(w @ own, rel=1e-12, abs=1e-12)
        for k in range(trace.params.k):
            mine = at.labels == k
            assert at.sizes[k] == pytest.approx(w[mine].sum(), rel=1e-12)
            if t + 1 < len(trace) and not trace.reseeded[t + 1].any():
                moved = trace.centres[t + 1, k]
                if at.sizes[k] == 0:
                    np.testing.assert_array_equal(moved, at.centres[k])
                elif norm == "l2":
                    want = np.average(trace.points[mine], axis=0, weights=w[mine])
                    np.testing.assert_allclose(moved, want, rtol=1e-12, atol=1e-12)
                else:
                    repeated = np.repeat(trace.points[mine], w[mine].astype(int), axis=0)
                    np.testing.assert_array_equal(moved, np.median(repeated, axis=0))


# Golden.


@pytest.mark.parametrize("k", [2, 4, 8])
def test_the_sixteen_greys_end_as_in_exact_arithmetic(k: int, golden: dict) -> None:
    case = golden[f"s000.3.k{k}"]
    values = np.reshape(case["img"], (-1, 1))
    trace = lloyd.run(
        values, lloyd.Params(k=k, steps=10), centres=np.reshape(case["init"], (-1, 1))
    )
    np.testing.assert_allclose(trace.centres[-1].ravel(), case["centres"], rtol=1e-14)
    np.testing.assert_array_equal(trace.labels[-1], case["labels"])
    assert trace.distortion[-1] == pytest.approx(case["sse"], rel=1e-13)
    assert decibels(trace.distortion[-1] / 16) == pytest.approx(case["psnr"], rel=1e-13)
    assert trace.stop is lloyd.LloydStop.SETTLED


def test_eight_greys_keep_a_dead_centre_unless_it_is_reseeded(golden: dict) -> None:
    case = golden["s000.3.k8"]
    values, first = np.reshape(case["img"], (-1, 1)), np.reshape(case["init"], (-1, 1))
    kept = lloyd.run(values, lloyd.Params(k=8), centres=first)
    assert np.flatnonzero(kept.dead[-1]).tolist() == [4]
    assert kept.centres[-1, 4, 0] == pytest.approx(1020 / 7)
    seeded = lloyd.run(values, lloyd.Params(k=8, empty="reseed"), centres=first)
    assert seeded.reseeded.any()
    assert not seeded.dead[-1].any()
    assert seeded.distortion[-1] < kept.distortion[-1]


def test_a_bad_start_stays_in_its_local_optimum(golden: dict) -> None:
    case = golden["s000.3.k4"]
    trace = lloyd.run(
        np.reshape(case["img"], (-1, 1)), lloyd.Params(k=4), centres=[[12], [15], [18], [20]]
    )
    assert trace.distortion[-1] == pytest.approx(3189)


@pytest.mark.parametrize(("norm", "name", "cost"), [("l2", "mean", "sse"), ("l1", "median", "l1")])
def test_one_centre_is_the_mean_or_the_median(norm, name, cost, golden: dict) -> None:
    case = golden["s002.1"]
    trace = lloyd.run(case["X"], lloyd.Params(k=1, norm=norm))
    np.testing.assert_allclose(trace.centres[-1, 0], case[name], rtol=1e-15)
    assert trace.distortion[-1] == pytest.approx(case[cost], rel=1e-14)


@pytest.mark.parametrize(("norm", "name"), [("l2", "k-means"), ("l1", "k-medians")])
def test_the_seven_points_from_all_pairs_of_points_reach_the_optimum(norm, name, golden) -> None:
    case = golden[f"s002.1.{name}"]
    points = case["X"]
    runs = [
        lloyd.run(points, lloyd.Params(k=2, norm=norm), centres=pair)
        for pair in itertools.combinations(points, 2)
    ]
    best = min(runs, key=lambda run: run.distortion[-1])
    assert best.distortion[-1] == pytest.approx(case["objective"], rel=1e-14)
    groups = best.labels[-1] == best.labels[-1][0]
    np.testing.assert_array_equal(groups, np.equal(case["labels"], case["labels"][0]))


def test_an_even_count_takes_the_middle_of_the_medians(golden: dict) -> None:
    even = golden["s002.1"]["even"]
    trace = lloyd.run(np.reshape(even["x"], (-1, 1)), lloyd.Params(k=1, norm="l1"))
    assert trace.centres[-1, 0, 0] == np.mean(even["interval"])
    assert trace.distortion[-1] == even["value"]


# Theorems; hypothesis draws the clouds.


@st.composite
def clouds(draw, most: int = 40):
    """Points on a small grid, so that ties and copies are common, with whole weights."""
    n, dims = draw(st.integers(1, most)), draw(st.integers(1, 4))
    x = draw(arrays(np.float64, (n, dims), elements=st.integers(0, 6).map(float)))
    w = draw(arrays(np.float64, n, elements=st.integers(0, 4).map(float)))
    w[draw(st.integers(0, n - 1))] += 1
    k = draw(st.integers(1, 6))
    first = draw(arrays(np.float64, (k, dims), elements=st.integers(0, 12).map(lambda i: i / 2)))
    return x, w, first


@each_norm
@pytest.mark.parametrize("empty", ["keep", "reseed"])
@given(cloud=clouds())
@settings(max_examples=60)
def test_every_step_is_nearest_and_middle_and_never_rises(norm, empty, cloud) -> None:
    x, w, first = cloud
    params = lloyd.Params(k=len(first), norm=norm, steps=12, empty=empty)
    trace = lloyd.run(x, params, w, first)
    agrees_with_all_pairs(trace)
    assert (np.diff(trace.distortion) <= 1e-12 * trace.distortion[0]).all()
    np.testing.assert_array_equal(trace.centres[0], first)


@each_norm
@given(cloud=clouds(20))
@settings(max_examples=60)
def test_a_weight_is_that_many_copies(norm, cloud) -> None:
    x, w, first = cloud
    params = lloyd.Params(k=len(first), norm=norm, steps=8)
    weighted = lloyd.run(x, params, w, first)
    times = w.astype(int)
    copies = lloyd.run(np.repeat(x, times, axis=0), params, centres=first)
    assert len(weighted) == len(copies)
    np.testing.assert_allclose(weighted.centres, copies.centres, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(np.repeat(weighted.labels, times, axis=1), copies.labels)
    np.testing.assert_allclose(weighted.distortion, copies.distortion, rtol=1e-12, atol=1e-12)


@each_norm
@given(cloud=clouds(), scale=st.sampled_from([1.0, 40.0, 1 / 3]))
@settings(max_examples=60)
def test_the_octree_changes_nothing(norm, cloud, scale) -> None:
    x, w, first = cloud
    x, first = x[:, :3] * scale, first[:, :3] * scale
    params = lloyd.Params(k=len(first), norm=norm, steps=8)
    trace = lloyd.descend(x, w, first, params, octree.grown(x, w))
    agrees_with_all_pairs(trace)


# The octree at a size where it settles whole boxes.


@each_norm
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 5, 64, 256])
def test_many_points_are_labelled_as_by_all_pairs(norm: str, dims: int, k: int) -> None:
    rng = np.random.default_rng(k + dims)
    x = np.round(rng.normal(100, 20, (4000, dims)))
    w = rng.integers(0, 4, 4000).astype(float)
    first = rng.uniform(0, 200, (k, dims))
    trace = lloyd.run(x, lloyd.Params(k=k, norm=norm, steps=4), w, first)
    agrees_with_all_pairs(trace)


def test_a_tie_in_the_middle_of_a_box_goes_to_the_lower_index() -> None:
    line = np.stack([np.arange(4096) % 16, np.arange(4096) // 16 % 16, np.arange(4096) // 256], 1)
    first = np.array([[3.0, 7, 7], [11.0, 7, 7], [3.0, 7, 7]])
    for norm in NORMS:
        trace = lloyd.run(line, lloyd.Params(k=3, norm=norm, steps=0), centres=first)
        np.testing.assert_array_equal(trace.labels[0], line[:, 0] > 7)


@each_norm
def test_far_from_zero_nothing_is_lost(norm: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(0, 1, (3000, 3)) + 1e6
    trace = lloyd.run(x, lloyd.Params(k=7, norm=norm, start="plusplus", steps=5))
    for t in range(len(trace)):
        own = dense(x, trace.centres[t], norm).min(axis=1)
        assert trace.distortion[t] == pytest.approx(math.fsum(own), rel=1e-9)


# Agreement with scikit-learn.


@pytest.mark.parametrize("k", [2, 9])
def test_scikit_learn_takes_the_same_steps(k: int) -> None:
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(k)
    x = rng.normal(size=(500, 3)) + 3 * rng.integers(0, 3, (500, 1))
    w = rng.integers(1, 5, 500).astype(float)
    first = x[:k].copy()
    for steps in (1, 4, 300):
        theirs = KMeans(k, init=first, n_init=1, max_iter=steps, tol=0, algorithm="lloyd")
        theirs.fit(x, sample_weight=w)
        ours = lloyd.run(x, lloyd.Params(k=k, steps=steps), w, first)
        np.testing.assert_allclose(ours.centres[-1], theirs.cluster_centers_, atol=1e-10)
        np.testing.assert_array_equal(ours.labels[-1], theirs.labels_)
        assert ours.distortion[-1] == pytest.approx(theirs.inertia_, rel=1e-10)


def test_scikit_learn_reseeds_the_same_centre() -> None:
    from sklearn.cluster import KMeans

    x = np.array([[0.0], [1], [2], [10], [11], [30]])
    first = np.array([[1.0], [11.0], [500.0]])
    theirs = KMeans(3, init=first, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(x)
    ours = lloyd.run(x, lloyd.Params(k=3, steps=1, empty="reseed"), centres=first)
    np.testing.assert_allclose(ours.centres[1], theirs.cluster_centers_)
    np.testing.assert_array_equal(ours.reseeded, [[False] * 3, [False, False, True]])


# Starts.


@pytest.mark.parametrize("start", ["plusplus", "random"])
def test_a_drawn_start_is_different_points_by_its_seed(start: str) -> None:
    x = np.random.default_rng(0).integers(0, 50, (60, 2)).astype(float)
    x = np.unique(x, axis=0)
    w = np.ones(len(x))
    w[:20] = 0
    first, again, other = (starts.draw(x, w, 12, start, "l2", seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first, axis=0)) == 12
    assert {tuple(p) for p in first} <= {tuple(p) for p in x[20:]}


def test_plusplus_draws_by_weight_times_squared_distance() -> None:
    x, w = np.array([[0.0], [1.0], [3.0]]), np.array([1e9, 2.0, 1.0])
    seconds = [
        starts.plusplus(x, w, 2, "l2", np.random.default_rng(seed))[1, 0] for seed in range(2000)
    ]
    # After 0 the chances are 2 * 1 to 1 * 9; four standard errors of 2,000 draws are 0.035.
    assert np.mean(np.equal(seconds, 3.0)) == pytest.approx(9 / 11, abs=0.035)


def test_copies_can_all_be_drawn() -> None:
    x = np.zeros((3, 2))
    np.testing.assert_array_equal(starts.draw(x, np.ones(3), 3, "plusplus", "l2", 0), x)


# What a run promises, and bad input.


def test_no_steps_give_the_start_and_arrays_stay_as_they_were() -> None:
    x, first = np.arange(12.0).reshape(6, 2), np.array([[1.0, 1.0], [9.0, 9.0]])
    before = x.copy(), first.copy()
    trace = lloyd.run(x, lloyd.Params(k=2, steps=0), centres=first)
    assert len(trace) == 1
    np.testing.assert_array_equal(trace.centres[0], first)
    lloyd.run(x, lloyd.Params(k=2, steps=5, norm="l1"), centres=first)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(first, before[1])


def test_a_trace_is_read_only_and_the_same_every_time() -> None:
    x = np.random.default_rng(1).normal(size=(1500, 3))
    params = lloyd.Params(k=6, start="plusplus", seed=2)
    one, two = lloyd.run(x, params), lloyd.run(x, params)
    assert isinstance(one, Trace)
    assert one.digest() == two.digest()
    for name in ("centres", "labels", "sizes", "distortion"):
        assert not getattr(one, name).flags.writeable


@pytest.mark.parametrize(
    ("points", "more", "says"),
    [
        ([], {}, "points must have 2 dimensions"),
        ([[1.0, float("nan")]], {}, "points must be numbers in"),
        ([[1.0], [2.0]], {"weights": [1.0]}, "equally long"),
        ([[1.0], [2.0]], {"weights": [1.0, -1.0]}, "weights must be numbers in"),
        ([[1.0], [2.0]], {"weights": [0.0, 0.0]}, "at least one point must count"),
        ([[1.0], [2.0]], {"centres": [[1.0]]}, r"the shape \(2, 1\), got \(1, 1\)"),
    ],
)
def test_bad_data_is_refused(points, more, says: str) -> None:
    with pytest.raises(DataError, match=says):
        lloyd.run(points, lloyd.Params(k=2), **more)


def test_more_centres_than_points_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match=r"^5 centres cannot start .* only 2\.$"):
        lloyd.run([[1.0], [2.0]], lloyd.Params(k=5, start="random"))
    assert lloyd.run([[1.0], [2.0]], lloyd.Params(k=5)).distortion[-1] == 0


def test_too_long_a_history_is_refused() -> None:
    with pytest.raises(DataError, match="may take at most"):
        lloyd.run(np.zeros((500_000, 1)), lloyd.Params(k=1, steps=1000))


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 257}, {"norm": "l3"}, {"steps": -1}])
def test_knobs_are_bounded(wrong: dict) -> None:
    with pytest.raises(ParamError):
        lloyd.Params(**wrong)
