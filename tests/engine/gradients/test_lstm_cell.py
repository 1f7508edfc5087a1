"""The full LSTM cell, out and home: closed forms, torch, theorems, two routes, slips, bad input."""

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.gradients import lstm_cell
from engine.gradients.lstm_cell_certificate import NAMES, certificate
from engine.params import ParamError
from engine.predict import judge

SLIPS = lstm_cell.SLIPS
GRADIENTS = ("dW_ih", "dW_hh", "db", "dx")


def sigma(u: Any) -> Any:
    return 1 / (1 + np.exp(-u))


def of(name: str) -> lstm_cell.Cell:
    return lstm_cell.run(lstm_cell.PRESETS[name].params)


@st.composite
def params(draw: st.DrawFn, longest: int = 12, **fixed: Any) -> lstm_cell.Params:
    whole = {"steps": (1, longest), "units": (1, 4), "inputs": (1, 4), "seed": (0, 9999)}
    real = {"forget": (-10, 10), "recurrent": (0, 2)}
    given_ = {name: draw(st.integers(*ends)) for name, ends in whole.items()}
    given_ |= {name: draw(st.floats(*ends)) for name, ends in real.items()}
    return lstm_cell.Params(**{**given_, **fixed})


def blocks(array: np.ndarray, n: int) -> np.ndarray:
    """The four gates of stacked rows."""
    return array.reshape(4, n, *array.shape[1:])


# By hand.


@pytest.mark.parametrize("T", [1, 2, 3, 50])
def test_without_weights_every_gate_is_half_open(T: int) -> None:
    """c = h = 0; the error at h is -y, half of it gets onto the cell, and f halves it each step."""
    y = 0.75
    trace = lstm_cell.run(x=np.ones((T, 1)), weights=([[0]] * 4, [[0]] * 4, [0] * 4), target=[y])
    assert trace.loss == y * y / 2
    assert not trace.c.any()
    assert not trace.h.any()
    back = 0.5 ** np.arange(T, -1, -1)  # 2^(t - T)
    np.testing.assert_array_equal(trace.dc[1:, 0], -y / 2 * back[1:])
    assert trace.dc[0, 0] == -y / 2 * back[1] / 2
    assert trace.dh[:, 0].tolist() == [0] * T + [-y]
    i, f, g, o = trace.db
    assert (i, f, o) == (0, 0, 0)
    assert g == pytest.approx(-y / 4 * (2 - 2 ** (1 - T)), rel=1e-14)


def test_a_constant_candidate_fills_the_cell_like_a_geometric_series() -> None:
    a, b, d, e, T, y = 0.4, 1.3, -0.6, 0.2, 9, 0.1
    trace = lstm_cell.run(
        x=np.zeros((T, 1)), weights=([[0]] * 4, [[0]] * 4, [a, b, d, e]), target=[y]
    )
    i, f, g, o = sigma(a), sigma(b), math.tanh(d), sigma(e)
    t = np.arange(T + 1)
    c = i * g * (1 - f**t) / (1 - f)
    np.testing.assert_allclose(trace.c[:, 0], c, rtol=1e-13)
    np.testing.assert_allclose(trace.h[1:, 0], o * np.tanh(c[1:]), rtol=1e-13)
    error = o * math.tanh(c[T]) - y
    dc = error * o * (1 - math.tanh(c[T]) ** 2) * f ** (T - t)
    np.testing.assert_allclose(trace.dc[:, 0], dc, rtol=1e-12)
    want = [
        (dc[1:] * g * i * (1 - i)).sum(),
        (dc[1:] * c[:-1] * f * (1 - f)).sum(),
        (dc[1:] * i * (1 - g * g)).sum(),
        error * math.tanh(c[T]) * o * (1 - o),
    ]
    np.testing.assert_allclose(trace.db, want, rtol=1e-12)


# Against torch and 50-digit differences.


@settings(max_examples=30)
@given(params(longest=50))
def test_every_setting_is_certified(p: lstm_cell.Params) -> None:
    found = lstm_cell.certify(lstm_cell.run(p))
    assert found.holds, str(found)


