"""A network unrolled in time: out along the states, home along the gradients, and their size."""

from collections.abc import Collection, Mapping
from itertools import pairwise

import altair as alt
import numpy as np

from engine.gradients.rnn import Recurrent, State, rows_shown, states
from engine.slips import Slip
from pages.charts.theme import QUIET, WRONG, B, rows, step_param, title
from pages.ui.network import Diagram, Edge, Frame, Key, Node, Value
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
_KEY = (Key("forward", "h"), Key("backward", "a, what comes back"), Key("reused", "reused"))
_LENGTHS = (
    Key("forward", "length of h"),
    Key("backward", "length of a, what comes back"),
    Key("reused", "reused"),
)
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_WHOLE = 4  # so many steps are drawn one by one
_FIRST, _LAST = 4, 2  # rows of the table before and after the gap of a long run


def short(trace: Recurrent) -> bool:
    """May every number of the states be drawn?"""
    return len(trace.xs) <= 2 and trace.Wi.shape[0] <= 2 and trace.Wi.shape[1] <= 2


# -- the unrolled graph --------------------------------------------------------------------------


def graph(trace: Recurrent, wrong: Masks, blank: Collection[str]) -> Diagram:
    """Cards in time. Short runs show every number, long ones lengths and a gap in the middle."""
    T, small = len(trace.xs), short(trace)
    times = [*range(T + 1)] if T <= _WHOLE else [0, 1, 2, None, T - 1, T]
    wide, gap = (118, 162) if small else (114, 160 if T <= _WHOLE else 140)
    row = 258 if small else 60
    spots = [wide / 2 + 3 + gap * i for i in range(len(times) + 1)]
    nodes = [
        Node("gap", "…", x, row, (), True, 60, 60)
        if t is None
        else _state(trace, t, x, row, wide, blank)
        for t, x in zip(times, spots, strict=False)
    ]
    output = (
        Value("yhat", trace.yhat, T + 1, says="ŷ"),
        Value("delta", trace.delta, T + 1, "backward", "delta" in blank, "ŷ - y"),
    )
    nodes.append(Node("o", "ŷ", spots[-1], row, output, width=wide))
    if small:
        nodes += [
            Node(f"x{t}", f"x_{t}", nodes[t].x, 60, _entries("x", t, trace.xs[t - 1], 0), True)
            for t in range(1, T + 1)
        ]
    names = [n.id for n in nodes[: len(times) + 1]]
    edges = [
        Edge(f"{a}-{b}", a, b, _weight(T, a, b), step=_home(trace, a)) for a, b in pairwise(names)
    ]
    if small:
        edges += [Edge(f"x{t}-h{t}", f"x{t}", f"h{t}", "W_i") for t in range(1, T + 1)]
    frames = tuple(_frame(s, small, T) for s in states(T))
    off = [
        f"a{t + 1}.{i}" if small else f"a{t + 1}"
        for t, i in np.argwhere(wrong.get("a", np.zeros((0, 0))))
    ]
    size = (spots[-1] + 62, 392) if small else (max(spots[-1] + 60, 960), 158)
    wrong_ones, key = tuple(dict.fromkeys(off)), _KEY if small else _LENGTHS
    says = "The network unrolled in time"
    return Diagram(says, *size, tuple(nodes), tuple(edges), frames, wrong_ones, key)


def _weight(T: int, a: str, b: str) -> str:
    """The label of an edge, where there is room for it."""
    if T > _WHOLE and "gap" not in (a, b):
        return ""
    return "W_o" if b == "o" else "W_h"


def _home(trace: Recurrent, name: str) -> int | None:
    """The state that computes a_t."""
    return 2 * len(trace.xs) + 2 - int(name[1:]) if name[1:].isdigit() and name != "h0" else None


def _state(
    trace: Recurrent, t: int, x: float, y: float, wide: float, blank: Collection[str]
) -> Node:
    back = 2 * len(trace.xs) + 2 - t
    if short(trace):
        values = _entries("h", t, trace.h[t], t)
        if t:
            values += _entries("a", t, trace.a[t - 1], back, "backward", blank)
        return Node(f"h{t}", f"h_{t}", x, y, values, not t, wide, 42 + 34 * len(values) + 4)
    low = str(t).translate(_SUB)
    values = (Value(f"h{t}", float(np.linalg.norm(trace.h[t])), t, says=f"length of h{low}"),)
    if t:
        size, hidden = float(np.linalg.norm(trace.a[t - 1])), f"a{t}[1]" in blank
        says = f"length of a{low}"
        values += (Value(f"a{t}", size, back, "backward", hidden, says),)
    return Node(f"h{t}", f"h_{t}", x, y, values, not t, wide)


