"""Boosting by its votes: the ballot of given votes, and what share of the say goes where."""

from typing import Any

import altair as alt
import numpy as np

from engine.boosting.samme import Samme
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.samme import MOST_DRAWN, axes, dots, hue, marked, shown_rounds
from pages.charts.theme import BOUND, QUIET, TEXT, at_step, packed, rows, step_param, title

MOST_POINTS, MOST_ROUNDS = 40, 30
TALL = 0.5 * np.sqrt(3.0)


# -- the ballot ----------------------------------------------------------------------------------


def ballot(trace: Samme, chosen: int, start: int) -> Figure:
    """Votes round by round: filled where right, empty where wrong; above, the true classes with
    their weights, and below what all votes so far elect."""
    n = shown_rounds(trace)
    N, T = min(len(trace.y), MOST_POINTS), min(n, MOST_ROUNDS)
    lines = ["class", *map(str, range(1, T + 1)), "all votes"]
    x = alt.X("i:O", title="point", axis=climb.axis(labelAngle=0))
    y = alt.Y("t:O", title="round", sort=lines, axis=climb.axis(),
              scale=alt.Scale(domain=lines))  # fmt: skip
    i, t = np.meshgrid(np.arange(N), np.arange(T), indexing="ij")
    i, t = i.ravel(), t.ravel()
    cast = trace.votes[t, i]
    side = f"min(30, 0.72 * height / {T + 2}, 0.8 * width / {N})"
    layers: list[alt.Chart] = []
    if n:
        data = rows(
            i=i + 1, t=[str(v + 1) for v in t], r=t + 1, right=(cast == trace.y[i]),
            n=[str(trace.labels[v]) for v in cast], c=[hue(v) for v in cast],
        )  # fmt: skip
        layers += _cells(alt.Chart(data), x, y, side, "datum.r <= step", "datum.r == step")
        won = trace.scores[: n + 1, :N].argmax(axis=2)
        elected = rows(
            i=np.arange(1, N + 1), t=["all votes"] * N,
            ns=[" ".join(str(trace.labels[v]) for v in column) for column in won.T],
            cs=[" ".join(hue(v) for v in column) for column in won.T],
            rs=["".join("01"[int(v)] for v in column)
                for column in (won == trace.y[:N]).T],
        )  # fmt: skip
        base = alt.Chart(elected).transform_calculate(
            n="split(datum.ns, ' ')[step]", c="split(datum.cs, ' ')[step]",
            right="slice(datum.rs, step, step + 1) == '1'",
        )  # fmt: skip
        layers += _cells(base, x, y, side, "step > 0", "step < 0")
    true = rows(t=["class"] * N, **marked(trace, n, N))
    layers.append(dots(true, trace, x, y))
    ring = alt.Chart(rows(i=[min(chosen, N - 1) + 1], t=["class"]))
    layers.append(
        ring.mark_text(dy=-15, fontSize=15, fontWeight="bold", color=TEXT).encode(
            x=x, y=y, text="i:N"
        )
    )
    said = "Filled: a right vote; on top the weights"
    if len(trace.y) > N or n > T:
        said += f" (first {N} points, {T} rounds)"
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    chart = chart.add_params(step_param(n, start))
    return chart.properties(height="container", title=title(said))


def _cells(
    base: alt.Chart, x: alt.X, y: alt.Y, side: str, counted: str, now: str
) -> list[alt.Chart]:
    """Squares with the class voted for; what is not counted yet is faint."""
    strength = alt.condition(counted, alt.value(1), alt.value(0.22))
    stroke = alt.condition(now, alt.value(4), alt.value(1.5))
    square = base.mark_point(shape="square", size=alt.ExprRef(f"pow({side}, 2)"), opacity=1).encode(
        x=x, y=y, opacity=strength, strokeWidth=stroke,
        stroke=alt.Stroke("c:N", scale=None), fill=alt.Fill("c:N", scale=None),
        fillOpacity=alt.condition("datum.right", alt.value(0.9), alt.value(0)),
    )  # fmt: skip
    label = base.mark_text(fontSize=15, fontWeight="bold").encode(
        x=x, y=y, text="n:N", opacity=strength
    )
    return [
        square,
        label.transform_filter("datum.right").encode(color=alt.value("white")),
        label.transform_filter("!datum.right").encode(color=alt.value(TEXT)),
    ]


# -- shares of the say ---------------------------------------------------------------------------


