"""Independent computations, and what they say of a result.

A ``Check`` holds what a lesson computed and what another method got; a ``Certificate`` holds
all checks of a trace. The other methods stand here once: reverse-mode differentiation by torch,
central differences in 50 digits, numeric maximisation. None of them knows a lesson's formulas.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Check:
    """One comparison, entry by entry.

    ``name`` says what was computed (LaTeX), ``against`` by what it is judged. The deviation of an
    entry is relative to the larger of 1 and the size of the number wanted.
    """

    name: str
    against: str
    got: Any
    want: Any
    tolerance: float

    def __post_init__(self) -> None:
        got, want = np.broadcast_arrays(np.asarray(self.got, float), np.asarray(self.want, float))
        object.__setattr__(self, "got", got)
        object.__setattr__(self, "want", want)

    @cached_property
    def deviations(self) -> np.ndarray:
        """|got - want| / max(1, |want|) for each entry; a NaN that should not be counts as inf."""
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.abs(self.got - self.want) / np.maximum(1.0, np.abs(self.want))
        gap = np.where(self.got == self.want, 0.0, gap)  # equal infinities agree
        return np.where(np.isnan(gap), np.inf, gap)

    @cached_property
    def deviation(self) -> float:
        return float(self.deviations.max(initial=0.0))

    @cached_property
    def wrong(self) -> np.ndarray:
        """True where an entry is off."""
        return np.asarray(self.deviations > self.tolerance)

    @cached_property
    def holds(self) -> bool:
        return not self.wrong.any()


@dataclass(frozen=True, eq=False)
class Certificate:
    """All checks of one trace."""

    checks: tuple[Check, ...]

    @cached_property
    def holds(self) -> bool:
        return bool(self.checks) and all(check.holds for check in self.checks)

    @cached_property
    def count(self) -> int:
        """How many numbers were judged; one that two methods judge counts once."""
        return sum({(c.name, c.got.shape): c.got.size for c in self.checks}.values())

    @cached_property
    def wrong(self) -> int:
        """How many of them at least one method finds off."""
        off: dict[tuple, np.ndarray] = {}
        for c in self.checks:
            key = c.name, c.got.shape
            off[key] = c.wrong | off.get(key, np.zeros(c.got.shape, bool))
        return int(sum(mask.sum() for mask in off.values()))

    @cached_property
    def deviation(self) -> float:
        return max((check.deviation for check in self.checks), default=0.0)

    def __str__(self) -> str:
        return self._sentence

    @property
    def disagreement(self) -> str:
        """How much is off, in few words; beside a slip, whose own sentence says the rest."""
        most = "" if np.isinf(self.deviation) else f", by up to {self.deviation:.2g}"
        return f"{self.wrong:,} of {self.count:,} numbers disagree{most}."

    @cached_property
    def _sentence(self) -> str:
        if not self.checks:
            return "Nothing was checked."
        judges = [check.against for check in self.checks if self.holds or not check.holds]
        *others, last = dict.fromkeys(judges)
        if len(others) > 2:  # one breath; the checks name them all
            others, last = others[:2], f"{len(others) - 1} more"
        against = f"{', '.join(others)} and {last}" if others else last
        if self.holds:
            largest = f"{self.deviation:.0e}" if self.deviation else "none"
            return f"{self.count:,} numbers against {against}: largest deviation {largest}."
        return f"{self.wrong:,} of {self.count:,} numbers disagree with {against}" + (
            "." if np.isinf(self.deviation) else f": largest deviation {self.deviation:.2g}."
        )


def autograd(f: Callable[..., Any], **point: Any) -> dict[str, np.ndarray]:
    """d f / d point by torch in float64. ``f`` gets tensors by name and returns a scalar."""
    import torch  # three seconds: only who certifies pays

    leaves = {
        name: torch.tensor(np.asarray(value), dtype=torch.float64, requires_grad=True)
        for name, value in point.items()
    }
    f(**leaves).backward()
    zero = torch.zeros((), dtype=torch.float64)
    return {
        name: (leaf.grad if leaf.grad is not None else zero.expand(leaf.shape)).numpy().copy()
        for name, leaf in leaves.items()
    }


def central_difference(f: Callable[..., Any], digits: int = 50, **point: float) -> dict[str, float]:
    """(f(p + h) - f(p - h)) / 2h in ``digits`` decimal digits, one name at a time.

    With h = 10^(-digits/3) the error of the quotient is far below a float's.
    """
    import mpmath

    with mpmath.workdps(digits):
        h = mpmath.mpf(10) ** (-digits // 3)
        exact = {name: mpmath.mpf(value) for name, value in point.items()}
        slope = {}
        for name, value in exact.items():
            up, down = f(**{**exact, name: value + h}), f(**{**exact, name: value - h})
            slope[name] = float((up - down) / (2 * h))
        return slope


def maximiser(
    f: Callable[[np.ndarray], np.ndarray], low: float = 0.0, high: float = 1.0, rounds: int = 60
) -> np.ndarray:
    """argmax of each of many concave functions of one variable on (low, high), by values alone.

    ``f`` takes an array of arguments and returns the values, elementwise. The sign of an
    eighth-order central difference is bisected; a maximum at an end is approached to 2^-rounds.
    Near an end where ``f`` runs to minus infinity the difference is poor: ask for the chance of a
    coin by its log odds.
    """
    shape = np.shape(f(np.array(0.5 * (low + high))))
    a, b = np.full(shape, low), np.full(shape, high)
    weights = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    for _ in range(rounds):
        mid = 0.5 * (a + b)
        h = np.minimum(1e-2, np.minimum(mid - low, high - mid) / 8)
        rises = sum(w * (f(mid + k * h) - f(mid - k * h)) for k, w in weights) > 0
        a, b = np.where(rises, mid, a), np.where(rises, b, mid)
    return np.asarray(0.5 * (a + b))
