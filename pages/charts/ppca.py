"""Probabilistic PCA: the cloud and its ellipse, the angle to the long axis, the climb."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from engine.mixtures import ppca
from engine.mixtures.ppca import Ppca, Race, Slice, Summit
from engine.slips import Slip
from pages.charts import climb
from pages.charts.climb import Figure
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
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
MOST_ROWS, MOST_COLUMNS = 200, 4
LEAST = 1e-10  # degrees, and nats: below that only rounding is drawn
POWERS = "datum.value < 0.01 ? format(datum.value, '.0e') : format(datum.value, '~g')"


# -- the cloud -----------------------------------------------------------------------------------


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
    long, wide, co, si = (_now(part, at) for part in (a, b, *towards.T))
    turn = np.linspace(0, 2 * np.pi, 73)
    return (
        alt.Chart(rows(i=np.arange(73), p=np.cos(turn), q=np.sin(turn)))
        .transform_calculate(
            x=f"datum.p * {long} * {co} - datum.q * {wide} * {si}",
            y=f"datum.p * {long} * {si} + datum.q * {wide} * {co}",
        )
        .encode(order="i:Q")
    )


def _now(values: np.ndarray, at: str = "step", digits: int = 5) -> str:
    """The Vega expression for this step's number of a short list."""
    return "[" + ",".join(f"{v:.{digits}g}" for v in values) + f"][{at}]"


def _marks(
    trace: Ppca, points: np.ndarray, ends: np.ndarray, chosen: int, mine: str, x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    """The points and where E[z] u puts them, the arrow, and the chosen point's projection."""
    n, most = len(ends), min(len(points), MOST_ROWS)
    data = rows(i=np.arange(1, most + 1), x=points[:most, 0], y=points[:most, 1],
                m=packed(trace.mean_z[:n, :most], 5))  # fmt: skip
    u1, u2 = _now(ends[:, 0]), _now(ends[:, 1])
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
    one = one.transform_calculate(x2=_now(foot[:, 0]), y2=_now(foot[:, 1]))
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


# -- the angle, the bound and the climb ------------------------------------------------------------


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
        alt.ExprRef(_now(low - 0.1 * room, digits=9)),
        alt.ExprRef(_now(high + 0.1 * room, digits=9)),
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


# -- the table and the words ---------------------------------------------------------------------


def table(
    shown: Ppca, slip: Slip | None, wrong: Masks, blank: Collection[str], chosen: int
) -> Table:
    """Each point with its projection and E[z], E[z²] (E), and the sums that make the next u (M)."""
    n, (N, J) = climb.states(shown), shown.X.shape
    wide, along = min(J, MOST_COLUMNS), shown.direction[:n] @ shown.X.T
    stepped = {"mean_z": shown.mean_z[:n], "mean_z2": shown.mean_z2[:n]}
    off = {name: wrong.get(name, np.zeros((len(shown), N), bool))[:n] for name in stepped}
    body = [
        [Cell(i + 1), *(Cell(v) for v in shown.X[i, :wide]), Cell(along[:, i])]
        + [
            Cell(values[:, i], off[name][:, i], name in blank and i == chosen)
            for name, values in stepped.items()
        ]
        for i in range(min(N, MOST_ROWS))
    ]
    after, pull, empty = ppca.following(shown, slip), stepped["mean_z"] @ shown.X, Cell("")
    marks = {name: climb.ahead(mask)[:n] for name, mask in wrong.items()}
    entries = marks.get("direction", np.zeros((n, J), bool))
    new = (
        Cell(after.direction[:n, j], entries[:, j], "direction" in blank and j == 0)
        for j in range(wide)
    )
    noise = Cell(after.noise[:n], marks.get("noise", False), "noise" in blank)
    sums = (Cell(pull[:, j]) for j in range(wide))
    foot = [
        [Cell("Σ"), *sums, empty, empty, Cell(stepped["mean_z2"].sum(axis=1))],
        [Cell("û"), *new, empty, Cell("σ̂²"), noise],
    ]
    heads = ["i", *(f"x_{{i{j + 1}}}" for j in range(wide)), "u^T x_i", "E[z_i]", "E[z_i^2]"]
    said = "Each point's z, and the next u below"
    if N > MOST_ROWS or wide < J:
        said += f"; {min(N, MOST_ROWS)} of {N:,} points, {wide} of {J} columns"
    return Table(said, [Column(head) for head in heads], body, foot)


def wrong_lines(wrong: Masks, chosen: int) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step; some look one step ahead."""
    if not wrong:
        return {}
    return {
        "mean_z": wrong["mean_z"][:, chosen],
        "mean_z2": wrong["mean_z2"][:, chosen],
        "direction": climb.ahead(wrong["direction"])[:, 0],
        "noise": climb.ahead(wrong["noise"]),
    }


def sheet(trace: Ppca) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """The points as a table to edit."""
    return (Block("X", "x", -1e9, 1e9),), {"X": trace.X.tolist()}


def captions(trace: Ppca) -> list[str]:
    """What each step holds, in words, and from where it stands still why."""
    n = climb.states(trace)
    turned, out = ppca.angles(trace, trace.direction[:n]), []
    for t in range(n):
        where = f"{_degrees(turned[t])} from q₁" if np.isfinite(turned[t]) else "u = 0"
        said = f"{where}, |u| = {np.linalg.norm(trace.direction[t]):.3g}, σ² = {trace.noise[t]:.3g}"
        if t:
            said += " · log L " + climb.gained(
                float(trace.log_likelihood[t] - trace.log_likelihood[t - 1])
            )
        out.append(said + (f" · {trace.stop}" if t > trace.settled or t == n - 1 else ""))
    return [f"start: {out[0]}", *out[1:]]


def _degrees(angle: float) -> str:
    return f"{angle:.1f}°" if angle >= 0.1 else "less than 0.1°"
