"""A mixture of Bernoullis: means as pictures, the bound along each step, the race of the starts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.mixtures import bernoulli
from engine.mixtures.bernoulli import Bernoullis, Restarts, Slice
from engine.slips import Slip
from pages.charts import climb
from pages.charts.climb import Figure
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table
from pages.ui.tiles import Tile, Tiles
from pages.ui.typed import spelled

Masks = Mapping[str, np.ndarray]
Place = tuple[int, int, int]  # row, component, column
MOST_ROWS, FEW, NAME = 40, 4, "log P(D)"
WIDE, SIZE = 1000.0, 40.0
MEANS, EXAMPLES = 470.0, 290.0  # how high each half of the figure is
MEAN, EXAMPLE, MATRIX, SHARES = range(4)  # what a click meets
TOLD = ("weights", "log_likelihood")  # what a notebook compares
Opened = list[dict[str, Any]]  # what a click on each row of a table sets


# -- the means and the data ----------------------------------------------------------------------


def side_of(trace: Bernoullis) -> int:
    """Pixels a side where rows are pictures, 0 where they are just rows."""
    side = round(trace.X.shape[1] ** 0.5)
    return side if side > 2 and side * side == trace.X.shape[1] else 0


def components(trace: Bernoullis, wrong: Masks, at: Place, blank: str) -> Tiles:
    """The means at each step, and rows of the data with the component that takes most of them."""
    tiles = _pictures(trace, wrong, at) if side_of(trace) else _matrices(trace, wrong, at, blank)
    high = max(tile.y + tile.high + (1.2 * SIZE if tile.note else 0.3 * SIZE) for tile in tiles)
    return Tiles("Means of the components, and rows of the data", WIDE, high, tiles, SIZE, False)


def _pictures(trace: Bernoullis, wrong: Masks, at: Place) -> list[Tile]:
    n, side, (row, k, d) = climb.states(trace), side_of(trace), at
    means = trace.means[:n].reshape(n, -1, side, side).round(3)
    off = wrong["means"][:n].reshape(means.shape) if wrong else None
    tiles = []
    for j, (x, y, edge) in enumerate(_grid(means.shape[1], MEANS, 1.5 * SIZE)):
        tiles.append(
            Tile(
                "", f"mean of component {j + 1}", means[:, j], x, y + 0.3 * SIZE, edge, edge, 0,
                1.0, MEAN, j, divmod(d, side) if j == k else None,
                off[:, j] if off is not None else (), (), edge / side > 2.2 * SIZE, True,
                [f"{j + 1} · {100 * w:.0f} %" for w in trace.weights[:n, j]], j == k,
            )
        )  # fmt: skip
    likeliest = trace.responsibility[:n].argmax(-1) + 1
    for i, (x, y, edge) in enumerate(_grid(min(len(trace.X), 16), EXAMPLES, 1.3 * SIZE, 8)):
        picture = trace.X[i].reshape(side, side)
        tiles.append(
            Tile(
                "", f"row {i + 1}", picture, x, MEANS + 0.6 * SIZE + y, edge, edge, 0, 1.0,
                EXAMPLE, i, ink=True, framed=i == row,
                note=[f"→ {c}" for c in np.broadcast_to(likeliest[:, i], n)],
            )
        )  # fmt: skip
    return tiles


def _grid(
    count: int, room: float, words: float, least: int = 1
) -> list[tuple[float, float, float]]:
    """Places of ``count`` squares as large as fit: (x, y, edge), with ``words`` above and below."""
    best, across = 0.0, 1
    for columns in range(min(least, count), count + 1):
        edge = min(0.84 * WIDE / columns, room / -(-count // columns) - words)
        if edge > best:
            best, across = edge, columns
    best = max(best, 20.0)
    pitch = WIDE / across
    return [
        ((i % across + 0.5) * pitch - best / 2, (i // across) * (best + words), best)
        for i in range(count)
    ]


def _matrices(trace: Bernoullis, wrong: Masks, at: Place, blank: str) -> list[Tile]:
    """X, the responsibilities beside it, and below both what the M-step makes of them."""
    n, (row, k, d) = climb.states(trace), at
    N, D = trace.X.shape
    K, shown = trace.weights.shape[1], min(N, MOST_ROWS)
    wide = min(150.0, 0.86 * WIDE / (D + K))
    high = min(84.0, 460.0 / shown)
    right = D * wide + 0.14 * WIDE
    top, numbers = 1.5 * SIZE, wide > 1.6 * SIZE and high > 0.7 * SIZE
    off = {name: mask[:n] for name, mask in wrong.items()}
    shares = trace.responsibility[:n, :shown]
    hidden = [(row, j) for j in range(K)] if blank == "responsibility" else []
    tiles = [
        Tile("X", "the rows; a click turns a bit over", trace.X[:shown], 0, top, D * wide,
             shown * high, 0, 1.0, MATRIX, None, None, (), (), numbers, True),
        Tile("η", "responsibilities of each component for each row", shares, right, top, K * wide,
             shown * high, 0, 1.0, SHARES, None, (row, k),
             off["responsibility"][:, :shown] if off else (), hidden, numbers),
    ]  # fmt: skip
    below = top + shown * high + 1.7 * SIZE
    line = min(84.0, 420.0 / K - 0.2 * SIZE)
    for j in range(K):
        name = f"p_{j + 1}" if K <= FEW else ""
        y = below + j * (line + (1.3 if name else 0.2) * SIZE)
        tiles.append(
            Tile(
                name, f"mean of component {j + 1}", trace.means[:n, j, None], 0, y, D * wide, line,
                0, 1.0, MEAN, j, (0, d) if j == k else None,
                off["means"][:, j, None] if off else (),
                [(0, d)] if blank == "mean" and j == k else (), numbers and line > 0.7 * SIZE, True,
            )
        )  # fmt: skip
    tiles.append(
        Tile("π", "weights of the components", trace.weights[:n, None], right, below, K * wide,
             line, 0, 1.0, None, None, None, off["weights"][:, None] if off else (), (), numbers)
    )  # fmt: skip
    return tiles


def meant(trace: Bernoullis, pick: Mapping[str, int]) -> dict[str, Any]:
    """What a click says: a component and a column, a row, a bit to turn over, or a share."""
    kind, row, col = pick["layer"] - 1, pick["row"], pick["col"]
    if kind == MEAN:
        return {"component": col, "column": row}
    if kind == EXAMPLE:
        return {"row": col}
    if kind == SHARES:
        return {"row": row, "component": col}
    bits = trace.X.astype(int)
    bits[row - 1, col - 1] ^= 1
    return {"row": row, "column": col, "X": spelled(bits.tolist())}


# -- the bound and the climb ---------------------------------------------------------------------


def tangent(cut: Slice, start: int) -> Figure:
    """From here to the next step."""
    touches = bool((abs(cut.bound[cut.place == 0]) < 1e-6).all())
    said = "The dashed bound touches here" if touches else "With the slip the bound does not touch"
    return climb.touch(cut, said, start)


def ascent(trace: Bernoullis, ghost: Bernoullis | None, start: int) -> Figure:
    """The climb."""
    said = "With the slip, and dashed without" if ghost else "The log-likelihood never falls"
    return climb.ascent(trace, ghost, said, start, NAME, zoomed=True)


def race(starts: Restarts, seed: int, last: int, start: int) -> Figure:
    """The log-likelihood of each start by step."""
    best = int(starts.seeds[np.nanargmax(starts.log_likelihood)])
    ends = int(starts.summit.max()) + 1
    said = f"{len(starts.seeds)} starts, {ends} different end{'s'[: ends != 1]}"
    lines = starts.ascent[: last + 1]
    return climb.race(lines, starts.seeds.tolist(), best, seed, said, last, start, NAME)


# -- the tables and the words --------------------------------------------------------------------


def small(trace: Bernoullis) -> bool:
    """Few enough components for a column each, and rows for a line each."""
    return trace.weights.shape[1] <= FEW and len(trace.X) <= MOST_ROWS


def table(
    shown: Bernoullis, slip: Slip | None, wrong: Masks, blank: str, at: Place
) -> tuple[Table, int, Opened]:
    """Who takes how much of each row (E) and what that makes of the weights (M); where there are
    many, of the row chosen. With it the chosen line, and what a click on each line sets."""
    n, (row, k, _) = climb.states(shown), at
    q, weights = shown.responsibility[:n], bernoulli.following(shown, slip)[0][:n]
    marks = {name: mask[:n] for name, mask in wrong.items()}
    off = marks.get("responsibility", np.zeros(q.shape, bool))
    ahead = climb.ahead(marks["weights"]) if wrong else np.zeros(weights.shape, bool)
    N, hidden = q.sum(1), blank == "responsibility"
    if not small(shown):
        body = [
            [
                Cell(j + 1),
                Cell(q[:, row, j], off[:, row, j], hidden),
                Cell(N[:, j], share=False),
                Cell(weights[:, j], ahead[:, j], blank == "weight" and j == k),
            ]
            for j in range(shown.weights.shape[1])
        ]
        heads = [Column("k"), Column(rf"\eta_{{{row + 1},k}}", "forward", 4), Column("N_k"),
                 Column(r"\text{next}\,\pi_k", "backward", 4)]  # fmt: skip
        content = Table(f"Row {row + 1} of {len(shown.X):,}, and all components", heads, body)
        return content, k, [{"component": j + 1} for j in range(len(body))]
    K = range(shown.weights.shape[1])
    body = [
        [Cell(i + 1), Cell("".join(str(int(b)) for b in shown.X[i]))]
        + [Cell(q[:, i, j], off[:, i, j], hidden and i == row) for j in K]
        for i in range(len(shown.X))
    ]
    foot = [
        [Cell(""), Cell("N"), *(Cell(N[:, j], share=False) for j in K)],
        [Cell(""), Cell("next π")]
        + [Cell(weights[:, j], ahead[:, j], blank == "weight", share=False) for j in K],
    ]  # fmt: skip
    colours = ("forward", "backward")
    heads = [Column("i"), Column("x")]
    heads += [Column(rf"\eta_{{i,{j + 1}}}", colours[j % 2], 4) for j in K]
    content = Table("Each row shared between the components", heads, body, foot)
    return content, row, [{"row": i + 1} for i in range(len(body))]


def ends(starts: Restarts, seed: int) -> tuple[Table, int, Opened]:
    """Where the starts ended, highest first, the one shown, and what opens each."""
    order = np.argsort(-starts.log_likelihood, kind="stable")
    top = starts.log_likelihood[order[0]]
    body = [
        [
            Cell(int(starts.seeds[j])),
            Cell(float(starts.log_likelihood[j])),
            Cell(float(starts.log_likelihood[j] - top) if starts.summit[j] else 0.0),
            Cell(int(starts.summit[j]) + 1),
        ]
        for j in order
    ]
    heads = [Column(r"\text{seed}"), Column(r"\log P(D)"), Column(r"\text{to the best}"),
             Column(r"\text{end}")]  # fmt: skip
    seeds = [int(starts.seeds[j]) for j in order]
    content = Table("Where each start ends; a click shows its run", heads, body)
    shown = seeds.index(seed) if seed in seeds else -1
    return content, shown, [{"weights": "", "means": "", "seed": s} for s in seeds]


def wrong_lines(wrong: Masks, at: Place) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step; some look one step ahead."""
    if not wrong:
        return {}
    i, k, d = at
    means, weights = climb.ahead(wrong["means"]), climb.ahead(wrong["weights"])
    return {
        "responsibility": wrong["responsibility"][:, i, k],
        "mean": means[:, k, d],
        "weight": weights[:, k],
    }


