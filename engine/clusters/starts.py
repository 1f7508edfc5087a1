"""Where the centres start: evenly spread, drawn far apart, or drawn like the points."""

import numpy as np

from engine.data import DataError


def draw(x: np.ndarray, w: np.ndarray, k: int, start: str, norm: str, seed: int) -> np.ndarray:
    """``k`` starting centres for points ``x`` (N, D) with weights ``w``."""
    if start == "spread":
        return spread(x.min(axis=0), x.max(axis=0), k)
    some = int((w > 0).sum())
    if k > some:
        raise DataError(f"{k} centres cannot start at different points: there are only {some}.")
    rng = np.random.default_rng(seed)
    if start == "random":
        return x[rng.choice(len(x), k, replace=False, p=w / w.sum())]
    return plusplus(x, w, k, norm, rng)


def spread(low: np.ndarray, high: np.ndarray, k: int) -> np.ndarray:
    """Evenly from the lowest corner to the highest; one centre alone stands in the middle.

    >>> spread(np.array([0.0]), np.array([255.0]), 4).ravel()
    array([  0.,  85., 170., 255.])
    """
    return np.linspace(low, high, k) if k > 1 else (low + high)[None] / 2


def plusplus(
    x: np.ndarray, w: np.ndarray, k: int, norm: str, rng: np.random.Generator
) -> np.ndarray:
    """k-means++: each next centre is a point, drawn by weight times distance to those before."""
    chosen = np.empty(k, int)
    open_ = w > 0
    chance = w.astype(float)
    least = np.full(len(x), np.inf)
    for j in range(k):
        if not chance.any():  # only copies of chosen points are left
            chance = np.where(open_, w, 0.0)
        heap = np.cumsum(chance)
        n = int(np.searchsorted(heap, rng.random() * heap[-1], side="right"))
        n = min(n, int(np.flatnonzero(chance)[-1]))
        chosen[j], open_[n] = n, False
        gaps = x - x[n]
        gaps = np.abs(gaps) if norm == "l1" else gaps * gaps
        least = np.minimum(least, gaps.sum(axis=1))
        chance = np.where(open_, w * least, 0.0)
    return x[chosen]
