"""Centres: both objectives over the line of points; both optima in the plane, and the search."""

from collections.abc import Collection, Mapping
from typing import Any

import altair as alt
import numpy as np

from engine.clusters import centres
from engine.clusters.centres import Search, Walk
from engine.slips import Slip
from pages.charts.theme import (
    BOUND,
    QUIET,
    TEXT,
    WRONG,
    A,
    B,
    at_step,
    levels,
    packed,
    rows,
    step_param,
    title,
)
from pages.ui.line import Drawing, Side
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
Figure = alt.LayerChart | alt.FacetChart
NORMS = ("squares", "absolute values")
KINDS = ("forward", "backward")
CLUSTERS, SHAPES = (A, B, BOUND), ("circle", "square", "triangle-up")


# -- the line ------------------------------------------------------------------------------------


def line(
    shown: Walk, right: Walk, slip: Slip | None, wrong: Masks, blank: Collection[str]
) -> Drawing:
    """Both objectives over the same points; with a slip, the right curves stay as ghosts."""
    drawn, true = centres.curves(shown, slip), centres.curves(right)
    low, high = centres.span(right.x, right.params)
    ticks = levels(low, high, 6)
    off = {name: wrong.get(name, np.zeros(1, bool)) for name in ("value", "gradient", "interval")}
    off |= {"value": off["value"].reshape(-1, off["value"].shape[-1])}
    flat = np.abs(shown.gradient) <= 1e-9 * max(1.0, float(np.abs(shown.x).sum()))

    def ghost(here: np.ndarray, there: np.ndarray) -> Any:
        return () if np.array_equal(here, there) else there

    squares = Side(
        "squares D₂",
        KINDS[0],
        shown.mu[:, 0],
        shown.value[:, 0],
        np.stack([shown.gradient] * 2, axis=1),
        flat,
        drawn.squares,
        drawn.gradient,
        (shown.mean, shown.mean),
        "mean",
        ghost(drawn.squares, true.squares),
        ghost(drawn.gradient, true.gradient),
        off["value"][:, 0],
        off["gradient"],
        blank=_veiled(blank, "gradient", "mean"),
    )
    absolutes = Side(
        "absolute values D₁",
        KINDS[1],
        shown.mu[:, 1],
        shown.value[:, 1],
        shown.interval,
        shown.optimal,
        drawn.absolutes,
        drawn.stairs,
        () if np.isnan(shown.median[0]) else shown.median.tolist(),
        "medians" if shown.median[0] < shown.median[1] else "median",
        ghost(drawn.absolutes, true.absolutes),
        ghost(drawn.stairs, true.stairs),
        off["value"][:, -1],
        off["interval"].reshape(len(off["interval"]), -1).any(axis=1),
        bool(wrong.get("median", np.zeros(1, bool)).any()),
        _veiled(blank, "lower", "median"),
    )
    label = f"{len(right.x)} points on a line, and both objectives with their slopes"
    snap = (ticks[1] - ticks[0]) / 20 if len(ticks) > 1 else (high - low) / 100
    return Drawing(label, right.x, low, high, ticks, snap, (squares, absolutes))


def _veiled(blank: Collection[str], slope: str, centre: str) -> list[str]:
    return ["slope"] * (slope in blank) + ["centre"] * (centre in blank)


def moved(trace: Walk, point: int, place: float) -> list[Any]:
    """The points after one was dropped elsewhere, as they are typed."""
    points = trace.points.copy()
    points[point, trace.params.axis - 1] = place
    return points[:, 0].tolist() if points.shape[1] == 1 else points.tolist()


def walk_table(shown: Walk, wrong: Masks, blank: Collection[str]) -> Table:
    """What each centre costs under each objective."""
    off = wrong.get("crossed", np.zeros((2, 2), bool))
    median = shown.median
    text = [f"{v:.4g}".replace("-", "−") for v in dict.fromkeys(median.tolist())]
    none = bool(np.isnan(median[0]))
    lost = [Cell("none" if none else " to ".join(text), none, "median" in blank)]
    price = [[Cell(float(shown.crossed[p, c]), bool(off[p, c])) for p in (0, 1)] for c in (0, 1)]
    body = [
        [Cell("best μ"), Cell(shown.mean, False, "mean" in blank), *lost],
        [Cell("D(mean)"), *price[0]],
        [Cell("D(median)"), *price[1]],
    ]
    columns = [Column(r"\text{for}"), Column("D_2"), Column("D_1")]
    return Table("Each centre is best for its own D", columns, body)


