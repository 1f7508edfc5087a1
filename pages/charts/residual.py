"""The residual block: its graph and the four routes back, the gradients, the stack."""

from collections.abc import Collection, Mapping

import altair as alt
import numpy as np

from engine.gradients.residual import STEPS, Residual
from pages.charts.theme import QUIET, WRONG, B, rows, step_param
from pages.ui.network import Diagram, Edge, Frame, Node, Value
from pages.ui.table import Cell, Column, Table

AT = {step.name: i for i, step in enumerate(STEPS)}
SUM = AT["sum"]
MARKS = ("① ━━", "② ╍╍", "③ ••", "④ ━ •")
STROKES = ("first", "second", "third", "fourth")
_PITCH, _WIDE, _TOP, _GAP = 194, 166, 6, 48
_COLUMN = {"x": 0, "W": 0, "z": 1, "h": 2, "V": 2, "r": 3, "y": 4, "loss": 4}
_MAIN = ("x", "h", "y")
# From, to, what the way out does there, the factor on the way back, the adjoint it helps to make.
_EDGES = (
    ("x", "z", "", "Wᵀ", "dx"),
    ("z", "h", "φ", "φ′", "dz"),
    ("x", "h", "skip", "1", "dx"),
    ("h", "r", "", "Vᵀ", "dh"),
    ("r", "y", "φ", "φ′", "dr"),
    ("h", "y", "skip", "1", "dh"),
    ("W", "z", "", "", "dW"),
    ("V", "r", "", "", "dV"),
    ("y", "loss", "", "", "dy"),
)
_BACK = {
    "dy": ("y-loss",), "dr": ("r-y",), "dV": ("V-r",), "dc": ("V-r",), "dh": ("h-y", "h-r"),
    "dz": ("z-h",), "dW": ("W-z",), "db": ("W-z",), "dx": ("x-h", "x-z"),
}  # fmt: skip
_ROUTES = (
    ("h-y", "x-h"),
    ("r-y", "h-r", "x-h"),
    ("h-y", "z-h", "x-z"),
    ("r-y", "h-r", "z-h", "x-z"),
)


# -- the graph -----------------------------------------------------------------------------------


def graph(
    trace: Residual, wrong: Mapping[str, np.ndarray], blank: Collection[str], unit: int
) -> Diagram:
    """Skips run straight along the top, the layers hang below; value left, adjoint right."""
    n = len(trace.x)
    row = 33 if n <= 3 else 28
    high = {name: 48 + row * n for name in "xzhry"} | {"loss": 48 + row}
    high |= {"W": 48 + row * (n + 1), "V": 48 + row * (n + 1)}
    below = _TOP + high["x"] + _GAP
    low, top = below + high["W"] / 2, _TOP + high["x"] / 2
    centre = {name: top if name in _MAIN else low for name in _COLUMN}
    made: list[Node] = []
    for name in _COLUMN:
        index = f"_{unit + 1}" if name in "WV" and n > 1 else ""
        heads = (name + index, _bar(name) + index) if name != "loss" else ("ℓ",)
        values = tuple(_values(trace, name, unit, blank))
        x = _WIDE / 2 + 2 + _PITCH * _COLUMN[name]
        given = name in ("x", "W", "V")
        made.append(
            Node(name, heads[0], x, centre[name], values, given, _WIDE, high[name], heads, row)
        )
    edges = _edges(trace)
    frames = tuple(_frame(i, trace, {edge.id for edge in edges}) for i in range(len(trace)))
    lit = tuple(places(wrong))
    width, height = 4 * _PITCH + _WIDE + 4, below + high["W"] + 6
    label = "The residual block, its skips on top"
    return Diagram(label, width, height, tuple(made), edges, frames, lit)


