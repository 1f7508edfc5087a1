"""Means and medians: golden cases, theorems, two routes, slips, bad input."""

import dataclasses
import math
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.certificate import autograd
from engine.clusters import centres
from engine.clusters.centres import Params, Search, Walk
from engine.clusters.centres_search import groupings
from engine.data import DataError
from engine.params import ParamError
from engine.predict import judge

halves = st.integers(-40, 40).map(lambda n: n / 2)
lines = st.lists(halves, min_size=1, max_size=9)
SLIPS = centres.SLIPS


def walk(points: Any, **knobs: Any) -> Walk:
    found = centres.run(points, Params(**knobs))
    assert isinstance(found, Walk)
    return found


def search(points: Any, clusters: int) -> Search:
    found = centres.run(points, Params(clusters=clusters))
    assert isinstance(found, Search)
    return found


def stop_at(trace: Walk, place: float) -> int:
    """The step at which the candidate stands on a place."""
    return int(np.flatnonzero(trace.mu[:, 1] == place)[0])


# Golden.


def test_the_five_points(golden: dict[str, Any]) -> None:
    case = golden["s002.1"]
    both = [walk(case["X"], axis=d) for d in (1, 2)]
    assert [t.mean for t in both] == case["mean"]
    assert [t.median.tolist() for t in both] == [[m, m] for m in case["median"]]
    crossed = sum(t.crossed for t in both)
    want = [[case["sse"], case["sse_at_median"]], [case["l1_at_mean"], case["l1"]]]
    np.testing.assert_allclose(crossed, want, rtol=1e-14)


def test_the_slopes_at_two_and_a_half(golden: dict[str, Any]) -> None:
    case = golden["s002.1"]
    for d in (1, 2):
        trace = walk(case["X"], axis=d, walk="downhill", start=2.5, steps=2)
        assert trace.gradient[0] == case["grad_sse_at_2p5"][d - 1]
        assert trace.interval[0].tolist() == [case["grad_l1_at_2p5"][d - 1]] * 2


def test_the_printed_slopes_at_two_and_a_half(golden: dict[str, Any]) -> None:
    case = golden["s002.1"]
    trace = walk(case["X"], walk="downhill", start=2.5, steps=2)
    assert centres.slipped(trace, SLIPS["sign"]).gradient[0] == -case["grad_sse_at_2p5"][0]
    turned = centres.slipped(trace, SLIPS["l1-sign"])
    assert turned.interval[0].tolist() == [1, 1]  # as the solution printed it


def test_an_even_number_has_an_interval_of_medians(golden: dict[str, Any]) -> None:
    case = golden["s002.1"]["even"]
    trace = walk(case["x"], steps=120)
    low, high = case["interval"]
    assert trace.median.tolist() == [low, high]
    inside = (trace.mu[:, 1] >= low) & (trace.mu[:, 1] <= high)
    assert inside.sum() > 3
    np.testing.assert_array_equal(trace.optimal, inside)
    np.testing.assert_allclose(trace.value[inside, 1], case["value"], rtol=1e-14)
    assert (trace.value[~inside, 1] > case["value"]).all()
    beyond = walk(case["x"], walk="downhill", start=4.001, steps=2)
    assert beyond.value[0, 1] == pytest.approx(20.002, rel=1e-14)


@pytest.mark.parametrize(("key", "norm"), [("s002.1.k-means", 0), ("s002.1.k-medians", 1)])
def test_the_seven_points(golden: dict[str, Any], key: str, norm: int) -> None:
    case = golden[key]
    trace = search(case["X"], case["k"])
    assert len(trace.costs) == 2**6 - 1
    assert trace.best[-1, norm] == pytest.approx(case["objective"], rel=1e-14)
    labels = trace.labels[-1, norm]
    same = labels[:, None] == labels[None]
    want = np.array(case["labels"])
    np.testing.assert_array_equal(same, want[:, None] == want[None])


# Slopes against autograd and exact differences.


