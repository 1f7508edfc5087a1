"""Elementary functions that stay finite."""

from typing import Any

import numpy as np


def sigmoid(u: np.ndarray | float) -> Any:
    """1 / (1 + e^-u) without overflow: only exponentials of negative numbers are taken.

    >>> float(sigmoid(-800.0)), float(sigmoid(0.0))
    (0.0, 0.5)
    """
    e = np.exp(-np.abs(u))
    return np.where(np.asarray(u) >= 0, 1.0, e) / (1.0 + e)


def sigmoid_slope(u: float) -> float:
    """sigma'(u) written with u only, e^-u / (1 + e^-u)^2: NaN where e^-u overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(-np.float64(u))
        return float(e / (1.0 + e) ** 2)


def xlogy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x log y, and 0 where x = 0, also at y = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, 0.0, x * np.log(y))