def places(wrong: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the entries that are off, as graph and working call them."""
    return [".".join([name, *map(str, at)]) for name in wrong for at in np.argwhere(wrong[name])]


def _bar(name: str) -> str:
    return name + "\u0304"


def _values(trace: Residual, name: str, unit: int, blank: Collection[str]) -> list[Value]:
    if name == "loss":
        return [Value("loss", trace.loss, AT["loss"], says="loss")]
    out = []
    pairs = [(name, (unit, j) if name in "WV" else (j,)) for j in range(len(trace.x))]
    if name in "WV":
        pairs.append(("b" if name == "W" else "c", (unit,)))
    for field, at in pairs:
        for key, kind in ((field, "forward"), ("d" + field, "backward")):
            low = "".join(f" {k + 1}" for k in at)
            says = f"{field if kind == 'forward' else _bar(field)}{low}"
            entry = ".".join([key, *map(str, at)])
            number = float(getattr(trace, key)[at])
            out.append(Value(entry, number, AT.get(key, 0), kind, entry in blank, says))
    return out


def _edges(trace: Residual) -> tuple[Edge, ...]:
    first, second = trace.params.skips
    gone = {"x-h"} if not first else set()
    gone |= {"h-y"} if not second else set()
    plain = [
        Edge(f"{a}-{b}", a, b, back, ahead, AT[adjoint])
        for a, b, ahead, back, adjoint in _EDGES
        if f"{a}-{b}" not in gone
    ]
    over = [
        Edge(f"{a}-{b}/{k}", a, b, stroke=STROKES[k], shift=_shift(f"{a}-{b}", k))
        for k, route in enumerate(_ROUTES)
        if not gone & set(route)
        for a, b in (edge.split("-") for edge in route)
    ]
    return (*plain, *over)


def _shift(edge: str, route: int) -> float:
    """Each edge carries two routes: one on either side of it."""
    both = [k for k, steps in enumerate(_ROUTES) if edge in steps]
    return -7 if route == both[0] else 7


def _frame(i: int, trace: Residual, drawn: Collection[str]) -> Frame:
    """At the end only those routes are drawn that bring something."""
    if i > SUM:
        return Frame("dx", backward=True)
    step, arrives, reuses = STEPS[i], "", STEPS[i].reuses
    if step.name.startswith(("route", "sum")):
        together = [k for k, path in enumerate(trace.paths) if path.norm > 0]
        walked = together if step.name == "sum" else [int(step.name[-1]) - 1]
        lit = [f"{edge}/{k}" for k in walked for edge in _ROUTES[k]]
        focus, arrives = "dx" if step.name == "sum" else "", "dy"
    elif step.backward:
        lit, focus = _BACK[step.name], step.name
        arrives = step.arrives[0] if step.arrives else ""
    else:
        lit, focus = [f"{a}-{b}" for a, b, *_ in _EDGES if b == step.name], step.name
    return Frame(focus, arrives, reuses, tuple(e for e in lit if e in drawn), step.backward)


# -- the tables ----------------------------------------------------------------------------------


def routes(
    trace: Residual, wrong: Mapping[str, np.ndarray], blank: Collection[str], unit: int
) -> Table:
    """What each route brings back to one entry of x, and its share of the four lengths."""
    total, u = sum(path.norm for path in trace.paths), unit + 1
    columns = [Column(r"\text{route}"), Column(r"\text{passes}"), Column(rf"\bar x_{{{u}}}")]
    columns += [Column(r"\text{share}", "backward", 2)]
    body = []
    for k, path in enumerate(trace.paths):
        ahead = [i < AT[f"route{k + 1}"] for i in range(len(trace))]
        carried = Cell(float(path.carried[unit]), ahead=ahead)
        share = Cell(path.norm / total if total else 0.0, ahead=ahead)
        body.append([Cell(MARKS[k]), Cell(path.name), carried, share])
    ahead = [i < AT["dx"] for i in range(len(trace))]
    off = "dx" in wrong and bool(wrong["dx"][unit])
    hidden = f"dx.{unit}" in blank
    whole = Cell(float(trace.dx[unit]), off, hidden, share=False, ahead=ahead)
    foot = [[Cell("all four"), Cell(""), whole, Cell("")]]
    lit = [i - AT["route1"] if AT["route1"] <= i < SUM else None for i in range(len(trace))]
    return Table("Four routes from y back to x", columns, body, foot, lit)


def gradients(trace: Residual, wrong: Mapping[str, np.ndarray], blank: Collection[str]) -> Table:
    """All entries of the four gradients, row by row: a matrix and its bias."""
    n = len(trace.x)
    decimals = 3 if n > 2 else None
    heads = [*(str(j + 1) for j in range(n)), r"\text{bias}"]
    columns = [Column("i"), *(Column(head, decimals=decimals) for head in heads)]
    body = []
    for matrix, bias in (("dV", "dc"), ("dW", "db")):
        for i in range(n):
            row = [Cell(f"{_bar(matrix[1])} {i + 1}")]
            for name, at in [(matrix, (i, j)) for j in range(n)] + [(bias, (i,))]:
                off = bool(wrong[name][at]) if name in wrong else False
                ahead = [k < AT[name] for k in range(len(trace))]
                hidden = ".".join([name, *map(str, at)]) in blank
                row.append(Cell(float(getattr(trace, name)[at]), off, hidden, ahead=ahead))
            body.append(row)
    return Table("All gradients: V̄ | c̄ and W̄ | b̄", columns, body)


# -- the stack and the words ---------------------------------------------------------------------


def stack(
    trace: Residual, wrong: Mapping[str, np.ndarray], start: int
) -> alt.LayerChart | alt.FacetChart:
    """How long the vector still is after k blocks of the way back, with skips and without."""
    m, left = len(trace.stack) - 1, trace.stack.left
    seen = np.log10(np.clip(left[left > 0], 1e-9, 1e9))
    low, high = int(np.floor(min(seen.min(), -1))), int(np.ceil(max(seen.max(), 0.3)))
    ticks = [10.0**e for e in range(low, high + 1, max(1, (high - low + 2) // 3))]
    scale = alt.Scale(type="log", domain=[10.0**low, 10.0**high])
    ends = alt.Scale(domain=[0, 1.015 * m], nice=False)
    x = alt.X("k:Q", title=None, scale=ends, axis=alt.Axis(grid=False, tickMinStep=1, format="d"))
    y = alt.Y(
        "g:Q", title=None, scale=scale, axis=alt.Axis(values=ticks, format="~g", minExtent=64)
    )
    drawn = (("with skips", B, [1, 0]), ("without", QUIET, [7, 4]))
    above = {"y": alt.value(-14)}
    words = alt.Chart(rows(name=[f"Length left, {m} blocks back"]))
    layers: list[alt.Chart] = [
        words.mark_text(align="left", baseline="middle", fontSize=15).encode(
            x=alt.value(0), text="name:N", **above
        )
    ]
    for kind, (name, right, dash) in enumerate(drawn):
        colour = WRONG if wrong and wrong["left"][kind].any() else right
        kept = np.maximum(left[kind], 1e-300)
        base = alt.Chart(rows(k=np.arange(m + 1), g=kept)).encode(x=x, y=y)
        tooltip = [alt.Tooltip("k:Q", title="blocks"), alt.Tooltip("g:Q", title="length left")]
        here = base.transform_filter(f"datum.k == max(0, step - {SUM}) && datum.g >= {10.0**low}")
        spot, place = alt.Chart(rows(name=[name])), 230 + 150 * kind
        layers += [
            base.mark_line(color=colour, strokeWidth=3.5, strokeDash=dash, clip=True),
            here.mark_point(filled=True, size=220, color=colour, stroke="white", opacity=1).encode(
                tooltip=tooltip
            ),
            spot.mark_rule(color=colour, strokeWidth=3.5, strokeDash=dash).encode(
                x=alt.value(place), x2=alt.value(place + 34), **above
            ),
            spot.mark_text(align="left", baseline="middle", fontSize=15).encode(
                x=alt.value(place + 42), text="name:N", **above
            ),
        ]
    chart = alt.layer(*layers).add_params(step_param(len(trace) - 1, start))
    return chart.properties(height="container")


def captions(trace: Residual) -> list[str]:
    """What each step does, in words."""
    out = [step.says for step in STEPS]
    for k in range(1, len(trace.stack)):
        with_skips, without = trace.stack.left[:, k]
        out.append(f"{k} blocks back: {with_skips:.3g} left with skips, {without:.3g} without")
    return out
