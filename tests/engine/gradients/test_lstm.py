"""The LSTM cell by hand: golden table, two routes, theorems on memory and blindness, bad input."""

import dataclasses
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import DataError
from engine.gradients import lstm
from engine.params import ParamError
from engine.predict import judge

COLUMNS = ("zi", "fi", "zf", "ff", "zo", "fo", "z", "c", "y")
SLIP = lstm.SLIPS["label"]

entries = st.floats(-20, 20)
inputs = st.lists(st.lists(entries, min_size=4, max_size=4), min_size=1, max_size=7)
weights = st.lists(st.lists(entries, min_size=5, max_size=5), min_size=4, max_size=4)
knobs = st.builds(
    lstm.Params,
    gates=st.sampled_from(["sigmoid", "step"]),
    sharpness=st.floats(0.001, 10),
    shift=st.floats(-10, 10),
)
traces = st.builds(lstm.run, inputs, knobs, weights)


@pytest.fixture(scope="module")
def exercise() -> lstm.Lstm:
    return lstm.run(lstm.EXERCISE_X)


def sigma(u: float) -> float:
    return 1 / (1 + math.exp(-u)) if u > -700 else 0.0


# The hand-worked case.


def test_the_constants_are_the_exercises(golden: dict[str, Any]) -> None:
    case = golden["s004.1"]
    assert [list(x) for x in lstm.EXERCISE_X8] == case["X"]
    assert lstm.EXERCISE_X8[:4] == lstm.EXERCISE_X
    rows = [[*case["w" + g], case["b" + g]] for g in ("", "i", "f", "o")]
    assert [list(row) for row in lstm.EXERCISE] == rows


def test_the_table_with_sigmoids(golden: dict[str, Any]) -> None:
    case, trace = golden["s004.1"], lstm.run(lstm.EXERCISE_X8)
    for name, key in (("c", "c"), ("y", "y"), ("fi", "i"), ("ff", "f"), ("fo", "o")):
        np.testing.assert_allclose(getattr(trace, name), case[key], rtol=1e-14)


def test_the_table_by_hand(golden: dict[str, Any]) -> None:
    case, trace = golden["s004.1"], lstm.run(lstm.EXERCISE_X8, lstm.Params(gates="step"))
    assert trace.c.tolist() == case["hard_c"]
    assert trace.y.tolist() == case["hard_y"]


def test_the_sums_are_the_printed_ones() -> None:
    trace = lstm.run(lstm.EXERCISE_X8)
    assert trace.zi.tolist() == [90, 90, 190, 90, 90, -10, 190, 90]
    assert trace.zf.tolist() == [10, 10, -90, 10, 10, 110, -90, 10]
    assert trace.zo.tolist() == [-10, 90, 90, 90, -10, 90, 90, 90]
    assert trace.z.tolist() == [3, -2, 4, 0, 2, -4, 1, 2]


@pytest.mark.parametrize(
    ("sharpness", "y"),
    [
        (0.1, [0.8067247064, 0.1931280652, 3.99953023, 2.923890885]),
        (0.01, [1.013147431, -0.214847467, 2.411694023, 1.266089169]),
    ],
)
def test_blunter_gates(sharpness: float, y: list[float]) -> None:
    trace = lstm.run(lstm.EXERCISE_X, lstm.Params(sharpness=sharpness))
    np.testing.assert_allclose(trace.y, y, rtol=1e-9)


def test_rounding_by_hand_errs_by_little() -> None:
    four, eight = (lstm.run(x) for x in (lstm.EXERCISE_X, lstm.EXERCISE_X8))
    assert abs(four.y - lstm.beside(four).y).max() == pytest.approx(1.8e-4, rel=0.02)
    assert abs(eight.c - lstm.beside(eight).c).max() == pytest.approx(5.4e-4, rel=0.02)
    assert eight.y[5] == pytest.approx(6 - 5.4e-4, rel=1e-5)


def test_the_closed_forms(exercise: lstm.Lstm) -> None:
    assert exercise.y[0] == pytest.approx(3 * sigma(90) * sigma(-10), rel=1e-14)
    assert exercise.c[3] == pytest.approx(4 * sigma(10), rel=1e-14)


# Against 50 digits, torch and autograd.


@given(traces)
def test_every_table_is_certified(trace: lstm.Lstm) -> None:
    certificate = lstm.certify(trace)
    assert certificate.holds, str(certificate)
    T = len(trace.z)
    assert certificate.count == 9 * T + T * T


