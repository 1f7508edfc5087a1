"""Boosting in curves: the loss along the new vote, and how loss and error fall."""

import altair as alt
import numpy as np

from engine.boosting.samme import Samme
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.samme import shown_rounds
from pages.charts.theme import (
    BOUND,
    QUIET,
    TEXT,
    WRONG,
    A,
    at_step,
    rows,
    step_param,
    title,
)

POINTS = 90


def along(trace: Samme, slip: bool, asked: bool, start: int) -> Figure:
    """Z(alpha) of the present round, where it is least, and the alpha that was taken."""
    n, K = shown_rounds(trace), len(trace.labels)
    says = "Loss along the new vote"
    e, a = trace.error[:n], trace.alpha[:n]
    if not n:
        nothing = alt.Chart(rows(x=[0], says=["No vote is taken."]))
        chart = nothing.mark_text(fontSize=16).encode(text="says:N").add_params(step_param(0, 0))
        return chart.properties(height="container", title=title(says))
    best = (K - 1) / K * np.log((1 - e) * (K - 1) / np.maximum(e, 1e-12))
    some = np.concatenate([best[e > 0], a])
    high = 1.8 * max(float(np.quantile(some, 0.8)), 0.1)
    low = min(-0.12 * high, 1.15 * float(np.quantile(some, 0.1)))
    deep = max(1 - float(np.quantile(trace.ratio[:n], 0.2)), 0.02)
    above = float(np.quantile(trace.ratio[:n], 0.9)) - 1
    bottom, top = max(0.0, 1 - 1.6 * deep), 1 + 1.2 * max(0.75 * deep, above)
    x_scale = alt.Scale(domain=[low, high], nice=False)
    x = alt.X("x:Q", title="α", scale=x_scale, axis=climb.axis(labelBound=True))
    y = alt.Y("y:Q", title="Z(α)", axis=climb.axis(),
              scale=alt.Scale(domain=[bottom, top], nice=False, zero=False))  # fmt: skip
    first = e[:1]
    errors = " ".join(f"{v:.6g}" for v in np.concatenate([first, e]))
    grid = [float(f"{v:.4g}") for v in np.linspace(low, high, POINTS)]
    base = alt.Chart(rows(x=grid, es=[errors] * POINTS)).transform_calculate(e=at_step("es"))
    curve = base.transform_calculate(
        y=f"datum.e * exp(datum.x / {K - 1}) + (1 - datum.e) * exp(-datum.x)"
    )
    level = alt.Chart(rows(y=[1])).mark_rule(color=QUIET, strokeWidth=2, strokeDash=[2, 4])
    t = np.arange(1, n + 1)
    spots = rows(t=t, x=a, y=trace.ratio[:n], b=best)
    now = alt.Chart(spots).transform_filter("datum.t == step")
    seen = 0 if asked else 1
    least = now.mark_rule(color=BOUND, strokeWidth=2.5, strokeDash=[5, 4], clip=True)
    taken = now.mark_point(filled=True, size=260, color=WRONG if slip else A, clip=True)
    tooltip = [alt.Tooltip("x:Q", title="α", format=".6~g"),
               alt.Tooltip("y:Q", title="Z(α)", format=".6~g")]  # fmt: skip
    layers = [
        level.encode(y=y),
        least.encode(x=alt.X("b:Q", scale=x_scale), opacity=alt.value(seen)),
        curve.mark_line(color=TEXT, strokeWidth=3.5, clip=True).encode(
            x=x, y=y, opacity=alt.condition("step > 0", alt.value(1), alt.value(0))
        ),
        taken.encode(x=x, y=y, tooltip=tooltip, opacity=alt.value(seen)),
    ]
    chart = alt.layer(*layers).add_params(step_param(n, start))
    return chart.properties(height="container", title=title(says + ", least at α"))


def falling(trace: Samme, ghost: Samme | None, start: int) -> Figure:
    """Training error, mean loss, and the share that the loss does bound."""
    n, N = shown_rounds(trace), len(trace.y)
    x, top = climb.by_step(), 1.0
    x.title = None  # type: ignore[assignment]
    mean = trace.loss[: n + 1] / N
    if mean.max() > 1:
        top = min(float(mean.max()), 2.0)
    y = alt.Y("v:Q", title="share", axis=climb.axis(format="~%"),
              scale=alt.Scale(domain=[0, 1.04 * top], nice=False))  # fmt: skip
    series = {
        "error": (trace.training_error, WRONG if ghost is not None else TEXT, [1, 0]),
        "loss": (trace.loss / N, BOUND, [7, 4]),
        "ℓ ≥ 1": (trace.at_risk, A, [2, 3]),
    }
    names = list(series)
    hues = alt.Scale(domain=names, range=[colour for _, colour, _ in series.values()])
    dashes = alt.Scale(domain=names, range=[dash for *_, dash in series.values()])
    key = alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3.5,
                     symbolSize=200, columnPadding=3, offset=2)  # fmt: skip
    layers: list[alt.Chart] = [climb.now()]
    if ghost is not None:
        right = rows(i=np.arange(n + 1), v=ghost.training_error[: n + 1])
        dashed = alt.Chart(right).mark_line(color=QUIET, strokeWidth=2, strokeDash=[5, 4])
        layers.append(dashed.encode(x=x, y=y))
    values = np.concatenate([values[: n + 1] for values, *_ in series.values()])
    data = rows(i=[*range(n + 1)] * 3, s=np.repeat(names, n + 1),
                v=[float(f"{v:.6g}") for v in values])  # fmt: skip
    lines = alt.Chart(data).encode(
        x=x, y=y, color=alt.Color("s:N", scale=hues, legend=key),
        tooltip=[alt.Tooltip("i:Q", title="round"), alt.Tooltip("s:N", title="line"),
                 alt.Tooltip("v:Q", title="share", format=".4~g")],
    )  # fmt: skip
    drawn = lines.mark_line(strokeWidth=3.5, clip=True)
    layers.append(drawn.encode(strokeDash=alt.StrokeDash("s:N", scale=dashes, legend=key)))
    spot = lines.transform_filter("datum.i == step")
    layers.append(spot.mark_point(filled=True, size=150, opacity=1, clip=True))
    chart = alt.layer(*layers).add_params(step_param(n, start))
    bound = "bounds" if len(trace.labels) == 2 else "does not bound"
    return chart.properties(height="container", title=title(f"The loss {bound} the error"))