def _entries(
    letter: str, t: int, vector: np.ndarray, step: int, kind: str = "forward",
    blank: Collection[str] = (),
) -> tuple[Value, ...]:  # fmt: skip
    low = str(t).translate(_SUB)
    return tuple(
        Value(
            f"{letter}{t}.{i}", float(v), step, kind, f"{letter}{t}[{i + 1}]" in blank,
            f"{letter}{low}, entry {i + 1}",
        )
        for i, v in enumerate(vector)
    )  # fmt: skip


def _frame(state: State, small: bool, T: int) -> Frame:
    t = state.t
    shown = set(range(T + 1)) if T <= _WHOLE else {0, 1, 2, T - 1, T}

    def edge(a: int, b: int) -> tuple[str, ...]:
        ends = [f"h{s}" if s in shown else "gap" for s in (a, b)]
        return () if ends[0] == ends[1] else ("-".join(ends),)

    if state.kind == "forward":
        given = (f"x{t}-h{t}",) if small else ()
        return Frame(f"h{t}", edges=(*edge(t - 1, t), *given))
    if state.kind == "loss":
        return Frame("yhat", edges=(f"h{T}-o",))
    if state.kind == "backward":
        later = (f"h{T}-o",) if t == T else edge(t, t + 1)
        arrives = "delta" if t == T else f"a{t + 1}"
        reuses = [f"h{t}", f"h{t - 1}", *([f"x{t}"] if small else [])]
        into = (f"x{t}-h{t}",) if small else ()
        return Frame(f"a{t}", arrives, tuple(reuses), (*later, *into), True)
    if state.kind == "sum":
        every = [e for s in range(1, T + 1) for e in edge(s - 1, s)]
        given = [f"x{s}-h{s}" for s in range(1, T + 1)] if small else []
        return Frame("", "", (), (*every, *given), True)
    return Frame()


# -- how long the gradient is --------------------------------------------------------------------