@pytest.mark.parametrize("size", [500, -500])
@pytest.mark.parametrize("gates", ["sigmoid", "step"])
def test_the_corners_are_certified(size: float, gates: str) -> None:
    x = np.full((60, 4), size)
    x[::2, 1] *= -1
    rows = np.full((4, 5), 500.0)
    rows[1:, 2] = -500
    certificate = lstm.certify(lstm.run(x, lstm.Params(gates=gates, sharpness=10), rows))
    assert certificate.holds, str(certificate)


def test_a_certificate_notices_every_entry(exercise: lstm.Lstm) -> None:
    for name in (*COLUMNS, "kept"):
        values = getattr(exercise, name)
        for place in np.ndindex(values.shape):
            if name == "kept" and place[0] == 0:
                continue  # the empty cell
            off = values.copy()
            off[place] += 1e-9
            assert not lstm.certify(dataclasses.replace(exercise, **{name: off})).holds, name


def test_each_method_speaks_where_it_can(exercise: lstm.Lstm) -> None:
    def methods(trace: lstm.Lstm) -> set[str]:
        return {check.against for check in lstm.certify(trace).checks}

    always = {"50 digits", "the sum (5)", "torch"}
    assert methods(exercise) == always | {"closed forms (7)"}
    assert methods(lstm.run(lstm.EXERCISE_X, lstm.Params(shift=3))) == always | {
        "closed forms (7)",
        "the table without s",
    }
    assert methods(lstm.run(lstm.EXERCISE_X, lstm.Params(sharpness=0.5))) == always
    assert methods(lstm.run([[1, 2, 3, 4]])) == always
    other = np.array(lstm.EXERCISE, float)
    other[0, 0] = 1
    assert methods(lstm.run(lstm.EXERCISE_X, lstm.Params(shift=3), other)) == always


# Theorems.


@given(traces)
def test_the_cell_is_what_it_remembers(trace: lstm.Lstm) -> None:
    size = 1 + abs(trace.memory).sum()
    np.testing.assert_allclose(trace.memory[1:].sum(axis=1), trace.c, atol=1e-13 * size)
    assert (trace.memory[0] == 0).all()
    assert (np.triu(trace.kept[1:], 1) == 0).all()  # nothing from later steps
    assert ((trace.kept >= 0) & (trace.kept <= 1)).all()


@given(traces)
def test_memory_only_fades(trace: lstm.Lstm) -> None:
    for s in range(len(trace.z)):
        share = trace.kept[s + 1 :, s]
        assert share[0] == trace.fi[s]
        assert (np.diff(share) <= 0).all()


@given(inputs, st.floats(-10, 10), weights, st.sampled_from(["sigmoid", "step"]))
def test_the_null_direction_changes_nothing_at_all(
    x: list, shift: float, rows: list, gates: str
) -> None:
    blind = [[row[0], row[0], *row[2:]] for row in rows]
    still = lstm.run(x, lstm.Params(gates=gates), blind)
    moved = lstm.run(x, lstm.Params(gates=gates, shift=shift), blind)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(moved, name), getattr(still, name))
    np.testing.assert_allclose(
        moved.seen - still.x, np.outer(np.ones(len(x)), [1, -1, 0, 0]) * shift, atol=1e-14 * 30
    )


@given(inputs, st.floats(-10, 10), weights)
def test_a_row_that_is_not_blind_moves_by_the_difference(x: list, shift: float, rows: list) -> None:
    still, moved = (lstm.run(x, lstm.Params(shift=s), rows) for s in (0.0, shift))
    for name, row in zip(("z", "zi", "zf", "zo"), rows, strict=True):
        change = getattr(moved, name) - getattr(still, name)
        np.testing.assert_allclose(change, shift * (row[0] - row[1]), atol=1e-11)


def test_the_table_does_not_determine_the_input() -> None:
    rows = np.array(lstm.EXERCISE, float)[:, :4]
    assert np.linalg.matrix_rank(rows) == 3
    assert (rows @ [1, -1, 0, 0] == 0).all()
    trace = lstm.run(lstm.EXERCISE_X8)
    assert (trace.zi + trace.zf == 100).all()


@given(inputs, st.floats(0.001, 10), weights)
def test_gates_of_0_and_1_have_no_sharpness(x: list, sharpness: float, rows: list) -> None:
    blunt, sharp = (
        lstm.run(x, lstm.Params(gates="step", sharpness=k), rows) for k in (sharpness, 1.0)
    )
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(blunt, name), getattr(sharp, name))