@settings(deadline=None, max_examples=30)
@given(lines, st.sampled_from(["across", "downhill"]), halves)
def test_every_walk_is_certified(points: list[float], way: str, start: float) -> None:
    certificate = centres.certify(walk(points, walk=way, start=start, steps=9))
    assert certificate.holds, str(certificate)


@pytest.mark.parametrize("start", [-1e6, 1e6, 0.1])
@pytest.mark.parametrize("rate", [1e-3, 1.0, 1.999])
def test_the_corners_are_certified(start: float, rate: float) -> None:
    for points in ([1e6, -1e6, 0.1], [1e6], [1e-9, 2e-9], [3, 3, 3]):
        trace = walk(points, walk="downhill", start=start, rate=rate, steps=120)
        assert centres.certify(trace).holds
        assert centres.certify(walk(points, steps=120)).holds


def test_torch_agrees_between_the_points() -> None:
    import torch

    points = [1.0, 3.0, 5.0, 7.0, 24.0]
    x = torch.tensor(points, dtype=torch.float64)
    trace = walk(points)
    for t in range(len(trace)):
        mu = float(trace.mu[t, 0])
        slope = autograd(lambda mu: ((x - mu) ** 2).sum(), mu=mu)["mu"]
        assert trace.gradient[t] == pytest.approx(float(slope), abs=1e-11)
        if mu not in points:
            slope = float(autograd(lambda mu: (x - mu).abs().sum(), mu=mu)["mu"])
            assert trace.interval[t].tolist() == [slope, slope]


@pytest.mark.parametrize("field", ["value", "gradient", "interval", "optimal", "mu", "crossed"])
def test_a_certificate_sees_one_wrong_entry(field: str) -> None:
    trace = walk([1, 3, 5, 7, 24], walk="downhill", start=20.0)
    bent = getattr(trace, field).copy()
    middle = bent.size // 2
    bent.flat[middle] = ~bent.flat[middle] if field == "optimal" else bent.flat[middle] + 1e-6
    wrong = centres.certify(dataclasses.replace(trace, **{field: bent}))
    assert not wrong.holds


@pytest.mark.parametrize("field", ["costs", "best", "parts", "centres"])
def test_a_search_certificate_sees_one_wrong_entry(field: str) -> None:
    trace = search([[0, 0], [1, 0], [0, 1], [8, 8]], 2)
    bent = getattr(trace, field).copy()
    bent.flat[-1] += 1e-6
    assert not centres.certify(dataclasses.replace(trace, **{field: bent})).holds


# Theorems.


@given(lines)
def test_mean_and_median_are_the_libraries(points: list[float]) -> None:
    trace = walk(points, steps=2)
    assert trace.mean == pytest.approx(statistics.fmean(points), abs=1e-12)
    assert trace.median.tolist() == [statistics.median_low(points), statistics.median_high(points)]


@given(lines)
def test_zero_is_in_the_interval_just_between_the_medians(points: list[float]) -> None:
    trace = walk(points, steps=30)
    low, high = trace.median
    inside = (trace.mu[:, 1] >= low) & (trace.mu[:, 1] <= high)
    np.testing.assert_array_equal(trace.optimal, inside)


@given(lines, st.floats(0.5, 1000))
def test_the_median_does_not_see_how_far_an_outlier_lies(points: list[float], far: float) -> None:
    ordered = sorted([*points, max(points) + 1, max(points) + 2])
    moved = [*ordered[:-1], ordered[-1] + far]
    here, there = walk(ordered, steps=2), walk(moved, steps=2)
    np.testing.assert_array_equal(here.median, there.median)
    assert there.mean - here.mean == pytest.approx(far / len(ordered), abs=1e-9)


@given(lines, halves)
def test_a_shift_moves_both_centres_along(points: list[float], by: float) -> None:
    here, there = walk(points, steps=2), walk([p + by for p in points], steps=2)
    np.testing.assert_array_equal(there.median, here.median + by)
    assert there.mean == pytest.approx(here.mean + by, abs=1e-12)


