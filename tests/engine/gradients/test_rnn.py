"""Backpropagation through time: golden case, two judges, theorems, two routes, slips, bad input."""

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.certificate import central_difference
from engine.data import DataError
from engine.gradients import rnn
from engine.gradients.rnn_certificate import certificate
from engine.params import ParamError
from engine.predict import judge

Arrays = tuple[Any, Any, Any, Any, Any, Any]  # Wi, Wh, Wo, xs, target, h0
GRADIENTS = ("dWi", "dWh", "dWo")


@pytest.fixture(scope="module")
def exercise(golden: dict[str, Any]) -> rnn.Recurrent:
    return solved(golden["s004.2"])


def solved(case: dict[str, Any]) -> rnn.Recurrent:
    return rnn.run(case["Wi"], case["Wh"], case["Wo"], [case["x1"], case["x2"]], case["y"])


@st.composite
def problems(draw: st.DrawFn, longest: int = 8) -> Arrays:
    """Wi, Wh, Wo, xs, target, h0 of moderate size."""
    n, m, T = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, longest))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    size = draw(st.floats(0.1, 1.5))
    Wi, Wh, Wo, xs = (size * rng.normal(size=s) for s in ((n, m), (n, n), (1, n), (T, m)))
    target = draw(st.sampled_from([0.0, 0.3, 1.0]))
    return Wi, Wh, Wo, xs, target, rng.uniform(-1, 1, n)


# The hand-worked case.


def test_the_worked_exercise(golden: dict[str, Any], exercise: rnn.Recurrent) -> None:
    case = golden["s004.2"]
    assert exercise.h[1:].tolist() == [pytest.approx(case[f"h{t}"], rel=1e-14) for t in (1, 2)]
    assert exercise.dh[1:].tolist() == [pytest.approx(case[f"dh{t}"], rel=1e-13) for t in (1, 2)]
    assert (exercise.yhat, exercise.loss) == pytest.approx((case["yhat"], case["loss"]), rel=1e-14)
    for name in GRADIENTS:
        np.testing.assert_allclose(getattr(exercise, name), case[name], rtol=1e-13)


def test_the_exercise_preset_is_the_exercise(exercise: rnn.Recurrent) -> None:
    preset = rnn.PRESETS["exercise"]
    trace = rnn.run(**preset.data, params=preset.params)
    for name in ("h", "a", *GRADIENTS):
        np.testing.assert_array_equal(getattr(trace, name), getattr(exercise, name))


def test_the_printed_gradient(golden: dict[str, Any], exercise: rnn.Recurrent) -> None:
    printed = rnn.slipped(exercise, rnn.SLIPS["bracket"]).dWi
    np.testing.assert_allclose(printed, golden["wrong.s004.2"]["dWi"], rtol=1e-13)
    right = np.array(golden["s004.2"]["dWi"])
    assert (np.sign(printed) != np.sign(right)).sum() == 3  # three of four signs are wrong
    assert np.abs(printed - right).max() / np.abs(right).max() == pytest.approx(2.6, abs=0.05)


# Against autograd and 50-digit differences.


@given(problems())
def test_every_problem_is_certified(problem: Arrays) -> None:
    trace = rnn.run(*problem)
    certificate = rnn.certify(trace)
    assert certificate.holds, str(certificate)
    entries = sum(getattr(trace, name).size for name in (*GRADIENTS, "a", "dh"))
    assert certificate.count == entries


@given(
    st.integers(1, 50), st.floats(0.05, 3), st.floats(-1, 1), st.integers(0, 9999),
    st.sampled_from([1e-4, 0.1, 1.0, 10.0]),
)  # fmt: skip
def test_every_setting_of_the_page_is_certified(
    steps: int, radius: float, start: float, seed: int, size: float
) -> None:
    data = dict(rnn.PRESETS["exercise"].data) | {"xs": [[size, -size]]}
    params = rnn.Params(steps=steps, radius=radius, start=start, seed=seed)
    certificate = rnn.certify(rnn.run(**data, params=params))
    assert certificate.holds, str(certificate)


