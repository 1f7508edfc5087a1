"""Min and max: the two surfaces unit by unit, where they bend, and where they are wrong."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import altair as alt
import numpy as np

from engine.gradients import minmax
from engine.gradients.minmax import MinMax
from engine.gradients.minmax_lesson import along
from engine.slips import Slip
from pages.charts.theme import RAMP, WRONG, B, band_png, blend, levels, rows, step_param
from pages.ui.network import Diagram, Edge, Frame, Node, Value
from pages.ui.table import Cell, Column, Table

GRID, MOST_ROWS = 280, 200
CHOSEN = "#ffc61a"
PADDING = {"left": 2, "top": 4, "right": 4, "bottom": 12}  # room for a lowered index
NAMES = ("min", "max")
_PLAIN = "format(datum.value, '~g')"


@dataclass(frozen=True)
class Painting:
    """For each output one picture a step, the colours of its bands and the edges between them."""

    half: float
    pictures: tuple[tuple[str, ...], ...]
    colours: tuple[str, ...]
    edges: tuple[float, ...]


def painting(trace: MinMax, half: float, errors: bool) -> Painting:
    """The surfaces of all steps in one scale; or how far they are from min and max."""
    values = minmax.surface(trace, half, GRID)
    if errors:
        centres = half * ((2 * np.arange(GRID) + 1) / GRID - 1)
        square = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)
        values = abs(values - np.moveaxis(minmax.truth(square), -1, 0))
        nothing = 1e-9 * half  # the first band is "right", up to rounding
        most = float(values[-1].max())
        if most <= nothing:
            most = max(float(values.max()), half / 10)
        edges = [nothing, *levels(nothing, most, 10)]
        colours = blend(("#f4f6f9", "#f3c4de", "#dd6fae", WRONG, "#5c0b39"), len(edges) + 1)
    else:
        low, high = float(values.min()), float(values.max())
        edges = levels(low, high if high > low else low + half)
        colours = blend(RAMP, len(edges) + 1)
    pictures = tuple(
        tuple(band_png(state[o], edges, colours) for state in values) for o in range(len(NAMES))
    )
    return Painting(half, pictures, tuple(colours), tuple(edges))


def surface(
    trace: MinMax,
    painted: Painting,
    wrong: Mapping[str, np.ndarray],
    box: float,
    output: int,
    chosen: int,
    start: int,
) -> alt.LayerChart | alt.FacetChart:
    """One output over the square after each unit, the line along which that unit bends it, and
    the points."""
    half, last = painted.half, len(trace.W)
    scale = alt.Scale(domain=[-half, half], nice=False)
    axis = alt.Axis(grid=False, tickCount=5, format="~g", titlePadding=2, labelPadding=3)
    x = alt.X("x:Q", title="x₁", scale=scale, axis=axis)
    y = alt.Y("y:Q", title="x₂", scale=scale, axis=axis)
    n = last + 1
    pictures = rows(
        k=range(n), url=painted.pictures[output], x=[-half] * n, y=[-half] * n,
        x2=[half] * n, y2=[half] * n,
    )  # fmt: skip
    # All pictures are there from the start and one is seen: nothing loads while one scrubs.
    ground = (
        alt.Chart(pictures)
        .mark_image(aspect=False)
        .encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q", url="url:N",
            opacity=alt.condition("datum.k == step", alt.value(1), alt.value(0)),
        )
    )  # fmt: skip
    layers = [ground, _scale(painted), *_creases(trace, half, output, x, y)]
    if box:
        edge = alt.Chart(rows(x=[-box], y=[-box], x2=[box], y2=[box])).encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q"
        )
        layers += [
            edge.mark_rect(filled=False, stroke="#10161f", strokeWidth=4, clip=True),
            edge.mark_rect(
                filled=False, stroke="white", strokeWidth=2.5, strokeDash=[7, 5], clip=True
            ),
        ]
    layers.append(_points(trace, wrong, output, chosen, x, y))
    title = alt.Title(f"y{'₁₂'[output]}, to be the {NAMES[output]}", anchor="start", offset=4)
    return (
        alt.layer(*layers)
        .add_params(step_param(last, start))
        .properties(height="container", title=title, padding=PADDING)
    )


def box(trace: MinMax, slip: Slip | None) -> float:
    """Half the side of the box to draw, 0 for none."""
    boxed = trace.params.units == "3" or (slip is not None and slip.name == "beyond")
    return trace.params.bound if boxed else 0.0


def _scale(painted: Painting) -> alt.Chart:
    """The colours and what they mean."""
    scale = alt.Scale(type="threshold", domain=list(painted.edges), range=list(painted.colours))
    edge = painted.edges[0]
    exact = 0 < edge < 1e-6 * painted.half  # the lowest band is where nothing is wrong
    says = f"datum.value <= {edge} ? '' : format(datum.value, '~g')" if exact else _PLAIN
    says = f"isFinite(datum.value) ? ({says}) : '{'0' if exact else ''}'"
    legend = alt.Legend(title=None, labelExpr=says, orient="right", offset=6, gradientThickness=14)
    return (
        alt.Chart(rows(v=[0]))
        .mark_point(opacity=0)
        .encode(color=alt.Color("v:Q", scale=scale, legend=legend))
    )


def _creases(trace: MinMax, half: float, output: int, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The lines of the units that bend this output: thin for those before, thick for the last."""
    lines = [
        (k + 1, *ends[0], *ends[1])
        for k, ends in minmax.kinks(trace, half)
        if trace.V[output, k] != 0
    ]
    if not lines:
        return []
    k, x1, y1, x2, y2 = zip(*lines, strict=True)
    base = alt.Chart(rows(k=k, x=x1, y=y1, x2=x2, y2=y2)).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    past, now = base.transform_filter("datum.k < step"), base.transform_filter("datum.k == step")
    return [
        past.mark_rule(color="#10161f", strokeWidth=3.5, opacity=0.55, clip=True),
        past.mark_rule(color="white", strokeWidth=1.8, strokeDash=[6, 4], clip=True),
        now.mark_rule(color="white", strokeWidth=7, clip=True),
        now.mark_rule(color=B, strokeWidth=4.5, clip=True),
    ]