def test_torch_has_two_biases_and_both_get_our_gradient() -> None:
    import torch

    trace = of("one")
    cell = torch.nn.LSTM(2, 2, dtype=torch.double)
    parts = (trace.W_ih, trace.W_hh, trace.b / 3, trace.b * 2 / 3)
    for parameter, value in zip(cell.parameters(), parts, strict=True):
        parameter.data = torch.tensor(value)
    h, (_, c) = cell(torch.tensor(trace.x))
    np.testing.assert_allclose(h.detach(), trace.h[1:], rtol=1e-12)
    np.testing.assert_allclose(c[0].detach(), trace.c[-1], rtol=1e-12)
    (0.5 * ((h[-1] - torch.tensor(trace.target)) ** 2).sum()).backward()
    gradients = [parameter.grad for parameter in cell.parameters()]
    wanted = (trace.dW_ih, trace.dW_hh, trace.db, trace.db)
    for got, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_certificate_judges_each_entry(name: str) -> None:
    trace = of("one")
    values = np.array(getattr(trace, name), float)
    for place in np.ndindex(*values.shape):
        off = values.copy()
        off[place] += 1e-9
        bad = certificate(trace, dataclasses.replace(trace, **{name: off[()]}))
        assert bad.wrong == 1, place


def test_long_runs_are_judged_along_a_direction_as_well() -> None:
    short, long = lstm_cell.certify(of("one")), lstm_cell.certify(of("remembers"))
    judges = {c.against for c in short.checks}
    assert judges == {
        "torch.nn.LSTMCell", "torch.nn.RNNCell", "torch autograd", "50-digit differences",
    }  # fmt: skip
    along = [c for c in long.checks if c.against == "50-digit differences along a direction"]
    assert [c.got.size for c in along] == [1, 1, 1, 1]
    assert all(abs(float(c.want)) > 1e-6 for c in along)


# Theorems.


@settings(max_examples=40)
@given(params(longest=50, recurrent=0.0))
def test_without_recurrent_weights_the_error_meets_forget_gates_alone(p: lstm_cell.Params) -> None:
    """(10), entry by entry, and so it never grows on the way home."""
    trace = lstm_cell.run(p)
    T, f = p.steps, trace.gates[:, 1]
    for t in range(1, T + 1):
        np.testing.assert_allclose(trace.dc[t], f[t:].prod(axis=0) * trace.dc[T], rtol=1e-12)
    assert not trace.dh[:-1].any()
    assert (np.diff(np.abs(trace.dc), axis=0) >= 0).all()


@given(params())
def test_the_cell_holds_no_more_than_was_put_in(p: lstm_cell.Params) -> None:
    trace = lstm_cell.run(p)
    assert (np.abs(trace.c) <= np.arange(p.steps + 1)[:, None]).all()
    assert (np.abs(trace.h) < 1).all()


@given(params())
def test_turned_signs_turn_the_cell(p: lstm_cell.Params) -> None:
    """tanh is odd: -g, and gates that read -h, give -c, -h and for the target -y the same loss."""
    trace, n = lstm_cell.run(p), p.units
    sign = np.repeat([1.0, 1, -1, 1], n)
    W_hh = trace.W_hh * -sign[:, None]  # the candidate turns because h does
    other = lstm_cell.run(
        p, trace.x, (trace.W_ih * sign[:, None], W_hh, trace.b * sign), -trace.target
    )
    np.testing.assert_array_equal(other.c, -trace.c)
    np.testing.assert_array_equal(other.h, -trace.h)
    assert other.loss == trace.loss
    np.testing.assert_array_equal(other.dc, -trace.dc)
    np.testing.assert_array_equal(other.dW_ih, trace.dW_ih * sign[:, None])


