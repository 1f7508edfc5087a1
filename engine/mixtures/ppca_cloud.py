"""A cloud of points: checked at the door, its axes, its summit in closed form."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data import DataError, array

if TYPE_CHECKING:
    from engine.mixtures.ppca import Ppca

MOST_COLUMNS = 64
MOST_KEPT = 5_000_000  # numbers of m and s over all steps
LARGEST, SMALLEST = 1e9, 1e-50
STILL = 1e-12  # what moves by no more, in units of the data, stands still


class Summit(NamedTuple):
    """The most likely u and σ², how likely they are, and what they are made of.

    ``eigenvalues`` of S, the largest first, and ``axes`` (J, J), whose columns are the q_j.
    """

    direction: np.ndarray
    noise: float
    log_likelihood: float
    eigenvalues: np.ndarray
    axes: np.ndarray


def cloud(X: Any) -> np.ndarray:
    """The points (N, J), or a DataError."""
    if isinstance(X, Sequence) and not isinstance(X, str):
        lengths = {len(row) for row in X if isinstance(row, Sequence)}
        if len(X) == 0:
            raise DataError("X is empty; it needs at least one point.")
        if len(lengths) > 1:
            few, many = min(lengths), max(lengths)
            raise DataError(f"X must have equally long rows, got {few} and {many} numbers.")
    X = array("X", X, ndim=2, low=-LARGEST, high=LARGEST)
    if X.shape[1] > MOST_COLUMNS:
        raise DataError(f"X may have at most {MOST_COLUMNS} columns, got {X.shape[1]:,}.")
    if abs(X).max() < SMALLEST:
        raise DataError("X must hold a number other than 0, or there is no direction to find.")
    return X


def started(X: np.ndarray, direction: Any, seed: int) -> np.ndarray:
    """u of the start: what is given, or drawn where nothing is."""
    if direction is None or np.size(np.asarray(direction, object)) == 0:
        return drawn(X, 1, seed)[0]
    u = array("direction", direction, low=-LARGEST, high=LARGEST)
    if len(u) != X.shape[1]:
        raise DataError(
            f"direction must have as many numbers as X has columns, got {len(u)} for {X.shape[1]}."
        )
    return u


def drawn(X: np.ndarray, count: int, seed: int) -> np.ndarray:
    """``count`` random starts (count, J), equally likely to point anywhere, as long as the root
    mean square of the data; the first one is what ``run`` draws."""
    g = np.random.default_rng(seed).normal(size=(count, X.shape[1]))
    return g / np.linalg.norm(g, axis=1, keepdims=True) * np.sqrt((X * X).mean())


def axes(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of S = X'X / N, the largest first, and its eigenvectors as columns."""
    values, along = np.linalg.eigh(X.T @ X / len(X))
    return np.maximum(values[::-1], 0), np.ascontiguousarray(along[:, ::-1])


def closed_form(X: Any, noise: float | None = None) -> Summit:
    """Equation (12), or (11) where ``noise`` is fixed; u has its largest entry positive.

    With one column only u² + σ² is determined, and each gets half. Points on a line through 0
    have σ² = 0 and no finite likelihood.
    """
    X = cloud(X)
    (N, J), (values, along) = X.shape, axes(X)
    if noise is None:
        noise = float(values[1:].mean()) if J > 1 else 0.5 * float(values[0])
        if noise < 1e-12 * values[0]:
            noise = 0.0
    length = np.sqrt(max(float(values[0]) - noise, 0.0))
    q = along[:, 0] * np.sign(along[abs(along[:, 0]).argmax(), 0])
    if noise == 0:
        return Summit(length * q, 0.0, np.inf, values, along)
    c = max(float(values[0]), noise)
    logs = J * np.log(2 * np.pi) + np.log(c) + (J - 1) * np.log(noise)
    trace = values[0] / c + values[1:].sum() / noise
    return Summit(length * q, noise, float(-N / 2 * (logs + trace)), values, along)


def power_iteration(X: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """S^t u0 as unit vectors (steps + 1, J), by products with X and its transpose alone."""
    out = np.zeros((steps + 1, len(start)))
    v = start
    for t in range(steps + 1):
        size = np.linalg.norm(v)
        if size == 0:
            break
        out[t] = v / size
        v = X.T @ (X @ out[t])
    return out


def longest(values: np.ndarray) -> int:
    """How many axes share the largest eigenvalue: one as a rule, all in a round cloud."""
    return int((values >= values[0] * (1 - 1e-9)).sum())


def angles(trace: "Ppca", vectors: np.ndarray) -> np.ndarray:
    """The angle of each row to the line of q_1 in degrees; NaN for a row of zeros."""
    values, along = axes(trace.X)
    v, top = vectors @ along, longest(values)
    to, beside = (np.linalg.norm(part, axis=1) for part in (v[:, :top], v[:, top:]))
    return np.where(v.any(axis=1), np.degrees(np.arctan2(beside, to)), np.nan)


def seen(X: np.ndarray) -> np.ndarray:
    """The plane (2, J) on which a cloud is drawn, the same at all steps of a run.

    Three columns are looked at from a little above, from the side where the shadow is largest;
    more columns along the two longest axes.
    """
    J = X.shape[1]
    if J < 3:
        return np.eye(2)[:, :J]
    if J > 3:
        return axes(X)[1][:, :2].T.copy()
    low, S = np.radians(22), X.T @ X

    def camera(side: float) -> np.ndarray:
        right = [-np.sin(side), np.cos(side), 0]
        up = [-np.sin(low) * np.cos(side), -np.sin(low) * np.sin(side), np.cos(low)]
        return np.array([right, up])

    sides = np.radians(np.arange(15, 360, 30))
    return max((camera(side) for side in sides), key=lambda P: np.linalg.det(P @ S @ P.T))
