"""Image quantisation in curves: which values a picture has, and how the distortion falls."""

from typing import Any

import altair as alt
import numpy as np

from engine.clusters.quantise import Painted
from pages.charts.climb import Figure, by_step, now
from pages.charts.theme import (
    QUIET,
    TEXT,
    WRONG,
    A,
    B,
    at_step,
    packed,
    rows,
    step_param,
    title,
)

CHANNELS = (("red", "#d1495b"), ("green", "#3a9d5d"), ("blue", "#3f7fd0"))


def values(trace: Painted, start: int) -> Figure:
    """How many pixels have each value, and where the palette stands on them."""
    grey = trace.params.space == "grey"
    histogram = trace.made.histogram
    wide = 4 if histogram.sum() > 4096 else 1
    binned = histogram.reshape(len(histogram), -1, wide).sum(axis=2)
    names = (("grey", QUIET),) if grey else CHANNELS
    scale = alt.Scale(domain=[0, 255], nice=False, padding=4)
    axis = alt.Axis(grid=False, tickCount=5, titlePadding=4, values=[0, 50, 100, 150, 200])
    x = alt.X("v:Q", title="value", scale=scale, axis=axis)
    layers: list[Any] = []
    room = alt.Scale(domain=[-0.1, len(names)], nice=False)
    side = None if grey else alt.Axis(
        values=[0.4, 1.4, 2.4], labelExpr="['blue', 'green', 'red'][floor(datum.value)]",
        ticks=False, domain=False, grid=False, title=None, minExtent=46, labelPadding=2,
    )  # fmt: skip
    y = alt.Y("y:Q", scale=room, axis=side)
    inks = [" ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in ink) for ink in _by_entry(trace)]
    for c, (name, colour) in enumerate(names):
        base = len(names) - 1 - c
        # The square root lets rare values be seen beside one tall peak.
        tall = 0.86 * np.sqrt(binned[c] / binned[c].max())
        data = rows(
            v=(np.arange(len(tall)) + 0.5) * wide - 0.5, y=base + tall, low=[base] * len(tall)
        )
        area = alt.Chart(data).mark_area(color=colour, opacity=0.5, interpolate="step")
        at = trace.centres[:, :, 0] if grey else trace.palette[:, :, c].astype(float)
        places = rows(
            k=np.arange(1, trace.k + 1),
            places=packed(at),
            shares=packed(trace.shares, 4),
            inks=inks,
        )
        spots = alt.Chart(places).transform_calculate(
            v=at_step("places"), share=at_step("shares"), ink="split(datum.inks, ' ')[step]",
            y=f"{base}", top=f"{base + 0.88}",
        )  # fmt: skip
        dead = alt.condition("datum.share == 0", alt.value(WRONG), alt.value(TEXT))
        tooltip = [
            alt.Tooltip("k:Q", title="entry"),
            alt.Tooltip("v:Q", title=name, format=".4~f"),
            alt.Tooltip("share:Q", title="share", format=".2%"),
        ]
        ink = alt.Fill("ink:N", scale=None)
        layers += [
            area.encode(x=x, y=y, y2="low:Q"),
            spots.mark_rule(strokeWidth=2).encode(x=x, y=y, y2="top:Q", color=dead),
            spots.mark_point(size=130, opacity=1, strokeWidth=2).encode(
                x=x, y=y, fill=ink, stroke=dead, tooltip=tooltip
            ),
        ]
    words = "Greys and palette" if grey else "Values and palette"
    return (
        alt.layer(*layers)
        .add_params(step_param(len(trace) - 1, min(start, len(trace) - 1)))
        .properties(height="container", title=title(words))
    )


def _by_entry(trace: Painted) -> list[list[list[int]]]:
    return np.swapaxes(trace.palette, 0, 1).tolist()


def descent(trace: Painted, ghost: Painted | None, start: int) -> Figure:
    """Distortion a pixel by step; dashed below it the least there is, where that is known."""
    name = "D / P"
    lines = [t.distortion / t.pixels for t in (trace, ghost) if t is not None]
    least = trace.optimum / trace.pixels
    ends = np.concatenate([*lines, [least]])
    ends = ends[np.isfinite(ends) & (ends > 0)]
    log = bool(len(ends)) and ends.max() > 4 * ends.min()
    scale = alt.Scale(zero=False)
    if log:  # room below for the name of the lowest line
        depth = (ends.max() / ends.min()) ** 0.3
        scale = alt.Scale(type="log", domain=[ends.min() / depth, 1.25 * ends.max()], nice=False)
    elif len(ends):
        depth = 0.3 * (ends.max() - ends.min()) or 1.0
        scale = alt.Scale(domain=[ends.min() - depth, ends.max() + depth / 4], nice=False)
    axis = alt.Axis(grid=False, tickCount=4, titlePadding=6, format="~s")
    x, y = by_step(), alt.Y("d:Q", title=name, scale=scale, axis=axis)
    data = rows(i=np.arange(len(trace)), d=_positive(lines[0], log))
    base = alt.Chart(data).encode(x=x, y=y)
    colour = WRONG if ghost is not None else A
    layers: list[Any] = [now()]
    if ghost is not None:
        right = rows(i=np.arange(len(ghost)), d=_positive(lines[1], log))
        dashed = alt.Chart(right).mark_line(color=QUIET, strokeWidth=2, strokeDash=[5, 4])
        layers.append(dashed.encode(x=x, y=y))
    if np.isfinite(least):
        best = alt.Chart(rows(d=_positive(np.array([least]), log)))
        layers.append(best.mark_rule(color=B, strokeWidth=3, strokeDash=[7, 4]).encode(y=y))
        named = alt.Chart(rows(d=_positive(np.array([least]), log), name=["the k-means optimum"]))
        words = named.mark_text(align="left", dy=14, dx=4, fontSize=15, color=TEXT)
        layers.append(words.encode(x=alt.value(0), y=y, text="name:N"))
    tooltip = [alt.Tooltip("i:Q", title="step"), alt.Tooltip("d:Q", title=name, format=".8~g")]
    size = alt.condition("datum.i == step", alt.value(220), alt.value(40))
    layers += [
        base.mark_line(color=colour, strokeWidth=3),
        base.mark_point(filled=True, color=colour, opacity=1).encode(size=size, tooltip=tooltip),
    ]
    words = "Distortion of a pixel"
    if np.isfinite(least):
        gap = trace.distortion[-1] / trace.optimum - 1 if trace.optimum else 0.0
        words = "Ends at the optimum" if gap < 1e-9 else f"Ends {100 * gap:.2g} % above the optimum"
    return (
        alt.layer(*layers)
        .add_params(step_param(len(trace) - 1, min(start, len(trace) - 1)))
        .properties(height="container", title=title(words))
    )


def _positive(values: np.ndarray, log: bool) -> list[float | None]:
    return [float(v) if v > 0 or not log else None for v in values]
