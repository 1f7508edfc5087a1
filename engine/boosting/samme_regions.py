"""Where the whole vote says what: the plane cut along all thresholds, or along a grid."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.boosting.samme_trees import NONE, Tree, votes_of

if TYPE_CHECKING:
    from engine.boosting.samme import Samme

MOST_CELLS = 1_500
GRID = 36


class Regions(NamedTuple):
    """Edges of the cells along both axes, and who wins each cell after every round, (T + 1, a, b);
    ``exact`` if no border runs through a cell. Before the first vote nobody wins: -1."""

    x: np.ndarray
    y: np.ndarray
    winner: np.ndarray
    exact: bool


class Cut(NamedTuple):
    """One cut of round ``round`` (from 1) as a line, and the classes on its lower and upper side
    where both are leaves, else -1."""

    round: int
    feature: int
    threshold: float
    low: float
    high: float
    below: int
    above: int


def bounds(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Well outside of all points, along both axes."""
    low, high = X.min(axis=0), X.max(axis=0)
    reach = np.maximum(high - low, 1e-9 * np.maximum(1, abs(high)))
    return low - 4 * reach, high + 4 * reach


def regions(trace: "Samme", rounds: int) -> Regions | None:
    """The winners over the plane up to ``rounds``; nothing for more than two columns."""
    D = trace.X.shape[1]
    if not 1 <= D <= 2 or len(trace.labels) < 2:
        return None
    low, high = bounds(trace.X)
    edges = [_edges(trace, d, rounds, low[d], high[d]) for d in range(D)]
    edges += [np.array([0.0, 1.0])] * (2 - D)
    exact = (len(edges[0]) - 1) * (len(edges[1]) - 1) <= MOST_CELLS
    if not exact:
        fine = [_grid(trace.X[:, d], low[d], high[d]) for d in range(D)]
        edges = fine + edges[D:]
    centres = [0.5 * (e[1:] + e[:-1]) for e in edges]
    plane = np.stack([c.ravel() for c in np.meshgrid(*centres, indexing="ij")], axis=1)[:, :D]
    g, rows = np.zeros((len(plane), len(trace.labels))), np.arange(len(plane))
    winner = np.full((rounds + 1, len(plane)), -1)
    for t in range(rounds):
        tree = Tree(trace.feature[t], trace.threshold[t], trace.leaf[t])
        g[rows, votes_of(tree, plane)] += trace.alpha[t]
        winner[t + 1] = g.argmax(axis=1)
    shape = (rounds + 1, len(centres[0]), len(centres[1]))
    return Regions(edges[0], edges[1], winner.reshape(shape), exact)


def _edges(trace: "Samme", d: int, rounds: int, low: float, high: float) -> np.ndarray:
    used = trace.threshold[:rounds][trace.feature[:rounds] == d]
    return np.unique(np.concatenate([[low], used, [high]]))


def _grid(column: np.ndarray, low: float, high: float) -> np.ndarray:
    """Even cells over the points and a little more, and one wide cell on either side."""
    margin = 0.15 * np.ptp(column)
    inner = np.linspace(column.min() - margin, column.max() + margin, GRID + 1)
    return np.concatenate([[low], inner, [high]])


def cuts(trace: "Samme", rounds: int) -> list[Cut]:
    """All cuts along the first two columns, each as long as its branch reaches."""
    if trace.X.shape[1] == 0:
        return []
    low, high = bounds(trace.X)
    found: list[Cut] = []
    for t in range(rounds):
        tree = Tree(trace.feature[t], trace.threshold[t], trace.leaf[t])
        _cuts(found, tree, t + 1, 0, low.copy(), high.copy())
    return found


def _cuts(found: list[Cut], tree: Tree, t: int, node: int, low: np.ndarray, high: np.ndarray):
    inner = len(tree.feature)
    if node >= inner:
        return
    d, at = int(tree.feature[node]), float(tree.threshold[node])
    left, right = 2 * node + 1, 2 * node + 2
    if d == NONE:
        _cuts(found, tree, t, left, low, high)
        return
    if d < 2:
        across = 1 - d
        ends = (float(low[across]), float(high[across])) if across < len(low) else (0.0, 1.0)
        sides = tree.leaf[[left - inner, right - inner]].tolist() if left >= inner else [-1, -1]
        found.append(Cut(t, d, at, *ends, *sides))
    below, above = high.copy(), low.copy()
    below[d], above[d] = at, at
    _cuts(found, tree, t, left, low, below)
    _cuts(found, tree, t, right, above, high)
