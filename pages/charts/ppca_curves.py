"""Probabilistic PCA in curves: the angle to the long axis, the bound, the climb, many starts."""

import altair as alt
import numpy as np

from engine.mixtures import ppca
from engine.mixtures.ppca import Ppca, Race, Slice, Summit
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.ppca_cloud import of_step
from pages.charts.theme import (
    BOUND,
    QUIET,
    TEXT,
    WRONG,
    A,
    B,
    at_step,
    legend,
    packed,
    rows,
    step_param,
    title,
)

LEAST = 1e-10  # degrees, and nats: below that only rounding is drawn
POWERS = "datum.value < 0.01 ? format(datum.value, '.0e') : format(datum.value, '~g')"


def starts(race: Race, trace: Ppca, top: Summit, slip: bool, start: int) -> Figure:
    """How far each start stands below the summit, and the run that is shown, thick."""
    n, colour = climb.states(trace), WRONG if slip else A
    below = np.maximum(race.below[:n], LEAST)
    T, count = below.shape
    data = rows(i=np.repeat(np.arange(T), count), k=np.tile(np.arange(count), T), y=below.ravel())
    mine = np.maximum(race.summit - trace.log_likelihood[:n], LEAST)
    own = alt.Chart(rows(i=np.arange(n), y=mine))
    x, scale = climb.by_step(domain=[0, max(n - 1, 1)]), alt.Scale(type="log")
    y = alt.Y("y:Q", title="log L below the summit", scale=scale, axis=climb.axis(labelExpr=POWERS))
    now = own.transform_filter("datum.i == step")
    layers = [
        climb.now(),
        alt.Chart(data).mark_line(color=QUIET, strokeWidth=1.6, opacity=0.7).encode(
            x=x, y=y, detail="k:N"
        ),
        own.mark_line(color=colour, strokeWidth=4).encode(x=x, y=y),
        now.mark_point(filled=True, size=260, color=colour, opacity=1).encode(x=x, y=y),
        *_right(legend((f"{count} random starts", QUIET, (1, 0)), ("this start", colour, (1, 0)))),
    ]  # fmt: skip
    one = np.isfinite(top.log_likelihood) and top.eigenvalues[0] > top.noise
    says = "One summit: starts differ in time" if one else "All starts end alike"
    chart = alt.layer(*layers).add_params(step_param(n - 1, start))
    return chart.properties(height="container", title=title(says))


def angle(trace: Ppca, slip: bool, start: int) -> Figure:
    """The angle to q_1 by step: EM in dots, power iteration in rings around them."""
    n, colour = climb.states(trace), WRONG if slip else A
    power = ppca.power_iteration(trace.X, trace.direction[0], n - 1)
    dots, rings = ppca.angles(trace, trace.direction[:n]), ppca.angles(trace, power)
    fall = float(trace.eigenvalues[1:2].sum() / trace.eigenvalues[0])
    low = max(LEAST, float(np.nanmin(dots, initial=9)))
    scale = alt.Scale(type="log", domain=[low / 2, 400], nice=False, clamp=True)
    x, y = (
        climb.by_step(domain=[0, max(n - 1, 1)]),
        alt.Y("y:Q", title="degrees", scale=scale, axis=climb.axis(labelExpr=POWERS)),
    )
    tooltip = [alt.Tooltip("i:Q", title="step"), alt.Tooltip("y:Q", title="degrees")]

    def drawn(values: np.ndarray) -> alt.Chart:
        seen = np.isfinite(values) & (values >= LEAST)  # below that, only rounding
        base = alt.Chart(rows(i=np.arange(n)[seen], y=values[seen]))
        return base.encode(x=x, y=y, tooltip=tooltip)

    layers = [climb.now(), drawn(dots).mark_line(color=colour, strokeWidth=2)]
    near = np.flatnonzero(dots < 30)
    if 0 < fall < 0.999 and len(near):
        slope = np.full(n, np.nan)
        slope[near[0] :] = 2.5 * dots[near[0]] * fall ** np.arange(n - near[0])
        layers.append(drawn(slope).mark_line(color=QUIET, strokeWidth=2, strokeDash=[6, 4]))
    size = alt.condition("datum.i == step", alt.value(230), alt.value(60))
    rate = alt.Chart(rows(text=[f"λ₂/λ₁ = {fall:.2g}"])).mark_text(align="right", fontSize=15)
    free = "10" if dots[-1] < 30 else "height - 10"  # above the dots, or below them
    corner = {"x": alt.value(alt.ExprRef("width - 4")), "y": alt.value(alt.ExprRef(free))}
    layers += [
        drawn(dots).mark_point(filled=True, color=colour, opacity=1).encode(size=size),
        drawn(rings).mark_point(color=B, strokeWidth=2.5, size=190, opacity=1),
        rate.encode(text="text:N", **corner),
    ]
    says = title("Angle to q₁: ● EM, ○ power iteration")
    chart = alt.layer(*layers).add_params(step_param(n - 1, start))
    return chart.properties(height="container", title=says)


