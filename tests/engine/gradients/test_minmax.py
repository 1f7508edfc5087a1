"""Min and max by ReLUs: golden case, theorems, two routes, slips, bad input."""

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.certificate import autograd
from engine.data import DataError
from engine.gradients import minmax
from engine.gradients.minmax_lesson import along
from engine.params import ParamError
from engine.predict import judge
from engine.trace import Trace

UNITS = ("5", "4", "3")
sizes = st.integers(-6, 6).map(lambda e: 10.0**e)
coordinates = st.builds(lambda size, share: size * share, sizes, st.floats(-1, 1))
any_points = st.lists(
    st.one_of(st.tuples(coordinates, coordinates), coordinates.map(lambda a: (a, a))),
    min_size=1,
    max_size=8,
).map(lambda rows: [list(row) for row in rows])
weights = st.floats(-10, 10)


@pytest.fixture(params=UNITS)
def units(request: pytest.FixtureRequest) -> str:
    return request.param


def exercise(units: str = "5", **more: Any) -> minmax.MinMax:
    return minmax.run(minmax.POINTS, params=minmax.Params(units=units, **more))


def close(x: Any) -> float:
    """What a few roundings at the size of the points may do."""
    return 1e-14 * max(1e-300, float(np.abs(x).max()))


# The hand-worked case.


def test_the_worked_exercise(golden: dict[str, Any]) -> None:
    case = golden["s003.1"]
    trace = minmax.run(case["x"], units=5)
    np.testing.assert_array_equal(trace.hidden, case["hidden5"])
    np.testing.assert_array_equal(trace.y, case["y"])
    np.testing.assert_array_equal(minmax.run(case["x"], units=4).y, case["y"])
    assert case["x"] == minmax.POINTS


def test_the_weights_are_the_printed_ones(golden: dict[str, Any]) -> None:
    case = golden["s003.1"]
    for name in ("W5", "V5", "W4", "V4"):
        np.testing.assert_array_equal(getattr(minmax, name), case[name])
        assert not getattr(minmax, name).flags.writeable


def test_the_front_door_takes_units_or_params(golden: dict[str, Any]) -> None:
    x = golden["s003.1"]["x"]
    assert len(minmax.run(x)) == 6
    for K in (5, 4):
        by_units = minmax.run(x, units=K)
        by_params = minmax.run(x, None, None, minmax.Params(units=str(K)))
        assert by_units.digest() == by_params.digest()
        assert by_units.hidden.shape == (5, K)
        assert minmax.Params(units=K) == by_params.params
    boxed = minmax.boxed(x, 8)
    assert boxed.hidden.shape == (5, 3)
    np.testing.assert_array_equal(boxed.y, golden["s003.1"]["y"])


def test_three_units_fail_where_the_exercise_leaves_the_box() -> None:
    trace = minmax.boxed(minmax.POINTS, 4)
    assert trace.inside.tolist() == [True, True, False, True, True]
    x1, x2, B = -2, -7, 4  # (6), by hand
    assert trace.y[2].tolist() == [x1 + B - (x1 - x2) - B, 0 + (x1 - x2) - B] == [-7, 1]


# Theorems.


@given(any_points, st.sampled_from(["5", "4"]))
def test_min_and_max_at_any_points(points: list, units: str) -> None:
    trace = minmax.run(points, params=minmax.Params(units=units))
    np.testing.assert_allclose(trace.y[:, 0], np.min(points, axis=1), rtol=0, atol=close(points))
    np.testing.assert_allclose(trace.y[:, 1], np.max(points, axis=1), rtol=0, atol=close(points))
    certificate = minmax.certify(trace)
    assert certificate.holds, str(certificate)


@given(any_points, st.floats(0.01, 3))
def test_three_units_are_right_just_inside(points: list, share: float) -> None:
    x = np.array(points)
    assume(share * abs(x).max() >= 1e-6)
    B = share * float(abs(x).max())
    trace = minmax.boxed(points, B)
    want = np.stack([x.min(axis=1), x.max(axis=1)], axis=1)
    inside = (abs(x) <= B).all(axis=1)
    np.testing.assert_array_equal(trace.inside, inside)
    np.testing.assert_allclose(trace.y[inside], want[inside], rtol=0, atol=4 * close([*x.flat, B]))
    # Outside: min is too large by what x1 falls short of -B, max by what x2 does.
    short = np.maximum(0, -B - x)
    np.testing.assert_allclose(trace.y - want, short, rtol=0, atol=4 * close([*x.flat, B]))
    certificate = minmax.certify(trace)
    assert certificate.holds, str(certificate)


