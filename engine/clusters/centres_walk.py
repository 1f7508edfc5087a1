"""One coordinate of one cluster: a candidate centre goes along the line of its points.

The tags are those of ``engine.clusters.centres``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from engine.trace import Stop, Trace, along_steps

if TYPE_CHECKING:
    from engine.clusters.centres import Params

MARGIN = 0.12  # of the line's width, left and right of the points


class WalkStop(Stop):
    """Why a candidate ends where it does."""

    ACROSS = "The candidate has crossed the whole line."
    BOTH = "Both candidates stand still: each has reached its centre."
    ONLY_MEDIAN = "The absolute values stand still; the squares still creep towards the mean."
    ONLY_MEAN = "The squares stand still; the absolute values still hop around the median."
    MOVING = "All steps were taken and both candidates still move."


@dataclass(frozen=True, eq=False)
class Walk(Trace):
    """The candidates at every step, column 0 for the squares and 1 for the absolute values.

    ``counts`` are the points left of, at and right of the second one; ``interval`` is the
    subdifferential (9) there, ``optimal`` whether 0 lies in it. ``median`` holds both ends of the
    interval of medians; ``crossed`` is D_2 and D_1 (rows) at the mean and at the middle median.
    """

    params: "Params"
    points: Float[np.ndarray, "points coordinates"]
    x: Float[np.ndarray, " points"]
    mean: float
    median: Float[np.ndarray, "2"]
    crossed: Float[np.ndarray, "2 2"]
    stop: Stop
    mu: Float[np.ndarray, "states 2"] = along_steps()
    value: Float[np.ndarray, "states 2"] = along_steps()
    gradient: Float[np.ndarray, " states"] = along_steps()
    interval: Float[np.ndarray, "states 2"] = along_steps()
    counts: Float[np.ndarray, "states 3"] = along_steps()
    optimal: Bool[np.ndarray, " states"] = along_steps()


def squares(x: np.ndarray, mu: np.ndarray, slip: str = "") -> tuple[np.ndarray, np.ndarray]:
    """D_2 and its gradient (3) at each of ``mu``."""
    gap = x - mu[:, None]
    return (gap**2).sum(axis=1), (2 if slip == "sign" else -2) * gap.sum(axis=1)  # (3)


def absolutes(
    x: np.ndarray, mu: np.ndarray, slip: str = ""
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D_1 (8), the subdifferential (9) and the counts left, at, right for each of ``mu``."""
    gap = x - mu[:, None]
    left, at, right = ((gap < 0).sum(axis=1), (gap == 0).sum(axis=1), (gap > 0).sum(axis=1))
    counts = np.stack([left, at, right], axis=1).astype(float)
    if slip == "identity":
        return gap.sum(axis=1), np.full((len(mu), 2), -float(len(x))), counts
    value = np.where(gap > 0, gap, -gap).sum(axis=1)  # (8)
    interval = np.stack([left - right - at, left - right + at], axis=1).astype(float)  # (9)
    if slip == "l1-sign":
        interval = np.stack([right - left - at] * 2, axis=1).astype(float)
    return value, interval, counts


def medians(x: np.ndarray, slip: str = "") -> np.ndarray:
    """Both ends of the interval of medians (11); NaN where a slip leaves no solution."""
    N, ordered = len(x), np.sort(x)
    low, high = ordered[(N - 1) // 2], ordered[N // 2]
    none = slip == "identity" or (slip == "condition" and (N % 2 == 1 or low == high))
    return np.array([np.nan, np.nan] if none else [low, high])


def walk(points: np.ndarray, params: "Params", slip: str = "") -> Walk:
    """All steps along coordinate ``params.axis``; ``slip`` names the mistake to make."""
    x = points[:, params.axis - 1].copy()
    mean = float(x.mean())  # (5)
    mu = _across(x, mean, params) if params.walk == "across" else _downhill(x, params, slip)
    value_2, gradient = squares(x, mu[:, 0], slip)
    value_1, interval, counts = absolutes(x, mu[:, 1], slip)
    optimal = (interval[:, 0] <= 0) & (interval[:, 1] >= 0)  # (10)
    if slip == "condition":
        optimal = counts[:, 2] == counts[:, 0] + counts[:, 1]
    value = np.stack([value_2, value_1], axis=1)
    median, stop = medians(x, slip), _why(mu, params)
    centres = np.array([mean, median.mean()])
    crossed = np.stack([squares(x, centres, slip)[0], absolutes(x, centres, slip)[0]])
    return Walk(
        params, points, x, mean, median, crossed, stop, mu, value, gradient, interval, counts,
        optimal,
    )  # fmt: skip


def span(x: np.ndarray, params: "Params") -> tuple[float, float]:
    """The part of the line that is walked and drawn."""
    ends = [*x.tolist(), params.start] if params.walk == "downhill" else x.tolist()
    low, high = min(ends), max(ends)
    room = MARGIN * (high - low) or 1.0
    return low - room, high + room


def _across(x: np.ndarray, mean: float, params: "Params") -> np.ndarray:
    """Even steps, and on the way a stop on every point and on the mean: the kinks are there."""
    low, high = span(x, params)
    even = np.linspace(low, high, params.steps + 1)
    kinks = np.unique(np.append(x, mean))
    near = np.abs(even[:, None] - kinks).min(axis=1) < 0.3 * (even[1] - even[0])
    stops = np.unique(np.concatenate([even[~near], kinks]))
    return np.stack([stops, stops], axis=1)


def _downhill(x: np.ndarray, params: "Params", slip: str) -> np.ndarray:
    """Gradient and subgradient steps (12) from ``params.start``."""
    N, rate = len(x), params.rate
    width = max(x.max(), params.start) - min(x.min(), params.start)
    mu = np.full((params.steps + 1, 2), params.start)
    for t in range(params.steps):
        _, gradient = squares(x, mu[t, :1], slip)
        _, interval, counts = absolutes(x, mu[t, 1:], slip)
        low, high = interval[0]
        slope = low if low > 0 else min(high, 0.0)  # the subgradient nearest to 0
        if slip == "condition" and slope == 0 and counts[0, 2] != counts[0, :2].sum():
            slope = counts[0, :2].sum() - counts[0, 2]
        mu[t + 1, 0] = mu[t, 0] - rate / (2 * N) * gradient[0]  # (12)
        mu[t + 1, 1] = mu[t, 1] - rate * width / (t + 1) * np.sign(slope)
    return mu


def _why(mu: np.ndarray, params: "Params") -> Stop:
    if params.walk == "across":
        return WalkStop.ACROSS
    still = np.abs(mu[-1] - mu[-2]) <= 1e-9 * np.maximum(1, np.abs(mu[-1]))
    stops = (WalkStop.MOVING, WalkStop.ONLY_MEDIAN, WalkStop.ONLY_MEAN, WalkStop.BOTH)
    return stops[2 * int(still[0]) + int(still[1])]
