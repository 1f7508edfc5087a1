"""A mixture of Gaussians: the points coloured by whose they are, each component as ellipses."""

from typing import Any

import altair as alt
import numpy as np

from engine.mixtures.gaussian import Gaussian
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.theme import (
    COLOURS,
    QUIET,
    SHAPES,
    TEXT,
    at_step,
    packed,
    rows,
    step_param,
    title,
)

MOST_DRAWN = 2_000  # points
TURNS = "sequence(0, 6.33, 0.0873)"


def scene(trace: Gaussian, ghost: Gaussian | None, chosen: int, start: int) -> Figure:
    """The points in the mixed colours of those who share them, and each component's ellipses."""
    n, plane = climb.states(trace), _flat(trace.X)
    x, y = _axes(plane, trace)
    layers = []
    if ghost is not None:
        layers.append(_ellipses(ghost, min(n, len(ghost)), x, y, QUIET))
    layers += [_ellipses(trace, n, x, y), _points(trace, n, plane, x, y)]
    ring = alt.Chart(rows(x=plane[[chosen], 0], y=plane[[chosen], 1]))
    layers.append(ring.mark_point(size=330, color=TEXT, strokeWidth=2.5).encode(x=x, y=y))
    layers += _means(trace, n, x, y)
    said = "At 1σ and 2σ; mixed colours are shared"
    if trace.X.shape[1] > 2:
        said = f"Columns 1 and 2 of {trace.X.shape[1]}, at 1σ and 2σ"
    elif trace.params.held:
        said = "At 1σ and 2σ, held; mixed colours are shared"
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    chart = chart.add_params(step_param(n - 1, start))
    return chart.properties(height="container", title=title(said))


def _flat(values: np.ndarray) -> np.ndarray:
    """The first two columns; a single one gets a second of zeros."""
    more = max(0, 2 - values.shape[-1])
    return np.pad(values[..., :2], [(0, 0)] * (values.ndim - 1) + [(0, more)])