@given(any_points)
def test_the_two_outputs_share_the_sum(points: list) -> None:
    trace = minmax.run(points, units=4)
    x = np.array(points)
    np.testing.assert_allclose(trace.y.sum(axis=1), x.sum(axis=1), rtol=0, atol=close(points))
    np.testing.assert_allclose(
        trace.y[:, 1] - trace.y[:, 0], abs(x[:, 0] - x[:, 1]), rtol=0, atol=close(points)
    )


@given(any_points)
def test_the_order_of_two_numbers_does_not_matter(points: list) -> None:
    turned = [row[::-1] for row in points]
    for K in (5, 4):
        np.testing.assert_allclose(
            minmax.run(points, units=K).y, minmax.run(turned, units=K).y,
            rtol=0, atol=close(points),
        )  # fmt: skip


def test_every_rational_of_a_grid_is_exact(units: str) -> None:
    """A second route: (1) and (2) in fractions, written out here."""
    W, V = minmax.EXACT[units]
    B = Fraction(4) if units == "3" else Fraction(0)
    b = [B, 0, B, 0, 0]
    values = [Fraction(i, 3) for i in range(-12, 13)]
    for x1, x2 in itertools.product(values, values):
        h = [max(Fraction(0), int(w[0]) * x1 + int(w[1]) * x2 + a) for w, a in zip(W, b)]  # noqa: B905
        y = [sum(Fraction(v) * unit for v, unit in zip(row, h, strict=True)) - B for row in V]
        assert y == [min(x1, x2), max(x1, x2)]


def test_three_units_find_no_way_on_the_plane() -> None:
    """(8) by determinants, and the rank a pair of opposite directions has."""
    for sign in (1, -1):
        (a, b), (c, d) = minmax.must_pair(sign).tolist()
        assert [[a, b], [c, d]] == [[1 + sign, 1 - sign], [1 - sign, 1 + sign]]
        assert a * d - b * c != 0
    odd = minmax.V5 @ minmax.W5
    kink = np.outer([-1, 1], [1, -1])  # the unit along the crease
    np.testing.assert_array_equal(minmax.V4 @ minmax.W4, minmax.ODD)  # (7): odd part, twice halved
    np.testing.assert_array_equal(odd - kink, 2 * np.eye(2))  # what is left needs rank 2
    trace = exercise()
    assert minmax.working(trace)[-1][-1].value == 2.0


@given(any_points, st.lists(weights, min_size=16, max_size=16))
def test_sums_of_any_weights_are_those_of_fractions(points: list, typed: list) -> None:
    W, V = np.reshape(typed[:8], (4, 2)).tolist(), np.reshape(typed[8:], (2, 4)).tolist()
    trace = minmax.run(points, W, V, minmax.Params(units="4"))
    by_sum = np.maximum(np.array(points) @ np.array(W).T, 0) @ np.array(V).T
    np.testing.assert_allclose(trace.y, by_sum, rtol=0, atol=1e3 * close(points))
    np.testing.assert_array_equal(trace.partial[-1], trace.y)
    steps = trace.hidden.T[:, :, None] * trace.V.T[:, None, :]
    np.testing.assert_allclose(np.diff(trace.partial, axis=0), steps, atol=1e3 * close(points))
    checks = minmax.certify(trace).checks
    assert all(check.holds for check in checks if "network" in check.against)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_the_slope_is_that_of_min_and_max(x1: float, x2: float) -> None:
    """Away from the creases torch finds gradient (1, 0) or (0, 1) through the weights."""
    assume(min(abs(x1), abs(x2), abs(x1 - x2), abs(x1 + x2)) > 1e-6)
    import torch

    for units in ("5", "4"):
        W, V = (torch.tensor(m.copy()) for m in minmax.EXACT[units])
        for o, pick in enumerate((x1 < x2, x1 > x2)):
            slope = autograd(lambda x, o=o, W=W, V=V: V[o] @ torch.relu(W @ x), x=[x1, x2])["x"]
            assert slope.tolist() == ([1, 0] if pick else [0, 1])


