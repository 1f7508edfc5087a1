"""The residual block: golden case, three judges, theorems on routes and skips, slips, bad input."""

import cmath
import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.gradients import residual
from engine.numerics import sigmoid
from engine.params import ParamError
from engine.predict import judge

KINDS = ("tanh", "relu", "sigmoid")
SKIPS = {
    "both": (True, "both"),
    "first": (True, "first"),
    "second": (True, "second"),
    "none": (False, "both"),
}
NAMES = ("W", "b", "V", "c", "x", "t")
Block = dict[str, np.ndarray]


def drawn(seed: int, n: int, spread: float = 1.0) -> Block:
    draw = np.random.default_rng(seed)
    return {k: draw.normal(0, spread, (n, n) if k in "WV" else n).clip(-9, 9) for k in NAMES}


blocks = st.builds(drawn, st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([0.3, 1.0, 3]))
params = st.builds(
    residual.Params,
    phi=st.sampled_from(KINDS),
    skip=st.booleans(),
    around=st.sampled_from(["both", "first", "second"]),
    depth=st.integers(1, 5),
)


@pytest.fixture(scope="module")
def exercise() -> residual.Residual:
    case = residual.PRESETS["exercise"]
    return residual.run(**case.data, params=case.params)


# The hand-worked case.


def test_the_worked_exercise(golden: dict[str, Any]) -> None:
    case = golden["s003.2"]
    trace = residual.run(*(case[name] for name in NAMES))
    assert trace.loss == pytest.approx(case["loss"], rel=1e-14)
    for name, value in case["fwd"].items():
        np.testing.assert_allclose(getattr(trace, name), value, rtol=1e-12)
    for name, value in {**case["bar"], **case["grads"]}.items():
        np.testing.assert_allclose(getattr(trace, "d" + name), value, rtol=1e-12)


def test_the_first_preset_is_the_exercise(golden: dict[str, Any]) -> None:
    first = next(iter(residual.PRESETS.values()))
    assert dict(first.data) == {name: golden["s003.2"][name] for name in NAMES}
    assert first.params == residual.Params(phi="tanh", skip=True)


def test_the_solution_as_it_was_printed(
    golden: dict[str, Any], exercise: residual.Residual
) -> None:
    case = golden["wrong.s003.2"]
    early = residual.slipped(exercise, residual.SLIPS["printed-order"])
    np.testing.assert_allclose(early.db, case["db_printed_order"], rtol=1e-12)
    np.testing.assert_allclose(early.dW, case["dW_printed_order"], rtol=1e-12)
    at_x = residual.slipped(exercise, residual.SLIPS["phi-x"])
    np.testing.assert_allclose(at_x.db, case["db_phi_x"], rtol=1e-12)
    turned = residual.slipped(exercise, residual.SLIPS["dV-transposed"])
    np.testing.assert_allclose(turned.dV, case["dV_no_transpose"], rtol=1e-12)


# Against torch and 50-digit differences.


@settings(max_examples=40)
@given(blocks, params)
def test_every_block_is_certified(block: Block, given_params: residual.Params) -> None:
    certificate = residual.certify(residual.run(**block, params=given_params))
    assert certificate.holds, str(certificate)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [10.0, -10.0, 0.0])
def test_the_corners_are_certified(kind: str, value: float) -> None:
    n = 8
    block = {k: np.full((n, n) if k in "WV" else n, value) for k in NAMES}
    trace = residual.run(**block, params=residual.Params(phi=kind, depth=30))
    assert np.isfinite(trace.stack.back).all()
    certificate = residual.certify(trace)
    assert certificate.holds, str(certificate)


def test_the_certificate_judges_every_entry_by_two(exercise: residual.Residual) -> None:
    checks = residual.certify(exercise).checks
    for name in ("W", "b", "V", "c", "x"):
        judges = [c for c in checks if c.name == rf"\bar {name}"]
        assert [c.against for c in judges] == ["torch autograd", "50-digit differences"]
        assert all(c.got.shape == getattr(exercise, name).shape for c in judges)
    for name in ("dW", "db", "dV", "dc", "dx", "dz", "dh", "dr", "dy"):
        right = getattr(exercise, name)
        for at in np.ndindex(right.shape):
            off = right.copy()
            off[at] += 1e-9
            assert residual.certify(dataclasses.replace(exercise, **{name: off})).wrong == 1, name


