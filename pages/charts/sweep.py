"""The channel sweep: losses and errors by step with a band over the seeds, and the gap by width."""

import altair as alt
import numpy as np

from engine.training import sweep
from engine.training.curves import Curves
from pages.charts.climb import Figure, axis
from pages.charts.theme import (
    COLOURS,
    NAMED,
    QUIET,
    at_step,
    end_names,
    level,
    packed,
    rows,
    step_param,
    title,
)

NAMES = {"loss": "cross-entropy", "error": "error"}
GUESS = {"loss": np.log(10), "error": 0.9}
FLOOR = {"loss": 1e-4, "error": 1e-3}  # the lowest that a logarithmic axis shows
DASH = [6, 4]
SMOOTHED = 8  # points back that each is a mean of, if wished


def curves(trace: Curves, ghost: Curves | None, shown: str, smooth: bool, start: int) -> Figure:
    """Test (solid, with the band of one standard deviation) and train (dashed) by step; ``ghost``
    is another sweep, thin and grey."""
    shown, scale = ("loss", "log") if shown == "log" else (shown, "linear")
    last, name, back = int(trace.after[-1]), NAMES[shown], SMOOTHED * smooth
    x = alt.X(
        "s:Q",
        title="step",
        axis=axis(format=",d"),
        scale=alt.Scale(domain=[0, last], nice=False, rangeMax=NAMED),
    )
    y = alt.Y("m:Q", title=name, axis=axis(format="~g"), scale=_height(trace, shown, scale))
    layers: list[alt.Chart] = [_now(trace, x), level(GUESS[shown], y)]
    for place in range(len(ghost.widths) if ghost else 0):
        assert ghost
        grey = QUIET, 2, [1, 0]
        layers.append(_line(ghost, place, f"test_{shown}", back, scale, x, y, *grey))
    for place in range(len(trace.widths)):
        colour = COLOURS[place]
        layers += [
            _band(trace, place, f"test_{shown}", scale, x, y, colour),
            _line(trace, place, f"train_{shown}", back, scale, x, y, colour, 2, DASH),
            _line(trace, place, f"test_{shown}", back, scale, x, y, colour, 3.5, [1, 0]),
        ]
    layers += [*_names(trace, shown, scale, x), *_spots(trace, shown, scale, x, y)]
    told = "Test solid, train dashed"
    if trace.params.seeds > 1:
        told += f", ±σ of {trace.params.seeds} seeds"
    if trace.origin == sweep.MISTAKEN:
        told = "Trained with the mistake; grey without"
    if not trace.known:
        told = "Not trained yet"
    chart = alt.layer(*layers).add_params(step_param(len(trace) - 1, start))
    return chart.properties(height="container", title=title(told))


def _height(trace: Curves, shown: str, scale: str) -> alt.Scale:
    top = 1.0 if shown == "error" else 2.6
    highest = max(np.nanmax(trace.means[f"{s}_{shown}"], initial=0) for s in ("train", "test"))
    top = max(top, 1.05 * min(float(highest), 20.0))
    if scale == "log":
        return alt.Scale(type="log", domain=[FLOOR[shown], top], nice=False, clamp=True)
    return alt.Scale(domain=[0, top], nice=False, clamp=True)


def _drawn(values: np.ndarray, shown: str, scale: str) -> np.ndarray:
    """What a logarithm can show."""
    return np.maximum(values, FLOOR[shown]) if scale == "log" else values


def _line(
    trace: Curves,
    place: int,
    measure: str,
    back: int,
    scale: str,
    x: alt.X,
    y: alt.Y,
    colour: str,
    width: float,
    dash: list[int],
) -> alt.Chart:
    mean = sweep.smoothed(trace.means[measure][:, place], back)
    there = np.isfinite(mean)
    heights = _drawn(mean[there], measure.partition("_")[2], scale)
    data = rows(s=trace.after[there], m=heights.round(6))
    line = alt.Chart(data).mark_line(color=colour, strokeWidth=width, strokeDash=dash, clip=True)
    return line.encode(x=x, y=y)


def _band(
    trace: Curves, place: int, measure: str, scale: str, x: alt.X, y: alt.Y, colour: str
) -> alt.Chart:
    mean, spread = trace.means[measure][:, place], trace.spreads[measure][:, place]
    there, shown = np.isfinite(mean + spread), measure.partition("_")[2]
    low, high = ((mean + k * spread)[there] for k in (-1, 1))
    low = np.maximum(low, 0)
    data = rows(
        s=trace.after[there],
        l=_drawn(low, shown, scale).round(6),
        h=_drawn(high, shown, scale).round(6),
    )
    band = alt.Chart(data).mark_area(color=colour, opacity=0.22, clip=True)
    low_edge = y.copy()
    low_edge.shorthand = "l:Q"
    return band.encode(x=x, y=low_edge, y2="h:Q")