def _points(
    trace: MinMax, wrong: Mapping[str, np.ndarray], output: int, chosen: int, x: alt.X, y: alt.Y
) -> alt.Chart:
    N, n = min(len(trace.x), MOST_ROWS), len(trace.partial)
    steps, places = np.repeat(np.arange(n), N), np.tile(np.arange(N), n)
    fill, rim = np.where(places == chosen, CHOSEN, "#fff"), np.full(len(steps), "#10161f")
    if wrong:
        off = wrong["partial"][steps, places, output]
        fill, rim = np.where(off, WRONG, fill), np.where(off, "#fff", rim)
    data = rows(
        k=steps, i=places + 1, x=trace.x[places, 0], y=trace.x[places, 1],
        value=trace.partial[steps, places, output], right=minmax.truth(trace.x)[places, output],
        fill=fill, rim=rim, size=np.where(places == chosen, 260, 110),
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("i:Q", title="point"),
        alt.Tooltip("x:Q", title="x₁", format=".12~g"),
        alt.Tooltip("y:Q", title="x₂", format=".12~g"),
        alt.Tooltip("value:Q", title=f"y{'₁₂'[output]}", format=".12~g"),
        alt.Tooltip("right:Q", title=NAMES[output], format=".12~g"),
    ]
    return (
        alt.Chart(data)
        .transform_filter("datum.k == step")
        .mark_point(strokeWidth=2, opacity=1)
        .encode(
            x=x, y=y, tooltip=tooltip,
            fill=alt.Fill("fill:N", scale=None), stroke=alt.Stroke("rim:N", scale=None),
            size=alt.Size("size:Q", scale=None),
        )
    )  # fmt: skip


# -- the network at one point --------------------------------------------------------------------


def graph(
    trace: MinMax, wrong: Mapping[str, np.ndarray], chosen: int, blank: Collection[str] = ()
) -> Diagram:
    """Inputs, hidden units, outputs; on each edge its weight. Edges of weight 0 are left out."""
    K, width, low = len(trace.W), 800.0, 78
    slots = K + bool(trace.c.any())
    column = [width * (j + 0.5) / slots for j in range(slots)]
    rows_at = (41, 205, 369)
    nodes, edges, frames = [], [], [Frame()]

    def card(name: str, label: str, x: float, row: int, value: float, step: int) -> Node:
        values = (Value(name, value, step, "forward", name in blank),)
        return Node(name, label, x, rows_at[row], values, row == 0, 126, low)

    inputs = [("x1", 0.3), ("x2", 0.7)] if not trace.b.any() else [("x1", 0.2), ("x2", 0.8)]
    for i, (name, at) in enumerate(inputs):
        nodes.append(card(name, f"x_{i + 1}", width * at, 0, float(trace.x[chosen, i]), 0))
    if trace.b.any():
        nodes.append(Node("one", "1", width / 2, 41, (), True, 60, 46))
    for k in range(K):
        h = f"h{k + 1}"
        nodes.append(card(h, f"h_{k + 1}", column[k], 1, float(trace.hidden[chosen, k]), k + 1))
        links = [("x1", h, trace.W[k, 0]), ("x2", h, trace.W[k, 1]), ("one", h, trace.b[k])]
        links += [(h, NAMES[o], trace.V[o, k]) for o in (0, 1)]
        mine = [(a, b, float(w)) for a, b, w in links if w != 0]
        for a, b, w in mine:
            edges.append(_weight(a, b, w, k + 1))
        frames.append(Frame(h, edges=tuple(f"{a}-{b}" for a, b, _ in mine)))
    if trace.c.any():
        nodes.append(Node("bias", "1", column[K], 205, (), True, 60, 46))
        edges += [_weight("bias", NAMES[o], float(trace.c[o]), 0) for o in (0, 1)]
        frames[0] = Frame("", edges=("bias-min", "bias-max"))
    for o, name in enumerate(NAMES):
        value = float(trace.y[chosen, o])
        values = (Value(name, value, K, "forward", f"{name}{K}" in blank),)
        nodes.append(Node(name, name, width * (0.3, 0.7)[o], 369, values, False, 126, low))
    off = {NAMES[o] for o in (0, 1) if wrong and wrong["y"][chosen, o]}
    off |= {f"h{k + 1}" for k in range(K) if wrong and wrong["hidden"][chosen, k]}
    return Diagram("The network at the chosen point", width, 412, tuple(nodes), tuple(edges),
                   tuple(frames), off)  # fmt: skip