@given(params())
def test_the_states_of_the_lesson_are_the_passes(p: lstm_cell.Params) -> None:
    trace, T = lstm_cell.run(p), p.steps
    walk = lstm_cell.states(T)
    assert len(trace) == len(walk) == 2 * T + 3
    for k, s in enumerate(walk):
        assert trace.time[k] == s.t
        np.testing.assert_array_equal(trace.cell[k], trace.c[s.t])
        np.testing.assert_array_equal(trace.output[k], trace.h[s.t])
        home = s.kind in ("backward", "sum")
        np.testing.assert_array_equal(trace.dcell[k], trace.dc[s.t] if home else 0 * trace.dc[0])
        seen = home or s.kind == "loss"
        np.testing.assert_array_equal(trace.doutput[k], trace.dh[s.t] if seen else 0 * trace.dh[0])
    grown = np.diff(trace.db_so_far[T + 1 : -1], axis=0)
    np.testing.assert_allclose(grown, trace.delta[::-1].reshape(T, -1), atol=1e-12)
    np.testing.assert_array_equal(trace.db_so_far[-1], trace.db)


# Two routes.


@given(params(longest=6))
def test_backward_agrees_with_forward_mode(p: lstm_cell.Params) -> None:
    """Push a change of W_hh along with the states; no error is carried back."""
    trace, n = lstm_cell.run(p), p.units
    for r, k in np.ndindex(*trace.W_hh.shape):
        dc, dh = np.zeros(n), np.zeros(n)
        for t in range(1, p.steps + 1):
            i, f, g, o = trace.gates[t - 1]
            da = trace.W_hh @ dh
            da[r] += trace.h[t - 1, k]
            ai, af, ag, ao = da.reshape(4, n)
            dc = (
                f * dc
                + f * (1 - f) * af * trace.c[t - 1]
                + i * (1 - i) * ai * g
                + i * (1 - g**2) * ag
            )
            bent = np.tanh(trace.c[t])
            dh = o * (1 - o) * ao * bent + o * (1 - bent**2) * dc
        slope = float((trace.h[-1] - trace.target) @ dh)
        assert trace.dW_hh[r, k] == pytest.approx(slope, rel=1e-9, abs=1e-13)


@given(params(longest=20))
def test_without_gates_it_is_a_plain_recurrent_network(p: lstm_cell.Params) -> None:
    """(11) by the product of all its matrices."""
    trace, n = lstm_cell.run(p), p.units
    W_ih, W_hh, b = (blocks(w, n)[2] for w in (trace.W_ih, trace.W_hh, trace.b))
    h = [np.zeros(n)]
    for x in trace.x:
        h.append(np.tanh(W_ih @ x + W_hh @ h[-1] + b))
    np.testing.assert_allclose(trace.plain_h, h, atol=1e-13)
    way = np.eye(n)
    for t in range(p.steps, -1, -1):
        np.testing.assert_allclose(trace.plain_dh[t], way @ (h[-1] - trace.target), atol=1e-12)
        way = W_hh.T @ np.diag(1 - h[t] ** 2) @ way


# What is drawn.


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short, long = (lstm_cell.run(lstm_cell.Params(steps=T, seed=3)) for T in (7, 50))
    np.testing.assert_array_equal(long.c[:8], short.c)
    np.testing.assert_array_equal(long.W_hh, short.W_hh)
    other = lstm_cell.run(lstm_cell.Params(steps=7, seed=4))
    assert (other.x != short.x).all()


@given(params())
def test_the_knobs_are_in_the_weights(p: lstm_cell.Params) -> None:
    problem, n = lstm_cell.drawn(p), p.units
    assert (blocks(problem.b, n)[1] == p.forget).all()
    once = lstm_cell.drawn(dataclasses.replace(p, recurrent=1.0))
    np.testing.assert_allclose(problem.W_hh, p.recurrent * once.W_hh, rtol=1e-15)
    assert np.abs(once.W_hh).max() <= n**-0.5 + 0.005  # rounded to two digits
    assert problem.x.shape == (p.steps, p.inputs)


@given(params(weights="latch", units=1, inputs=2, forget=10.0))
def test_the_latch_holds_what_it_stored(p: lstm_cell.Params) -> None:
    trace = lstm_cell.run(p)
    stored = min(4, p.steps)
    assert trace.x[:, 0].tolist() == [float(t == stored) for t in range(1, p.steps + 1)]
    kept = math.tanh(trace.x[stored - 1, 1])
    np.testing.assert_allclose(trace.c[stored:, 0], kept, atol=2e-3)
    np.testing.assert_allclose(trace.c[:stored, 0], 0, atol=2e-4)