# The certificate.


def test_a_certificate_finds_each_number_that_is_off(units: str) -> None:
    trace = exercise(units)
    assert minmax.certify(trace).holds
    for name in ("hidden", "y", "partial"):
        for place in np.ndindex(getattr(trace, name).shape):
            if name == "y" and not trace.inside[place[0]]:
                continue
            off = getattr(trace, name).copy()
            off[place] += 1e-6
            assert minmax.certify(dataclasses.replace(trace, **{name: off})).wrong == 1


def test_a_certificate_judges_the_weights_on_a_grid() -> None:
    """Points on ties alone do not betray a wrong shared unit; the grid between them does."""
    W = minmax.W5.copy()
    W[2] = [2, -2]
    trace = minmax.run([[1, 1], [2, 2]], W, None, minmax.Params())
    np.testing.assert_array_equal(trace.y, [[1, 1], [2, 2]])
    certificate = minmax.certify(trace)
    assert [check.holds for check in certificate.checks] == [True, True, True, False]


@given(st.floats(1e-9, 1e-3))
def test_a_weight_off_by_anything_is_found(little: float) -> None:
    V = minmax.V4.copy()
    V[1, 2] += little
    assert not minmax.certify(minmax.run(minmax.POINTS, None, V, minmax.Params(units="4"))).holds


# Maps.


def test_the_surface_is_the_network_at_every_cell(units: str) -> None:
    trace = exercise(units)
    half, grid = minmax.reach(trace), 12
    centres = half * ((2 * np.arange(grid) + 1) / grid - 1)
    square = np.array(list(itertools.product(centres, centres)))
    again = minmax.run(square, params=trace.params)
    surface = minmax.surface(trace, half, grid)
    np.testing.assert_allclose(
        surface.reshape(len(trace), 2, -1), np.swapaxes(again.partial, 1, 2), atol=1e-12
    )


def test_the_square_holds_points_and_box(units: str) -> None:
    for scale in (1e-6, 1.0, 3e5):
        trace = minmax.run(np.array(minmax.POINTS) * scale, params=minmax.Params(units=units))
        assert minmax.reach(trace) > 7 * scale
        assert minmax.reach(trace) < max(2.1 * 7 * scale, 10)
    assert minmax.reach(minmax.boxed([[0, 0]], 4)) >= 6
    assert minmax.reach(minmax.run([[0, 0]])) == 1


def test_a_crease_ends_on_the_edge_and_lies_on_its_line(units: str) -> None:
    trace = exercise(units)
    found = minmax.kinks(trace, 8.0)
    assert [k for k, _ in found] == list(range(len(trace.W)))
    for k, ends in found:
        np.testing.assert_allclose(ends @ trace.W[k] + trace.b[k], 0, atol=1e-12)
        np.testing.assert_allclose(abs(ends).max(axis=1), 8)
        assert math.hypot(*(ends[0] - ends[1])) >= 8
    flat = minmax.run([[1, 2]], np.zeros((5, 2)), None, minmax.Params())
    assert minmax.kinks(flat, 8.0) == []


# Slips: wrong where they said, hidden where they said.


def wrong_of(name: str, trace: minmax.MinMax) -> np.ndarray:
    return minmax.wrong_cells(trace, minmax.SLIPS[name])["y"]


@given(any_points, st.sampled_from(["5", "3"]))
def test_lists_read_as_incoming_hide_on_ties_only(points: list, units: str) -> None:
    trace = minmax.run(points, params=minmax.Params(units=units, bound=1e7))
    shown = minmax.slipped(trace, minmax.SLIPS["incoming"])
    x = np.array(points)
    gap = x[:, 1] - x[:, 0]  # R(x2 - x1) stands where R(x1 - x2) should
    off = np.stack([-gap, gap], axis=1)
    allowed = 1e-7 if units == "3" else close(points)
    np.testing.assert_allclose(shown.y - trace.y, off, rtol=0, atol=allowed)
    ties = abs(gap) == 0
    assert not wrong_of("incoming", trace)[ties].any()
    clear = abs(gap) > 1e-6
    assert wrong_of("incoming", trace)[clear].all()