def test_the_certificate_judges_routes_and_stack(exercise: residual.Residual) -> None:
    path = exercise.paths[2]
    off = dataclasses.replace(path, product=path.product + 1e-9)
    paths = (*exercise.paths[:2], off, exercise.paths[3])
    assert residual.certify(dataclasses.replace(exercise, paths=paths)).wrong == 4
    for name in ("states", "back", "left"):
        for kind in (0, 1):
            values = getattr(exercise.stack, name).copy()
            values[kind, -1] *= 1 + 1e-6
            stack = dataclasses.replace(exercise.stack, **{name: values})
            assert not residual.certify(dataclasses.replace(exercise, stack=stack)).holds, name


def test_at_the_kink_of_a_relu_torch_judges_alone() -> None:
    block = drawn(1, 2) | {"W": np.zeros((2, 2)), "b": np.zeros(2)}
    certificate = residual.certify(residual.run(**block, params=residual.Params(phi="relu")))
    assert certificate.holds
    assert {check.against for check in certificate.checks} == {"torch autograd"}


# Theorems.


@given(blocks, params)
def test_the_four_routes_add_up(block: Block, given_params: residual.Params) -> None:
    trace = residual.run(**block, params=given_params)
    size = max(1, max(path.norm for path in trace.paths))
    np.testing.assert_allclose(sum(p.carried for p in trace.paths), trace.dx, atol=1e-12 * size)
    jacobian = sum(path.product for path in trace.paths)
    np.testing.assert_allclose(jacobian.T @ trace.dy, trace.dx, atol=1e-12 * size)
    for path in trace.paths:
        assert path.norm == pytest.approx(float(np.linalg.norm(path.carried)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skips", SKIPS)
def test_a_layer_without_its_skip_loses_the_routes_that_took_it(kind: str, skips: str) -> None:
    skip, around = SKIPS[skips]
    trace = residual.run(**drawn(5, 3), params=residual.Params(phi=kind, skip=skip, around=around))
    open_routes = {"both": 4, "first": 2, "second": 2, "none": 1}[skips]
    named = {
        "both": {"skip, skip", "V, skip", "skip, W", "V, W"},
        "first": {"V, skip", "V, W"},
        "second": {"skip, W", "V, W"},
        "none": {"V, W"},
    }[skips]
    assert {p.name for p in trace.paths if p.product.any()} == named
    assert len(named) == open_routes
    h = residual.phi(kind, trace.z)[0] + (skips in ("both", "first")) * trace.x
    np.testing.assert_allclose(trace.h, h)
    y = residual.phi(kind, trace.r)[0] + (skips in ("both", "second")) * trace.h
    np.testing.assert_allclose(trace.y, y)


@given(st.integers(0, 10**6), st.integers(1, 8))
def test_where_all_relus_are_shut_the_gradient_passes_exactly(seed: int, n: int) -> None:
    block = drawn(seed, n, 0.3)
    block |= {"b": np.full(n, -9.5), "c": np.full(n, -9.5)}
    trace = residual.run(**block, params=residual.Params(phi="relu"))
    assume((trace.z < 0).all() and (trace.r < 0).all())
    assert (trace.y == trace.x).all()
    assert (trace.dx == trace.dy).all()
    assert not any(getattr(trace, name).any() for name in ("dW", "db", "dV", "dc"))
    np.testing.assert_allclose(trace.stack.left[0], 1, rtol=1e-15)
    assert not trace.stack.left[1, 1:].any()


@given(blocks, params)
def test_a_gradient_of_a_matrix_has_rank_one(block: Block, given_params: residual.Params) -> None:
    trace = residual.run(**block, params=given_params)
    for matrix, bias, arrived in (("dV", "dc", "h"), ("dW", "db", "x")):
        for j, value in enumerate(getattr(trace, arrived)):
            np.testing.assert_array_equal(
                getattr(trace, matrix)[:, j], getattr(trace, bias) * value
            )


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_sigmoids_without_skips_shrink_by_sixteen_and_the_weights(seed: int, n: int) -> None:
    trace = residual.run(**drawn(seed, n), params=residual.Params(phi="sigmoid", depth=6))
    most = np.linalg.norm(trace.V, 2) * np.linalg.norm(trace.W, 2) / 16
    steps = trace.stack.left[1]
    assert (steps[1:] <= steps[:-1] * most * (1 + 1e-12)).all()


def test_one_block_of_the_stack_is_the_block(exercise: residual.Residual) -> None:
    one = dataclasses.replace(exercise.params, depth=1)
    data = residual.PRESETS["exercise"].data
    trace = residual.run(**data, params=one)
    start = trace.dy / np.linalg.norm(trace.dy)
    np.testing.assert_allclose(trace.stack.states[0], [trace.x, trace.y], rtol=1e-15)
    np.testing.assert_allclose(
        trace.stack.back[0], [start, trace.dx / np.linalg.norm(trace.dy)], rtol=1e-13
    )
    bare = residual.run(**data, params=dataclasses.replace(one, skip=False))
    np.testing.assert_allclose(trace.stack.back[1, 1], bare.paths[3].product.T @ start, rtol=1e-13)


def test_a_taller_stack_stands_on_the_same_blocks(exercise: residual.Residual) -> None:
    taller = residual.run(**residual.PRESETS["exercise"].data, params=residual.Params(depth=20))
    m = exercise.params.depth
    np.testing.assert_array_equal(taller.stack.states[:, : m + 1], exercise.stack.states)
    assert len(taller) == len(exercise) + 20 - m


# Two routes.


def unit_of(kind: str, u: complex) -> complex:
    return cmath.tanh(u) if kind == "tanh" else 1 / (1 + cmath.exp(-u))


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from(["tanh", "sigmoid"]))
def test_backward_agrees_with_the_complex_step(seed: int, n: int, kind: str) -> None:
    """Forward mode, in scalar loops: f at p + ih has h f'(p) in its imaginary part."""
    block = drawn(seed, n)
    trace = residual.run(**block, params=residual.Params(phi=kind))

    def layer(M: Any, u: list[complex], bias: Any) -> list[complex]:
        sums = [sum(M[i][j] * u[j] for j in range(n)) + bias[i] for i in range(n)]
        return [unit_of(kind, s) + u[i] for i, s in enumerate(sums)]

    step = 1e-150
    for name in ("W", "b", "V", "c", "x"):
        for at in np.ndindex(block[name].shape):
            moved = {k: v.astype(complex) for k, v in block.items()}
            moved[name][at] += 1j * step
            y = layer(moved["V"], layer(moved["W"], list(moved["x"]), moved["b"]), moved["c"])
            loss = sum((a - b) ** 2 for a, b in zip(y, moved["t"], strict=True)) / 2
            slope = getattr(trace, "d" + name)[at]
            assert slope == pytest.approx(loss.imag / step, rel=1e-9, abs=1e-11)


@given(blocks, st.sampled_from(KINDS))
def test_columns_and_rows_say_the_same(block: Block, kind: str) -> None:
    trace = residual.run(**block, params=residual.Params(phi=kind))
    D_z = np.diag(residual.phi(kind, trace.z)[1])
    D_r = np.diag(residual.phi(kind, trace.r)[1])
    one = np.eye(len(trace.x))
    allowed = 1e-12 * max(1, abs(trace.db).max())
    columns = D_z @ (one + trace.V.T @ D_r) @ trace.dy
    np.testing.assert_allclose(trace.db, columns, atol=allowed)
    np.testing.assert_allclose(trace.db, trace.dy @ (one + D_r @ trace.V) @ D_z, atol=allowed)


# Slips: wrong where the solution was wrong, hidden where its sentence says so.

WRONG = {
    "printed-order": {"dz": 2, "dW": 4, "db": 2, "dx": 2},
    "dV-transposed": {"dV": 2},
    "V-untransposed": {"dh": 2, "dz": 2, "dW": 4, "db": 2, "dx": 2},
    "phi-x": {"db": 2},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_wrong_in_its_entries_and_nowhere_else(
    name: str, exercise: residual.Residual
) -> None:
    slip = residual.SLIPS[name]
    cells = residual.wrong_cells(exercise, slip)
    stack = cells.pop("left")
    assert {field: int(mask.sum()) for field, mask in cells.items() if mask.any()} == WRONG[name]
    certificate = residual.certify(exercise, slip)
    off = {c.name[5:]: int(c.wrong.sum()) for c in certificate.checks if c.name[:5] == r"\bar "}
    assert {f"d{field}": count for field, count in off.items() if count} == WRONG[name]
    # A stack is off as soon as what goes back through a block is.
    assert stack[:, -1].all() == ("dx" in WRONG[name])
    assert stack.any() == ("dx" in WRONG[name])
    assert not stack[:, 0].any()


def hidden(trace: residual.Residual, name: str) -> bool:
    slip = residual.SLIPS[name]
    cells = residual.wrong_cells(trace, slip)
    nowhere = not any(mask.any() for mask in cells.values())
    assert residual.certify(trace, slip).holds == nowhere
    return nowhere


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(KINDS))
def test_with_one_unit_order_and_transposes_hide(seed: int, kind: str) -> None:
    trace = residual.run(**drawn(seed, 1), params=residual.Params(phi=kind, depth=1))
    assert all(hidden(trace, n) for n in ("printed-order", "dV-transposed", "V-untransposed"))


def test_one_unit_does_not_hide_the_slope_at_x() -> None:
    case = residual.PRESETS["scalar"]
    trace = residual.run(**case.data, params=case.params)
    assert len(trace.x) == 1
    assert not hidden(trace, "phi-x")


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_a_diagonal_and_a_symmetric_V_hide_what_they_say(seed: int, n: int) -> None:
    block = drawn(seed, n)
    diagonal = residual.run(**block | {"V": np.diag(np.diag(block["V"]))})
    assert hidden(diagonal, "printed-order")
    symmetric = residual.run(**block | {"V": (block["V"] + block["V"].T) / 2})
    assert hidden(symmetric, "V-untransposed")
    assert not hidden(symmetric, "printed-order")


def test_equal_slopes_hide_the_order_and_open_relus_the_slope_at_x() -> None:
    block = {k: abs(v) for k, v in drawn(7, 3).items()}
    trace = residual.run(**block, params=residual.Params(phi="relu"))
    assert (trace.z > 0).all()
    assert (trace.r > 0).all()
    assert hidden(trace, "printed-order")
    assert hidden(trace, "phi-x")
    assert not hidden(trace, "V-untransposed")


def test_a_symmetric_gradient_hides_its_transpose(exercise: residual.Residual) -> None:
    block = {name: getattr(exercise, name) for name in NAMES}
    slope = residual.phi("tanh", exercise.r)[1]
    there = residual.run(**block | {"t": (exercise.y - exercise.h / slope).clip(-10, 10)})
    np.testing.assert_allclose(there.dr, there.h, rtol=1e-12)
    assert hidden(there, "dV-transposed")


def test_shut_relus_hide_all_four() -> None:
    case = residual.PRESETS["dead"]
    trace = residual.run(**case.data, params=case.params)
    assert all(hidden(trace, name) for name in residual.SLIPS)


def test_a_slip_of_another_lesson_is_refused(exercise: residual.Residual) -> None:
    other = dataclasses.replace(residual.SLIPS["phi-x"], name="nobody")
    with pytest.raises(KeyError, match="nobody"):
        residual.slipped(exercise, other)


# Bad input.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"W": [[1.0, 2.0]]}, "W must be square: as many rows as numbers in each row."),
        ({"W": [[1.0, 2.0], [3.0]]}, "W must be square: as many rows as numbers in each row."),
        ({"W": []}, "W must be square: as many rows as numbers in each row."),
        ({"W": 3.0}, "W must be a square matrix, row by row."),
        ({"W": np.ones((9, 9))}, "W must have at most 8 rows, got 9."),
        ({"V": np.ones((3, 3))}, "V must be 2 × 2 like W, got 3 × 3."),
        ({"V": [[1.0, 11.0], [0.0, 0.0]]},
         "V must be numbers in [-10, 10], got 11 at place 1, 2."),
        ({"x": [1.0]}, "x must hold as many numbers as W has rows, 2, got 1."),
        ({"t": [1.0, math.nan]}, "t must be numbers in [-10, 10], got nan at place 2."),
        ({"b": ["a", "b"]}, "b must be numbers only."),
    ],
)  # fmt: skip
def test_bad_data_are_named(change: dict[str, Any], sentence: str) -> None:
    data = dict(residual.PRESETS["exercise"].data) | change
    with pytest.raises(DataError) as caught:
        residual.run(**data)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"phi": "gelu"}, "phi must be one of tanh, relu, sigmoid, got 'gelu'."),
        ({"skip": 1}, "skip must be True or False, got 1."),
        ({"around": "third"}, "around must be one of both, first, second, got 'third'."),
        ({"depth": 31}, "depth must lie in [1, 30], got 31."),
    ],
)
def test_bad_params_are_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        residual.Params(**change)
    assert str(caught.value) == f"residual.Params.{sentence}"


