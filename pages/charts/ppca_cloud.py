"""Probabilistic PCA: the cloud, C as an ellipse, u as an arrow, and the points on it."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from engine.mixtures import ppca
from engine.mixtures.ppca import Ppca, Summit
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.theme import (
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

MOST_DRAWN = 200  # points


def scene(trace: Ppca, top: Summit, chosen: int, slip: bool, start: int) -> Figure:
    """The points, C as an ellipse, u as an arrow, and each point joined to its E[z] u."""
    plane, n, flat = ppca.seen(trace.X), climb.states(trace), trace.X.shape[1] == 1
    points, ends, best = trace.X @ plane.T, trace.direction[:n] @ plane.T, plane @ top.direction
    x, y = _square(1.06 * max(abs(points).max(), 2 * np.sqrt(top.noise + best @ best)), trace)
    mine = WRONG if slip else A
    noise = trace.noise[:n]
    look = {"color": mine, "strokeWidth": 2.5, "fill": mine, "fillOpacity": 0.1, "clip": True}
    dashed = {"color": QUIET, "strokeWidth": 2.5, "strokeDash": [6, 4], "clip": True}
    goal = alt.Chart(rows(x=[-best[0]], y=[-best[1]], x2=[best[0]], y2=[best[1]]))
    layers = [
        _ground(trace, plane, points).encode(x=x, y=y),
        *(_ellipse(noise, ends, k, flat).mark_line(**look).encode(x=x, y=y) for k in (2, 1)),
        _ellipse([top.noise], best[None], 2, flat, "0").mark_line(**dashed).encode(x=x, y=y),
        goal.mark_rule(**dashed).encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        *_marks(trace, points, ends, chosen, mine, x, y),
        *legend(("closed form, 2σ", QUIET, (6, 4)), ("from x to E[z] u", B, (1, 0))),
    ]
    says = "C = uuᵀ + σ²I at 1σ and 2σ"
    if trace.X.shape[1] > 2:
        says = "Seen obliquely: C at 1σ and 2σ" if trace.X.shape[1] == 3 else "Seen along q₁ and q₂"
    chart = alt.layer(*layers).add_params(step_param(n - 1, start))
    return chart.properties(height="container", title=title(says))


def _square(reach: float, trace: Ppca) -> tuple[alt.X, alt.Y]:
    """Both axes with the same scale, whatever the shape of the figure."""

    def side(ratio: str, name: str) -> dict[str, Any]:
        wide = f"{reach:.6g} * max(1, {ratio})"
        ends = [alt.ExprRef(f"-{wide}"), alt.ExprRef(wide)]
        axis = climb.axis() if trace.X.shape[1] < 3 else None
        return {"scale": alt.Scale(domain=ends, nice=False), "axis": axis, "title": name}

    return alt.X("x:Q", **side("width / height", "x₁")), alt.Y(
        "y:Q", **side("height / width", "x₂")
    )


def _ground(trace: Ppca, plane: np.ndarray, points: np.ndarray) -> Figure:
    """0, and the three axes with their names where they are seen obliquely."""
    if trace.X.shape[1] != 3:
        return alt.Chart(rows(x=[0], y=[0])).mark_point(shape="cross", size=150, color=QUIET)
    tips = 0.7 * abs(points).max() * plane.T
    base = alt.Chart(rows(x=tips[:, 0], y=tips[:, 1], o=[0.0] * 3, name=["x₁", "x₂", "x₃"]))
    lines = base.mark_rule(color=QUIET, strokeWidth=1.5).encode(x2="o:Q", y2="o:Q")
    return alt.layer(lines, base.mark_text(fontSize=15, dx=8, dy=-6).encode(text="name:N"))


def _ellipse(
    noise: Sequence[float] | np.ndarray, ends: np.ndarray, times: int, flat: bool, at: str = "step"
) -> alt.Chart:
    """C at ``times`` sigma: the longer axis along ``ends``, the shadow of u."""
    length = np.linalg.norm(ends, axis=1)
    towards = np.divide(ends, length[:, None], out=np.zeros_like(ends), where=length[:, None] > 0)
    towards[length == 0, 0] = 1
    a, b = times * np.sqrt(noise + length**2), times * np.sqrt(noise) * (not flat)
    long, wide, co, si = (of_step(part, at) for part in (a, b, *towards.T))
    turn = np.linspace(0, 2 * np.pi, 73)
    return (
        alt.Chart(rows(i=np.arange(73), p=np.cos(turn), q=np.sin(turn)))
        .transform_calculate(
            x=f"datum.p * {long} * {co} - datum.q * {wide} * {si}",
            y=f"datum.p * {long} * {si} + datum.q * {wide} * {co}",
        )
        .encode(order="i:Q")
    )


def of_step(values: np.ndarray, at: str = "step", digits: int = 5) -> str:
    """The Vega expression for this step's number of a short list."""
    return "[" + ",".join(f"{v:.{digits}g}" for v in values) + f"][{at}]"