def test_arrays_of_ones_own_replace_what_is_drawn() -> None:
    ours = of("one")
    weights = (ours.W_ih, ours.W_hh, ours.b)
    again = lstm_cell.run(lstm_cell.Params(seed=99), ours.x, weights, ours.target)
    np.testing.assert_array_equal(again.h, ours.h)
    assert (again.params.steps, again.params.units, again.params.inputs) == (6, 2, 2)


# Slips.


def shown(trace: lstm_cell.Cell, name: str) -> lstm_cell.Cell:
    return lstm_cell.slipped(trace, SLIPS[name])


def hidden(trace: lstm_cell.Cell, name: str) -> None:
    assert lstm_cell.certify(trace, SLIPS[name]).holds
    assert not any(mask.any() for mask in lstm_cell.wrong_cells(trace, SLIPS[name]).values())


@settings(max_examples=20)
@given(params(longest=20))
def test_a_slip_hides_where_it_says(p: lstm_cell.Params) -> None:
    hidden(lstm_cell.run(dataclasses.replace(p, recurrent=0.0)), "carousel")
    one = lstm_cell.run(dataclasses.replace(p, steps=1))
    hidden(one, "carousel")
    hidden(one, "early")
    trace, n = lstm_cell.run(p), p.units
    still, empty = np.repeat([1.0, 0, 1, 1], n), np.repeat([1.0, 1, 0, 1], n)

    def masked(keep: np.ndarray, b: np.ndarray) -> lstm_cell.Cell:
        weights = (trace.W_ih * keep[:, None], trace.W_hh * keep[:, None], b)
        return lstm_cell.run(p, trace.x, weights, trace.target)

    hidden(masked(still, trace.b), "early")
    hidden(masked(empty, trace.b * empty), "slope")


@settings(max_examples=20)
@given(params(longest=10))
def test_the_cut_error_comes_along_the_cell_alone(p: lstm_cell.Params) -> None:
    trace = lstm_cell.run(p)
    cut, T, f = shown(trace, "carousel"), p.steps, trace.gates[:, 1]
    for t in range(1, T + 1):
        np.testing.assert_allclose(cut.dc[t], f[t:].prod(axis=0) * trace.dc[T], rtol=1e-12)
    assert not cut.dh[1:-1].any()
    assert not cut.delta[:-1, 3].any()
    np.testing.assert_array_equal(cut.h, trace.h)


def test_the_gate_of_the_same_step_is_one_off() -> None:
    trace = lstm_cell.run(lstm_cell.Params(recurrent=0.0, forget=0.5, steps=4))
    f, dc = trace.gates[:, 1], trace.dc
    wrong = shown(trace, "early").dc
    np.testing.assert_allclose(wrong[3], f[2] * dc[4], rtol=1e-13)
    np.testing.assert_allclose(wrong[1], f[0] * f[1] * f[2] * dc[4], rtol=1e-13)
    np.testing.assert_allclose(dc[1], f[1] * f[2] * f[3] * dc[4], rtol=1e-13)


def test_without_the_slope_too_much_steps_onto_the_cell() -> None:
    trace = lstm_cell.run(lstm_cell.Params(recurrent=0.0))
    slope = 1 - np.tanh(trace.c[-1]) ** 2
    np.testing.assert_allclose(shown(trace, "slope").dc[1:] * slope, trace.dc[1:], rtol=1e-12)


@settings(max_examples=20)
@given(params(longest=10))
def test_a_slip_is_red_just_where_its_numbers_differ(p: lstm_cell.Params) -> None:
    trace = lstm_cell.run(p)
    for slip in SLIPS.values():
        other, wrong = lstm_cell.slipped(trace, slip), lstm_cell.wrong_cells(trace, slip)
        assert lstm_cell.certify(trace, slip).holds == (not any(m.any() for m in wrong.values()))
        for name, mask in wrong.items():
            gap = np.abs(getattr(other, name) - getattr(trace, name))
            assert (mask | (gap <= 1e-9)).all(), name
            assert (gap[mask] > 0).all(), name


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_leaves_the_way_out_alone(name: str) -> None:
    trace = of("one")
    other, wrong = shown(trace, name), lstm_cell.wrong_cells(trace, SLIPS[name])
    assert wrong["dc"].any()
    for field in ("c", "h", "gates", "plain_dh"):
        np.testing.assert_array_equal(getattr(other, field), getattr(trace, field))
    assert not wrong["dh"][-1].any()