def shares(trace: Samme, chosen: int, start: int) -> Figure:
    """For three classes the triangle of votes, else the own share against the largest other."""
    n, K = shown_rounds(trace), len(trace.labels)
    g = trace.scores[: n + 1, :MOST_DRAWN]
    own = np.take_along_axis(g, trace.y[None, :MOST_DRAWN, None], 2)[..., 0]
    said = abs(trace.alpha[:n]).cumsum()
    total = np.concatenate([[0.0], said])[:, None]
    y = trace.y[None, :MOST_DRAWN]

    def share(votes: np.ndarray) -> np.ndarray:
        return np.divide(votes, total, out=np.full(votes.shape, 1 / K), where=total > 0)

    if K == 3:
        after = np.take_along_axis(g, ((y + 2) % 3)[..., None], 2)[..., 0]
        places = triangle(share(own), share(after))
        frame = np.array([[0.0, -0.06], [1.0, TALL + 0.05]])
        x, v = _bare(frame)
        layers = [*_triangle_ground(x, v)]
    else:
        others = g.copy()
        np.put_along_axis(others, np.broadcast_to(y[..., None], (*own.shape, 1)), -np.inf, 2)
        best = others.max(axis=2) if K > 1 else np.zeros_like(own)
        places = share(own), share(best)
        x, v = axes(np.array([[0.0, 0.0], [1, 1]]), ("share of its own class", "largest other"))
        layers = [*_plane_ground(K, x, v)]
    data = rows(xs=packed(places[0], 4), ys=packed(places[1], 4), **marked(trace, n, MOST_DRAWN))
    layers.append(dots(data, trace, x, v, {"x": at_step("xs"), "y": at_step("ys")}))
    spot = rows(xs=packed(places[0][:, [chosen]], 4), ys=packed(places[1][:, [chosen]], 4),
                n=[str(chosen + 1)])  # fmt: skip
    name = alt.Chart(spot).transform_calculate(x=at_step("xs"), y=at_step("ys"))
    layers.append(
        name.mark_text(dy=-20, fontSize=15, fontWeight="bold", color=TEXT, clip=True).encode(
            x=x, y=v, text="n:N"
        )
    )
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    chart = chart.add_params(step_param(n, start))
    words = "Shaded: wrong, yet own loss below 1"
    if K == 2:
        words = "Wrong is where the own loss is at least 1"
    return chart.properties(height="container", title=title(words))


def triangle(own: Any, right: Any) -> tuple[Any, Any]:
    """Three shares as a place: all for its own class is on top, all for the one after right."""
    return right + 0.5 * own, TALL * own


def _bare(frame: np.ndarray) -> tuple[alt.X, alt.Y]:
    """Axes that are not drawn."""
    x, y = axes(frame, ("", ""))
    x.axis = y.axis = None  # type: ignore[assignment]
    return x, y


def _shape(corners: list[tuple[float, float]], x: alt.X, y: alt.Y, colour: str) -> alt.Chart:
    data = rows(x=[c[0] for c in corners], y=[c[1] for c in corners], o=range(len(corners)))
    mark = alt.Chart(data).mark_line(
        interpolate="linear-closed", filled=True, fill=colour, fillOpacity=0.3, strokeWidth=0,
        tooltip=None,
    )  # fmt: skip
    return mark.encode(x=x, y=y, order="o:Q")


def _line(ends: list[tuple[float, float]], x: alt.X, y: alt.Y, dash: list[int]) -> alt.Chart:
    data = rows(x=[c[0] for c in ends], y=[c[1] for c in ends], o=range(len(ends)))
    return (
        alt.Chart(data)
        .mark_line(color=QUIET, strokeWidth=2, strokeDash=dash)
        .encode(x=x, y=y, order="o:Q")
    )


def _words(places: list[tuple[float, float, str]], x: alt.X, y: alt.Y, **more: Any) -> alt.Chart:
    data = rows(x=[p[0] for p in places], y=[p[1] for p in places], n=[p[2] for p in places])
    return alt.Chart(data).mark_text(fontSize=15, color=TEXT, **more).encode(x=x, y=y, text="n:N")


def _triangle_ground(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    third = 1 / 3  # places are (share of the own class, share of the one after)
    corners = [triangle(1, 0), triangle(0, 0), triangle(0, 1), triangle(1, 0)]
    lost = [
        [triangle(third, third), triangle(0.5, 0), triangle(third, 0)],
        [triangle(third, third), triangle(0.5, 0.5), triangle(third, 2 * third)],
    ]
    return [
        *(_shape(part, x, y, BOUND) for part in lost),
        _line(corners, x, y, [1, 0]),
        _line([triangle(third, 0), triangle(third, 2 * third)], x, y, [6, 4]),
        _line([triangle(0.5, 0), triangle(third, third), triangle(0.5, 0.5)], x, y, [1, 0]),
        _words([(0.5, TALL + 0.035, "all for its own class")], x, y),
        _words([(0.0, -0.035, "the next class")], x, y, align="left"),
        _words([(1.0, -0.035, "the one after")], x, y, align="right"),
        _words([(0.86, TALL / 3, "own loss 1")], x, y, align="left"),
    ]


def _plane_ground(K: int, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    lost = [(1 / K, 1 / K), (1 / K, 1 - 1 / K), (0.5, 0.5)]
    layers = [_shape(lost, x, y, BOUND)] if K > 2 else []
    return [
        *layers,
        _line([(0, 1), (1, 0)], x, y, [1, 0]),
        _line([(0, 0), (0.5, 0.5)], x, y, [1, 0]),
        _line([(1 / max(K, 1), 0), (1 / max(K, 1), 1 - 1 / max(K, 1))], x, y, [6, 4]),
        _words([(1 / max(K, 1) + 0.01, 0.03, "own loss 1")], x, y, align="left"),
    ]
