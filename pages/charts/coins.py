"""Two coins: the likelihood as a landscape, the bound that touches it, the climb."""

from collections.abc import Mapping

import altair as alt
import numpy as np

from engine.mixtures import coins
from engine.mixtures.coins import Coins, Slice
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
    basin_png,
    contour_png,
    legend,
    packed,
    rows,
    step_param,
    title,
)
from pages.ui.table import Cell, Column, Table

MOST_ROWS = 200
PATH = "#111820"  # on the map, which looks the same in both themes


# -- the landscape -------------------------------------------------------------------------------


def landscape(trace: Coins, ghost: Coins | None, image: str, basins: bool, start: int) -> Figure:
    """The square of all (theta_A, theta_B), and the path EM takes over it."""
    last = climb.states(trace) - 1
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], grid=False, titlePadding=4, format=".2~f")
    domain = alt.Scale(domain=[0, 1])
    x = alt.X("a:Q", title="θ_A", scale=domain, axis=axis)
    y = alt.Y("b:Q", title="θ_B", scale=domain, axis=axis)
    ground = (
        alt.Chart(rows(a=[0], b=[0], a2=[1], b2=[1], url=[image]))
        .mark_image(aspect=False)
        .encode(x=x, y=y, x2="a2:Q", y2="b2:Q", url="url:N")
    )
    layers = [ground]
    if ghost is not None:
        layers += _path(ghost, x, y, QUIET)
    layers += _path(trace, x, y, WRONG if ghost is not None else PATH)
    chart = alt.layer(*layers).add_params(step_param(last, start))
    says = "Where EM ends: blue A higher, orange B higher; darker is slower"
    return chart.properties(
        height="container", title=title("How likely each pair of coins is" if not basins else says)
    )


def _path(trace: Coins, x: alt.X, y: alt.Y, colour: str) -> list[alt.Chart]:
    n = climb.states(trace)
    data = rows(
        i=np.arange(n), a=trace.theta[:n, 0], b=trace.theta[:n, 1], l=trace.log_likelihood[:n]
    )
    base = alt.Chart(data).encode(x=x, y=y, order="i:Q")
    tooltip = [
        alt.Tooltip("i:Q", title="step"),
        alt.Tooltip("a:Q", title="θ_A", format=".12~f"),
        alt.Tooltip("b:Q", title="θ_B", format=".12~f"),
        alt.Tooltip("l:Q", title="log L", format=".12~f"),
    ]
    past, now = "datum.i <= step", "datum.i == step"
    return [
        base.transform_filter(past).mark_line(color="white", strokeWidth=6, opacity=0.85),
        base.transform_filter(past).mark_line(color=colour, strokeWidth=3),
        base.transform_filter(past)
        .mark_point(filled=True, size=70, color=colour, stroke="white", strokeWidth=1.5, opacity=1)
        .encode(tooltip=tooltip),
        base.transform_filter(now)
        .mark_point(filled=True, size=330, color=colour, stroke="white", strokeWidth=3, opacity=1)
        .encode(tooltip=tooltip),
    ]


def likelihood_image(heads: np.ndarray, tosses: np.ndarray, weight: float, grid: int = 320) -> str:
    """The same for all starts, unless the weight of A is learnt too."""
    weight = min(max(weight, 1e-6), 1 - 1e-6)
    return contour_png(coins.surface(heads, tosses, grid, weight))


def basin_image(heads: np.ndarray, tosses: np.ndarray, mixing: str) -> str:
    """Blue where coin A ends higher, orange where B does, grey where both end equal."""
    basins = coins.basins(heads, tosses, mixing=mixing)
    gap = basins.limit[..., 0] - basins.limit[..., 1]
    basin = np.where(gap > 1e-6, 0, np.where(gap < -1e-6, 1, 2))
    return basin_png(basin, basins.steps_needed, (A, B, QUIET))


# -- the bound and the climb ---------------------------------------------------------------------