def lengths(
    trace: Recurrent, ghost: Recurrent | None, start: int
) -> alt.LayerChart | alt.FacetChart:
    """The length of a_t on a log axis, growing to the left as the way home is walked."""
    T = len(trace.xs)
    t = np.arange(1, T + 1)
    size = np.linalg.norm(trace.a, axis=1)
    power = trace.radius ** (T - t) * size[-1]
    seen = np.concatenate([v[v > 1e-250] for v in (size, power)])
    low, high = (np.log10(seen.min()), np.log10(seen.max())) if len(seen) else (-1, 1)
    low, high = int(np.floor(low - 0.2)), int(np.ceil(high + 0.2))
    stride = max(1, -(-(high - low) // 6))
    powers = range(low, high + 1, stride)
    names = ["1" if k == 0 else "10" + str(k).translate(_SUPER) for k in powers]
    place = f"round((log(datum.value) / LN10 - ({low})) / {stride})"
    places = alt.Axis(grid=False, tickMinStep=1, format="d", tickCount=min(T, 10))
    spread = alt.Scale(domain=[0.5, T + 0.5], nice=False)
    x = alt.X("t:Q", title=None, scale=spread, axis=places)
    scale = alt.Scale(type="log", domain=[float(f"1e{low}"), float(f"1e{high}")])
    ticks = [float(f"1e{k}") for k in powers]
    axis = alt.Axis(grid=False, values=ticks, minExtent=46, labelExpr=f"{names}[{place}]")
    y = alt.Y("size:Q", title=None, scale=scale, axis=axis)

    def line(values: np.ndarray) -> alt.Chart:
        keep = values > 1e-250
        return alt.Chart(rows(t=t[keep], size=values[keep], at=(2 * T + 2 - t)[keep]))

    tooltip = [alt.Tooltip("t:Q"), alt.Tooltip("size:Q", title="length of a", format=".6~g")]
    bent = ghost is not None and not np.array_equal(ghost.a, trace.a)
    colour = WRONG if bent else B
    walked = line(size).transform_filter("datum.at <= step")
    now = "datum.at == step"
    layers = [
        line(power).mark_line(color=QUIET, strokeWidth=2.5, strokeDash=[6, 5]).encode(x=x, y=y),
        walked.mark_line(color=colour, strokeWidth=3).encode(x=x, y=y),
        walked.mark_point(filled=True, color=colour, opacity=1).encode(
            x=x, y=y, tooltip=tooltip, size=alt.condition(now, alt.value(260), alt.value(75))
        ),
    ]
    if ghost is not None:
        right = line(np.linalg.norm(ghost.a, axis=1))
        layers.insert(1, right.mark_line(color=QUIET, strokeWidth=2.5).encode(x=x, y=y))
    words = f"●\u2002‖aₜ‖\u2003┄\u2002{trace.radius:.3g}^({T} − t)"
    chart = alt.layer(*layers, title=title(words)).add_params(step_param(2 * T + 2, start))
    room = {"left": 5, "right": 14, "top": 5, "bottom": 5}  # for half of the last number
    return chart.properties(height="container", padding=room)


# -- the paths into a matrix ---------------------------------------------------------------------


def table(trace: Recurrent, wrong: Masks, blank: Collection[str], into: str) -> Table:
    """One row a path, as they are found on the way home; the sum so far below."""
    T, terms = len(trace.xs), getattr(trace.paths, into)
    total = getattr(trace, f"d{into}_so_far")
    off, sums = wrong.get(into), wrong.get(f"d{into}_so_far")
    entries = [(i, j) for i in range(rows_shown(trace)) for j in range(min(2, total.shape[2]))]
    groups = [[t] for t in range(T, 0, -1)]
    if T > _FIRST + _LAST + 2:
        middle = [t for (t,) in groups[_FIRST:-_LAST]]
        groups = [*groups[:_FIRST], middle, *groups[-_LAST:]]
    body, lit = [], np.full(len(trace), -1)
    for k, group in enumerate(groups):
        first, last = 2 * T + 2 - group[0], 2 * T + 2 - group[-1]
        lit[first : last + 1] = k
        body.append([Cell(f"{group[0]} … {group[-1]}" if len(group) > 1 else group[0])])
        for i, j in entries:
            grown = terms[[t - 1 for t in group], i, j].cumsum()
            values = [""] * first + list(grown) + [grown[-1]] * (len(trace) - last - 1)
            red = off is not None and bool(off[[t - 1 for t in group], i, j].any())
            marks = [red and s >= first for s in range(len(trace))] if red else False
            body[-1].append(Cell(values, marks))
    names = {e: f"d{into}[{e[0] + 1},{e[1] + 1}]" for e in entries}
    foot = [Cell("sum")] + [
        Cell(total[:, i, j], sums[:, i, j] if sums is not None else False, names[i, j] in blank)
        for i, j in entries
    ]
    columns = [Column("t")] + [Column(rf"W_{{{into[1]},{i + 1}{j + 1}}}") for i, j in entries]
    given = "xₜᵀ" if into == "Wi" else "hₜ₋₁ᵀ"
    part = "" if len(entries) == total[0].size else ", first entries"
    return Table(f"The path of each step: aₜ {given}{part}", columns, body, [foot], lit)


def wrong_lines(trace: Recurrent, wrong: Masks, into: str) -> dict[str, bool]:
    """Which lines of the working a slip makes wrong."""
    if not wrong:
        return {}
    T = len(trace.xs)
    marks = {f"path{t}": bool(wrong[into][t - 1, 0, 0]) for t in range(1, T + 1)}
    marks |= {f"a{t + 1}[{i + 1}]": bool(off) for (t, i), off in np.ndenumerate(wrong["a"])}
    whole = wrong[f"d{into}"]
    return marks | {f"d{into}[{i + 1},{j + 1}]": bool(off) for (i, j), off in np.ndenumerate(whole)}


def captions(trace: Recurrent, slip: Slip | None = None) -> list[str]:
    """What each step does, in words."""
    return [_caption(trace, state) for state in states(len(trace.xs))]


def _caption(trace: Recurrent, state: State) -> str:
    T, t = len(trace.xs), str(state.t).translate(_SUB)
    if state.kind == "given":
        return f"given: the weights, h₀ and {T} input{'s'[: T != 1]}"
    if state.kind == "forward":
        return f"forward: h{t} from x{t} and h{str(state.t - 1).translate(_SUB)}"
    if state.kind == "loss":
        return f"the guess: ŷ = {trace.yhat:.3g}, where {trace.target:.3g} was wanted"
    if state.kind == "sum":
        return f"the sum of {T} path{'s'[: T != 1]} into each matrix"
    size = f"‖a{t}‖ = {_written(float(np.linalg.norm(trace.a[state.t - 1])))}"
    return f"backward: a{t}, {T - state.t} step{'s'[: T - state.t != 1]} from the end · {size}"


def _written(value: float) -> str:
    """Three digits, with a power of ten where it is far from 1."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:.3g}"
    mantissa, power = f"{value:.2e}".split("e")
    return f"{mantissa}·10{str(int(power)).translate(_SUPER)}"
