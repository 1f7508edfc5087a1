"""A mixture of Gaussians: points coloured by whose they are, ellipses, the bound, the race."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from engine.mixtures import gaussian
from engine.mixtures.gaussian import Gaussian, Restarts, Slice
from engine.slips import Slip
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
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
Opened = list[dict[str, Any]]  # what a click on each line of a table sets
Place = tuple[int, int, int]  # point, component, column
MOST_ROWS, MOST_DRAWN, FEW = 100, 2_000, 4
START = ("weights", "means", "covariances")
TOLD = ("weights", "means", "log_likelihood")
TURNS = "sequence(0, 6.33, 0.0873)"


# -- the points and the components ---------------------------------------------------------------


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


# -- the bound, the climb and the race -----------------------------------------------------------


def tangent(cut: Slice, start: int) -> Figure:
    """Along the way to the next step."""
    return climb.touch(cut, "log L, and dashed its bound", start)


def ascent(trace: Gaussian, ghost: Gaussian | None, start: int) -> Figure:
    """The climb; a slip may make it fall."""
    falls = bool((np.diff(trace.log_likelihood) < -1e-9 * abs(trace.log_likelihood[1:])).any())
    says = "The log-likelihood falls: no EM" if falls else "The log-likelihood never falls"
    return climb.ascent(trace, ghost, says, start)


def race(starts: Restarts, trace: Gaussian, last: int, start: int) -> Figure:
    """Thirty starts, the best and the one shown marked, and how many summits they reach."""
    count, dead = int(starts.summit.max()) + 1, int((starts.died >= 0).sum())
    says = f"{len(starts.seeds)} starts, {count} different summit{'s'[: count != 1]}"
    says += f", {dead} collapsed" if dead else ""
    lines, best = starts.ascent[: climb.LONGEST], int(starts.best.params.seed)
    return climb.race(lines, starts.seeds.tolist(), best, _seed(starts, trace), says, last, start)


# -- the tables and the words --------------------------------------------------------------------


def table(
    trace: Gaussian, slip: Slip | None, wrong: Masks, blank: str, at: Place
) -> tuple[Table, int, Opened]:
    """Who takes how much of each point (E) and what that makes of the components (M); where there
    are many components, of the point chosen. With it the chosen line, and what a click sets."""
    n, (i, k, d) = climb.states(trace), at
    q, after = trace.responsibility[:n], gaussian.following(trace, slip)
    off = wrong.get("responsibility", np.zeros(trace.responsibility.shape, bool))[:n]
    N, K, D = q.sum(axis=1), q.shape[2], trace.X.shape[1]
    ahead = {name: climb.ahead(m)[:n] for name, m in wrong.items()}
    no = np.zeros((n, K, D), bool)

    def foot(name: str, values: np.ndarray, marks: np.ndarray, asked: bool) -> list[Cell]:
        cells = [Cell(values[:n, j], marks[:, j], asked and j == k, share=False) for j in range(K)]
        return [*(Cell("") for _ in range(min(D, 2))), Cell(name), *cells]

    means = ahead.get("means", no)
    if K > FEW:
        body = [[Cell(j + 1), Cell(q[:, i, j], off[:, i, j], blank == "responsibility" and j == k),
                 Cell(N[:, j], share=False), Cell(after.weights[:n, j], share=False)]
                for j in range(K)]  # fmt: skip
        heads = [Column("k"), Column(rf"\delta_{{{i + 1},k}}", "forward", 4), Column("N_k"),
                 Column(r"\text{next}\,\pi_k")]  # fmt: skip
        content = Table(f"Point {i + 1} of {len(trace.X):,}, and all components", heads, body)
        return content, k, [{"component": j + 1} for j in range(K)]
    most = min(len(trace.X), MOST_ROWS)
    body = [
        [Cell(j + 1), *(Cell(v) for v in trace.X[j, :2])]
        + [Cell(q[:, j, c], off[:, j, c], blank == "responsibility" and (j, c) == (i, k))
           for c in range(K)]
        for j in range(most)
    ]  # fmt: skip
    weights = ahead.get("weights", no[..., 0])
    feet = [foot("next π", after.weights, weights, blank == "weight")]
    for c in range(min(D, 2)):
        name = f"next μ{'₁₂'[c]}" if D > 1 else "next μ"
        feet.append(foot(name, after.means[..., c], means[..., c], blank == "mean" and c == d))
    heads = [Column("i"), *(Column(f"x_{c + 1}") for c in range(min(D, 2)))]
    heads += [Column(rf"\delta_{{i{c + 1}}}", COLOURS[c], 3) for c in range(K)]
    more = f", the first {most} of {len(trace.X):,}" if len(trace.X) > most else ""
    content = Table(f"Each point shared between the components{more}", heads, body, feet)
    return content, i, [{"point": j + 1} for j in range(most)]


def ends(starts: Restarts, trace: Gaussian) -> tuple[Table, int, Opened]:
    """Where the starts ended, highest first, the one shown, and what opens each."""
    order = np.lexsort((starts.seeds, starts.summit % (len(starts.seeds) + 1)))
    body = []
    for j in order:
        where = [Cell(float(starts.log_likelihood[j])), Cell(int(starts.summit[j]) + 1)]
        dead = [Cell("collapsed"), Cell(f"at {starts.died[j]}")]
        body.append([Cell(int(starts.seeds[j])), *(dead if starts.died[j] >= 0 else where)])
    heads = [Column(r"\text{seed}"), Column(r"\log L", None, 2), Column(r"\text{summit}", None, 0)]
    seeds = [int(starts.seeds[j]) for j in order]
    content = Table("Where each start ends; a click shows it", heads, body)
    empty: dict[str, Any] = dict.fromkeys(START, "")
    return (
        content,
        seeds.index(shown) if (shown := _seed(starts, trace)) in seeds else -1,
        [empty | {"seed": seed} for seed in seeds],
    )


def _seed(starts: Restarts, trace: Gaussian) -> int:
    """The seed of the run that is shown, -1 where its start was typed or is not in the race."""
    seed = trace.params.seed
    return seed if set(START) <= set(trace.drawn) and seed in starts.seeds else -1


def wrong_lines(wrong: Masks, at: Place) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step; some look one step ahead."""
    if not wrong:
        return {}
    i, k, d = at
    ahead = {name: climb.ahead(m) for name, m in wrong.items()}
    spread = ahead["covariances"][:, k, d]
    return {
        "responsibility": wrong["responsibility"][:, i, k],
        "weight": ahead["weights"][:, k],
        "mean": ahead["means"][:, k, d],
        "variance": spread[:, d],
        "covariance": spread[:, (d + 1) % spread.shape[1]],
    }


