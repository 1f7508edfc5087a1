"""The gate table that fills row by row, and what the cell remembers."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from engine.gradients.lstm import Lstm
from engine.predict import Question
from engine.working import Line
from pages.charts.theme import QUIET, WRONG, A, B, rows, step_param
from pages.ui.table import Cell, Column, Table

# Name in the trace, head, and whether a bar shows how far the gate is open.
_COLUMNS = (
    ("zi", "z_i", None), ("fi", "f(z_i)", "forward"), ("zf", "z_f", None),
    ("ff", "f(z_f)", "forward"), ("zo", "z_o", None), ("fo", "f(z_o)", "forward"),
    ("z", "z", None), ("c", "c", None), ("y", "y", None),
)  # fmt: skip
Figure = alt.LayerChart | alt.FacetChart
MOST_NAMED = 12  # steps: more bars have no room for a word
C, Y, DARK = "#1a9a78", "#ffc61a", "#16202c"  # cell, output, their rim
_LABELLED = 0.12  # of the chart's height: a thinner bar has no room for its number


# -- the table -----------------------------------------------------------------------------------


def gate_table(
    shown: Lstm, other: Lstm, wrong: Mapping[str, np.ndarray], asked: Question | None
) -> Table:
    """One row for each step, filled up to the present one, which is lit; at the end y with the
    other kind of gates."""
    T = len(shown.z)

    def ahead(t: int) -> list[bool]:
        """Row t is filled at step t + 1."""
        return [step <= t for step in range(T + 1)]

    hidden = {asked.name, *asked.conceals, "other"} if asked else set()

    def cell(name: str, value: Any, t: int) -> Cell:
        blank = asked is not None and name in hidden and t >= asked.step - 1
        off = bool(wrong[name][t]) if name in wrong else False
        return Cell(float(value), off, blank, ahead=ahead(t))

    body = [
        [Cell(t + 1), Cell(", ".join(_short(v) for v in shown.seen[t]))]
        + [cell(name, getattr(shown, name)[t], t) for name, _, _ in _COLUMNS]
        + [cell("other", other.y[t], t)]
        for t in range(T)
    ]
    beside = r"y_{0/1}" if other.params.gates == "step" else r"y_\sigma"
    columns = [Column("t"), Column("x_t"), *(Column(head, bar) for _, head, bar in _COLUMNS)]
    said = "sigmoid gates, beside them y by hand"
    if other.params.gates == "sigmoid":
        said = "gates of 0 and 1, beside them y with sigmoids"
    return Table(f"The gate table: {said}", [*columns, Column(beside)], body, (), _lit(T))


def _lit(T: int) -> list[int]:
    """The row that each step fills; none at step 0."""
    return list(range(-1, T))


def marks(wrong: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For the working: whether a line is off at each of the T + 1 steps."""
    return {name: np.append(False, mask) for name, mask in wrong.items()}


# -- what the cell remembers ---------------------------------------------------------------------


def memory(shown: Lstm, right: Lstm | None, known: int, start: int) -> Figure:
    """At each t the contributions that c_t is the sum of, each named by the step it came from;
    nothing after step ``known``."""
    T = len(shown.z)
    domain = _range(shown, right)
    y = alt.Y(
        "v:Q",
        title="in the cell",
        axis=alt.Axis(grid=False, tickCount=5),
        scale=alt.Scale(domain=domain, nice=False),
    )
    past = f"datum.t <= min(step, {known})"
    zero = alt.Chart(rows(v=[0])).mark_rule(color=QUIET).encode(y=y)
    layers = [zero, *_piles(shown, y, domain[1] - domain[0], past)]
    if right is not None:
        data = rows(
            t=np.arange(1, T + 1),
            place=np.arange(1, T + 1) + 0.22,
            v=right.c,
            name=["c without the slip"] * T,
        )
        layers.append(
            alt.Chart(data)
            .transform_filter(past)
            .mark_line(color=QUIET, strokeWidth=3, strokeDash=[6, 4], point={"color": QUIET})
            .encode(
                x=_x("place", T),
                y=y,
                tooltip=["name:N", "t:Q", alt.Tooltip("v:Q", title="c")],
            )
        )
    layers.append(_points(shown, y, WRONG if right is not None else C, past))
    return (
        alt.layer(*layers)
        .resolve_scale(fill="independent", color="independent", shape="independent")
        .add_params(step_param(T, start))
        .properties(height="container")
    )


