"""The likelihood and its lower bound along each step of EM: the picture of (11).

A mixture of Bernoullis has more chances than a picture has axes, so both curves are drawn on the
line from where the components stand, 0, to where they go next, 1.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from engine.mixtures.bernoulli_steps import Distinct, distinct, lower_bound, shares
from engine.mixtures.bernoulli_working import following
from engine.numerics import xlogy
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Bernoullis

BEYOND = 0.4  # how far the line goes on to both sides, where chances allow it
NONE = 1e-9  # a smaller gain is none
AT_ONCE = 150_000


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """How fine a slice is."""

    points: int = knob(17, 5, 401, "points along the slice")
    states: int = knob(1_001, 1, 1_001, "how many states to cut at")


@dataclass(frozen=True, eq=False)
class Slice(Trace):
    """log P(D) and the bound at ``place`` on the line, above log P(D) at 0, in units of the step's
    gain: the likelihood passes (0, 0) and (1, 1). ``gain`` is that unit, 0 where nothing moves."""

    place: Float[np.ndarray, "states points"] = along_steps()
    log_likelihood: Float[np.ndarray, "states points"] = along_steps()
    bound: Float[np.ndarray, "states points"] = along_steps()
    gain: Float[np.ndarray, " states"] = along_steps()


def slice_at(
    trace: "Bernoullis", slip: Slip | None = None, points: int = 17, states: int = 1_001
) -> Slice:
    """Equations (3) and (7) along the first ``states`` steps of a run."""
    asked, data = Asked(points=points, states=states), distinct(trace.X)
    weights, means = following(trace, slip)
    cuts = [
        _cut(trace, data, t, weights[t], means[t], asked.points)
        for t in range(min(len(trace), asked.states))
    ]
    place, likelihood, bound, gain = (np.stack(parts) for parts in zip(*cuts, strict=True))
    return Slice(place, likelihood, bound, gain)


def _cut(
    trace: "Bernoullis", data: Distinct, t: int, pi: np.ndarray, P: np.ndarray, points: int
) -> tuple[np.ndarray, ...]:
    here = np.concatenate([trace.weights[t], trace.means[t].ravel()])
    move = np.concatenate([pi, P.ravel()]) - here
    back, on = _room(here, -move), _room(here, move)
    low, high = -min(BEYOND, 0.9 * back), 1 + min(BEYOND, 0.9 * max(on - 1, 0))
    s = np.sort(np.concatenate([np.linspace(low, high, points - 2), [0, 1]]))
    K, D = P.shape
    line = np.clip(here + s[:, None] * move, 0, 1)
    weights, means = line[:, :K], line[:, K:].reshape(-1, K, D)
    likelihood = _along(data, weights, means)
    counts, ones, zeros, entropy = _expected(trace, t)
    bound = lower_bound(counts, ones, zeros, weights, means) + entropy
    first, last = np.searchsorted(s, [0, 1])
    rise = likelihood[last] - likelihood[first]
    least = NONE * max(1.0, abs(likelihood[first]))
    size, gain = max(abs(rise), least), rise if abs(rise) >= least else 0.0
    base = likelihood[first]
    return s, (likelihood - base) / size, (bound - base) / size, np.array(gain)


def _room(here: np.ndarray, move: np.ndarray) -> float:
    """How many times the move fits before a chance leaves [0, 1]."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fits = np.where(move > 0, (1 - here) / move, np.where(move < 0, -here / move, np.inf))
    return float(fits.min())


def _along(data: Distinct, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    size = max(1, AT_ONCE // (len(data.rows) * weights.shape[1]))
    pieces = [slice(i, i + size) for i in range(0, len(weights), size)]
    return np.concatenate([shares(data, weights[p], data.inside(means[p]))[1] for p in pieces])


def _expected(trace: "Bernoullis", t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """What F(responsibility[t], .) depends on."""
    q = trace.responsibility[t - len(trace)]
    ones = q.T @ trace.X
    return q.sum(0), ones, q.T @ (1 - trace.X), -float(xlogy(q, q).sum())