@pytest.mark.parametrize("name", [*GRADIENTS, "a", "dh"])
def test_the_certificate_judges_each_entry(name: str, exercise: rnn.Recurrent) -> None:
    values = getattr(exercise, name)
    for place in np.ndindex(*values.shape):
        off = values.copy()
        off[place] += 1e-9
        bad = certificate(exercise, dataclasses.replace(exercise, **{name: off}))
        assert bad.wrong == 1


def test_the_judges_do_not_know_the_way_back(exercise: rnn.Recurrent) -> None:
    against = {(c.name, c.against) for c in rnn.certify(exercise).checks}
    assert {judge for _, judge in against} == {"torch autograd", "50-digit differences"}
    assert len(against) == 8


# Theorems.


@given(problems(longest=20))
def test_a_gradient_is_no_longer_than_the_norms_allow(problem: Arrays) -> None:
    trace = rnn.run(*problem)
    norm, length = np.linalg.norm(trace.Wh, 2), np.linalg.norm(trace.a, axis=1)
    T = len(trace.xs)
    bound = norm ** (T - np.arange(1, T + 1)) * length[-1]
    assert (length <= bound * (1 + 1e-12) + 1e-300).all()


def test_the_bound_is_reached_by_a_turn_that_bends_nothing() -> None:
    turn = [[0.6, -0.8], [0.8, 0.6]]
    trace = rnn.run(np.eye(2), turn, [[1.0, 0.5]], np.zeros((30, 2)), 1)
    length = np.linalg.norm(trace.a, axis=1)
    np.testing.assert_allclose(length, length[-1], rtol=1e-13)
    assert trace.radius == pytest.approx(1, rel=1e-14)


@given(problems())
def test_everything_is_linear_in_delta(problem: Arrays) -> None:
    """The same states with another target: only delta changes, and all else in proportion."""
    Wi, Wh, Wo, xs, _, h0 = problem
    one, zero = rnn.run(Wi, Wh, Wo, xs, 1, h0), rnn.run(Wi, Wh, Wo, xs, 0, h0)
    for name in ("a", "dh", *GRADIENTS):
        left = getattr(one, name) * zero.delta
        right = getattr(zero, name) * one.delta
        np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-14)


@given(problems())
def test_a_turned_sign_turns_the_gradient(problem: Arrays) -> None:
    """tanh is odd: -Wi, -Wo, -h0 give -h and the same guess."""
    Wi, Wh, Wo, xs, y, h0 = problem
    trace, turned = rnn.run(*problem), rnn.run(-Wi, Wh, -Wo, xs, y, -h0)
    np.testing.assert_array_equal(turned.h, -trace.h)
    np.testing.assert_array_equal(turned.dWi, -trace.dWi)
    np.testing.assert_array_equal(turned.dWh, trace.dWh)


@given(problems())
def test_the_paths_add_up_as_they_are_found(problem: Arrays) -> None:
    trace = rnn.run(*problem)
    T = len(trace.xs)
    for t in range(1, T + 1):
        np.testing.assert_array_equal(
            trace.paths.Wi[t - 1], np.outer(trace.a[t - 1], trace.xs[t - 1])
        )
        np.testing.assert_array_equal(
            trace.paths.Wh[t - 1], np.outer(trace.a[t - 1], trace.h[t - 1])
        )
    assert len(trace) == 2 * T + 3 == len(rnn.states(T))
    for name, terms in (("dWi", trace.paths.Wi), ("dWh", trace.paths.Wh)):
        grown = getattr(trace, f"{name}_so_far")
        assert not grown[: T + 2].any()
        np.testing.assert_allclose(np.diff(grown[T + 1 : -1], axis=0), terms[::-1], atol=1e-12)
        np.testing.assert_array_equal(grown[-1], getattr(trace, name))


# Two routes.


@given(problems(longest=6))
def test_backward_agrees_with_forward_mode(problem: Arrays) -> None:
    """Push a direction through the states along with them; no adjoint is formed."""
    Wi, Wh, Wo, xs, y, h0 = problem
    trace = rnn.run(*problem)
    for i, k in np.ndindex(*Wh.shape):
        h, moved = h0, np.zeros(len(h0))
        for x in xs:
            after = np.tanh(Wi @ x + Wh @ h)
            direct = np.zeros(len(h0))
            direct[i] = h[k]
            moved = (1 - after**2) * (direct + Wh @ moved)
            h = after
        yhat = 1 / (1 + math.exp(-float(Wo[0] @ h)))
        slope = (yhat - y) * float(Wo[0] @ moved)
        assert trace.dWh[i, k] == pytest.approx(slope, rel=1e-10, abs=1e-13)


