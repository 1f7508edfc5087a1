"""Sets of coin tosses: checked at the door, collapsed to the distinct ones."""

import math
from typing import Any, NamedTuple

import numpy as np

from engine.data import DataError, array, same_length

MOST_TOSSES = 1_000_000
STILL = 1e-12  # what moves by no more stands still
ALMOST_NOTHING = 1e-300  # stands for a chance of 0 under a logarithm


def sets(heads: Any, tosses: Any) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tosses of each set, both (N,), or a DataError. One number stands for all sets."""
    x = array("heads", heads, low=0, high=MOST_TOSSES, whole=True)
    one = np.ndim(tosses) == 0
    n = array("tosses", [tosses] if one else tosses, low=1, high=MOST_TOSSES, whole=True)
    if one:
        n = np.full(len(x), n[0])
    same_length(heads=x, tosses=n)
    if (x > n).any():
        i = int(np.argmax(x > n))
        raise DataError(f"heads must be at most tosses, got {x[i]:g} of {n[i]:g} at place {i + 1}.")
    return x, n


class Distinct(NamedTuple):
    """The distinct sets and how often each occurs; what EM does to a set depends on these only."""

    heads: np.ndarray
    tosses: np.ndarray
    times: np.ndarray


def distinct(x: np.ndarray, n: np.ndarray) -> Distinct:
    """(N,) sets as at most N distinct ones.

    >>> distinct(np.array([5.0, 9, 5]), np.array([10.0, 10, 10])).times
    array([2., 1.])
    """
    keys, times = np.unique(n * (MOST_TOSSES + 1) + x, return_counts=True)  # whole, below 2^53
    tosses, heads = np.divmod(keys, MOST_TOSSES + 1)
    return Distinct(heads, tosses, times.astype(float))


def log_binomial(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """log of (n over x), elementwise."""
    pairs = zip(x.tolist(), n.tolist(), strict=True)
    return np.array([_lgamma(n) - _lgamma(x) - _lgamma(n - x) for x, n in pairs])


def _lgamma(k: float) -> float:
    return math.lgamma(k + 1)