def test_nothing_given_is_changed_or_shared() -> None:
    data = {k: np.array(v) for k, v in residual.PRESETS["exercise"].data.items()}
    trace = residual.run(**data)
    data["W"][:] = 0
    assert trace.W[0, 0] == 0.5
    for value in (trace.dW, trace.paths[0].product, trace.stack.back):
        with pytest.raises(ValueError, match="read-only"):
            value[...] = 0


# Working and questions.


def evaluated(template: str, numbers: Any) -> float:
    """The value of a substituted formula, its LaTeX read as Python."""
    text = re.sub(r"\\tanh\^2\((@\w+@)\)", r"tanh(\1)**2", template)
    text = re.sub(r"\[(@\w+@) > 0\]", r"float(\1 > 0)", text)
    text = re.sub(r"@(\w+)@", r"(numbers['\1'])", text)
    for old, new in (
        (r"\tfrac{1}{2}", "0.5*"), (r"\left", ""), (r"\right", ""), ("^2", "**2"),
        (r"\cdot", "*"), (r"\,", "*"), (r"\tanh", "tanh"), (r"\sigma", "sigma"),
        (r"\text{relu}", "relu"),
    ):  # fmt: skip
        text = text.replace(old, new)
    known = {
        "numbers": numbers, "tanh": math.tanh, "sigma": lambda u: float(sigmoid(u)),
        "relu": lambda u: max(u, 0.0),
    }  # fmt: skip
    return eval(text, known)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skips", SKIPS)
