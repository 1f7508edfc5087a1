r"""The best clusters there are, for numbers on a line.

On a line the clusters of an optimum are intervals of the sorted values, so it is enough to ask
where the last one begins. With $c(m, i)$ the distortion of the values $m, \dots, i$ about their own
mean, the least distortion of the values up to $i$ with $j$ centres is

$$E_j(i) = \min_{m \le i} \left( E_{j-1}(m - 1) + c(m, i) \right), \qquad E_1(i) = c(0, i) \tag{1}$$

One table answers for every number of centres up to $k$. Lloyd's algorithm can end above it.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.data import DataError, array, same_length

MOST_VALUES = 2000  # different ones: the table of c has their square


@dataclass(frozen=True, eq=False)
class Optimum:
    """The global optimum: ``centres`` rising, fewer than k where there are fewer values.

    ``by_count[j - 1]`` is the least distortion with j centres.
    """

    centres: Float[np.ndarray, " centres"]
    distortion: float
    by_count: Float[np.ndarray, " k"]


def one_dimensional(values: Any, k: int, weights: Any = None) -> Optimum:
    """The least distortion of numbers (N,) about k centres, by dynamic programming.

    >>> one_dimensional([1, 2, 9, 10, 30], 3).centres
    array([ 1.5,  9.5, 30. ])
    """
    x = array("values", values, most=20_000_000)
    w = np.ones(len(x)) if weights is None else array("weights", weights, low=0, most=20_000_000)
    same_length(values=x, weights=w)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= 256:
        raise DataError(f"k must be a whole number in [1, 256], got {str(k)[:40]}.")
    x, place = np.unique(x[w > 0], return_inverse=True)
    w = np.bincount(place, w[w > 0])
    if not 1 <= len(x) <= MOST_VALUES:
        raise DataError(
            f"values must hold 1 to {MOST_VALUES:,} different numbers of weight above 0, "
            f"got {len(x):,}."
        )
    last, by_count = _table(_costs(x, w), min(k, len(x)))
    edges = _edges(last, len(x))
    parts = [(x[a:b], w[a:b]) for a, b in itertools.pairwise(edges)]
    centres = np.array([v @ u / u.sum() for v, u in parts])
    spread = (u @ (v - c) ** 2 for (v, u), c in zip(parts, centres, strict=True))
    return Optimum(centres, float(sum(spread)), np.pad(by_count, (0, k - len(by_count))))


def _costs(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """c(m, i) of (1) for all intervals, infinite where m > i."""
    x = x - w @ x / w.sum()  # differences of large sums lose less about the middle
    W, S, Q = (np.concatenate([[0.0], np.cumsum(w * x**p)]) for p in (0, 1, 2))
    weight, total, squares = (A[None, 1:] - A[:-1, None] for A in (W, S, Q))
    inside = np.tri(len(x), dtype=bool).T
    weight = np.where(inside, weight, 1.0)
    return np.where(inside, np.maximum(squares - total * total / weight, 0.0), np.inf)


def _table(costs: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Equation (1): where the last cluster begins, (k, N), and the least distortion of all values.

    Transposed, so that the minimum runs along memory.
    """
    costs = np.ascontiguousarray(costs.T)
    n = len(costs)
    least = costs[:, 0].copy()
    last, by_count = np.zeros((k, n), int), [least[-1]]
    for j in range(1, k):
        before = np.concatenate([[np.inf], least[:-1]])
        total = costs + before
        last[j] = total.argmin(axis=1)
        least = total[np.arange(n), last[j]]
        least = np.where(np.isfinite(least), least, np.inf)
        by_count.append(least[-1])
    return last, np.array(by_count)


def _edges(last: np.ndarray, n: int) -> list[int]:
    edges = [n]
    for row in last[::-1]:
        edges.append(int(row[edges[-1] - 1]))
    return edges[::-1]