def captions(trace: Gaussian) -> list[str]:
    """What each step holds, in words, and from where it stands still why."""
    n, N, K = climb.states(trace), len(trace.X), trace.weights.shape[1]
    begin = "means on points of the data" if "means" in trace.drawn else "means as typed"
    said = f"{N:,} point{'s'[: N != 1]}, {K} component{'s'[: K != 1]}, {begin}"
    out = [f"start: {said}" if n > 1 else f"start: {said} · {trace.stop}"]
    for t in range(1, n):
        L = float(trace.log_likelihood[t])
        why = f" · {trace.stop}" if t > trace.settled or t == n - 1 else ""
        out.append(
            f"log L = {L:,.6g}".replace("-", "−")
            + f", {climb.gained(L - float(trace.log_likelihood[t - 1]))}{why}"
        )
    return out


def sheet(trace: Gaussian) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """The points as one table."""
    return (Block("X", "x", -1e6, 1e6),), {"X": trace.X.tolist()}


def given(trace: Gaussian) -> dict[str, Any]:
    """The arguments that make this run again; what was drawn is drawn again."""
    whole = {"X": trace.X, "weights": trace.weights[0], "means": trace.means[0],
             "covariances": trace.covariances[0]}  # fmt: skip
    return {name: [] if name in trace.drawn else v.tolist() for name, v in whole.items()}
