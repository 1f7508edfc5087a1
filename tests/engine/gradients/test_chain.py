"""The chain f = w3 sigma(w2 sigma(w1 x)): golden case, two derivations, theorems, bad input."""

import cmath
import dataclasses
import math
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.gradients import chain
from engine.numerics import sigmoid, sigmoid_slope
from engine.params import ParamError
from engine.predict import judge

NAMES = ("w1", "w2", "w3", "x")
numbers = st.floats(-100, 100)
points = st.builds(chain.Params, w1=numbers, w2=numbers, w3=numbers, x=numbers)
gentle = st.floats(-5, 5)
gentle_points = st.builds(chain.Params, w1=gentle, w2=gentle, w3=gentle, x=gentle)


@pytest.fixture(scope="module")
def exercise() -> chain.Chain:
    return chain.run(chain.Params())


def gradient(trace: chain.Chain) -> dict[str, float]:
    return {name: getattr(trace, "d" + name) for name in NAMES}


# The hand-worked case.


def test_the_worked_exercise(golden: dict[str, Any]) -> None:
    case = golden["s001.2"]
    w1, w2, w3 = case["w"]
    trace = chain.run(chain.Params(w1=w1, w2=w2, w3=w3, x=case["x"]))
    got = [trace.f, trace.s1, trace.s2, trace.dw1, trace.dw2, trace.dw3, trace.dx]
    want = [case["f"], case["s1"], case["s2"], *case["dw"], case["dx"]]
    assert got == pytest.approx(want, rel=1e-14)


def test_the_knobs_start_at_the_exercise(golden: dict[str, Any]) -> None:
    case = golden["s001.2"]
    assert chain.Params() == chain.Params(
        **dict(zip(("w1", "w2", "w3"), case["w"], strict=True)), x=case["x"]
    )


def test_equation_23_as_it_was_printed(golden: dict[str, Any], exercise: chain.Chain) -> None:
    right = golden["s001.2"]["dw"][0]
    second = chain.slipped(exercise, chain.SLIPS["eq23-second"])
    assert second.dw1 == pytest.approx(golden["wrong.s001.2.eq23"]["dw1"], rel=1e-14)
    assert second.dw1 / right == pytest.approx(1 / exercise.params.w2)  # even the sign flips
    first = chain.slipped(exercise, chain.SLIPS["eq23-first"])
    assert first.dw1 == pytest.approx(right * exercise.params.w3, rel=1e-14)


# Against torch's autograd and 50-digit differences.


@given(points)
def test_every_chain_is_certified(params: chain.Params) -> None:
    certificate = chain.certify(chain.run(params))
    assert certificate.holds, str(certificate)
    assert certificate.count == 8


@pytest.mark.parametrize(
    "params",
    [
        chain.Params(w1=100, w2=100, w3=100, x=100),
        chain.Params(w1=-100, w2=100, w3=-100, x=100),
        chain.Params(w1=0, w2=0, w3=0, x=0),
        # s2 = 1 - 2e-9: half an ulp of 1 - s2, a hundred thousand times magnified
        chain.Params(w1=-0.01386, w2=100, w3=100, x=100),
    ],
)
def test_the_corners_are_certified(params: chain.Params) -> None:
    certificate = chain.certify(chain.run(params))
    assert certificate.holds, str(certificate)


def test_a_certificate_judges_all_eight_adjoints_twice(exercise: chain.Chain) -> None:
    checks = chain.certify(exercise).checks
    adjoints = [step.name[1:] for step in chain.STEPS if step.backward]
    assert [check.got for check in checks[:8:2]] == list(gradient(exercise).values())
    assert {check.name for check in checks} == {chain.SYMBOLS["d" + name] for name in adjoints}
    assert {check.against for check in checks} == {"torch autograd", "50-digit differences"}
    for name in adjoints:
        off = dataclasses.replace(exercise, **{"d" + name: getattr(exercise, "d" + name) + 1e-9})
        assert chain.certify(off).wrong == 1


# Theorems.


@given(points)
def test_a_slope_is_at_most_a_quarter(params: chain.Params) -> None:
    trace = chain.run(params)
    a_little_more = 1 + 1e-14
    assert abs(trace.dx2) <= abs(params.w3) / 4 * a_little_more
    most = abs(params.w3 * params.w2 * params.x) / 16
    assert abs(trace.dw1) <= most * a_little_more + 1e-300


def test_the_bound_is_reached_in_the_middle() -> None:
    trace = chain.run(chain.Params(w1=0, w2=0, w3=-4, x=3))
    assert trace.dx2 == -1.0