@given(problems(longest=6))
def test_backward_agrees_with_the_products_written_out(problem: Arrays) -> None:
    """(9) for any T: every path is a product of matrices from the output to its step."""
    Wi, Wh, Wo, xs, _, _ = problem
    trace = rnn.run(*problem)
    D = [np.diag(1 - h**2) for h in trace.h[1:]]
    total = np.zeros_like(Wi)
    for t in range(len(xs)):
        way = np.eye(len(Wh))
        for s in range(t, len(xs) - 1):
            way = way @ D[s] @ Wh.T
        total += trace.delta * way @ D[-1] @ Wo.T @ xs[t][None]
    np.testing.assert_allclose(trace.dWi, total, rtol=1e-10, atol=1e-13)


@given(problems())
def test_the_gradient_by_the_first_state(problem: Arrays) -> None:
    """h0 is differentiated through one entry at a time, in 50 digits."""
    import mpmath

    Wi, Wh, Wo, xs, y, h0 = (np.asarray(p).tolist() for p in problem)

    def loss(**start: Any) -> Any:
        h = list(start.values())
        for x in xs:
            h = [
                mpmath.tanh(
                    sum(a * b for a, b in zip(Wi[i], x, strict=True))
                    + sum(a * b for a, b in zip(Wh[i], h, strict=True))
                )
                for i in range(len(h))
            ]
        yhat = 1 / (1 + mpmath.exp(-sum(a * b for a, b in zip(Wo[0], h, strict=True))))
        return -y * mpmath.log(yhat) - (1 - y) * mpmath.log(1 - yhat)

    found = central_difference(loss, **{f"h{i}": v for i, v in enumerate(h0)})
    assert rnn.run(*problem).dh[0].tolist() == pytest.approx(
        list(found.values()), rel=1e-10, abs=1e-13
    )


# How the page stretches a problem.


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    data = rnn.PRESETS["exercise"].data
    long = rnn.run(**data, params=rnn.Params(steps=50, seed=3))
    short = rnn.run(**data, params=rnn.Params(steps=7, seed=3))
    np.testing.assert_array_equal(long.xs[:7], short.xs)
    np.testing.assert_array_equal(long.xs[:2], data["xs"])
    other = rnn.run(**data, params=rnn.Params(steps=7, seed=4))
    assert (other.xs[2:] != short.xs[2:]).all()
    assert len(rnn.run(**data, params=rnn.Params(steps=1)).xs) == 1


@given(st.floats(0.05, 3))
def test_the_matrix_gets_the_radius_asked_for(radius: float) -> None:
    trace = rnn.run(**rnn.PRESETS["exercise"].data, params=rnn.Params(radius=radius))
    assert trace.radius == pytest.approx(radius, rel=1e-13)
    ratio = trace.Wh / np.array(rnn.PRESETS["exercise"].data["Wh"])
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-13)


def test_the_first_state_is_the_knob_or_what_is_given() -> None:
    data = rnn.PRESETS["exercise"].data
    assert rnn.run(**data, params=rnn.Params(start=-0.25)).h[0].tolist() == [-0.25, -0.25]
    assert rnn.run(**data, h0=[0.5, 2.0]).h[0].tolist() == [0.5, 2.0]
    assert rnn.run(**data).h[0].tolist() == [0, 0]


# Slips.

WRONG = {"swapped": {"dWi"}, "bracket": {"dWi"}, "last-only": {"dWi"}, "no-start": set()}


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_wrong_in_its_matrices_and_nowhere_else(
    name: str, exercise: rnn.Recurrent
) -> None:
    slip = rnn.SLIPS[name]
    wrong = rnn.wrong_cells(exercise, slip)
    assert {n for n in ("dWi", "dWh") if wrong[n].any()} == WRONG[name]
    certificate = rnn.certify(exercise, slip)
    assert certificate.holds == (not WRONG[name])
    red = {c.name for c in certificate.checks if not c.holds} & {r"\partial L / \partial W_i"}
    assert bool(red) == bool(WRONG[name])