def _now(trace: Curves, x: alt.X) -> alt.Chart:
    spot = alt.Chart(rows(all=packed(trace.after[:, None].astype(float)))).transform_calculate(
        s=at_step("all")
    )
    return spot.mark_rule(color=QUIET, strokeWidth=2).encode(x=x)


def _names(trace: Curves, shown: str, scale: str, x: alt.X) -> list[alt.Chart]:
    """The width at the end of its line."""
    mean, ends = trace.means[f"test_{shown}"], []
    for place, width in enumerate(trace.widths):
        there = np.isfinite(mean[:, place]).nonzero()[0]
        if len(there):
            height = float(_drawn(mean[there[-1], place], shown, scale))
            ends.append((height, int(trace.after[there[-1]]), f"C = {width}", COLOURS[place]))
    return end_names(ends, _height(trace, shown, scale), x)


def _spots(trace: Curves, shown: str, scale: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Where each line is at this step; numbers on hover."""
    layers = []
    for place, width in enumerate(trace.widths):
        test, train = (trace.means[f"{s}_{shown}"][:, [place]] for s in ("test", "train"))
        spread = trace.spreads[f"test_{shown}"][:, [place]]
        data = rows(
            steps=packed(trace.after[:, None].astype(float)),
            means=packed(_drawn(test, shown, scale)),
            trains=packed(train),
            spreads=packed(spread),
            name=[f"C = {width}"],
        )
        base = alt.Chart(data).transform_calculate(
            s=at_step("steps"), m=at_step("means"), t=at_step("trains"), d=at_step("spreads")
        )
        seen = base.transform_filter("isFinite(datum.m)")
        tooltip = [
            alt.Tooltip("name:N", title="width"),
            alt.Tooltip("s:Q", title="step", format=",d"),
            alt.Tooltip("m:Q", title=f"test {shown}", format=".6~f"),
            alt.Tooltip("d:Q", title="± over seeds", format=".3~f"),
            alt.Tooltip("t:Q", title=f"train {shown}", format=".6~f"),
        ]
        dot = seen.mark_point(filled=True, size=150, color=COLOURS[place], opacity=1, clip=True)
        layers.append(dot.encode(x=x, y=y, tooltip=tooltip))
    return layers


def gap(trace: Curves, shown: str, start: int) -> Figure:
    """Train (hollow) and test (filled) against the width at this step, the gap as the bar
    between."""
    shown = "error" if shown == "error" else "loss"
    data = rows(
        c=list(trace.widths),
        hue=[COLOURS[place] for place in range(len(trace.widths))],
        tests=packed(trace.means[f"test_{shown}"]),
        trains=packed(trace.means[f"train_{shown}"]),
    )
    base = alt.Chart(data).transform_calculate(test=at_step("tests"), train=at_step("trains"))
    base = base.transform_filter("isFinite(datum.test)")
    widest = max(trace.widths)
    x = alt.X(
        "c:Q",
        title="channels C",
        axis=axis(values=sorted(trace.widths), format="d"),
        scale=alt.Scale(type="log", base=2, domain=[0.75, max(2, widest) * 1.4], nice=False),
    )
    scale = _height(trace, shown, "linear")
    y = alt.Y("test:Q", title=NAMES[shown], axis=axis(format="~g"), scale=scale)
    hue = alt.Color("hue:N", scale=None, legend=None)
    tooltip = [
        alt.Tooltip("c:Q", title="channels"),
        alt.Tooltip("test:Q", format=".6~f"),
        alt.Tooltip("train:Q", format=".6~f"),
    ]
    layers = [
        level(GUESS[shown], alt.Y("m:Q", title=NAMES[shown], scale=scale)),
        base.mark_rule(strokeWidth=7, opacity=0.45).encode(x=x, y=y, y2="train:Q", color=hue),
        base.mark_point(filled=False, size=190, strokeWidth=3, opacity=1).encode(
            x=x, y=alt.Y("train:Q", scale=scale), color=hue, tooltip=tooltip
        ),
        base.mark_point(filled=True, size=210, opacity=1).encode(
            x=x, y=y, color=hue, tooltip=tooltip
        ),
    ]
    chart = alt.layer(*layers).add_params(step_param(len(trace) - 1, start))
    return chart.properties(height="container", title=title("At this step: test ●, train ○"))