def test_only_the_shared_unit_of_five_suffers_from_reading_it_as_incoming() -> None:
    hidden = minmax.wrong_cells(exercise(), minmax.SLIPS["incoming"])["hidden"]
    assert hidden.any(axis=0).tolist() == [False, False, True, False, False]
    assert hidden[:, 2].tolist() == [True, True, True, False, False]


@given(any_points)
def test_a_dropped_sign_hides_where_nothing_is_negative(points: list) -> None:
    x = np.array(points)
    negative = {"5": x, "4": np.repeat(x.sum(axis=1, keepdims=True), 2, axis=1) / 2}
    for units, part in negative.items():
        trace = minmax.run(points, params=minmax.Params(units=units))
        shown = minmax.slipped(trace, minmax.SLIPS["one-sign"])
        lost = np.maximum(0, -part)
        np.testing.assert_allclose(shown.y - trace.y, lost, rtol=0, atol=close(points))
        off = wrong_of("one-sign", trace)
        assert not off[lost == 0].any()
        assert off[lost > 1e-6].all()
    positive = minmax.run(abs(x), params=minmax.Params())
    assert minmax.certify(positive, minmax.SLIPS["one-sign"]).holds


@given(any_points)
def test_three_units_have_no_second_sign_to_drop(points: list) -> None:
    trace = minmax.boxed(points, 1e7)
    slip = minmax.SLIPS["one-sign"]
    assert minmax.slipped(trace, slip).digest() == trace.digest()
    assert minmax.certify(trace, slip).holds


@given(any_points, st.floats(1e-3, 1e7), st.sampled_from(UNITS))
def test_three_units_hide_while_all_points_are_in_the_box(
    points: list, bound: float, units: str
) -> None:
    trace, slip = (
        minmax.run(points, params=minmax.Params(units=units, bound=bound)),
        minmax.SLIPS["beyond"],
    )
    x = np.array(points)
    if abs(x).max() <= bound:
        assert minmax.certify(trace, slip).holds
        assert not wrong_of("beyond", trace).any()
    short = np.maximum(0, -bound - x)
    clear = short > 1e-6 + 1e-12 * bound
    assert wrong_of("beyond", trace)[clear].all()
    assert not wrong_of("beyond", trace)[short == 0].any()
    if clear.any():
        assert not minmax.certify(trace, slip).holds


def test_beyond_the_box_every_point_is_judged(units: str) -> None:
    trace, slip = exercise(units), minmax.SLIPS["beyond"]
    checks = {check.against: check for check in minmax.certify(trace, slip).checks}
    np.testing.assert_array_equal(checks["numpy's min and max"].wrong, wrong_of("beyond", trace))
    assert wrong_of("beyond", trace).sum() == 1


def test_a_slip_keeps_the_steps(units: str) -> None:
    trace = exercise(units)
    for slip in minmax.SLIPS.values():
        shown = minmax.slipped(trace, slip)
        assert len(shown) == len(trace)
        wrong = minmax.wrong_cells(trace, slip)
        for name, mask in wrong.items():
            assert mask.shape == getattr(shown, name).shape
        np.testing.assert_array_equal(wrong["partial"][-1], wrong["y"])


def test_a_slip_of_another_lesson_is_refused() -> None:
    other = dataclasses.replace(minmax.SLIPS["beyond"], name="nobody")
    with pytest.raises(KeyError, match="nobody"):
        minmax.slipped(exercise(), other)


# Working and questions.


def test_the_lines_build_the_outputs_up(units: str) -> None:
    trace = exercise(units)
    groups = minmax.working(trace, 1)
    assert len(groups) == len(trace)
    assert [line.value for line in groups[0]] == trace.c.tolist()
    for k, (unit, low, high, *_) in enumerate(groups[1:], 1):
        n = unit.numbers
        z = n["w1"] * n["x1"] + n["w2"] * n["x2"] + n["b"]
        assert unit.value == max(0, z)
        for o, line in enumerate((low, high)):
            n = line.numbers
            assert line.value == n["before"] + n["v"] * n["h"] == trace.partial[k, 1, o]
            assert n["before"] == trace.partial[k - 1, 1, o]
    assert all(line.filled() for group in groups for line in group if line.substituted)