@given(lines)
def test_the_intervals_never_fall_along_the_line(points: list[float]) -> None:
    """A convex function has slopes that only rise; the next interval begins where one ended."""
    slopes = walk(points, steps=30).interval
    assert (slopes[:, 0] <= slopes[:, 1]).all()
    assert (slopes[1:, 0] >= slopes[:-1, 1]).all()


@given(lines, halves, st.floats(0.05, 1.0))
def test_squares_never_rise_downhill(points: list[float], start: float, rate: float) -> None:
    trace = walk(points, walk="downhill", start=start, rate=rate, steps=20)
    assert (np.diff(trace.value[:, 0]) <= 1e-9).all()
    left = (trace.mu[0, 0] - trace.mean) * (1 - rate) ** np.arange(21)
    np.testing.assert_allclose(trace.mu[:, 0] - trace.mean, left, atol=1e-9)


def test_absolute_values_come_as_near_as_their_steps_are_short() -> None:
    trace = walk([1, 3, 5, 7, 24], walk="downhill", start=20.0, steps=120)
    assert abs(trace.mu[-1, 1] - 5) <= 0.2 * 23 / 60
    assert str(trace.stop).startswith("The squares stand still")


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(halves, halves), min_size=3, max_size=6), st.sampled_from([2, 3]))
def test_no_labelling_beats_the_search(points: list, clusters: int) -> None:
    trace = search([list(p) for p in points], clusters)
    assert centres.certify(trace).holds
    assert (np.diff(trace.best, axis=0) <= 0).all()
    np.testing.assert_array_equal(trace.best[-1], trace.costs.min(axis=0))
    np.testing.assert_allclose(trace.parts.sum(axis=2), trace.best, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("N", "K"), [(2, 2), (5, 2), (7, 2), (3, 3), (6, 3), (10, 3)])
def test_every_partition_is_tried_once(N: int, K: int) -> None:
    found = groupings(N, K)
    stirling = sum((-1) ** (K - j) * math.comb(K, j) * j**N for j in range(K + 1))
    assert len({tuple(p) for p in found.tolist()}) == len(found) == stirling / math.factorial(K)
    assert all(set(p) == set(range(K)) for p in found.tolist())


# Two routes.