def _marks(
    trace: Ppca, points: np.ndarray, ends: np.ndarray, chosen: int, mine: str, x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    """The points and where E[z] u puts them, the arrow, and the chosen point's projection."""
    n, most = len(ends), min(len(points), MOST_DRAWN)
    data = rows(i=np.arange(1, most + 1), x=points[:most, 0], y=points[:most, 1],
                m=packed(trace.mean_z[:n, :most], 5))  # fmt: skip
    u1, u2 = of_step(ends[:, 0]), of_step(ends[:, 1])
    base = alt.Chart(data).transform_calculate(z=at_step("m"))
    base = base.transform_calculate(x2=f"datum.z * {u1}", y2=f"datum.z * {u2}")
    spot: dict[str, Any] = {
        "tooltip": [alt.Tooltip("i:Q", title="point"), alt.Tooltip("z:Q", title="E[z]")]
    }
    there, line = {"x": "datum.x2", "y": "datum.y2"}, {"x": x, "y": y, "x2": "x2:Q", "y2": "y2:Q"}
    turn = f"atan2({u1}, {u2}) * 57.29578"
    tip = alt.Chart(rows(x2=[0.0], y2=[0.0])).transform_calculate(x=u1, y=u2, turn=turn)
    along, length = trace.direction[:n] @ trace.X[chosen], (trace.direction[:n] ** 2).sum(axis=1)
    foot = np.divide(along, length, out=np.zeros(n), where=length > 0)[:, None] * ends
    one = alt.Chart(rows(x=points[[chosen], 0], y=points[[chosen], 1]))
    one = one.transform_calculate(x2=of_step(foot[:, 0]), y2=of_step(foot[:, 1]))
    ring = {"color": TEXT, "strokeWidth": 2.2, "opacity": 1, "clip": True}
    dot: dict[str, Any] = {"filled": True, "size": 48, "opacity": 1, "clip": True}
    small: dict[str, Any] = {**dot, "size": 36}
    head: dict[str, Any] = {**dot, "shape": "triangle", "size": 280, "color": mine}
    return [
        base.mark_rule(color=B, strokeWidth=1.4, opacity=0.8, clip=True).encode(**line),
        one.mark_rule(color=TEXT, strokeWidth=1.8, strokeDash=[2, 3], clip=True).encode(**line),
        base.mark_point(color=TEXT, **dot).encode(x=x, y=y, **spot),
        base.transform_calculate(**there).mark_point(color=B, **small).encode(
            x=x, y=y, **spot
        ),
        tip.mark_rule(color=mine, strokeWidth=4, clip=True).encode(**line),
        tip.mark_point(**head).encode(
            x=x, y=y, angle=alt.Angle("turn:Q", scale=None)
        ),
        one.mark_point(size=260, **ring).encode(x=x, y=y),
        one.transform_calculate(**there).mark_point(shape="square", size=110, **ring).encode(
            x=x, y=y
        ),
    ]  # fmt: skip