def test_a_slip_of_another_lesson_is_refused() -> None:
    with pytest.raises(KeyError, match="nobody"):
        lstm_cell.slipped(of("one"), dataclasses.replace(SLIPS["early"], name="nobody"))


# Bad input.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": [[1, 2, 3]]}, "x must have 2 columns, as W_ih has, got 3."),
        ({"target": [1.0]}, "target must have 2 numbers, one a unit, got 1."),
        ({"x": np.zeros((51, 2))}, "x may have at most 50 rows, got 51."),
        ({"x": [[math.nan, 1]]}, "x must be numbers in [-1,000, 1,000], got nan at place 1, 1."),
        ({"x": [1, 2]}, "x must have 2 dimensions, got 1."),
        (
            {"weights": (np.zeros((8, 2)), np.zeros((7, 2)), np.zeros(8))},
            "W_hh must have 8 rows, four gates of 2, got 7.",
        ),
        (
            {"weights": (np.zeros((4, 2)), np.zeros((8, 2)), np.zeros(8))},
            "W_ih must have 8 rows, four gates of 2, got 4.",
        ),
        (
            {"weights": (np.zeros((8, 2)), np.zeros((8, 2)), np.zeros(2))},
            "b must have 8 rows, four gates of 2, got 2.",
        ),
        (
            {"weights": (np.zeros((20, 2)), np.zeros((20, 5)), np.zeros(20)), "target": [0] * 5},
            "W_hh may have at most 4 columns, got 5.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_arrays_are_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        lstm_cell.run(**change)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("steps", 51, "must lie in [1, 50], got 51."),
        ("units", 0, "must lie in [1, 4], got 0."),
        ("inputs", 5, "must lie in [1, 4], got 5."),
        ("forget", 11, "must lie in [-10, 10], got 11."),
        ("recurrent", -0.1, "must lie in [0, 2], got -0.1."),
        ("weights", "best", "must be one of drawn, latch, got 'best'."),
        ("seed", 0.5, "must be a whole number, got 0.5."),
    ],
)
def test_bad_knobs_are_named(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ParamError) as caught:
        lstm_cell.Params(**{name: value})
    assert str(caught.value) == f"lstm_cell.Params.{name} {sentence}"