def test_sharp_sigmoids_become_steps() -> None:
    """Every sum of the exercise lies at least 10 from 0, so a gate errs by at most e^(-10 k)."""
    for k in (0.1, 0.3, 1.0, 3.0):
        trace = lstm.run(lstm.EXERCISE_X8, lstm.Params(sharpness=k))
        by_hand = lstm.beside(trace)
        for name in ("fi", "ff", "fo"):
            assert abs(getattr(trace, name) - getattr(by_hand, name)).max() <= math.exp(-10 * k)
        assert abs(trace.y - by_hand.y).max() <= 20 * math.exp(-10 * k)


def test_a_sum_has_its_true_sign() -> None:
    """1 - 10 * 0.1 is 0 in floats, but the float 0.1 is a little more than a tenth."""
    assert 1 - 10 * 0.1 == 0 > 1 - 10 * Decimal.from_float(0.1)
    shut, open_ = [-10, 0, 0, 0, 1], [10, 0, 0, 0, -1]
    trace = lstm.run([[0.1, 0, 0, 5]], lstm.Params(gates="step"), [[0] * 5, shut, open_, [0] * 5])
    assert (trace.fi[0], trace.ff[0]) == (0, 1)
    assert trace.fo[0] == 1  # at 0 a gate is open
    assert lstm.certify(trace).holds


# Two routes.


@given(traces)
def test_the_table_agrees_with_a_plain_loop(trace: lstm.Lstm) -> None:
    def gate(u: float) -> float:
        p = trace.params
        return float(u >= 0) if p.gates == "step" else 0.5 * (1 + math.tanh(p.sharpness * u / 2))

    c = 0.0
    for t, at in enumerate(zip(trace.zi, trace.zf, trace.zo, trace.z, strict=True)):
        zi, zf, zo, z = map(float, at)
        x = trace.seen[t]
        sums = trace.weights[:, :4] @ x + trace.weights[:, 4]
        np.testing.assert_allclose([z, zi, zf, zo], sums, atol=1e-11)
        c = gate(zi) * z + gate(zf) * c
        assert trace.c[t] == pytest.approx(c, rel=1e-11, abs=1e-11)
        assert trace.y[t] == pytest.approx(gate(zo) * c, rel=1e-11, abs=1e-11)


@given(inputs, knobs, weights)
def test_what_comes_later_changes_nothing_before(x: list, params: lstm.Params, rows: list) -> None:
    whole, first = lstm.run(x, params, rows), lstm.run(x[:1], params, rows)
    for name in COLUMNS:
        assert getattr(whole, name)[0] == getattr(first, name)[0]


# The trace.


def test_a_trace_counts_the_state_before_the_first_input(exercise: lstm.Lstm) -> None:
    assert len(exercise) == 5
    assert {len(getattr(exercise, name)) for name in COLUMNS} == {4}
    assert exercise.kept.shape == (5, 4)
    assert exercise.at(3).c == exercise.c[2]
    assert exercise.before.tolist() == [0.0, *exercise.c[:3].tolist()]
    for step in (0, 5, -1):
        with pytest.raises(IndexError, match="step must lie in"):
            exercise.at(step)


def test_the_starting_arrays_stay_as_they_were() -> None:
    x = np.array(lstm.EXERCISE_X, float)
    trace = lstm.run(x, lstm.Params(shift=2))
    assert x.tolist() == np.array(lstm.EXERCISE_X, float).tolist()
    x[0, 0] = 99
    assert trace.x[0, 0] == 0
    assert lstm.table(lstm.EXERCISE_X, lstm.EXERCISE, trace.params).digest() == trace.digest()


# The slip: wrong where its sentence says, hidden where it says.


def test_the_mislabelled_row_by_hand() -> None:
    trace = lstm.run(lstm.EXERCISE_X, lstm.Params(gates="step"))
    shown = lstm.slipped(trace, SLIP)
    assert shown.c.tolist() == [3, 1, 5, 5]  # nothing is forgotten at step 3
    wrong = {name: mask.tolist() for name, mask in lstm.wrong_cells(trace, SLIP).items()}
    assert wrong["ff"] == [False, False, True, False]
    assert wrong["c"] == wrong["y"] == [False, False, True, True]
    assert not lstm.certify(trace, SLIP).holds


def test_it_hides_by_hand_at_steps_1_2_and_4() -> None:
    x = [lstm.EXERCISE_X[t] for t in (0, 1, 3)]
    trace = lstm.run(x, lstm.Params(gates="step"))
    assert lstm.certify(trace, SLIP).holds
    assert not any(mask.any() for mask in lstm.wrong_cells(trace, SLIP).values())