def captions(trace: Bernoullis) -> list[str]:
    """What each step holds, in words, and from where it stands still why."""
    n, (N, D), K = climb.states(trace), trace.X.shape, trace.weights.shape[1]
    begin = "means drawn as noise" if "means" in trace.drawn else "means as typed"
    said = f"{N:,} row{'s'[: N != 1]} of {D}, {K} component{'s'[: K != 1]}"
    out = [f"start: {said}, {begin}"]
    for t in range(1, n):
        L = float(trace.log_likelihood[t])
        gain = L - float(trace.log_likelihood[t - 1])
        why = f" · {trace.stop}" if t > trace.settled or t == n - 1 else ""
        value = f"{L:,.6g}".replace("-", "−")
        out.append(f"log P(D) = {value}, {climb.gained(gain)}{why}")
    return out


def sheet(trace: Bernoullis) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """The rows as one table."""
    return (Block("X", "x", 0, 1),), {"X": trace.X.tolist()}


def given(trace: Bernoullis) -> dict[str, Any]:
    """The arguments that make this run again; what was drawn is drawn again."""
    whole = trace.X.astype(int).tolist(), trace.weights[0].tolist(), trace.means[0].tolist()
    names = ("X", "weights", "means")
    return {n: [] if n in trace.drawn else v for n, v in zip(names, whole, strict=True)}