def _axes(plane: np.ndarray, trace: Gaussian) -> tuple[alt.X, alt.Y]:
    """Both axes with the same scale, whatever the shape of the figure."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    middle, reach = (low + high) / 2, np.maximum((high - low) / 2, 1e-9) * 1.2
    if reach[1] < 1e-6 * reach[0]:
        reach[1] = 0.3 * reach[0]
    unit = f"max({reach[0]:.6g} / width, {reach[1]:.6g} / height)"

    def side(m: float, length: str, name: str) -> dict[str, Any]:
        ends = [alt.ExprRef(f"{m:.9g} {sign} {length} * {unit}") for sign in "-+"]
        return {"scale": alt.Scale(domain=ends, nice=False, zero=False), "axis": climb.axis(),
                "title": name}  # fmt: skip

    second = "x₂" if trace.X.shape[1] > 1 else ""
    return (
        alt.X("x:Q", **side(float(middle[0]), "width", "x₁")),
        alt.Y("y:Q", **side(float(middle[1]), "height", second)),
    )


def _points(trace: Gaussian, n: int, plane: np.ndarray, x: alt.X, y: alt.Y) -> alt.Chart:
    """Colour: the shares mixed. Shape: the component with the largest."""
    q = trace.responsibility[:n, :MOST_DRAWN]
    K = q.shape[2]
    palette = np.array([_rgb(COLOURS[k % len(COLOURS)]) for k in range(K)], dtype=float)
    mixed = np.rint(np.nan_to_num(q) @ palette).astype(int)
    codes = mixed[..., 0] * 65536 + mixed[..., 1] * 256 + mixed[..., 2]
    data = rows(
        i=np.arange(1, q.shape[1] + 1),
        x=plane[:MOST_DRAWN, 0],
        y=plane[:MOST_DRAWN, 1],
        cs=[" ".join(f"#{v:06x}" for v in column) for column in codes.T],
        ks=[" ".join(str(v) for v in column) for column in (q.argmax(-1) + 1).T],
        ps=[" ".join(f"{100 * v:.3g}" for v in column) for column in q.max(-1).T],
    )
    names = [str(k + 1) for k in range(K)]
    shape = alt.Scale(domain=names, range=[SHAPES[k % len(SHAPES)] for k in range(K)])
    many = len(plane) > 400
    return (
        alt.Chart(data)
        .transform_calculate(
            c="split(datum.cs, ' ')[step]", k="split(datum.ks, ' ')[step]",
            p="split(datum.ps, ' ')[step] + ' %'",
        )
        .mark_point(filled=True, size=30 if many else 100, opacity=0.95)
        .encode(
            x=x, y=y,
            color=alt.Color("c:N", scale=None),
            shape=alt.Shape("k:N", scale=shape, legend=None),
            tooltip=[alt.Tooltip("i:Q", title="point"), alt.Tooltip("k:N", title="component"),
                     alt.Tooltip("p:N", title="its share")],
        )
    )  # fmt: skip


def _ellipses(trace: Gaussian, n: int, x: alt.X, y: alt.Y, colour: str = "") -> alt.Chart:
    """Each component at one and two sigma, turned into a line in the browser."""
    K, mean = trace.weights.shape[1], _flat(trace.means[:n])
    cov = np.nan_to_num(trace.covariances[:n])
    first = np.sqrt(np.maximum(cov[:, :, 0, 0], 0))
    second, slant = np.zeros_like(first), np.zeros_like(first)
    if cov.shape[-1] > 1:
        slant = np.divide(cov[:, :, 0, 1], first, out=slant, where=first > 0)
        second = np.sqrt(np.maximum(cov[:, :, 1, 1] - slant**2, 0))
    parts = {"m": mean[..., 0], "o": mean[..., 1], "a": first, "b": slant, "d": second}
    texts = {name + "s": packed(part, 5) * 2 for name, part in parts.items()}
    hues = [colour or COLOURS[k % len(COLOURS)] for k in range(K)]
    base = alt.Chart(rows(k=[*range(K)] * 2, r=[1] * K + [2] * K, c=hues * 2, **texts))
    base = base.transform_calculate(turn=TURNS, **{name: at_step(name + "s") for name in parts})
    base = base.transform_flatten(["turn"]).transform_calculate(
        x="datum.m + datum.r * datum.a * cos(datum.turn)",
        y="datum.o + datum.r * (datum.b * cos(datum.turn) + datum.d * sin(datum.turn))",
    )
    dash: dict[str, Any] = {"strokeDash": [5, 4]} if colour else {}
    line = base.mark_line(strokeWidth=2.5 if not colour else 1.5, clip=True, **dash)
    return line.encode(
        x=x, y=y, order="turn:Q", detail=["k:N", "r:N"], color=alt.Color("c:N", scale=None),
        strokeOpacity=alt.condition("datum.r == 1", alt.value(1), alt.value(0.45)),
    )  # fmt: skip


def _means(trace: Gaussian, n: int, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Where each mean stands, its number, and the way it came."""
    K, mean = trace.weights.shape[1], _flat(trace.means[:n])
    i, k = np.meshgrid(np.arange(n), np.arange(K), indexing="ij")
    hues = [COLOURS[j % len(COLOURS)] for j in k.ravel()]
    data = rows(i=i.ravel(), k=k.ravel() + 1, x=mean[..., 0].round(9).ravel(),
                y=mean[..., 1].round(9).ravel(), c=hues,
                w=[f"{100 * v:.1f} %" for v in trace.weights[:n].ravel()])  # fmt: skip
    base = alt.Chart(data).encode(x=x, y=y, color=alt.Color("c:N", scale=None))
    way = base.transform_filter("datum.i <= step")
    now = base.transform_filter("datum.i == step")
    says = [alt.Tooltip("k:N", title="component"), alt.Tooltip("w:N", title="weight")]
    return [
        way.mark_line(strokeWidth=2, opacity=0.7, clip=True).encode(order="i:Q", detail="k:N"),
        now.mark_circle(size=420, opacity=1, stroke="white", strokeWidth=2, clip=True).encode(
            tooltip=says
        ),
        now.mark_text(fontSize=14, fontWeight="bold", clip=True).encode(
            text="k:N", color=alt.value("white")
        ),
    ]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