@given(points)
def test_twice_w3_is_twice_everything_behind_it(params: chain.Params) -> None:
    assume(abs(params.w3) <= 50)
    once = chain.run(params)
    twice = chain.run(dataclasses.replace(params, w3=2 * params.w3))
    for name in ("f", "ds2", "dx2", "dw2", "ds1", "dx1", "dw1", "dx"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name), rel=1e-14, abs=1e-300)
    assert twice.dw3 == once.dw3
    assert once.params.w3 * once.dw3 == once.f


@given(points)
def test_x_and_w1_play_the_same_part(params: chain.Params) -> None:
    trace = chain.run(params)
    swapped = chain.run(dataclasses.replace(params, w1=params.x, x=params.w1))
    assert (swapped.f, swapped.dw1, swapped.dx) == (trace.f, trace.dx, trace.dw1)
    assert params.w1 * trace.dw1 == pytest.approx(params.x * trace.dx, rel=1e-13, abs=1e-300)


@given(points)
def test_a_sign_turned_twice_changes_nothing(params: chain.Params) -> None:
    trace = chain.run(params)
    turned = chain.run(dataclasses.replace(params, w1=-params.w1, x=-params.x))
    assert (turned.f, turned.dw2, turned.dw3) == (trace.f, trace.dw2, trace.dw3)
    assert (turned.dw1, turned.dx) == (-trace.dw1, -trace.dx)


# Two routes.


@given(gentle_points)
def test_backward_agrees_with_the_complex_step(params: chain.Params) -> None:
    """Forward mode: f at p + ih has h f'(p) in its imaginary part, without a difference."""

    def sigma(u: complex) -> complex:
        return 1 / (1 + cmath.exp(-u))

    h = 1e-150
    point = dataclasses.asdict(params)
    for name, slope in gradient(chain.run(params)).items():
        aside = chain.forward(**{**point, name: point[name] + 1j * h}, sigma=sigma)
        assert slope == pytest.approx(aside.imag / h, rel=1e-11, abs=1e-13)


@given(gentle_points)
def test_backward_agrees_with_the_product_of_equation_24(params: chain.Params) -> None:
    trace = chain.run(params)
    s1 = float(sigmoid(params.w1 * params.x))
    u2 = params.w2 * s1
    product = (
        params.w3
        * sigmoid_slope(u2)
        * params.w2
        * sigmoid_slope(params.w1 * params.x)
        * params.x
    )  # fmt: skip
    assert trace.dw1 == pytest.approx(product, rel=1e-11, abs=1e-14)


@given(points)
def test_forward_in_one_line_is_the_forward_pass(params: chain.Params) -> None:
    one_line = chain.forward(**dataclasses.asdict(params), sigma=lambda u: float(sigmoid(u)))
    assert chain.run(params).f == one_line


# What must be kept, and the order of the way back.


def kept_for(name: str) -> set[str]:
    steps = {step.name: step for step in chain.STEPS}
    kept: set[str] = set()
    while name in steps and steps[name].backward:
        kept |= set(steps[name].reuses)
        name = steps[name].arrives
    return kept - {"w1", "w2", "w3"}


def test_what_each_weight_needs_to_have_been_kept() -> None:
    assert kept_for("dw3") == {"s2"}
    assert kept_for("dw2") == {"s1", "s2"}
    assert kept_for("dw1") == {"s1", "s2", "x"}


def test_the_way_back_is_the_way_out_reversed() -> None:
    order = [step.name for step in chain.STEPS]
    assert order.index("dw3") < order.index("dw2") < order.index("dw1")
    assert order.index("x1") < order.index("x2") < order.index("f") < order.index("dw3")


def test_a_step_uses_only_what_has_arrived_or_was_kept(exercise: chain.Chain) -> None:
    known = {"f", *NAMES}
    for step in chain.STEPS[1:]:
        slots = set(re.findall(r"@(\w+)@", step.substituted))
        assert slots <= known, step.name
        if step.backward:
            assert step.arrives in known
            assert slots <= {step.arrives, *step.reuses}
        known.add(step.name)
    assert known == set(exercise.values())


# Slips: wrong where the solution was wrong, hidden where its sentence says so.

