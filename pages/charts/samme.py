"""Boosting round by round: points as heavy as they count, the new cut, what the vote says where."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from engine.boosting import samme
from engine.boosting.samme import Cut, Regions, Samme
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.theme import COLOURS, SHAPES, TEXT, at_step, packed, rows, step_param, title
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
MOST_SHOWN, MOST_DRAWN = 120, 1_000
HUES = (*COLOURS, "#5b4fc4", "#b4483c")
MARKS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # one a class
TOLD = ("weights", "loss", "training_error")
HEADS = (
    ("error", r"\epsilon", 3), ("alpha", r"\alpha", 3), ("alpha_samme", r"\alpha^S", 3),
    ("ratio", r"\text{ratio}", 3),
)  # fmt: skip


def shown_rounds(trace: Samme) -> int:
    """How many rounds the transport goes through."""
    return min(len(trace.alpha), MOST_SHOWN)


def hue(k: int) -> str:
    """The colour of a class."""
    return HUES[k % len(HUES)]


# -- the points and the cuts ---------------------------------------------------------------------


def scene(trace: Samme, chosen: int, start: int) -> Figure:
    """Points sized by D of the round, its cut, and behind them the winners of all votes so far."""
    n = shown_rounds(trace)
    plane = _plane(trace)
    x, y = axes(plane, ("x₁", "x₂" if trace.X.shape[1] > 1 else ""))
    layers, areas = [], samme.regions(trace, n)
    if areas is not None and n:
        layers.append(_areas(areas, x, y))
    found = samme.cuts(trace, n)
    layers += _cuts(found, trace, x, y)
    layers.append(_points(trace, n, plane, x, y))
    layers.append(_name(chosen, plane, x, y))
    said = "Area: weight; ringed: the new vote errs"
    if areas is not None and not areas.exact:
        said += "; borders on a grid"
    if trace.X.shape[1] > 2:
        said = f"Columns 1 and 2 of {trace.X.shape[1]}; ringed: the new vote errs"
    if len(trace.y) > MOST_DRAWN:
        said += f"; the first {MOST_DRAWN:,} points"
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    chart = chart.add_params(step_param(n, start))
    return chart.properties(height="container", title=title(said))


def _plane(trace: Samme) -> np.ndarray:
    """The first two columns; a single one stands in the middle of a strip."""
    more = 2 - min(2, trace.X.shape[1])
    return np.pad(trace.X[:, :2], [(0, 0), (0, more)], constant_values=0.5)


def axes(plane: np.ndarray, names: tuple[str, str]) -> tuple[alt.X, alt.Y]:
    """Both axes with the same scale, whatever the shape of the figure."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    middle = (low + high) / 2
    reach = np.maximum((high - low) / 2, 1e-9 * np.maximum(1, abs(middle))) * 1.12
    if reach[1] < 1e-6 * reach[0]:
        reach[1] = 0.3 * reach[0]
    wide = reach.max() > 4 * reach.min()  # then a common scale would leave a strip
    unit = f"max({reach[0]:.6g} / width, {reach[1]:.6g} / height)"

    def side(d: int, length: str) -> dict[str, Any]:
        half = f"{reach[d]:.9g}" if wide else f"{length} * {unit}"
        ends = [alt.ExprRef(f"{middle[d]:.9g} {sign} {half}") for sign in "-+"]
        return {"scale": alt.Scale(domain=ends, nice=False, zero=False), "axis": climb.axis(),
                "title": names[d]}  # fmt: skip

    return alt.X("x:Q", **side(0, "width")), alt.Y("y:Q", **side(1, "height"))


def _areas(areas: Regions, x: alt.X, y: alt.Y) -> alt.Chart:
    """One rectangle a cell, its winners of all rounds in one string."""
    i, j = np.meshgrid(np.arange(len(areas.x) - 1), np.arange(len(areas.y) - 1), indexing="ij")
    i, j = i.ravel(), j.ravel()
    winner = areas.winner.reshape(len(areas.winner), -1).T
    data = rows(
        x=_short(areas.x)[i], x2=_short(areas.x)[i + 1],
        y=_short(areas.y)[j], y2=_short(areas.y)[j + 1],
        s=["".join("-" if k < 0 else MARKS[k] for k in cell) for cell in winner.tolist()],
    )  # fmt: skip
    K = int(areas.winner.max()) + 1
    scale = alt.Scale(domain=[*MARKS[:K], "-"], range=[*map(hue, range(K)), "transparent"])
    base = alt.Chart(data).transform_calculate(k="slice(datum.s, step, step + 1)")
    return base.mark_rect(opacity=0.2, clip=True, tooltip=None).encode(
        x=x, x2="x2:Q", y=y, y2="y2:Q", color=alt.Color("k:N", scale=scale, legend=None)
    )