def tangent(cut: Slice, trace: Coins, asked: bool, start: int) -> Figure:
    """Along theta_A: the bound touches the likelihood where it stands and peaks at the next."""
    n = climb.states(trace)
    high = float(cut.log_likelihood[:n].max())
    low = min(float(np.quantile(cut.log_likelihood[:n], 0.3)), float(trace.log_likelihood[0]) - 2)
    scale = alt.Scale(domain=[low, high + 0.06 * (high - low)], clamp=False)
    data = rows(
        xs=packed(cut.theta_A[:n]),
        ls=packed(cut.log_likelihood[:n]),
        bs=packed(cut.bound[:n]),
    )
    base = alt.Chart(data).transform_calculate(
        x=at_step("xs"), likelihood=at_step("ls"), bound=at_step("bs")
    )
    x = alt.X("x:Q", title="θ_A, all else held", scale=alt.Scale(domain=[0, 1]), axis=climb.axis())
    y = alt.Y("y:Q", title="log L", scale=scale, axis=climb.axis())
    curves = climb.curves(base, x, y, where=f"datum.{{}} >= {low}")
    spots = rows(i=np.arange(n), x=cut.touch[:n], y=trace.log_likelihood[:n], top=cut.top[:n])
    marks = alt.Chart(spots).transform_filter("datum.i == step")
    touch = marks.mark_point(filled=True, size=200, color=TEXT, opacity=1)
    top = marks.mark_rule(color=BOUND, strokeWidth=2, strokeDash=[3, 3], opacity=0 if asked else 1)
    return (
        alt.layer(
            top.encode(x="top:Q"),
            *curves,
            touch.encode(x="x:Q", y=alt.Y("y:Q", scale=scale)),
            *legend(("likelihood", TEXT, (1, 0)), ("bound", BOUND, (7, 4))),
        )
        .add_params(step_param(n - 1, start))
        .properties(height="container", title=title("The bound touches, and peaks at the next θ_A"))
    )


def ascent(trace: Coins, ghost: Coins | None, start: int) -> Figure:
    """The climb, each bound below what follows it."""
    return climb.ascent(trace, ghost, "The climb: each bound lies below what follows", start)


# -- the table and the words ---------------------------------------------------------------------


def table(
    shown: Coins, slip: Slip | None, wrong: Mapping[str, np.ndarray], blank: str, chosen: int
) -> Table:
    """Who takes how much of each set (E), and what that makes of the coins (M)."""
    n = climb.states(shown)
    Q, counts = shown.responsibility[:n], coins.soft_counts(shown)[:n]
    off = wrong.get("responsibility", np.zeros(Q.shape, bool))
    body = [
        [Cell(i + 1), Cell(shown.heads[i]), Cell(shown.tosses[i])]
        + [
            Cell(Q[:, i, c], off[:n, i, c], blank == "responsibility" and i == chosen)
            for c in (0, 1)
        ]
        for i in range(min(Q.shape[1], MOST_ROWS))
    ]
    after, marks = coins.following(shown, slip)[:n], wrong_lines(wrong, chosen)
    foot = [
        [Cell(""), Cell(""), Cell("heads"), *(Cell(counts[:, c, 0], share=False) for c in (0, 1))],
        [Cell(""), Cell(""), Cell("tosses"), *(Cell(counts[:, c, 1], share=False) for c in (0, 1))],
        [Cell(""), Cell(""), Cell("next θ")]
        + [
            Cell(after[:, c], marks.get(name, False), blank == name, share=False)
            for c, name in enumerate(("theta_A", "theta_B"))
        ],
    ]
    columns = [Column("i"), Column("x_i"), Column("n_i")]
    columns += [Column("Q_i(A)", "forward", 4), Column("Q_i(B)", "backward", 4)]
    said = f", the first {MOST_ROWS} of {Q.shape[1]}" if Q.shape[1] > MOST_ROWS else ""
    return Table(f"Each set shared between the coins{said}", columns, body, foot)


def wrong_lines(wrong: Mapping[str, np.ndarray], chosen: int) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step; they look one theta ahead."""
    if not wrong:
        return {}
    ahead = np.concatenate([wrong["theta"][1:], wrong["theta"][-1:]])
    return {
        "responsibility": wrong["responsibility"][:, chosen, 0],
        "theta_A": ahead[:, 0],
        "theta_B": ahead[:, 1],
    }


def captions(trace: Coins) -> list[str]:
    """What each step holds, in words, and from where it stands still why."""
    n = climb.states(trace)
    out = [f"start: θ_A = {trace.theta[0, 0]:.3g}, θ_B = {trace.theta[0, 1]:.3g}"]
    for t in range(1, n):
        a, b = trace.theta[t]
        gain = float(trace.log_likelihood[t] - trace.log_likelihood[t - 1])
        said = f"θ_A = {a:.4f}, θ_B = {b:.4f} · log-likelihood {climb.gained(gain)}"
        out.append(said + (f" · {trace.stop}" if t > trace.settled or t == n - 1 else ""))
    return out
