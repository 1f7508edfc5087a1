"""The full cell step by step: its gates, what it holds, and how much of the error comes home."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from engine.gradients.lstm_cell import GATES, Cell, State, states
from engine.predict import Question
from engine.working import Line
from pages.charts import lstm
from pages.charts.theme import QUIET, WRONG, A, B, levels, rows, step_param, title
from pages.ui import table as ui

Masks = Mapping[str, np.ndarray]
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ROWS = 5  # of the table at once: the others turn up as the steps reach them
_STRIPS = ("i", "f", "o")  # gates between 0 and 1, drawn as strips
_ROOM = {"left": 5, "right": 14, "top": 5, "bottom": 5}  # for half of the last number
_DEEPEST = 1e-15  # of the largest error: what is smaller leaves the chart at the bottom
_HEADS = (
    *((gate, gate, "forward" if gate in _STRIPS else None) for gate in GATES),
    ("c", "c", None), ("h", "h", None),
    ("dh", r"\partial L / \partial h", None), ("dc", r"\partial L / \partial c", None),
)  # fmt: skip


def unit_name(k: int) -> str:
    """How the control calls a unit."""
    return f"{'unit ' * (k == 0)}{k + 1}"


def known(trace: Cell, asked: Question | None) -> int:
    """The last state that may be drawn while a number of a later one is to be predicted."""
    return asked.step - 1 if asked else len(trace) - 1


# -- the table -----------------------------------------------------------------------------------


def gate_table(trace: Cell, wrong: Masks, asked: Question | None, u: int) -> ui.Table:
    """A few steps at once, the present one lit: filled on the way out and on the way home."""
    T = len(trace.x)
    count, walk = min(_ROWS, T), states(T)
    first = [min((max(s.t, 1) - 1) // count * count, T - count) + 1 for s in walk]
    body = []
    for r in range(count):
        times = [start + r for start in first]
        row = [ui.Cell(times)]
        for name, _, _ in _HEADS:
            cells = [_cell(trace, wrong, asked, u, name, t, k) for k, t in enumerate(times)]
            values, off, late = (list(part) for part in zip(*cells, strict=True))
            row.append(ui.Cell(values, off, ahead=late))
        body.append(row)
    lit = [
        s.t - start if s.kind != "given" and s.t else -1
        for s, start in zip(walk, first, strict=True)
    ]
    columns = [ui.Column("t"), *(ui.Column(head, bar) for _, head, bar in _HEADS)]
    caption = "The gates, the cell, and the error that comes home"
    caption += f", unit {u + 1}" if len(trace.target) > 1 else ""
    return ui.Table(caption, columns, body, (), lit)


def _cell(
    trace: Cell, wrong: Masks, asked: Question | None, u: int, name: str, t: int, state: int
) -> tuple[Any, bool, bool]:
    """Value, whether a slip changes it, and whether it is still to come, at one state."""
    T = len(trace.x)
    made = t if name in (*GATES, "c", "h") else T + 1 if (name, t) == ("dh", T) else 2 * T + 2 - t
    value = (
        trace.gates[t - 1, GATES.index(name), u] if name in GATES else getattr(trace, name)[t, u]
    )
    if asked is not None:
        told = {asked.name, *asked.conceals}
        if made > asked.step or (made == asked.step and f"{name}{t}" in told):
            return "?", False, made > state
    return float(value), name in wrong and bool(wrong[name][t, u]), made > state


# -- what the cell holds -------------------------------------------------------------------------


def gates(trace: Cell, known: int, u: int, start: int) -> alt.LayerChart | alt.FacetChart:
    """Three strips, full where a gate is open; below them the cell and its output."""
    T = len(trace.x)
    t, c, h = np.arange(1, T + 1), trace.c[1:, u], trace.h[1:, u]
    low, high = float(min(0, c.min(), h.min())), float(max(0, c.max(), h.max()))
    height = (high - low) or 1.0
    low, high = low - 0.08 * height, high + 0.12 * height
    strip = 0.26 * height
    scale = alt.Scale(domain=[low, high + 3 * strip], nice=False)
    ticks = [v for v in levels(low, high, 4) if v <= high]
    y = alt.Y(
        "v:Q",
        title=None,
        scale=scale,
        axis=alt.Axis(grid=False, values=ticks, minExtent=46, format="~g"),
    )
    left = 0.5 - max(0.7, 0.055 * T)
    places = list(range(1, T + 1, 1 + T // 20)) if T <= 10 else [1, *range(5, T + 1, 5)]
    spread = alt.Scale(domain=[left, T + 0.5], nice=False)

    def x(field: str) -> alt.X:
        axis = alt.Axis(grid=False, values=places, format="d")
        return alt.X(f"{field}:Q", title=None, scale=spread, axis=axis)

    past = f"datum.t <= min(step, {known})"
    now = f"datum.t == step || datum.t == {2 * T + 2} - step"
    spots = {gate: high + (2 - k) * strip for k, gate in enumerate(_STRIPS)}
    cells = rows(
        t=np.tile(t, 3), left=np.tile(t - 0.5, 3), right=np.tile(t + 0.5, 3),
        v=np.repeat(list(spots.values()), T), v2=np.repeat(list(spots.values()), T) + 0.85 * strip,
        open=np.concatenate([trace.gates[:, GATES.index(g), u] for g in _STRIPS]),
        gate=np.repeat(_STRIPS, T),
    )  # fmt: skip
    names = rows(gate=_STRIPS, left=[0.5] * 3, v=[v + 0.43 * strip for v in spots.values()])
    tooltip = [
        alt.Tooltip("t:Q"), alt.Tooltip("gate:N"), alt.Tooltip("open:Q", format=".4~f"),
    ]  # fmt: skip
    open_ = alt.FillOpacity("open:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None)
    layers = [
        alt.Chart(rows(v=[0])).mark_rule(color=QUIET).encode(y=y),
        alt.Chart(names).mark_text(align="right", dx=-5, baseline="middle").encode(
            x=x("left"), y=y, text="gate:N"
        ),
        alt.Chart(cells)
        .mark_rect(fill=A, stroke=QUIET)
        .encode(
            x=x("left"), x2="right:Q", y=y, y2="v2:Q", fillOpacity=open_, tooltip=tooltip,
            strokeWidth=alt.condition(now, alt.value(3), alt.value(0.6)),
        )
        .transform_filter(past),
    ]  # fmt: skip
    for name, values, shape, colour in (("c", c, "circle", lstm.C), ("h", h, "diamond", lstm.Y)):
        base = alt.Chart(rows(t=t, v=values, name=[name] * T)).transform_filter(past)
        tip = ["name:N", alt.Tooltip("t:Q"), alt.Tooltip("v:Q", format=".6~f")]
        layers.append(base.mark_line(color=colour, strokeWidth=2.5).encode(x=x("t"), y=y))
        layers.append(
            base.mark_point(
                filled=True, shape=shape, color=colour, opacity=1, stroke=lstm.DARK, strokeWidth=1
            ).encode(
                x=x("t"), y=y, tooltip=tip, size=alt.condition(now, alt.value(240), alt.value(60))
            )
        )
    words = "gates i, f, o: full is open\u2003●\u2002c\u2003◆\u2002h"
    return (
        alt.layer(*layers, title=title(words))
        .add_params(step_param(len(trace) - 1, start))
        .properties(height="container", padding=_ROOM)
    )


# -- how much of the error comes home ------------------------------------------------------------


def errors(
    trace: Cell, right: Cell | None, known: int, start: int
) -> alt.LayerChart | alt.FacetChart:
    """The length of dL/dc on a log axis, growing to the left on the way home; dashed that of a
    network without gates, from the same height."""
    T = len(trace.x)
    t = np.arange(1, T + 1)
    size, plain = (np.linalg.norm(v[1:], axis=1) for v in (trace.dc, trace.plain_dh))
    plain = plain * (size[-1] / plain[-1] if plain[-1] else 0)
    true = np.linalg.norm(right.dc[1:], axis=1) if right is not None else size
    seen = np.concatenate([size, plain, true])
    seen = seen[seen > max(_DEEPEST * seen.max(), 1e-250)]
    low, high = (np.log10(seen.min()), np.log10(seen.max())) if len(seen) else (-1, 1)
    low, high = int(np.floor(low - 0.2)), int(np.ceil(high + 0.1))
    stride = max(1, -(-(high - low) // 6))
    powers = range(low, high + 1, stride)
    names = ["1" if k == 0 else "10" + str(k).translate(_SUPER) for k in powers]
    ticks = [float(f"1e{k}") for k in powers]
    place = f"round((log(datum.value) / LN10 - ({low})) / {stride})"
    axis = alt.Axis(grid=False, values=ticks, minExtent=46, labelExpr=f"{names}[{place}]")
    scale = alt.Scale(type="log", domain=[10.0**low, 10.0**high])
    y = alt.Y("size:Q", title=None, scale=scale, axis=axis)
    spread = alt.Scale(domain=[0.5, T + 0.5], nice=False)
    places = alt.Axis(grid=False, tickMinStep=1, format="d", tickCount=min(T, 10))
    x = alt.X("t:Q", title=None, scale=spread, axis=places)

    def line(values: np.ndarray) -> alt.Chart:
        keep = values >= 10.0**low
        return alt.Chart(rows(t=t[keep], size=values[keep], at=(2 * T + 2 - t)[keep]))

    bent = right is not None and not np.array_equal(right.dc, trace.dc)
    colour = WRONG if bent else B
    walked = line(size).transform_filter(f"datum.at <= min(step, {known})")
    tooltip = [alt.Tooltip("t:Q"), alt.Tooltip("size:Q", title="length of dL/dc", format=".6~g")]
    big = alt.condition("datum.at == step", alt.value(260), alt.value(75))
    layers = [
        line(plain).mark_line(color=QUIET, strokeWidth=2.5, strokeDash=[6, 5]).encode(x=x, y=y),
        walked.mark_line(color=colour, strokeWidth=3).encode(x=x, y=y),
        walked.mark_point(filled=True, color=colour, opacity=1).encode(
            x=x, y=y, tooltip=tooltip, size=big
        ),
    ]
    if bent:
        layers.insert(1, line(true).mark_line(color=QUIET, strokeWidth=2.5).encode(x=x, y=y))
    chart = alt.layer(*layers, title=title("●\u2002‖∂L/∂c‖\u2003┄\u2002without gates"))
    chart = chart.add_params(step_param(len(trace) - 1, start))
    return chart.properties(height="container", padding=_ROOM)


# -- the words -----------------------------------------------------------------------------------


def unconcealed(
    lines: Sequence[Sequence[Line]], asked: Question | None
) -> tuple[tuple[Line, ...], ...]:
    """The working up to what is to be predicted, without the lines that would give it away."""
    if asked is None:
        return tuple(tuple(group) for group in lines)
    kept = [
        tuple(x for x in group if k < asked.step or x.name not in asked.conceals)
        for k, group in enumerate(lines)
    ]
    return tuple(group if k <= asked.step else () for k, group in enumerate(kept))


def marks(wrong: Masks, u: int) -> dict[str, bool]:
    """Which lines of the working a slip makes wrong."""
    if not wrong:
        return {}
    found = {
        f"{name}{t}": bool(off) for name in ("dh", "dc") for t, off in enumerate(wrong[name][:, u])
    }
    for k, gate in enumerate(GATES):
        found |= {f"{gate}'{t + 1}": bool(off) for t, off in enumerate(wrong["delta"][:, k, u])}
        r = k * wrong["dc"].shape[1] + u
        found[f"db{gate}"] = bool(wrong["db"][r])
        found[f"dih{gate}"], found[f"dhh{gate}"] = (
            bool(wrong[name][r, 0]) for name in ("dW_ih", "dW_hh")
        )
    return found


def captions(trace: Cell, asked: Question | None) -> list[str]:
    """What each step does, in words; no numbers while one of them is to be predicted."""
    last = known(trace, asked)
    return [_caption(trace, s, k <= last) for k, s in enumerate(states(len(trace.x)))]


def _caption(trace: Cell, state: State, tell: bool) -> str:
    T, t = len(trace.x), str(state.t).translate(_SUB)
    if state.kind == "given":
        return f"given: the weights and {T} input{'s'[: T != 1]}; the cell is empty"
    if state.kind == "forward":
        return f"forward: c{t} and h{t} from x{t} and h{str(state.t - 1).translate(_SUB)}"
    if state.kind == "loss":
        return "the loss" + f": L = {_written(trace.loss)}" * tell
    if state.kind == "sum":
        return f"the sum of {T} step{'s'[: T != 1]} into each weight"
    size = f" · ‖∂L/∂c{t}‖ = {_written(float(np.linalg.norm(trace.dc[state.t])))}" * tell
    return (
        f"backward: step {state.t}, {T - state.t} step{'s'[: T - state.t != 1]} from the end{size}"
    )


def _written(value: float) -> str:
    """Three digits, with a power of ten where it is far from 1."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:.3g}"
    mantissa, power = f"{value:.2e}".split("e")
    return f"{mantissa}·10{str(int(power)).translate(_SUPER)}"
