"""The likelihood of two coins and its lower bound along one line: the picture of EM."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from engine.mixtures.coins_sets import ALMOST_NOTHING, Distinct, distinct, log_binomial
from engine.numerics import xlogy
from engine.params import Knobs, knob
from engine.trace import Trace, along_steps

if TYPE_CHECKING:
    from engine.mixtures.coins import Coins


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """How fine a slice is."""

    points: int = knob(81, 3, 2001, "points along the slice")


@dataclass(frozen=True, eq=False)
class Slice(Trace):
    """log L and the bound F(responsibility[t], .) along theta_A, all else held at step t.

    ``theta_A[t]`` rises over (0, 1) and holds the theta_A of step t, ``touch[t]``, where the two
    curves touch, and the next one, ``top[t]``, where the bound is highest.
    """

    theta_A: Float[np.ndarray, "states points"] = along_steps()
    log_likelihood: Float[np.ndarray, "states points"] = along_steps()
    bound: Float[np.ndarray, "states points"] = along_steps()
    touch: Float[np.ndarray, " states"] = along_steps()
    top: Float[np.ndarray, " states"] = along_steps()


def slice_at(trace: "Coins", points: int = 81) -> Slice:
    """Equations (2) and (3) along theta_A, at every step of a run."""
    from engine.mixtures.coins import lower_bound  # coins offers this function

    x, n, T = trace.heads, trace.tosses, len(trace)
    heads, tails = x @ trace.responsibility[:, :, :1], (n - x) @ trace.responsibility[:, :, :1]
    old = trace.theta[:, :1]
    top = np.divide(heads, heads + tails, out=old.copy(), where=heads + tails > 0)
    top[:-1] = trace.theta[1:, :1]
    inner = (np.arange(Asked(points=points).points - 2) + 0.5) / (points - 2)
    theta = np.sort(np.concatenate([np.tile(inner, (T, 1)), old, top], axis=1), axis=1)

    def rise(p: np.ndarray) -> np.ndarray:
        """What of F depends on theta_A."""
        tail = np.where(p == 1, ALMOST_NOTHING, 1 - p)
        return xlogy(heads, np.where(p == 0, ALMOST_NOTHING, p)) + xlogy(tails, tail)

    data = distinct(x, n)
    base = lower_bound(x, n, trace.responsibility, trace.theta, trace.mixing)
    base += data.times @ log_binomial(data.heads, data.tosses)
    likelihood = [_along(theta[t], trace.theta[t, 1:], trace.mixing[t], data) for t in range(T)]
    bound = base[:, None] + rise(theta) - rise(old)
    return Slice(theta, np.stack(likelihood), bound, old[:, 0], top[:, 0])


def _along(a: np.ndarray, b: np.ndarray, mixing: np.ndarray, data: Distinct) -> np.ndarray:
    """log L for many theta_A and one theta_B."""
    x, tails = data.heads[:, None], (data.tosses - data.heads)[:, None]
    log_mixing = xlogy(np.ones(2), mixing)
    by_a = xlogy(x, a) + xlogy(tails, 1 - a) + log_mixing[0]
    by_b = xlogy(x, b) + xlogy(tails, 1 - b) + log_mixing[1]
    return data.times @ (np.logaddexp(by_a, by_b) + log_binomial(data.heads, data.tosses)[:, None])