@given(lines)
def test_a_walk_agrees_with_a_search_by_one_cluster_of_each(points: list[float]) -> None:
    """D_2 is what all pairs are apart, D_1 the upper half minus the lower half."""
    trace = walk(points, steps=2)
    N, exact = len(points), [Fraction(p) for p in sorted(points)]
    pairs = sum((a - b) ** 2 for a in exact for b in exact) / (2 * N)
    folded = sum(exact[(N + 1) // 2 :]) - sum(exact[: N // 2])
    assert trace.crossed[0, 0] == pytest.approx(float(pairs), abs=1e-9)
    assert trace.crossed[1, 1] == pytest.approx(float(folded), abs=1e-12)


@given(lines)
def test_the_curves_pass_through_the_walk(points: list[float]) -> None:
    trace = walk(points, steps=20)
    drawn = centres.curves(trace)
    on = np.interp(trace.mu[:, 1], *drawn.absolutes.T)
    np.testing.assert_allclose(on, trace.value[:, 1], atol=1e-9)
    slope = np.interp(trace.mu[:, 0], *drawn.gradient.T)
    np.testing.assert_allclose(slope, trace.gradient, atol=1e-9)


# Slips: wrong where the solution was wrong, hidden where their sentence says so.


def off(trace: Walk | Search, name: str) -> set[str]:
    return {field for field, mask in centres.wrong_cells(trace, SLIPS[name]).items() if mask.any()}


WRONG = {
    "sign": {"gradient"},
    "identity": {"value", "interval", "optimal", "median", "crossed"},
    "l1-sign": {"interval", "optimal"},
    "condition": {"optimal", "median", "crossed"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_wrong_in_its_cells_and_nowhere_else(name: str) -> None:
    trace = walk([1, 3, 5, 7, 24])
    assert off(trace, name) == WRONG[name]
    assert not centres.certify(trace, SLIPS[name]).holds


@given(lines)
def test_the_sign_hides_at_the_mean_and_nowhere_else(points: list[float]) -> None:
    trace = walk(points, steps=12)
    wrong = centres.wrong_cells(trace, SLIPS["sign"])["gradient"]
    np.testing.assert_array_equal(wrong, np.abs(trace.gradient) > 5e-10)


def test_the_sign_hides_for_a_whole_run_begun_at_the_mean() -> None:
    trace = walk([1, 2, 6], walk="downhill", start=3.0)
    assert centres.certify(trace, SLIPS["sign"]).holds
    assert off(trace, "sign") == set()


def test_the_wrong_sign_runs_away() -> None:
    trace = centres.slipped(walk([1, 2, 6], walk="downhill", start=4.0, rate=0.5), SLIPS["sign"])
    assert trace.mu[-1, 0] - 3 == pytest.approx(1.5**40, rel=1e-9)
    assert trace.mean == 3.0  # the root stays


@pytest.mark.parametrize("name", ["sign", "l1-sign"])
def test_a_turned_sign_hides_in_the_search(name: str) -> None:
    trace = search([[0, 0], [1, 0], [0, 1], [8, 8]], 2)
    assert centres.certify(trace, SLIPS[name]).holds
    assert off(trace, name) == set()


@given(lines)
def test_the_bars_hide_left_of_all_points(points: list[float]) -> None:
    trace = walk(points, steps=12)
    wrong = centres.wrong_cells(trace, SLIPS["identity"])
    left = trace.mu[:, 1] < min(points)
    assert not wrong["value"][left].any()
    assert not wrong["interval"][left].any()
    assert wrong["interval"][~left].any(axis=1).all()


@given(lines, st.integers(-30, 30))
def test_without_bars_it_is_a_straight_line(points: list[float], at: int) -> None:
    trace = walk(points, walk="downhill", start=at, steps=2)
    shown = centres.slipped(trace, SLIPS["identity"])
    assert shown.value[0, 1] == pytest.approx(sum(points) - len(points) * at, abs=1e-9)
    assert (shown.interval == -len(points)).all()


@given(st.lists(halves, min_size=2, max_size=8, unique=True))
def test_the_turned_slope_hides_between_two_medians(points: list[float]) -> None:
    trace = walk(points, steps=30)
    low, high = trace.median
    between = (trace.mu[:, 1] > low) & (trace.mu[:, 1] < high)
    wrong = centres.wrong_cells(trace, SLIPS["l1-sign"])["interval"].any(axis=1)
    np.testing.assert_array_equal(wrong, ~between)


@given(lines)
def test_the_condition_has_no_solution_for_an_odd_number(points: list[float]) -> None:
    trace = walk(points if len(points) % 2 else [*points, 0.5], steps=30)
    shown = centres.slipped(trace, SLIPS["condition"])
    assert not shown.optimal.any()
    assert np.isnan(shown.median).all()
    assert not centres.certify(trace, SLIPS["condition"]).holds


@given(st.lists(halves, min_size=2, max_size=8, unique=True).filter(lambda p: len(p) % 2 == 0))
def test_the_condition_loses_the_upper_median_of_an_even_number(points: list[float]) -> None:
    trace = walk(points, steps=30)
    shown = centres.slipped(trace, SLIPS["condition"])
    np.testing.assert_array_equal(shown.median, trace.median)
    lost = trace.optimal & ~shown.optimal
    np.testing.assert_array_equal(lost, trace.mu[:, 1] == trace.median[1])
    assert not (shown.optimal & ~trace.optimal).any()


def test_the_condition_hides_for_an_even_walk_that_misses_the_upper_median() -> None:
    trace = walk([1, 2, 3, 4, 10, 12], walk="downhill", start=-3.3)
    assert off(trace, "condition") == set()
    assert centres.certify(trace, SLIPS["condition"]).holds


@pytest.mark.parametrize("points", [[1, 2, 2, 3], [2, 2], [0, 5, 5, 5, 5, 9]])
def test_the_condition_has_no_solution_where_both_medians_are_one(points: list[float]) -> None:
    trace = walk(points)
    shown = centres.slipped(trace, SLIPS["condition"])
    assert np.isnan(shown.median).all()
    assert not shown.optimal.any()
    assert not centres.certify(trace, SLIPS["condition"]).holds


def test_a_slip_of_another_lesson_is_refused() -> None:
    other = dataclasses.replace(SLIPS["sign"], name="nobody")
    with pytest.raises(KeyError, match="nobody"):
        centres.slipped(walk([1, 2]), other)


# Bad input.


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([], "points is empty; it needs at least one number."),
        ([1, math.nan], "points must be numbers in [-1,000,000, 1,000,000], got nan at place 2."),
        ([1e308], "points must be numbers in [-1,000,000, 1,000,000], got 1e+308 at place 1."),
        ([[1, 2], [3]], "points must be numbers only."),
        ([[1, 2], 3], "points must be numbers only."),
        ([[1, 2, 3]], "points must have one or two coordinates, got 3."),
        (list(range(61)), "points may be at most 60, got 61."),
        ("12", "points must be numbers only."),
        ([[[1]]], "points must have 2 dimensions, got 3."),
        (3, "points must have 1 dimension, got 0."),
    ],
)
def test_bad_points_are_named(points: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        centres.run(points)
    assert str(caught.value) == sentence


def test_what_does_not_fit_together_is_named() -> None:
    with pytest.raises(DataError, match="must have a second coordinate when d is 2"):
        centres.run([1, 2], Params(axis=2))
    with pytest.raises(DataError, match="must be 2 to 10 when every partition into 2 clusters"):
        centres.run(list(range(11)), Params(clusters=2))
    with pytest.raises(DataError, match="got 2"):
        centres.run([1, 2], Params(clusters=3))


@pytest.mark.parametrize(
    ("name", "value"),
    [("clusters", 4), ("axis", 0), ("steps", 1), ("rate", 2.0), ("start", 1e7), ("walk", "up")],
)
def test_bad_knobs_are_named(name: str, value: Any) -> None:
    with pytest.raises(ParamError, match=rf"centres\.Params\.{name} must"):
        Params(**{name: value})


def test_rows_and_arrays_are_the_same_points() -> None:
    flat, rows = walk([1, 2, 5]), walk([[1], [2], [5]])
    assert flat.digest() == rows.digest() == walk(np.array([1.0, 2, 5])).digest()
    assert len(flat) == len(flat.mu)


# Questions.


@pytest.mark.parametrize("name", centres.PRESETS)
def test_each_mistake_is_named(name: str) -> None:
    case = centres.PRESETS[name]
    for question in centres.questions(centres.run(**case.data, params=case.params), case.step):
        assert judge(question, question.value).right
        named = [s for s, v in question.mistakes.items() if judge(question, v).sentence == s]
        assert named, question.name


def test_the_mistakes_are_the_mistakes_they_say() -> None:
    trace = walk([7, 3, 1, 24, 5])
    step = stop_at(trace, 3.0)
    asked = {q.name: q for q in centres.questions(trace, step)}
    assert asked["mean"].value == 8
    assert asked["median"].value == 5
    assert asked["median"].mistakes["Sort the points first."] == 1
    assert asked["gradient"].value == 2 * (5 * 3 - 40)
    assert asked["gradient"].mistakes["You left out the 2."] == 5 * 3 - 40
    assert asked["lower"].value == 1 - 3 - 1
    assert asked["lower"].mistakes["That is the upper end of the interval."] == 1 - 3 + 1