@given(inputs, knobs, weights)
def test_it_hides_where_both_gates_say_the_same(x: list, params: lstm.Params, rows: list) -> None:
    alike = [rows[0], rows[1], rows[1], rows[3]]
    trace = lstm.run(x, params, alike)
    assert lstm.certify(trace, SLIP).holds
    assert lstm.slipped(trace, SLIP).digest() == trace.digest()


@given(traces)
def test_the_certificate_is_red_just_where_entries_are_lit(trace: lstm.Lstm) -> None:
    lit = any(mask.any() for mask in lstm.wrong_cells(trace, SLIP).values())
    assert lstm.certify(trace, SLIP).holds == (not lit)


def test_the_slip_touches_nothing_but_the_forget_gate_and_what_follows(
    exercise: lstm.Lstm,
) -> None:
    shown = lstm.slipped(exercise, SLIP)
    for name in ("zi", "fi", "zf", "zo", "fo", "z"):
        np.testing.assert_array_equal(getattr(shown, name), getattr(exercise, name))
    np.testing.assert_array_equal(shown.ff, exercise.fi)


def test_a_slip_of_another_lesson_is_refused(exercise: lstm.Lstm) -> None:
    with pytest.raises(KeyError, match="nobody"):
        lstm.slipped(exercise, dataclasses.replace(SLIP, name="nobody"))


