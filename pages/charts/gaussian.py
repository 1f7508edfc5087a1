"""A mixture of Gaussians: the bound, the climb, the race, the tables and the words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.mixtures import gaussian
from engine.mixtures.gaussian import Gaussian, Restarts, Slice
from engine.slips import Slip
from pages.charts import climb
from pages.charts.climb import Figure
from pages.charts.theme import COLOURS
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
Opened = list[dict[str, Any]]  # what a click on each line of a table sets
Place = tuple[int, int, int]  # point, component, column
MOST_ROWS, FEW = 100, 4
START = ("weights", "means", "covariances")
TOLD = ("weights", "means", "log_likelihood")


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