WRONG = {
    "eq23-first": {"dw1"},
    "eq23-second": {"ds1", "dx1", "dw1", "dx"},
    "forward-derivatives": {"dx2", "dw2", "ds1", "dx1", "dw1", "dx"},
    "slope-in-u": set(),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_wrong_in_its_cells_and_nowhere_else(name: str, exercise: chain.Chain) -> None:
    slip = chain.SLIPS[name]
    assert chain.wrong_cells(exercise, slip) == WRONG[name]
    certificate = chain.certify(exercise, slip)
    assert certificate.wrong == len(WRONG[name])
    assert certificate.holds == (not WRONG[name])


def hidden(name: str, params: chain.Params) -> None:
    trace, slip = chain.run(params), chain.SLIPS[name]
    assert chain.certify(trace, slip).holds
    assert chain.wrong_cells(trace, slip) == set()


@given(points)
def test_w3_counted_twice_hides_when_it_is_one(params: chain.Params) -> None:
    hidden("eq23-first", dataclasses.replace(params, w3=1.0))


@given(points)
def test_w2_left_out_hides_when_it_is_one(params: chain.Params) -> None:
    hidden("eq23-second", dataclasses.replace(params, w2=1.0))


@given(gentle_points)
def test_w2_left_out_divides_the_gradient_by_it(params: chain.Params) -> None:
    assume(abs(params.w2) > 1e-3)
    trace = chain.run(params)
    without = chain.slipped(trace, chain.SLIPS["eq23-second"])
    assert without.dw1 * params.w2 == pytest.approx(trace.dw1, rel=1e-12, abs=1e-300)
    assert without.dx * params.w2 == pytest.approx(trace.dx, rel=1e-12, abs=1e-300)


@given(points)
def test_the_slope_in_u_hides_until_the_exponential_overflows(params: chain.Params) -> None:
    assume(params.w1 * params.x > -709)
    hidden("slope-in-u", params)


def test_the_slope_in_u_hides_even_where_its_square_overflows() -> None:
    hidden("slope-in-u", chain.Params(w1=100, w2=1, w3=1, x=-4))


@given(st.floats(-100, -1), st.floats(-100, 100))
def test_the_slope_in_u_is_nan_beyond_and_only_in_the_slip(w1: float, w2: float) -> None:
    params = chain.Params(w1=w1, w2=w2, w3=1.0, x=min(100.0, -711 / w1))
    assume(params.w1 * params.x < -710)
    trace, slip = chain.run(params), chain.SLIPS["slope-in-u"]
    shown = chain.slipped(trace, slip)
    assert not any(math.isnan(value) for value in trace.values().values())
    assert {n for n, v in shown.values().items() if math.isnan(v)} == {"dx1", "dw1", "dx"}
    assert chain.wrong_cells(trace, slip) == {"dx1", "dw1", "dx"}


def test_on_the_way_out_only_w3_has_its_derivative(exercise: chain.Chain) -> None:
    slip = chain.SLIPS["forward-derivatives"]
    shown = chain.slipped(exercise, slip)
    assert [name for name in NAMES if not math.isnan(gradient(shown)[name])] == ["w3"]


def test_a_slip_of_another_lesson_is_refused(exercise: chain.Chain) -> None:
    other = dataclasses.replace(chain.SLIPS["eq23-first"], name="nobody")
    with pytest.raises(KeyError, match="nobody"):
        chain.slipped(exercise, other)


# Bad input.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1000, "must lie in [-100, 100], got 1000."),
        (-100.5, "must lie in [-100, 100], got -100.5."),
        (1e308, "must lie in [-100, 100], got 1e+308."),
        (math.nan, "must lie in [-100, 100], got nan."),
        (math.inf, "must lie in [-100, 100], got inf."),
        (-math.inf, "must lie in [-100, 100], got -inf."),
        ("abc", "must be a number, got 'abc'."),
        (None, "must be a number, got nothing."),
        (True, "must be a number, got True."),
        ([1.0], "must be a number, got [1.0]."),
        pytest.param(
            10**5000 - 1,
            "must lie in [-100, 100], got a whole number of more than 15 digits.",
            id="5000 digits",
        ),
    ],
)
def test_bad_numbers_are_named(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        chain.Params(**{name: value})
    assert str(caught.value) == f"chain.Params.{name} {sentence}"


# Working: formula, substituted formula, value.


def evaluated(template: str, numbers: Any) -> float:
    """The value of a substituted formula, its LaTeX read as a product."""
    text = re.sub(r"@(\w+)@", r"(numbers['\1'])", template)
    text = text.replace(r"\cdot", "*").replace(r"\,", "*").replace(r"\sigma", "sigma")
    return eval(text, {"numbers": numbers, "sigma": lambda u: float(sigmoid(u))})


@given(points)
def test_each_line_gives_its_steps_value_and_so_does_its_formula(params: chain.Params) -> None:
    trace = chain.run(params)
    given_names = {"given": trace.f, **trace.values()}
    lines = chain.working(trace)
    assert len(lines) == len(trace) == len(chain.STEPS)
    for step, (line, *slopes) in zip(chain.STEPS, lines, strict=True):
        assert line.value == given_names[step.name]
        assert line.tag == step.tag
        for one in (line, *slopes):
            if one.substituted:
                assert evaluated(one.substituted, one.numbers) == pytest.approx(
                    one.value, rel=1e-13, abs=1e-300
                )


def test_a_slope_is_shown_in_both_its_forms(exercise: chain.Chain) -> None:
    lines = dict(zip((step.name for step in chain.STEPS), chain.working(exercise), strict=True))
    for name, u in (("dx2", exercise.x2), ("dx1", exercise.x1)):
        _, by_s, by_u = lines[name]
        assert by_s.value == pytest.approx(math.exp(-u) / (1 + math.exp(-u)) ** 2, rel=1e-14)
        assert by_u.value == pytest.approx(by_s.value, rel=1e-14)
        assert by_s.tag == by_u.tag == 5
    assert {name for name, found in lines.items() if len(found) > 1} == {"dx1", "dx2"}


def test_the_shown_line_of_the_exercise(golden: dict[str, Any], exercise: chain.Chain) -> None:
    case = golden["s001.2"]
    line = chain.working(exercise)[[step.name for step in chain.STEPS].index("f")][0]
    assert line.tex() == rf"f = w_3 s_2 = 2 \cdot {case['s2']:.4f} = {case['f']:.4f}"


# Questions.


def test_the_right_answers_are_judged_right(golden: dict[str, Any], exercise: chain.Chain) -> None:
    case = golden["s001.2"]
    right = dict(zip(("dw1", "dw2", "dw3"), case["dw"], strict=True))
    right["dx2"] = case["dw"][1] / case["s1"]  # (8)
    asked = {question.name: question for question in chain.questions(exercise)}
    assert set(asked) == set(right)
    for name, question in asked.items():
        assert judge(question, float(f"{right[name]:.3g}")).right
        assert chain.STEPS[question.step].name == name


def test_each_mistake_is_named(exercise: chain.Chain) -> None:
    for question in chain.questions(exercise):
        for sentence, value in question.mistakes.items():
            verdict = judge(question, value)
            assert not verdict.right
            assert verdict.sentence == sentence


def test_the_mistakes_are_the_mistakes_they_say(exercise: chain.Chain) -> None:
    """One factor dropped from the product of all, one at a time."""
    p, t = exercise.params, exercise
    factors = {"w₃": p.w3, "s₂": t.s2, "1 - s₂": 1 - t.s2, "w₂": p.w2, "s₁": t.s1}
    inner = {"1 - s₁": 1 - t.s1, "x": p.x}
    products = {
        "dx2": {n: factors[n] for n in ("w₃", "s₂", "1 - s₂")},
        "dw2": {n: factors[n] for n in ("w₃", "s₂", "1 - s₂", "s₁")},
        "dw1": factors | inner,
    }
    seen = 0
    for question in chain.questions(exercise):
        for sentence, value in question.mistakes.items():
            left_out = re.match(r"You left out (w₃|w₂|s₂|s₁|x|1 - s₂|1 - s₁)( \(|\.)", sentence)
            if left_out:
                rest = dict(products[question.name])
                del rest[left_out[1]]
                assert value == pytest.approx(math.prod(rest.values()), rel=1e-13)
                seen += 1
    assert seen == 8


# Presets.


def test_the_presets_show_what_they_say() -> None:
    runs = {name: chain.run(preset.params) for name, preset in chain.PRESETS.items()}
    vanishing = runs["vanishing"]
    assert max(vanishing.s1 * (1 - vanishing.s1), vanishing.s2 * (1 - vanishing.s2)) < 0.01
    assert 0 < abs(vanishing.dw1) < 1e-4
    steepest = runs["steepest"]
    assert steepest.s1 * (1 - steepest.s1) == steepest.s2 * (1 - steepest.s2) == 0.25
    assert steepest.dx2 != 0
    assert steepest.dw1 == 0
    overflow = runs["overflow"]
    assert overflow.x1 == -800
    assert overflow.dx1 == 0
    assert math.isnan(sigmoid_slope(overflow.x1))


def test_a_preset_opens_at_a_step_that_is_there(exercise: chain.Chain) -> None:
    assert all(0 <= preset.step < len(exercise) for preset in chain.PRESETS.values())
