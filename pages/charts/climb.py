"""What the charts of all mixtures share: the climb, the bound that touches, the race of starts."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from pages.charts.theme import (
    BOUND,
    QUIET,
    TEXT,
    WRONG,
    A,
    at_step,
    packed,
    rows,
    step_param,
    title,
)

Figure = alt.Chart | alt.LayerChart | alt.FacetChart
LONGEST = 61
CURVES = (("likelihood", TEXT, [1, 0]), ("bound", BOUND, [7, 4]))


def states(trace: Any) -> int:
    """How many states are worth showing: all of them, or until nothing moves any more."""
    return len(trace) if len(trace) <= LONGEST else min(len(trace), max(trace.settled + 2, LONGEST))


def axis(**more: Any) -> alt.Axis:
    return alt.Axis(**{"grid": False, "tickCount": 5, "titlePadding": 10, **more})


def by_step(**scale: Any) -> alt.X:
    steps = alt.Scale(nice=False, padding=12, **scale)
    return alt.X("i:Q", title="step", axis=axis(tickMinStep=1, format="d"), scale=steps)


def now() -> alt.Chart:
    """The line that stands at the present step."""
    spot = alt.Chart(rows(k=[0])).transform_calculate(i="step")
    return spot.mark_rule(color=QUIET, strokeWidth=2).encode(x="i:Q")


def window(lines: np.ndarray) -> alt.Scale:
    """Likelihoods (states, runs) from a little below where the first step leads, if that step
    alone would fill the picture."""
    high, low = float(np.nanmax(lines)), float(np.nanmin(lines))
    after = float(np.nanmin(lines[1:])) if len(lines) > 1 else low
    if after - low > 3 * (high - after):
        low = after - 0.25 * (high - after) - 1e-9
    edge = 0.04 * (high - low) + 1e-9
    return alt.Scale(domain=[low - edge, high + edge], nice=False, zero=False)


def ascent(
    trace: Any,
    ghost: Any,
    says: str,
    start: int,
    name: str = "log L",
    summit: float = np.nan,
    zoomed: bool = False,
) -> Figure:
    """Log-likelihood by step; below each point the bound that the M-step has just raised.

    ``ghost`` is the run without the slip, dashed; so is a ``summit`` that is known. ``zoomed``
    leaves a first step out that would fill the picture.
    """
    n, x = states(trace), by_step()
    lines = [t.log_likelihood[: states(t)] for t in (trace, ghost) if t is not None]
    finite = np.concatenate(lines)
    scale = alt.Scale(zero=False)
    if zoomed and np.isfinite(finite).all():
        shortest = min(map(len, lines))
        scale = window(np.stack([line[:shortest] for line in lines], axis=1))
    y = alt.Y("l:Q", title=name, scale=scale, axis=axis())
    tooltip = [
        alt.Tooltip("i:Q", title="step"),
        alt.Tooltip("l:Q", title=name, format=".12~f"),
        alt.Tooltip("f:Q", title="bound", format=".12~f"),
    ]
    data = rows(i=np.arange(n), l=trace.log_likelihood[:n], f=trace.bound[:n])
    base = alt.Chart(data).encode(x=x)
    colour = TEXT if ghost is None else WRONG
    size = alt.condition("datum.i == step", alt.value(260), alt.value(50))
    layers = [now()]
    if np.isfinite(summit):
        line = alt.Chart(rows(l=[summit]))
        layers.append(line.mark_rule(color=QUIET, strokeWidth=2, strokeDash=[6, 4]).encode(y=y))
    if ghost is not None:
        right = alt.Chart(rows(i=np.arange(len(lines[1])), l=lines[1]))
        dashed = right.mark_line(color=QUIET, strokeWidth=2, strokeDash=[5, 4], clip=True)
        layers.append(dashed.encode(x=x, y=y))
    below = base.mark_point(
        shape="diamond", filled=True, size=90, color=BOUND, opacity=1, clip=True
    )
    layers += [
        base.mark_rule(color=BOUND, strokeWidth=4, clip=True).encode(y=y, y2="f:Q"),
        base.mark_line(color=colour, strokeWidth=3, clip=True).encode(y=y),
        below.encode(
            y=alt.Y("f:Q", title=name, scale=scale), tooltip=tooltip, opacity=alt.value(1)
        ),
        base.mark_point(filled=True, color=colour, opacity=1, clip=True).encode(
            y=y, tooltip=tooltip, size=size
        ),
    ]
    chart = alt.layer(*layers).add_params(step_param(n - 1, start))
    return chart.properties(height="container", title=title(says))


def curves(base: alt.Chart, x: alt.X, y: alt.Y, where: str = "", **line: Any) -> list[alt.Chart]:
    """The likelihood and, dashed, its bound; ``where`` is a filter with {} for either."""
    out = []
    for name, colour, dash in CURVES:
        seen = base.transform_filter(where.format(name)) if where else base
        drawn = seen.mark_line(color=colour, strokeWidth=3.5, strokeDash=dash, clip=True, **line)
        height = y.copy()
        height.shorthand = f"{name}:Q"
        out.append(drawn.encode(x=x, y=height))
    return out


def touch(cut: Any, says: str, start: int) -> Figure:
    """From here, 0, to the next step, 1: the bound touches the likelihood, and peaks there."""
    scale = alt.Scale(domain=[-0.8, 1.3], nice=False)
    data = rows(xs=packed(cut.place), ls=packed(cut.log_likelihood), bs=packed(cut.bound))
    base = alt.Chart(data).transform_calculate(
        x=at_step("xs"), likelihood=at_step("ls"), bound=at_step("bs")
    )
    x = alt.X(
        "x:Q",
        title=None,
        scale=alt.Scale(domain=[-0.4, 1.4], nice=False),
        axis=axis(values=[0, 1], labelExpr="datum.value ? 'next step' : 'here'"),
    )
    y = alt.Y("y:Q", title="gain", scale=scale, axis=axis(values=[0, 1], format="~g"))
    spot = alt.Chart(rows(x=[0], y=[0])).mark_point(filled=True, size=200, color=TEXT, opacity=1)
    peak = alt.Chart(rows(x=[1])).mark_rule(color=BOUND, strokeWidth=2, strokeDash=[3, 3])
    layers = [
        peak.encode(x="x:Q"),
        *curves(base, x, y, interpolate="monotone"),
        spot.encode(x="x:Q", y=alt.Y("y:Q", scale=scale)),
    ]
    chart = alt.layer(*layers).add_params(step_param(len(cut) - 1, start))
    return chart.properties(height="container", title=title(says))


def race(
    ascents: np.ndarray,
    seeds: Sequence[int],
    best: int,
    shown: int,
    says: str,
    last: int,
    start: int,
    name: str = "log L",
) -> Figure:
    """The log-likelihood (steps, starts) of each start by step: the best in blue, the run shown
    dashed in the text's colour. A start that became singular ends where it did."""
    lines = np.where(np.isfinite(ascents), ascents, np.nan)
    at = {int(seed): j for j, seed in enumerate(seeds)}
    x, y = by_step(), alt.Y("l:Q", title=name, scale=window(lines), axis=axis())

    def run(columns: Sequence[int]) -> alt.Chart:
        i, s = np.meshgrid(np.arange(len(lines)), np.asarray(seeds)[columns], indexing="ij")
        heights = lines[:, columns].round(6).ravel()
        alive = np.isfinite(heights)
        data = rows(i=i.ravel()[alive], s=s.ravel()[alive], l=heights[alive])
        return alt.Chart(data).encode(x=x, y=y, detail="s:N")

    mine = [at[shown]] if shown in at else []
    others = [j for j in range(len(seeds)) if j not in (*mine, at[best])]
    layers = [
        now(),
        run(others).mark_line(color=QUIET, strokeWidth=1.5, opacity=0.7, clip=True),
        run([at[best]]).mark_line(color=A, strokeWidth=4.5, clip=True),
    ]
    named = [("the other starts", QUIET, (1, 0)), (f"the best, seed {best}", A, (1, 0))]
    if mine:
        dashed = run(mine).mark_line(color=TEXT, strokeWidth=3, strokeDash=[6, 4], clip=True)
        layers.append(dashed)
        named.append((f"shown, seed {shown}", TEXT, (6, 4)))
    chart = alt.layer(*layers, *_low_legend(named)).add_params(step_param(last, start))
    return chart.properties(height="container", title=title(says))


def _low_legend(named: Sequence[tuple[str, str, Sequence[int]]]) -> list[alt.Chart]:
    """Names of lines in the bottom right, where a climb leaves room."""
    layers = []
    for j, (name, colour, dash) in enumerate(reversed(named)):
        spot, y = alt.Chart(rows(name=[name])), alt.value({"expr": f"height - {14 + 22 * j}"})
        left, right, words = (alt.value({"expr": f"width - {k}"}) for k in (200, 166, 158))
        line = spot.mark_rule(color=colour, strokeWidth=3.5, strokeDash=list(dash))
        text = spot.mark_text(align="left", baseline="middle", fontSize=15)
        layers += [line.encode(x=left, x2=right, y=y), text.encode(x=words, y=y, text="name:N")]
    return layers


def gained(gain: float) -> str:
    """A step's gain in words."""
    if abs(gain) < 1e-6:
        return "as before"
    size = f"{abs(gain):,.3g}" if abs(gain) >= 1e-3 else "less than 0.001"
    return f"up {size}" if gain > 0 else f"down {size}"


def ahead(mask: np.ndarray) -> np.ndarray:
    """What the next step's mask says of this step."""
    return np.concatenate([mask[1:], mask[-1:]])
