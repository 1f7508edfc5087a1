"""One setting of the race: the slopes of its units, what it takes for what, and pictures."""

import altair as alt
import numpy as np

from engine.training.two_layer import Race
from pages.charts.climb import Figure, axis
from pages.charts.theme import TEXT, A, B, at_step, packed, rows, step_param, title
from pages.ui.tiles import Tile, Tiles

BINS, CLASSES = 20, 10


def slopes(trace: Race, chosen: int, start: int) -> Figure:
    """The histogram of tanh' over hidden units and test pictures at this epoch."""
    counts = trace.slopes[:, chosen].astype(float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    edges = np.linspace(0, 1, BINS + 1)
    data = rows(low=edges[:-1], high=edges[1:], all=packed(shares, 4))
    base = alt.Chart(data).transform_calculate(share=at_step("all"))
    x = alt.X(
        "low:Q",
        title="slope tanh′ = 1 − H²",
        axis=axis(format="~g", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
        scale=alt.Scale(domain=[0, 1], nice=False),
    )
    y = alt.Y(
        "share:Q",
        title="share",
        axis=axis(format="~%"),
        scale=alt.Scale(domain=[0, 1], nice=False),
    )
    colour = alt.condition("datum.low < 0.01", alt.value(B), alt.value(A))
    bars = base.transform_filter("isFinite(datum.share)").mark_bar(stroke="white", strokeWidth=0.5)
    tooltip = [alt.Tooltip("low:Q", title="from"), alt.Tooltip("share:Q", format=".2%")]
    told = alt.Chart(rows(all=packed(trace.saturated[:, [chosen]], 5))).transform_calculate(
        said=f"isFinite({at_step('all')}) ? format({at_step('all')}, '.1%') + ' saturated' : ''"
    )
    said = told.mark_text(align="right", fontSize=20, fontWeight="bold", color=TEXT).encode(
        x=alt.value({"expr": "width - 8"}), y=alt.value(22), text="said:N"
    )
    chart = alt.layer(
        bars.encode(x=x, x2="high:Q", y=y, y2=alt.Y2(datum=0), color=colour, tooltip=tooltip), said
    )
    chart = chart.add_params(step_param(len(trace) - 1, start))
    return chart.properties(
        height="container", title=title(f"{trace.names[chosen]}: slopes of all units")
    )


def confusion(trace: Race, chosen: int, start: int) -> Figure:
    """What each digit is taken for at this epoch: blue is right."""
    counts = trace.confusion[:, chosen].reshape(len(trace), -1).astype(float)
    true, said = np.divmod(np.arange(CLASSES * CLASSES), CLASSES)
    rowsum = trace.confusion[0, chosen].sum(axis=1)[true]
    full = np.nan_to_num(rowsum, nan=1.0)
    data = rows(true=true, said=said, full=full.astype(float), all=packed(counts, 5))
    base = alt.Chart(data).transform_calculate(n=at_step("all"))
    seen = base.transform_filter("datum.n > 0")
    digits = alt.Axis(labelAngle=0, domain=False, ticks=False, titlePadding=8, orient="top")
    left = alt.Axis(domain=False, ticks=False, titlePadding=8, labelOverlap=False)
    every = alt.Scale(domain=list(range(CLASSES)), paddingInner=0.04)
    x = alt.X("said:O", title="taken for", axis=digits, scale=every)
    y = alt.Y("true:O", title="is", axis=left, scale=every)
    colour = alt.condition("datum.true == datum.said", alt.value(A), alt.value(B))
    tooltip = [
        alt.Tooltip("true:O", title="is"),
        alt.Tooltip("said:O", title="taken for"),
        alt.Tooltip("n:Q", title="pictures"),
    ]
    strength = alt.Opacity(
        "strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.25, 1]), legend=None
    )
    cells = seen.transform_calculate(strength="sqrt(datum.n / max(datum.full, 1))").mark_rect()
    text = seen.mark_text(fontSize=14, fontWeight="bold", color=TEXT)
    ground = base.mark_rect(fill=TEXT, opacity=0.05)
    chart = alt.layer(
        ground.encode(x=x, y=y),
        cells.encode(x=x, y=y, color=colour, opacity=strength, tooltip=tooltip),
        text.encode(x=x, y=y, text="n:Q"),
    ).add_params(step_param(len(trace) - 1, start))
    named = f"{trace.names[chosen]}: orange is wrong"
    return chart.properties(height="container", title=title(named))


CELL, GAP, FONT = 42, 8, 14
MISTAKES, UNITS = (5, 3), (6, 4)  # how many across, how many down


def wrong(trace: Race, chosen: int) -> Tiles | None:
    """The test pictures that the setting gets wrong at the end, the surest first."""
    answers, (across, down) = trace.answers[chosen], MISTAKES
    tiles = []
    for i, (true, said, sure) in enumerate(answers[: across * down]):
        if np.isfinite(true):
            x, y = _place(i, across, CELL + 3 * GAP // 2, CELL + 1.5 * FONT)
            says = f"a {true:.0f} taken for a {said:.0f}, output {sure:.3g}"
            note, picture = (f"{true:.0f} as {said:.0f}",), trace.pictures[chosen, i]
            tiles.append(Tile("", says, picture, x, y, CELL, CELL, 0, 1.0, ink=True, note=note))
    label = f"{trace.names[chosen]}, at the end, the surest first"
    size = across * (CELL + 3 * GAP // 2), down * (CELL + 1.5 * FONT) + 6
    return Tiles(label, *size, tiles, FONT, legend=False) if tiles else None


def units(trace: Race, chosen: int) -> Tiles | None:
    """What the first hidden units see a picture with, at the end."""
    (across, down), weights = UNITS, trace.weights[chosen]
    tiles = []
    for i, picture in enumerate(weights[: across * down]):
        if np.isfinite(picture).all():
            x, y = _place(i, across, CELL + GAP, CELL + GAP)
            reach = max(float(np.abs(picture).max()), 1e-30)
            says = f"weights of hidden unit {i + 1}, up to {reach:.3g}"
            tiles.append(Tile("", says, picture, x, y, CELL, CELL, 0, reach))
    label = f"{trace.names[chosen]}, at the end: orange is positive"
    size = across * (CELL + GAP), down * (CELL + GAP) + 4
    return Tiles(label, *size, tiles, FONT, legend=False) if tiles else None


def _place(i: int, across: int, wide: float, high: float) -> tuple[float, float]:
    return 3 + (i % across) * wide, 3 + (i // across) * high