def test_two_steps_with_the_diagonals_swapped(exercise: rnn.Recurrent) -> None:
    one, two = (np.diag(1 - exercise.h[t] ** 2) for t in (1, 2))
    swapped = two @ exercise.Wh.T @ one @ exercise.Wo[0] * exercise.delta
    shown = rnn.slipped(exercise, rnn.SLIPS["swapped"])
    np.testing.assert_allclose(shown.a[0], swapped, rtol=1e-14)
    np.testing.assert_array_equal(shown.a[1], exercise.a[1])
    want = np.outer(swapped, exercise.xs[0]) + np.outer(exercise.a[1], exercise.xs[1])
    np.testing.assert_allclose(shown.dWi, want, rtol=1e-14)


def test_the_order_of_a_long_product_is_turned_round() -> None:
    trace = rnn.run(**rnn.PRESETS["exercise"].data, params=rnn.Params(steps=5, start=0.3))
    D = [np.diag(1 - h**2) for h in trace.h[1:]]
    turned = D[4] @ trace.Wh.T @ D[3] @ trace.Wh.T @ D[2] @ trace.Wh.T @ D[1] @ trace.Wo[0]
    shown = rnn.slipped(trace, rnn.SLIPS["swapped"])
    np.testing.assert_allclose(shown.a[1], turned * trace.delta, rtol=1e-13)


def hidden(problem: Arrays, name: str) -> None:
    trace, slip = rnn.run(*problem), rnn.SLIPS[name]
    assert rnn.certify(trace, slip).holds
    assert not any(mask.any() for mask in rnn.wrong_cells(trace, slip).values())


@settings(max_examples=12)
@given(problems())
def test_a_slip_hides_where_it_says(problem: Arrays) -> None:
    Wi, Wh, Wo, xs, y, h0 = problem
    hidden((Wi[:1], Wh[:1, :1], Wo[:, :1], xs, y, h0[:1]), "swapped")
    hidden((Wi, Wh, Wo, xs[:1], y, h0), "swapped")
    hidden((Wi, Wh, Wo, xs[:1], y, h0), "last-only")
    hidden((Wi, Wh, Wo, np.vstack([0 * xs[:-1], xs[-1:]]), y, h0), "last-only")
    hidden((Wi, Wh, Wo, np.vstack([xs[:-1], 0 * xs[-1:]]), y, h0), "bracket")
    hidden((Wi, Wh, Wo, xs, y, 0 * h0), "no-start")


@settings(max_examples=30)
@given(problems())
def test_a_slip_shows_where_nothing_hides_it(problem: Arrays) -> None:
    *_, xs, _, h0 = problem
    trace = rnn.run(*problem)
    T = len(xs)
    assume(np.abs(xs).min() > 1e-3 and np.abs(h0).min() > 1e-3 and np.abs(trace.a).min() > 1e-6)
    for name in ("bracket", "no-start", *(("last-only",) if T > 1 else ())):
        shown = rnn.slipped(trace, rnn.SLIPS[name])
        assert not rnn.certify(trace, rnn.SLIPS[name]).holds
        for matrix in ("dWi", "dWh"):
            off = ~np.isclose(getattr(shown, matrix), getattr(trace, matrix), rtol=0, atol=1e-9)
            assert (rnn.wrong_cells(trace, rnn.SLIPS[name])[matrix] >= off).all()


def test_no_start_is_the_missing_path() -> None:
    trace = rnn.run(**rnn.PRESETS["start"].data, params=rnn.PRESETS["start"].params)
    shown = rnn.slipped(trace, rnn.SLIPS["no-start"])
    gap = np.outer(trace.a[0], trace.h[0])
    np.testing.assert_allclose(trace.dWh - shown.dWh, gap, rtol=1e-12)
    assert rnn.certify(trace, rnn.SLIPS["no-start"]).wrong == 4


def test_a_slip_of_another_lesson_is_refused(exercise: rnn.Recurrent) -> None:
    with pytest.raises(KeyError, match="nobody"):
        rnn.slipped(exercise, dataclasses.replace(rnn.SLIPS["bracket"], name="nobody"))