# -- the search ----------------------------------------------------------------------------------


def plane(trace: Search, norm: int, wrong: bool, start: int) -> Figure:
    """The best partition so far: each point tied to the centre it belongs to."""
    label, K = trace.labels[:, norm], trace.params.clusters
    flat = np.zeros_like(trace.points[:, :1])
    points = np.hstack([trace.points, flat])[:, :2]
    own = trace.centres[:, norm]
    owned = np.take_along_axis(own, np.maximum(label, 0)[..., None], axis=1)
    owned = np.concatenate([owned, np.zeros_like(owned[..., :1])], axis=2)[..., :2]
    data = rows(
        n=np.arange(1, len(points) + 1), x=points[:, 0], y=points[:, 1], labels=packed(label),
        xs=packed(owned[..., 0]), ys=packed(owned[..., 1]),
    )  # fmt: skip
    base = alt.Chart(data).transform_calculate(
        label=at_step("labels"), cx=at_step("xs"), cy=at_step("ys")
    )
    domain = [-1, *range(K)]
    colour = alt.Color(
        "label:N", scale=alt.Scale(domain=domain, range=[QUIET, *CLUSTERS[:K]]), legend=None
    )
    shape = alt.Shape(
        "label:N", scale=alt.Scale(domain=domain, range=["circle", *SHAPES[:K]]), legend=None
    )
    x, y = (_place(name, points[:, i]) for i, name in enumerate("xy"))
    ties = base.transform_filter("isFinite(datum.cx)")
    thin = ties.mark_rule(strokeWidth=2.5, opacity=0.75)
    if norm == 0:
        tied = [thin.encode(x=x, y=y, x2="cx:Q", y2="cy:Q", color=colour)]
    else:  # along one coordinate, then along the other
        tied = [
            thin.encode(x=x, y=y, x2="cx:Q", color=colour),
            thin.encode(x=alt.X("cx:Q"), y=y, y2="cy:Q", color=colour),
        ]
    middle = (
        ties.mark_point(
            shape="diamond", filled=False, size=300, color=TEXT, strokeWidth=3, opacity=1
        )
        .encode(x=alt.X("cx:Q"), y=alt.Y("cy:Q"))
    )  # fmt: skip
    tooltip = [alt.Tooltip("n:Q", title="point"), alt.Tooltip("x:Q"), alt.Tooltip("y:Q")]
    dots = base.mark_point(filled=True, size=100, opacity=1).encode(
        x=x, y=y, color=alt.value(WRONG) if wrong else colour, shape=shape, tooltip=tooltip
    )
    words = f"{NORMS[norm].capitalize()}, with {('means', 'medians')[norm]}"
    return (
        alt.layer(*tied, dots, middle)
        .add_params(step_param(len(trace) - 1, start))
        .properties(height="container", title=title(words))
    )


def _place(name: str, values: np.ndarray) -> Any:
    low, high = float(values.min()), float(values.max())
    room = 0.1 * (high - low) or 1.0
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    axis = alt.Axis(grid=False, tickCount=5, titlePadding=4)
    kind = alt.X if name == "x" else alt.Y
    return kind(f"{name}:Q", title=f"x{'₁₂'['xy'.index(name)]}", scale=scale, axis=axis)