def test_what_a_line_puts_in_gives_its_value(kind: str, skips: str) -> None:
    skip, around = SKIPS[skips]
    given_params = residual.Params(phi=kind, skip=skip, around=around)
    trace = residual.run(**drawn(11, 3), params=given_params)
    for name in (None, *residual.SLIPS.values()):
        shown = residual.slipped(trace, name) if name else trace
        for unit in range(3):
            seen = 0
            for group in residual.working(shown, name, unit):
                for line in group:
                    if line.substituted:
                        value = evaluated(line.substituted, line.numbers)
                        assert value == pytest.approx(line.value, rel=1e-12, abs=1e-14), line.name
                        seen += 1
            assert seen >= 15


def test_a_long_sum_shows_its_ends() -> None:
    trace = residual.run(**drawn(2, 8))
    z = residual.working(trace)[1][0]
    assert z.slots() == ["W_0_0", "x_0", "W_0_1", "x_1", "W_0_7", "x_7", "b_0"]
    assert r"\cdots" in z.substituted


def test_the_working_has_a_group_for_each_step(exercise: residual.Residual) -> None:
    groups = residual.working(exercise)
    assert len(groups) == len(exercise)
    for step, group in zip(residual.STEPS, groups, strict=False):
        assert group
        assert all(line.tag == step.tag for line in group)
        if hasattr(exercise, step.name):
            assert group[0].name.split(".")[0] == step.name
    for k, group in enumerate(groups[len(residual.STEPS) :], 1):
        assert [line.value for line in group] == exercise.stack.left[:, k].tolist()