# Bad input.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Wh": [[1, 2, 3], [4, 5, 6]]}, "Wh must be square, got 2 by 3."),
        ({"Wi": [[1, 2]]}, "Wi must have 2 rows, as Wh has, got 1."),
        ({"Wo": [[1, 2, 3]]}, "Wo must be one row of 2, got 1 by 3."),
        ({"Wo": [[1, 2], [3, 4]]}, "Wo must be one row of 2, got 2 by 2."),
        ({"xs": [[1, 2, 3]]}, "xs must have 2 columns, as Wi has, got 3."),
        ({"xs": [[1, math.nan]]}, "xs must be numbers in [-1,000, 1,000], got nan at place 1, 2."),
        ({"target": 1.5}, "target must be numbers in [0, 1], got 1.5 at place 1."),
        ({"target": [0, 1]}, "target must be one number, got 2."),
        ({"h0": [1, 2, 3]}, "h0 must have 2 numbers, as Wh has rows, got 3."),
    ],
    ids=str,
)
def test_bad_arrays_are_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        rnn.run(**dict(rnn.PRESETS["exercise"].data) | change)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["Wi", "Wh", "Wo", "xs", "target"])
@pytest.mark.parametrize("value", [[], [[]], "abc", [[1, 2], [3]], [[1e9, 1], [1, 1]], None])
def test_what_cannot_be_used_is_one_sentence_about_it(name: str, value: Any) -> None:
    with pytest.raises(DataError) as caught:
        rnn.run(**dict(rnn.PRESETS["exercise"].data) | {name: value})
    said = str(caught.value)
    assert said.startswith(name)
    assert said.endswith(".")