def _x(field: str, T: int) -> alt.X:
    """The axis of all layers: the steps, and half a step on either side."""
    ticks = list(range(1, T + 1, 1 + T // 20))
    return alt.X(
        f"{field}:Q",
        title=None,
        axis=alt.Axis(grid=False, values=ticks, labelExpr="'t = ' + format(datum.value, 'd')"),
        scale=alt.Scale(domain=[0.5, T + 0.5], nice=False),
    )


def _piles(shown: Lstm, y: alt.Y, height: float, past: str) -> list[alt.Chart]:
    """Contributions above zero piled up, those below piled down; the newest in its own colour."""
    memory = shown.memory[1:]
    piled = np.where(memory >= 0, np.maximum(memory, 0), np.minimum(memory, 0))
    end = np.where(
        memory >= 0, np.maximum(memory, 0).cumsum(axis=1), np.minimum(memory, 0).cumsum(axis=1)
    )
    word = "from " if len(memory) <= 5 else ""
    t, s = np.nonzero((abs(memory) > 1e-3 * height) & (memory != 0))
    part, top = piled[t, s], end[t, s]
    data = rows(
        t=t + 1, s=s + 1, part=part, v=top, v2=top - part, mid=top - part / 2,
        left=t + 0.6, right=t + 1.4,
        kind=np.where(s == t, "put in at t", "remembered"),
        says=np.where(abs(part) > _LABELLED * height, [f"{word}{i + 1}" for i in s], ""),
    )  # fmt: skip
    base = alt.Chart(data).transform_filter(past)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["remembered", "put in at t"], range=[A, B]),
        legend=alt.Legend(title=None, symbolType="square", symbolSize=200, symbolStrokeWidth=1),
    )
    tooltip = [
        alt.Tooltip("s:Q", title="put in at step"),
        alt.Tooltip("t:Q", title="in the cell at step"),
        alt.Tooltip("part:Q", title="contribution", format=".12~f"),
    ]
    bars = base.mark_rect(stroke=DARK, strokeWidth=1).encode(
        x=_x("left", len(memory)),
        x2="right:Q",
        y=y,
        y2="v2:Q",
        color=colour,
        opacity=alt.condition("datum.t == step", alt.value(1), alt.value(0.45)),
        tooltip=tooltip,
    )
    if len(shown.z) > MOST_NAMED:
        return [bars]
    return [
        bars,
        base.mark_text(dx=9, align="left").encode(
            x=_x("left", len(memory)), y="mid:Q", text="says:N"
        ),
    ]


def _points(shown: Lstm, y: alt.Y, colour: str, past: str) -> alt.Chart:
    """c as a dot and y as a diamond, at every step so far."""
    T = len(shown.z)
    data = rows(
        t=np.tile(np.arange(1, T + 1), 2),
        place=np.tile(np.arange(1, T + 1), 2) + 0.22,
        v=np.concatenate([shown.c, shown.y]),
        kind=["c, the cell"] * T + ["y, the output"] * T,
    )
    names = ["c, the cell", "y, the output"]
    legend = alt.Legend(title=None, symbolSize=160, symbolStrokeWidth=1.5)
    return (
        alt.Chart(data)
        .transform_filter(past)
        .mark_point(size=200, opacity=1, stroke=DARK, strokeWidth=1.5)
        .encode(
            x=_x("place", T),
            y=y,
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=names, range=["circle", "diamond"]), legend=legend
            ),
            fill=alt.Fill(
                "kind:N", scale=alt.Scale(domain=names, range=[colour, Y]), legend=legend
            ),
            tooltip=["kind:N", "t:Q", alt.Tooltip("v:Q", title="value", format=".12~f")],
        )
    )


def _range(shown: Lstm, right: Lstm | None) -> list[float]:
    """Room for every pile, every c and y, with some air."""
    piles = [np.maximum(shown.memory, 0).sum(axis=1), np.minimum(shown.memory, 0).sum(axis=1)]
    values = np.concatenate([*piles, shown.y, [] if right is None else right.c])
    low, high = float(values.min()), float(values.max())
    air = 0.08 * (high - low) or 1.0
    return [low - air, high + air]


# -- the words -----------------------------------------------------------------------------------


def known(trace: Lstm, asked: Question | None) -> int:
    """The last step that may be shown while a number of a later one is to be predicted."""
    return asked.step - 1 if asked else len(trace.z)


def unconcealed(
    lines: Sequence[Sequence[Line]], asked: Question | None
) -> tuple[tuple[Line, ...], ...]:
    """The working without the lines that would give the answer away."""
    conceals = asked.conceals if asked else ()
    return tuple(tuple(line for line in group if line.name not in conceals) for group in lines)


def captions(trace: Lstm, asked: Question | None) -> list[str]:
    """What each step does, in words; no more than its number while it is to be predicted."""
    said = [_caption(trace, t) for t in range(known(trace, asked))]
    said += [f"what does row {t + 1} hold?" for t in range(len(said), len(trace.z))]
    return [_given(trace), *said]


def _given(trace: Lstm) -> str:
    s = trace.params.shift
    if not s:
        return "only the inputs are known; the cell is empty"
    sees = (trace.weights[:, 0] != trace.weights[:, 1]).any()
    return f"all inputs moved by {_short(s)} (1, −1, 0, 0): " + (
        "some rows see it" if sees else "no row sees it"
    )


def _caption(trace: Lstm, t: int) -> str:
    before, z, c, y = (float(v[t]) for v in (trace.before, trace.z, trace.c, trace.y))
    parts = [_let(trace.fi[t], z, "takes in", "shuts the input out")]
    if before:
        parts.insert(0, _let(trace.ff[t], before, "keeps", f"forgets {_short(before)}"))
    parts.append(_let(trace.fo[t], c, "shows", "shows nothing"))
    return f"{', '.join(parts)} · c = {_short(c)}, y = {_short(y)}"


def _let(gate: float, value: float, passed: str, shut: str) -> str:
    """What a gate does with a value: all of it, nothing, or a share."""
    if gate > 0.99:
        return f"{passed} {_short(value)}"
    return shut if gate < 0.01 else f"{passed} {gate:.2f} of {_short(value)}"


def _short(value: float) -> str:
    return f"{value + 0.0:.4g}".replace("-", "−")