@pytest.mark.parametrize("name", WRONG)
def test_with_a_slip_the_working_shows_the_printed_form(
    name: str, exercise: residual.Residual
) -> None:
    slip = residual.SLIPS[name]
    lines = residual.working(residual.slipped(exercise, slip), slip)
    printed = {line.name.split(".")[0] for group in lines for line in group if line.printed}
    source = {
        "printed-order": {"dz"},
        "dV-transposed": {"dV"},
        "V-untransposed": {"dh"},
        "phi-x": {"db"},
    }
    assert printed == source[name]


@pytest.mark.parametrize("unit", [0, 1])
def test_each_answer_and_each_mistake_is_named(unit: int, exercise: residual.Residual) -> None:
    for question in residual.questions(exercise, unit):
        name, i = question.name.split(".")
        assert question.value == getattr(exercise, name)[int(i)]
        assert residual.STEPS[question.step].name == name
        assert judge(question, float(f"{question.value:.4g}")).right
        for sentence, value in question.mistakes.items():
            assert judge(question, value).sentence == sentence


# Presets.


def test_the_presets_show_what_they_say() -> None:
    runs = {
        name: residual.run(**case.data, params=case.params)
        for name, case in residual.PRESETS.items()
    }
    np.testing.assert_array_equal(runs["exercise"].paths[0].carried, runs["exercise"].dy)
    dead = runs["dead"]
    np.testing.assert_array_equal(dead.dx, dead.dy)
    assert dead.dy.all()
    assert [path.norm > 0 for path in runs["none"].paths] == [False, False, False, True]
    assert runs["none"].stack.left[1, 6] < 0.05
    assert [len(runs[name].x) for name in ("scalar", "three", "eight")] == [1, 3, 8]
    eight = runs["eight"]
    share = eight.paths[0].norm / sum(path.norm for path in eight.paths)
    assert share > 0.5
    assert max(residual.phi("sigmoid", eight.z)[1].max(), 0) <= 0.25