def tries(trace: Search, norm: int, start: int) -> Figure:
    """What each partition costs, one after the other, and the best so far."""
    data = rows(
        i=np.arange(len(trace)), tried=trace.tried,
        cost=_finite(trace.costs[trace.tried - 1, norm]), best=_finite(trace.best[:, norm]),
    )  # fmt: skip
    x = alt.X("tried:Q", title="partition", axis=_axis(format="d"), scale=alt.Scale(nice=False))
    y = alt.Y(
        "cost:Q", title="D₂" if norm == 0 else "D₁", scale=alt.Scale(zero=False), axis=_axis()
    )
    base = alt.Chart(data).transform_filter("isValid(datum.cost)")
    tooltip = [alt.Tooltip("tried:Q", title="partition"), alt.Tooltip("cost:Q", format=".12~f")]
    past, now = base.transform_filter("datum.i <= step"), base.transform_filter("datum.i == step")
    colour = (A, B)[norm]
    none = bool(np.isnan(trace.best[-1, norm]))
    words = "No partition has such centres" if none else "Every partition, and the best so far"
    return (
        alt.layer(
            base.mark_point(filled=True, size=45, color=QUIET, opacity=0.45).encode(x=x, y=y),
            past.mark_point(filled=True, size=45, color=colour, opacity=1).encode(
                x=x, y=y, tooltip=tooltip
            ),
            past.mark_line(color=colour, strokeWidth=3.5, interpolate="step-after").encode(
                x=x, y=alt.Y("best:Q")
            ),
            now.mark_point(filled=True, size=150, color=TEXT, opacity=1).encode(x=x, y=y),
        )
        .add_params(step_param(len(trace) - 1, start))
        .properties(height="container", title=title(words))
    )


def off(wrong: Masks, norm: int) -> bool:
    """Does a slip change anything of this norm?"""
    return bool(wrong and wrong["best"][:, norm].any())


def _finite(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def _axis(**more: Any) -> alt.Axis:
    return alt.Axis(grid=False, tickCount=5, titlePadding=4, **more)


def search_table(trace: Search, wrong: Masks, blank: Collection[str]) -> Table:
    """The best partition so far, cluster by cluster: how many points, and what they cost."""
    K, off = trace.params.clusters, wrong.get("parts", np.zeros((1, 2, 1), bool))
    off = np.broadcast_to(off, (len(off), 2, K))
    body = []
    for k in range(K):
        sizes = (trace.labels == k).sum(axis=2)
        row = [Cell(k + 1)]
        for p in (0, 1):
            veil = f"best_{2 - p}" in blank
            row += [Cell(sizes[:, p]), Cell(trace.parts[:, p, k], off[:, p, k], veil)]
        body.append(row)
    columns = [Column(h) for h in ("k", "N_k", "D_2", "N_k", "D_1")]
    totals = [Cell("")]
    for p in (0, 1):
        bad = off[:, p].any(axis=1)
        totals += [Cell("sum"), Cell(trace.best[:, p], bad, f"best_{2 - p}" in blank)]
    return Table("The best partition so far", columns, body, [totals])


def taken(trace: Walk | Search) -> tuple[str, ...]:
    """The fields that the notebook computes again."""
    return ("median", "crossed") if isinstance(trace, Walk) else ("tried", "best")


# -- the words -----------------------------------------------------------------------------------


def wrong_lines(trace: Walk | Search, wrong: Masks) -> dict[str, Any]:
    """Which lines of the working a slip makes wrong, at each step where it differs."""
    if not wrong:
        return {}
    if isinstance(trace, Search):
        return {"best_2": wrong["best"][:, 0], "best_1": wrong["best"][:, 1]}
    marks = {"value_2": wrong["value"][:, 0], "value_1": wrong["value"][:, 1]}
    marks |= {"gradient": wrong["gradient"]}
    marks |= {name: wrong["interval"][:, i] for i, name in enumerate(("lower", "upper"))}
    return marks | {"median": bool(wrong["median"][0]), "median_high": bool(wrong["median"][1])}


def captions(trace: Walk | Search) -> list[str]:
    """What each step holds, in words, and at the end why it ends."""
    if isinstance(trace, Search):
        total = len(trace.costs)
        said = [
            f"{n} of {total:,} partitions tried: best D₂ {_short(a)}, best D₁ {_short(b)}"
            for n, (a, b) in zip(trace.tried, trace.best, strict=True)
        ]
    elif trace.params.walk == "across":
        said = [_stands(trace, t) for t in range(len(trace))]
    else:
        said = [f"squares at {_short(a)}, absolute values at {_short(b)}" for a, b in trace.mu]
    return [*said[:-1], f"{said[-1]} · {trace.stop}"]


def _stands(trace: Walk, t: int) -> str:
    left, at, right = (int(n) for n in trace.counts[t])
    here = f", {at} here" if at else ""
    return f"μ = {_short(trace.mu[t, 1])}: {left} left{here}, {right} right"


def _short(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.4g}".replace("-", "−")