def test_a_slips_lines_are_marked_as_printed() -> None:
    trace = exercise()
    for name, marked in (("incoming", {"h1", "h2", "h3", "h4", "h5"}),
                         ("one-sign", {"min1", "max1", "min5", "max5"})):  # fmt: skip
        slip = minmax.SLIPS[name]
        groups = minmax.working(minmax.slipped(trace, slip), 0, slip)
        assert {line.name for group in groups for line in group if line.printed} == marked
    assert not any(line.printed for group in minmax.working(trace) for line in group)


def test_questions_know_the_answer_and_the_mistakes(units: str) -> None:
    trace = exercise(units)
    names = {line.name: line.value for group in minmax.working(trace, 1) for line in group}
    for question in minmax.questions(trace, 1):
        assert question.value == names[question.name]
        assert judge(question, question.value).right
    unit = minmax.questions(exercise(), 1)[0]  # the point (-1.5, 4): z = -5.5
    assert judge(unit, -5.5).sentence == "You left out the ReLU: what is negative becomes 0."
    assert judge(unit, 5.5).sentence == "You turned the difference round."


@pytest.mark.parametrize(
    ("w", "b", "text"),
    [([1, -1], 0, "x_1 - x_2"), ([-1, 0], 0, "-x_1"), ([0, 1], 4, "x_2 + 4"), ([0, 0], 0, "0"),
     ([2, 0.5], -1, "2x_1 + 0.5x_2 - 1"), ([0, 0], 1, "1")],
)  # fmt: skip
def test_what_a_unit_sees_in_words(w: list, b: float, text: str) -> None:
    assert along(np.array(w, float), b) == text


# Bad input.


def says(caught: Any, sentence: str) -> bool:
    """``...`` stands for anything: how bounds are spelled is the door's affair."""
    start, _, end = sentence.partition("...")
    said = str(caught.value)
    return said.startswith(start) and said.endswith(end) and ("..." in sentence or said == start)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        ([], "x is empty; it needs at least one row."),
        (np.zeros((0, 2)), "x is empty; it needs at least one row."),
        ([1, 2], "x must have 2 dimensions, got 1."),
        ([[1, 2, 3]], "x must have 2 numbers for each point, got 3."),
        ([[1, 2], [3]], "x must have equally many numbers in every row."),
        ([["a", "b"]], "x must be numbers only."),
        ([[1, math.nan]], "x must be numbers in ... got nan at place 1, 2."),
        ([[1e13, 0]], "x must be numbers in ... at place 1, 1."),
        (None, "x must ..."),
    ],
)
def test_bad_points_are_named(x: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        minmax.run(x)
    assert says(caught, sentence)


@pytest.mark.parametrize(
    ("W", "V", "sentence"),
    [
        ([], None, "W is empty; it needs at least one row."),
        ([[1, 0]], None, "W must have 5 rows of 2 numbers, got 1 of 2."),
        (None, [[1, 0], [0, 1]], "V must have 2 rows of 5 numbers, got 2 of 2."),
        ([[1, 0], [1]], None, "W must have equally many numbers in every row."),
        (None, [[1e7] * 5] * 2, "V must be numbers in ... at place 1, 1."),
    ],
)
def test_bad_weights_are_named(W: Any, V: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        minmax.run(minmax.POINTS, W, V)
    assert says(caught, sentence)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"units": 6}, "units must be one of 5, 4, 3, got '6'."),
        ({"units": True}, "units must be one of 5, 4, 3, got True."),
        ({"bound": 0}, "bound must lie in ..., got 0."),
        ({"bound": math.nan}, "bound must lie in ..., got nan."),
    ],
)
def test_bad_knobs_are_named(given: dict, sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        minmax.Params(**given)
    assert says(caught, f"minmax.Params.{sentence}")
    if "units" in given:
        with pytest.raises(ParamError):
            minmax.run(minmax.POINTS, units=given["units"])


def test_arrays_given_stay_as_they_are() -> None:
    x, W = np.array(minmax.POINTS, float), minmax.W5.copy()
    trace = minmax.run(x, W)
    x[:], W[:] = 9, 9
    assert trace.y[0].tolist() == [-2, 3]
    assert isinstance(trace, Trace)
    assert not trace.hidden.flags.writeable