# Bad input.


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        ([], "x must have 1 to 60 rows, got 0."),
        (3.0, "x must be rows of 4 numbers each."),
        ([1, 2, 3, 4], "x must be rows of 4 numbers each."),
        ([[1, 2, 3]], "x must have 4 numbers in each row, got 3 in row 1."),
        ([[1, 2, 3, 4], [1, 2]], "x must have 4 numbers in each row, got 2 in row 2."),
        ([[0, 1, 0, 3]] * 61, "x must have 1 to 60 rows, got 61."),
        ([[0, 1, 0, math.nan]], "x must be numbers in [-500, 500], got nan at place 1, 4."),
        ([[0, 1e308, 0, 3]], "x must be numbers in [-500, 500], got 1e+308 at place 1, 2."),
        ([[0, 1, 0, -math.inf]], "x must be numbers in [-500, 500], got -inf at place 1, 4."),
        (["abcd"], "x must be numbers only."),
        ([[[1], [2], [3], [4]]], "x must have 2 dimensions, got 3."),
    ],
)
def test_bad_inputs_are_named(x: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        lstm.run(x)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (lstm.EXERCISE[:3], "weights must have 4 rows, got 3."),
        ([[1] * 4] * 4, "weights must have 5 numbers in each row, got 4 in row 1."),
        ([[501.0] * 5] * 4, "weights must be numbers in [-500, 500], got 501 at place 1, 1."),
    ],
)  # fmt: skip
def test_bad_weights_are_named(rows: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        lstm.run(lstm.EXERCISE_X, weights=rows)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"gates": "hard"}, "gates must be one of sigmoid, step, got 'hard'."),
        ({"sharpness": 0.0}, "sharpness must lie in [0.001, 10], got 0."),
        ({"sharpness": math.nan}, "sharpness must lie in [0.001, 10], got nan."),
        ({"shift": 11}, "shift must lie in [-10, 10], got 11."),
        ({"shift": "x"}, "shift must be a number, got 'x'."),
    ],
)
def test_bad_knobs_are_named(given_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        lstm.Params(**given_)
    assert str(caught.value) == f"lstm.Params.{sentence}"


# Working: formula, substituted formula, value.


def evaluated(template: str, numbers: Any) -> float:
    """The value of a substituted formula, its LaTeX read as arithmetic."""
    text = re.sub(r"@(\w+)@", r"(numbers['\1'])", template)
    for tex, python in ((r"\cdot", "*"), (r"\sigma", "sigma"), (r"\ge", ">=")):
        text = text.replace(tex, python)
    text = text.replace(r"[\,", "float(").replace(r"\,]", ")").replace(r"\,(", "*(")
    return eval(text, {"numbers": numbers, "sigma": sigma})


@given(traces)
def test_each_line_gives_its_value(trace: lstm.Lstm) -> None:
    first, *groups = lstm.working(trace)
    assert len(groups) == len(trace.z)
    for t, group in enumerate(groups):
        assert [line.name for line in group] == ["z", "fi", "ff", "fo", "c", "y"]
        for line in group:
            assert line.value == getattr(trace, line.name)[t]
            found = evaluated(line.substituted, line.numbers)
            if trace.params.gates == "step" and line.name[0] == "f":
                continue  # a sum that rounds to the other side of 0
            assert found == pytest.approx(line.value, rel=1e-9, abs=1e-9), line.name
    moved = [row[0] - row[1] for row in trace.weights.tolist()]
    for line, change in zip(first, moved, strict=True):
        assert line.value == pytest.approx(trace.params.shift * change)
        assert evaluated(line.substituted, line.numbers) == pytest.approx(line.value)


def test_the_shown_lines_of_the_third_step(exercise: lstm.Lstm) -> None:
    lines = {line.name: line for line in lstm.working(exercise)[3]}
    assert lines["z"].tex() == r"z = w \cdot x + b = 1 \cdot 4 = 4"
    assert lines["fi"].filled() == r"\sigma(100 \cdot 1 + 100 \cdot 1 - 10)"
    assert lines["ff"].filled() == r"\sigma(-100 \cdot 1 - 100 \cdot 1 + 110)"
    assert [line.tag for line in lines.values()] == [1, 2, 2, 2, 3, 4]
    blunt = lstm.run(lstm.EXERCISE_X, lstm.Params(sharpness=0.1))
    assert lstm.working(blunt)[1][3].filled() == r"\sigma(0.1\,(100 \cdot 0 - 10))"
    hard = lstm.run(lstm.EXERCISE_X, lstm.Params(gates="step"))
    assert lstm.working(hard)[1][3].filled() == r"[\,100 \cdot 0 - 10 \ge 0\,]"


def test_the_slip_shows_the_printed_form(exercise: lstm.Lstm) -> None:
    for group in lstm.working(lstm.slipped(exercise, SLIP), SLIP)[1:]:
        assert [line.name for line in group if line.printed] == ["ff"]
        row, right = group[2], group[1]
        assert row.symbol == "f(z_f)"
        assert (row.formula, row.filled(), row.value) == (
            right.formula,
            right.filled(),
            right.value,
        )


# Questions.


@pytest.mark.parametrize("step", range(5))
def test_the_right_answers_are_judged_right(step: int, golden: dict[str, Any]) -> None:
    case, t = golden["s004.1"], max(step, 1) - 1
    asked = {q.name: q for q in lstm.questions(lstm.run(lstm.EXERCISE_X), step)}
    for name, key in (("ff", "f"), ("c", "c"), ("y", "y")):
        assert asked[name].step == t + 1
        assert judge(asked[name], float(f"{case[key][t]:.3g}")).right


def test_each_mistake_is_named() -> None:
    for k in (0.05, 0.1):
        trace = lstm.run(lstm.EXERCISE_X8, lstm.Params(sharpness=k))
        for step in range(1, 9):
            for question in lstm.questions(trace, step):
                for value in question.mistakes.values():
                    verdict = judge(question, value)
                    assert verdict.right or verdict.sentence in question.mistakes


def test_the_mistakes_are_the_mistakes_they_say() -> None:
    trace = lstm.run(lstm.EXERCISE_X, lstm.Params(sharpness=0.05))
    asked = {q.name: q for q in lstm.questions(trace, 4)}
    fi, ff, z, before = sigma(4.5), sigma(0.5), 0.0, float(trace.c[2])
    cell, out = asked["c"].mistakes, asked["y"].mistakes
    assert cell["You left out what the cell held."] == pytest.approx(fi * z)
    assert cell["You let nothing be forgotten."] == pytest.approx(fi * z + before)
    assert cell["You let everything in."] == pytest.approx(z + ff * before)
    slip = lstm.slipped(trace, SLIP)
    label = "You used f(zᵢ) as forget gate, as the hint table is labelled."
    assert cell[label] == pytest.approx(fi * z + fi * before)
    assert lstm.questions(trace, 2)[1].mistakes[label] == pytest.approx(slip.c[1])
    assert out["That is the cell; the output gate stands before it."] == trace.c[3]
    assert asked["ff"].mistakes["That is z_f itself; the gate is its sigmoid."] == 10


def test_a_question_conceals_what_follows_from_its_answer(exercise: lstm.Lstm) -> None:
    conceals = {q.name: q.conceals for q in lstm.questions(exercise, 3)}
    assert conceals == {"ff": ("c", "y"), "c": ("y",), "y": ()}