def _short(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{v:.6g}") for v in values])


def _cuts(found: list[Cut], trace: Samme, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The cuts of the present round, and for stumps which class each side is given."""
    layers = []
    for d in (0, 1):
        mine = [cut for cut in found if cut.feature == d]
        if not mine:
            continue
        here, there = ("x", "y") if d == 0 else ("y", "x")
        at = [float(f"{cut.threshold:.9g}") for cut in mine]
        lines = rows(**{"t": [c.round for c in mine], here: at, there: [c.low for c in mine],
                        there + "2": [c.high for c in mine]})  # fmt: skip
        now = alt.Chart(lines).transform_filter("datum.t == step")
        ends = {"x": x, "y": y, there + "2": f"{there}2:Q"}
        layers.append(now.mark_rule(color=TEXT, strokeWidth=4, clip=True).encode(**ends))
        if trace.params.depth == 1:
            layers += _sides(mine, at, trace, d, x, y)
    return layers


def _sides(
    mine: list[Cut], at: list[float], trace: Samme, d: int, x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    layers = []
    for upper in (False, True):
        name = [f"{trace.labels[c.above if upper else c.below]}" for c in mine]
        tint = [hue(c.above if upper else c.below) for c in mine]
        data = rows(**{"t": [c.round for c in mine], "xy"[d]: at, "n": name, "c": tint})
        now = alt.Chart(data).transform_filter("datum.t == step")
        place: dict[str, Any] = {"dx": 9 if upper else -9, "align": "left" if upper else "right"}
        if d == 1:
            place = {"dy": -14 if upper else 14, "align": "left"}
        spots = {"x": x, "y": alt.value(14)} if d == 0 else {"x": alt.value(8), "y": y}
        mark = now.mark_text(fontSize=19, fontWeight="bold", baseline="middle", **place)
        layers.append(mark.encode(text="n:N", color=alt.Color("c:N", scale=None), **spots))
    return layers


def seen(trace: Samme, n: int) -> np.ndarray:
    """The weights that each shown step is about: round t saw those before it."""
    return trace.weights[np.maximum(np.arange(n + 1) - 1, 0)][:, :MOST_DRAWN]


def marked(trace: Samme, n: int, most: int) -> dict[str, Any]:
    """What every picture of the points says of them: class, weight, and who errs when."""
    wrong = trace.votes[:n, :most] != trace.y[:most]
    heavy = seen(trace, n)[:, :most] * len(trace.y)
    return {
        "i": np.arange(1, heavy.shape[1] + 1),
        "k": [str(trace.labels[k]) for k in trace.y[:most]],
        "ds": packed(heavy, 3),
        "ws": ["0" + "".join("01"[int(w)] for w in column) for column in wrong.T]
        if n else ["0"] * heavy.shape[1],
    }  # fmt: skip


def dots(
    data: alt.InlineData, trace: Samme, x: alt.X, y: alt.Y, places: Mapping[str, str] | None = None
) -> alt.Chart:
    """Points by class and weight; a ring around those that the new vote gets wrong."""
    names = [str(label) for label in trace.labels]
    K, unit = len(names), 95 if len(trace.y) <= 120 else 26
    hues = alt.Scale(domain=names, range=[hue(k) for k in range(K)])
    shapes = alt.Scale(domain=names, range=[SHAPES[k % len(SHAPES)] for k in range(K)])
    key = alt.Legend(
        orient="top",
        title="class",
        titleOrient="left",
        offset=2,
        columns=5,
        symbolSize=110,
        symbolOpacity=1,
    )
    size = f"clamp({unit} * datum.d, 14, 1100)"
    base = alt.Chart(data).transform_calculate(
        d=at_step("ds"), w="slice(datum.ws, step, step + 1)",
        says="format(datum.d, '.3~g') + ' times an even share'", size=size, **(places or {}),
    )  # fmt: skip
    ring = 2.5 if unit > 30 else 1.2
    return base.mark_point(filled=True, opacity=0.9, clip=True, strokeWidth=ring).encode(
        x=x, y=y, color=alt.Color("k:N", scale=hues, legend=key),
        shape=alt.Shape("k:N", scale=shapes, legend=key),
        size=alt.Size("size:Q", scale=None),
        stroke=alt.condition("datum.w == '1'", alt.value(TEXT), alt.value("transparent")),
        tooltip=[alt.Tooltip("i:Q", title="point"), alt.Tooltip("k:N", title="class"),
                 alt.Tooltip("says:N", title="weight")],
    )  # fmt: skip


def _points(trace: Samme, n: int, plane: np.ndarray, x: alt.X, y: alt.Y) -> alt.Chart:
    few = plane[:MOST_DRAWN]
    return dots(rows(x=few[:, 0], y=few[:, 1], **marked(trace, n, MOST_DRAWN)), trace, x, y)


def _name(chosen: int, plane: np.ndarray, x: alt.X, y: alt.Y) -> alt.Chart:
    """The number of the point that is worked."""
    spot = alt.Chart(rows(x=plane[[chosen], 0], y=plane[[chosen], 1], n=[str(chosen + 1)]))
    return spot.mark_text(fontSize=15, fontWeight="bold", dy=-20, color=TEXT, clip=True).encode(
        x=x, y=y, text="n:N"
    )


# -- the table and the words ---------------------------------------------------------------------


def table(trace: Samme, wrong: Masks, blank: set[str], asked: int) -> Table:
    """A line for each round, the present one lit."""
    n, hidden = shown_rounds(trace), asked - 1
    body = [
        [Cell(t + 1)]
        + [Cell(getattr(trace, name)[t], bool(wrong[name][t]) if wrong else False,
                name in blank and t == hidden)
           for name, _, _ in HEADS]
        + [Cell(trace.training_error[t + 1])]
        for t in range(n)
    ]  # fmt: skip
    heads = [Column("t"), *(Column(head, None, digits) for _, head, digits in HEADS)]
    heads.append(Column(r"\text{wrong}", "forward", 3))
    K = len(trace.labels)
    said = f"α = {K - 1}/{K} of SAMME's" if n else "No round was taken"
    return Table(said, heads, body, lit=[t - 1 for t in range(n + 1)])


def wrong_lines(wrong: Masks, chosen: int) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step."""
    if not wrong:
        return {}
    names = ("error", "alpha", "alpha_samme", "ratio", "slope")
    lines = {name: np.append(False, wrong[name]) for name in names}
    own = wrong["scores"][:, chosen].any(axis=1)
    return lines | {"weight": wrong["weights"][:, chosen], "own_loss": own}


def captions(trace: Samme) -> list[str]:
    """What each round does, in words, and at the end why there is no other."""
    n, N, K = shown_rounds(trace), len(trace.y), len(trace.labels)
    said = f"before the first vote: {N:,} point{'s'[: N != 1]}, {K} class{'es' if K != 1 else ''}"
    out = [f"{said}, even weights"]
    for t in range(1, n + 1):
        wrong = round(float(trace.training_error[t]) * N)
        out.append(
            f"error {trace.error[t - 1]:.3g}, α = {trace.alpha[t - 1]:.3g}".replace("-", "−")
            + f" · loss × {trace.ratio[t - 1]:.3g} · all votes: {wrong:,} wrong"
        )
    if n < len(trace.alpha):
        out[-1] += f" · the first {n} of {len(trace.alpha)} rounds are drawn"
        return out
    more = f" Its error is {trace.refused:.3g}." if trace.refused is not None else ""
    out[-1] += f" · {trace.stop}{more}"
    return out


def sheet(trace: Samme) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """Points and classes as one table."""
    blocks = (Block("X", "x", -1e6, 1e6), Block("y", "y", 0, 999_999))
    classes = [[float(label)] for label in trace.labels[trace.y]]
    return blocks, {"X": trace.X.tolist(), "y": classes}


def given(trace: Samme) -> dict[str, Any]:
    """The arguments that make this run again; the digits are taken again."""
    if trace.drawn:
        return {"X": [], "y": []}
    y = trace.labels[trace.y].tolist()
    if not trace.X.shape[1]:
        return {"X": [], "y": y, "votes": trace.labels[trace.votes].tolist()}
    return {"X": trace.X.tolist(), "y": y}