def test_a_matrix_without_eigenvalues_cannot_be_scaled() -> None:
    data = dict(rnn.PRESETS["exercise"].data) | {"Wh": [[0, 1], [0, 0]]}
    assert rnn.run(**data, params=rnn.Params()).radius == 0
    with pytest.raises(DataError, match=r"^Wh must have an eigenvalue other than 0"):
        rnn.run(**data, params=rnn.Params(radius=1.0))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("steps", 0, "must lie in [1, 50], got 0."),
        ("steps", 51, "must lie in [1, 50], got 51."),
        ("radius", -0.1, "must lie in [0, 3], got -0.1."),
        ("start", 1.5, "must lie in [-1, 1], got 1.5."),
        ("seed", 2.5, "must be a whole number, got 2.5."),
    ],
)
def test_bad_knobs_are_named(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        rnn.Params(**{name: value})
    assert str(caught.value) == f"rnn.Params.{name} {sentence}"


def test_the_callers_arrays_are_left_alone() -> None:
    arrays = [np.array(v, float) for v in rnn.PRESETS["exercise"].data.values()]
    before = [a.copy() for a in arrays]
    rnn.run(*arrays, params=rnn.Params(radius=2.0, steps=9))
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


# Working and questions.


def evaluated(template: str, numbers: Any) -> float:
    text = re.sub(r"@(\w+)@", r"(numbers['\1'])", template).replace("^2", "**2")
    text = text.replace(r"\cdot", "*").replace(r"\log", "log").replace(r"\tanh", "tanh")
    text = re.sub(r"log (\(numbers\['\w+'\]\))", r"log(\1)", text).replace(r"\sigma", "sigma")
    known = {"tanh": math.tanh, "log": math.log, "sigma": lambda u: 1 / (1 + math.exp(-u))}
    return eval(text, known | {"numbers": numbers})


@pytest.mark.parametrize("into", ["Wi", "Wh"])
@pytest.mark.parametrize("slip", [None, *rnn.SLIPS])
@pytest.mark.parametrize("preset", rnn.PRESETS)
def test_each_line_gives_its_value(preset: str, slip: str | None, into: str) -> None:
    case = rnn.PRESETS[preset]
    trace = rnn.run(**case.data, params=case.params)
    on = rnn.SLIPS[slip] if slip else None
    shown = rnn.slipped(trace, on) if on else trace
    groups = rnn.working(shown, on, into)
    assert len(groups) == len(trace)
    seen = 0
    for line in (line for group in groups for line in group):
        if line.substituted:
            value = evaluated(line.substituted, line.numbers)
            assert value == pytest.approx(line.value, rel=1e-10, abs=1e-13), line.tex()
            seen += 1
    assert seen > 10
    total = shown.dWi if into == "Wi" else shown.dWh
    last = {line.name: line.value for line in groups[-1]}
    assert last[f"d{into}[1,1]"] == total[0, 0]


def test_a_line_that_gives_the_answer_away_is_left_out(exercise: rnn.Recurrent) -> None:
    for question in rnn.questions(exercise):
        (group,) = rnn.working(exercise, blank=question.name)[question.step : question.step + 1]
        others = [line for line in group if line.name != question.name]
        assert any(line.name == question.name for line in group)
        for line in others:
            used = [line.numbers[slot] for slot in line.slots()]
            assert question.value not in used, (question.name, line.tex())


@pytest.mark.parametrize("into", ["Wi", "Wh"])
def test_the_answers_are_the_golden_ones(
    golden: dict[str, Any], exercise: rnn.Recurrent, into: str
) -> None:
    case = golden["s004.2"]
    asked = {q.name: q for q in rnn.questions(exercise, into)}
    a2, a1 = (case[f"dh{t}"][0] * (1 - case[f"h{t}"][0] ** 2) for t in (2, 1))
    right = {
        "delta": case["yhat"] - 1,
        "a2[1]": a2,
        "a1[1]": a1,
        f"d{into}[1,1]": case["d" + into][0][0],
    }
    assert set(asked) == set(right)
    for name, value in right.items():
        assert judge(asked[name], float(f"{value:.4g}")).right, name
        for sentence, wrong in asked[name].mistakes.items():
            verdict = judge(asked[name], wrong)
            assert verdict.right or verdict.sentence == sentence


def test_the_mistakes_are_the_mistakes_they_say(
    golden: dict[str, Any], exercise: rnn.Recurrent
) -> None:
    case = golden["s004.2"]
    asked = {q.name: q for q in rnn.questions(exercise)}
    delta, w = case["yhat"] - case["y"], case["Wo"][0][0]
    bent = {t: 1 - np.array(case[f"h{t}"]) ** 2 for t in (1, 2)}
    a2, Wh = bent[2] * np.array(case["dh2"]), np.array(case["Wh"])
    typed = {
        ("a2[1]", "You left out ŷ - y."): bent[2][0] * w,
        ("a2[1]", "You left out the slope 1 - h²."): w * delta,
        ("a2[1]", "You left out Wₒ."): bent[2][0] * delta,
        ("a1[1]", "You used Wₕ, not its transpose."): bent[1][0] * (Wh[0] @ a2),
        ("a1[1]", "You left out the slope 1 - h²."): case["dh1"][0],
        ("a1[1]", "You took the slope of the later step."): bent[2][0] * case["dh1"][0],
        ("dWi[1,1]", "That is the last step's path alone; add the others."): a2[0] * case["x2"][0],
    }
    for (name, sentence), value in typed.items():
        assert judge(asked[name], float(value)).sentence == sentence


def test_the_printed_bracket_is_a_named_mistake(
    golden: dict[str, Any], exercise: rnn.Recurrent
) -> None:
    (question,) = (q for q in rnn.questions(exercise) if q.name == "dWi[1,1]")
    verdict = judge(question, golden["wrong.s004.2"]["dWi"][0][0])
    assert verdict.sentence == "You left ŷ - y off the last step's path."


# Presets.


def test_the_presets_show_what_they_say() -> None:
    length = {}
    for name, case in rnn.PRESETS.items():
        trace = rnn.run(**case.data, params=case.params)
        length[name] = np.linalg.norm(trace.a, axis=1)
    fading, growing, steady = (length[n] for n in ("vanishing", "exploding", "edge"))
    assert fading[0] / fading[-1] < 0.9**29 / 1e6  # far below what the radius alone would leave
    assert growing[0] / growing[-1] == pytest.approx(1.3**29, rel=0.3)
    np.testing.assert_allclose(steady, steady[-1], rtol=1e-4)