def test_the_trace_cannot_be_written_to() -> None:
    trace = of("one")
    for field in dataclasses.fields(trace):
        value = getattr(trace, field.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, field.name


# Working and questions.


def evaluated(template: str, numbers: Any) -> float:
    text = re.sub(r"@(\w+)@", r"(numbers['\1'])", template).replace("^2", "**2")
    for tex, python in (
        (r"\tfrac{1}{2}", "0.5"), (r"\cdot", "*"), (r"\tanh", "tanh"), (r"\sigma", "sigma"),
    ):  # fmt: skip
        text = text.replace(tex, python)
    return eval(text, {"numbers": numbers, "tanh": math.tanh, "sigma": sigma})


@pytest.mark.parametrize("slip", [None, *SLIPS])
@pytest.mark.parametrize("preset", lstm_cell.PRESETS)
def test_each_line_gives_its_value(preset: str, slip: str | None) -> None:
    trace, on = of(preset), SLIPS[slip] if slip else None
    other = lstm_cell.slipped(trace, on) if on else trace
    for unit in range(len(trace.target)):
        groups = lstm_cell.working(other, on, unit)
        assert len(groups) == len(trace)
        seen = 0
        for line in (line for group in groups for line in group if line.substituted):
            value = evaluated(line.substituted, line.numbers)
            assert value == pytest.approx(line.value, rel=1e-9, abs=1e-14), line.tex()
            seen += 1
        assert seen > 11 * len(trace.x)


def test_the_lines_are_the_numbers_of_the_trace() -> None:
    trace, T = of("one"), 6
    for unit in (0, 1):
        found = {x.name: x.value for group in lstm_cell.working(trace, None, unit) for x in group}
        for t in range(1, T + 1):
            for name in ("c", "h", "dc", "dh"):
                assert found[f"{name}{t}"] == pytest.approx(getattr(trace, name)[t, unit])
            for k, gate in enumerate("ifgo"):
                assert found[f"{gate}{t}"] == trace.gates[t - 1, k, unit]
                assert found[f"{gate}'{t}"] == trace.delta[t - 1, k, unit]
        for k, gate in enumerate("ifgo"):
            assert found[f"db{gate}"] == trace.db[2 * k + unit]
        assert found["dihf"] == trace.dW_ih[2 + unit, 0]
        assert found["dhhg"] == trace.dW_hh[4 + unit, 0]


@pytest.mark.parametrize(
    ("name", "printed"),
    [("carousel", r"\text{left out}"), ("early", r"f_{3} \cdot"), ("slope", r"h_{3} \cdot o_{3}")],
)
def test_a_slip_shows_the_mistaken_form(name: str, printed: str) -> None:
    trace = of("one")
    group = lstm_cell.working(shown(trace, name), SLIPS[name])[2 * 6 + 2 - 3]  # home at t = 3
    marked = [line for line in group if line.printed]
    assert len(marked) == 1
    assert printed in marked[0].formula
    right = lstm_cell.working(trace)[2 * 6 + 2 - 3]
    assert not any(line.printed for line in right)
    assert marked[0].formula not in [line.formula for line in right]


def test_the_answers_are_torchs() -> None:
    trace = of("one")
    wanted = {c.name: c.want for c in lstm_cell.certify(trace).checks}
    c, h, dc = wanted["c_t"], wanted["h_t"], wanted[r"\partial L / \partial c_t"]
    for unit in (0, 1):
        asked = {q.name: q for q in lstm_cell.questions(trace, unit)}
        right = {
            "c6": c[6, unit], "h6": h[6, unit], "dc6": dc[6, unit], "dc5": dc[5, unit],
        }  # fmt: skip
        assert set(asked) == set(right)
        for name, value in right.items():
            assert judge(asked[name], float(f"{value:.4g}")).right, name
            for sentence, wrong in asked[name].mistakes.items():
                verdict = judge(asked[name], wrong)
                assert verdict.right or verdict.sentence in asked[name].mistakes, sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("carousel", "You left out the way through the recurrent weights."),
        ("early", "You took f of step 5; the way led through that of step 6."),
    ],
)
def test_the_slips_are_among_the_mistakes(name: str, sentence: str) -> None:
    trace = of("one")
    asked = next(q for q in lstm_cell.questions(trace) if q.name == "dc5")
    assert asked.mistakes[sentence] == pytest.approx(float(shown(trace, name).dc[5, 0]))
    (last,) = (q for q in lstm_cell.questions(trace) if q.name == "dc6")
    slope = float(shown(trace, "slope").dc[6, 0])
    assert last.mistakes["You left out the slope of tanh(c)."] == pytest.approx(slope)


def test_one_step_has_no_step_before() -> None:
    names = [q.name for q in lstm_cell.questions(lstm_cell.run(lstm_cell.Params(steps=1)))]
    assert names == ["c1", "h1", "dc1"]


# Presets.


def test_the_presets_show_what_they_say() -> None:
    def left(values: np.ndarray) -> float:
        size = np.linalg.norm(values[1:], axis=1)
        return float(size[0] / size[-1])

    kept, lost, half = (of(name) for name in ("remembers", "forgets", "one"))
    assert left(kept.dc) > 0.9
    assert left(kept.plain_dh) < 1e-9
    assert left(lost.dc) < 1e-9
    shares = kept.gates[:, 1].mean(), lost.gates[:, 1].mean(), half.gates[:, 1].mean()
    assert [round(float(share), 1) for share in shares] == [1.0, 0.1, 0.5]
    latch = np.abs(of("latch").dc[:, 0])
    np.testing.assert_allclose(latch[4:], latch[-1], rtol=2e-3)
    assert (latch[:4] < 1e-4 * latch[-1]).all()