def _weight(start: str, end: str, weight: float, step: int) -> Edge:
    """An edge with its weight near the hidden unit, where no two edges meet."""
    text = f"{weight:.3g}".replace("-", "−")
    share = 0.75 if end.startswith("h") else 0.25
    return Edge(f"{start}-{end}", start, end, "", text, step=step, along=share)


# -- the table and the words ---------------------------------------------------------------------


def table(
    trace: MinMax,
    slip: Slip | None,
    wrong: Mapping[str, np.ndarray],
    chosen: int,
    blank: Collection[str],
) -> Table:
    """What the units so far make of each point, beside what they should; nothing is said of
    points for which three units promise nothing."""
    off = wrong.get("partial", np.zeros(trace.partial.shape, bool))
    right, last = minmax.truth(trace.x), len(trace.W)
    hidden = [any(b.startswith(name) for b in blank) for name in NAMES]
    ends = [f"{name}{last}" in blank for name in NAMES]
    promised = trace.inside | (slip is not None and slip.name == "beyond")
    body = []
    for i in range(min(len(trace.x), MOST_ROWS)):
        row = [Cell(trace.x[i, 0]), Cell(trace.x[i, 1])]
        row += [
            Cell(trace.partial[:, i, o], off[:, i, o], i == chosen and hidden[o]) for o in (0, 1)
        ]
        truth = right[i] if promised[i] else ("–", "–")
        row += [Cell("" if i == chosen and ends[o] else truth[o]) for o in (0, 1)]
        body.append(row)
    said = "" if promised.all() else "; – is outside the box"
    if len(trace.x) > MOST_ROWS:
        said += f", the first {MOST_ROWS} of {len(trace.x)}"
    columns = [Column(head) for head in ("x_1", "x_2", "y_1", "y_2", r"\min", r"\max")]
    return Table(f"Each point so far{said}", columns, body)


def wrong_lines(wrong: Mapping[str, np.ndarray], chosen: int) -> dict[str, bool]:
    """Which lines of the working a slip makes wrong at the chosen point."""
    if not wrong:
        return {}
    hidden, partial = wrong["hidden"][chosen], wrong["partial"][:, chosen]
    marks = {f"h{k + 1}": bool(off) for k, off in enumerate(hidden)}
    for k, both in enumerate(partial):
        marks |= {f"{name}{k}": bool(both[o]) for o, name in enumerate(NAMES)}
    return marks


def captions(trace: MinMax) -> list[str]:
    """Which unit is added, and to what."""
    start = f"both start at −{-trace.c[0]:.4g}" if trace.c.any() else "both start at 0"
    out = [f"no unit yet: {start}"]
    for k, (w, b) in enumerate(zip(trace.W, trace.b, strict=True)):
        shares = [_share(v, name) for v, name in zip(trace.V[:, k], NAMES, strict=True) if v]
        seen = along(w, float(b)).replace("x_1", "x₁").replace("x_2", "x₂").replace("-", "−")
        out.append(f"unit {k + 1}, R({seen}): {', '.join(shares) or 'counts for nothing'}")
    return out


def _share(weight: float, name: str) -> str:
    size = "" if abs(weight) == 1 else f"{abs(weight):.3g} of it "
    return f"{size}taken from {name}" if weight < 0 else f"{size}added to {name}"