def _right(names: list[alt.Chart]) -> list[alt.Chart]:
    """A legend in the other corner."""
    for mark in names:
        for channel in ("x", "x2"):
            value = getattr(mark.encoding, channel)
            if value is not alt.Undefined:
                setattr(
                    mark.encoding,
                    channel,
                    alt.value(alt.ExprRef(f"width - {180 - value['value']}")),
                )
    return names


def tangent(cut: Slice, trace: Ppca, start: int) -> Figure:
    """u turned: the bound touches the likelihood where it stands and peaks at the next u."""
    n = climb.states(trace)
    # Each step has its own scale: the start lies far below, the end is all but flat.
    high, low = cut.log_likelihood[:n].max(axis=1), cut.log_likelihood[:n].min(axis=1)
    room = np.maximum(high - low, 1e-6 * np.maximum(1, abs(high)))
    ends = [
        alt.ExprRef(of_step(low - 0.1 * room, digits=9)),
        alt.ExprRef(of_step(high + 0.1 * room, digits=9)),
    ]
    scale = alt.Scale(domain=ends, nice=False)
    data = rows(
        xs=packed(cut.degrees[:n]),
        ls=packed(cut.log_likelihood[:n], 8),
        bs=packed(cut.bound[:n], 8),
    )
    base = alt.Chart(data).transform_calculate(
        x=at_step("xs"), likelihood=at_step("ls"), bound=at_step("bs")
    )
    wide = alt.Scale(domain=[-90, 90], nice=False)
    ticks = climb.axis(values=[-90, -45, 0, 45, 90])
    x = alt.X("x:Q", title="u turned by, degrees", scale=wide, axis=ticks)
    curves = climb.curves(base, x, alt.Y("y:Q", title="log L", scale=scale, axis=climb.axis()))
    spots = rows(i=np.arange(n), x=np.zeros(n), y=trace.log_likelihood[:n], top=cut.top[:n])
    marks = alt.Chart(spots).transform_filter("datum.i == step")
    peak = marks.mark_rule(color=BOUND, strokeWidth=2, strokeDash=[3, 3])
    touch = marks.mark_point(filled=True, size=200, color=TEXT, opacity=1)
    return (
        alt.layer(
            peak.encode(x="top:Q"),
            *curves,
            touch.encode(x="x:Q", y=alt.Y("y:Q", scale=scale)),
            *legend(("likelihood", TEXT, (1, 0)), ("bound", BOUND, (7, 4))),
        )
        .add_params(step_param(n - 1, start))
        .properties(height="container", title=title("The bound peaks at the next u"))
    )


def ascent(trace: Ppca, ghost: Ppca | None, top: Summit, start: int) -> Figure:
    """The climb, the summit dashed above it."""
    says = "The climb, each bound below it"
    return climb.ascent(trace, ghost, says, start, summit=float(top.log_likelihood))
