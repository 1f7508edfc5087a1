"""The whole problem on a few points: every partition is tried, for both norms.

The tags are those of ``engine.clusters.centres``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from engine.clusters.centres_walk import medians
from engine.trace import Stop, Trace, along_steps

if TYPE_CHECKING:
    from engine.clusters.centres import Params

MOST_STATES = 150


class SearchStop(Stop):
    """A search ends when nothing is left to try."""

    ALL = "All partitions were tried, so this is the global optimum."


@dataclass(frozen=True, eq=False)
class Search(Trace):
    """The best partitions after ``tried`` of all, axis 1: squares with means, absolute values with
    medians.

    ``costs`` is the objective (13) of every partition in turn, ``partitions`` its labels; ``parts``
    says how ``best`` is made up of its clusters. A norm without any centre has label -1 and NaN.
    """

    params: "Params"
    points: Float[np.ndarray, "points coordinates"]
    partitions: Int[np.ndarray, "partitions points"]
    costs: Float[np.ndarray, "partitions 2"]
    stop: Stop
    tried: Int[np.ndarray, " states"] = along_steps()
    best: Float[np.ndarray, "states 2"] = along_steps()
    labels: Int[np.ndarray, "states 2 points"] = along_steps()
    centres: Float[np.ndarray, "states 2 clusters coordinates"] = along_steps()
    parts: Float[np.ndarray, "states 2 clusters"] = along_steps()


def search(points: np.ndarray, params: "Params", slip: str = "") -> Search:
    """Every partition of the points into ``params.clusters`` groups, none of them empty."""
    N, k = len(points), params.clusters
    partitions = groupings(N, k)[::-1]  # so that the last point is alone last of all
    centres, price = _groups(points, slip)
    groups = members(partitions, k)
    costs = price[groups].sum(axis=1)  # (13), (partitions, 2)
    comparable = np.where(np.isnan(costs), np.inf, costs)
    lowest = np.minimum.accumulate(comparable, axis=0)
    improves = np.vstack([np.full((1, 2), True), lowest[1:] < lowest[:-1]])
    order = np.arange(len(costs))[:, None]
    first = np.maximum.accumulate(np.where(improves, order, 0), axis=0)
    states = min(len(costs), MOST_STATES)
    tried = np.linspace(1, len(costs), states).round().astype(int)
    chosen = first[tried - 1]  # (states, 2): which partition leads
    norm = np.arange(2)
    best = costs[chosen, norm]
    none = np.isnan(best)
    return Search(
        params, points, partitions, costs, SearchStop.ALL, tried, best,
        np.where(none[..., None], -1, partitions[chosen]),
        np.where(none[..., None, None], np.nan, centres[groups[chosen], norm[:, None]]),
        np.where(none[..., None], np.nan, price[groups[chosen], norm[:, None]]),
    )  # fmt: skip


def groupings(N: int, k: int) -> np.ndarray:
    """All ways to put N points into k groups: a new group's label is one more than any before it.

    >>> groupings(3, 2).tolist()
    [[0, 0, 1], [0, 1, 0], [0, 1, 1]]
    """
    grown: list[list[int]] = [[0]]
    for _ in range(N - 1):
        grown = [[*p, c] for p in grown for c in range(min(max(p) + 2, k))]
    return np.array([p for p in grown if max(p) == k - 1])


def members(labels: np.ndarray, k: int) -> np.ndarray:
    """Each group of each labelling as a number whose bit n says whether point n is in it."""
    bits = 1 << np.arange(labels.shape[1])
    return np.stack([(labels == c) @ bits for c in range(k)], axis=1)


def _groups(points: np.ndarray, slip: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and median of every group of points, (2^N, 2, D), and what each costs, (2^N, 2)."""
    N, D = points.shape
    centres, price = np.full((2**N, 2, D), np.nan), np.zeros((2**N, 2))
    for group in range(1, 2**N):
        own = points[(group >> np.arange(N)) & 1 == 1]
        mean = own.mean(axis=0)
        median = np.array([medians(column, slip).mean() for column in own.T])
        centres[group] = mean, median
        price[group] = ((own - mean) ** 2).sum(), np.abs(own - median).sum()
    return centres, price
