"""Expectation and maximisation in turn: the one loop of all mixtures.

A lesson brings its E-step and its M-step; both work on a batch, whose leading axis counts the
starts, in NumPy or torch. ``climb`` alternates them. A start whose likelihood stops being a number
is left where it stood and reported; the others go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.device import fetch

Theta = tuple[Any, ...]  # parameters, each with the start as its leading axis
EStep = Callable[[Theta], tuple[Any, Any]]  # -> what the M-step needs, log-likelihood (starts,)
MStep = Callable[[Any, Theta], Theta]
Bound = Callable[[Any, Theta], Any]  # F(q of the step before, new theta), (starts,)

ALIKE = 1e-6  # ends whose log-likelihoods differ by no more, relatively, are one summit


@dataclass(frozen=True, eq=False)
class Climb:
    """Where each start ends, and if it was kept, the way there.

    ``died`` is the step at which a start became singular, -1 if it never did; from there on it
    stands still. ``path`` holds (theta, what the E-step found) for each step.
    """

    theta: tuple[np.ndarray, ...]
    log_likelihood: np.ndarray
    bound: np.ndarray
    died: np.ndarray
    path: tuple[tuple[Theta, Any], ...]


def climb(
    xp: Any,
    e_step: EStep,
    m_step: MStep,
    theta: Theta,
    steps: int,
    bound: Bound | None = None,
    keep: bool = False,
) -> Climb:
    """``steps`` times E and M from each start, and a last E-step.

    ``log_likelihood`` and ``bound`` are (steps + 1, starts) if the way is kept, else (1, starts),
    the end. ``bound[t]`` is taken between the M-step and the E-step that follows it; at the start
    it touches the likelihood.
    """
    path, likelihoods, bounds = [], [], []
    alive, died, last = None, None, None
    for t in range(steps + 1):
        found, likelihood = e_step(theta)
        good = xp.isfinite(likelihood)
        alive = good if alive is None else alive & good
        fell = t * xp.ones_like(likelihood)
        died = -1 * xp.ones_like(likelihood) if died is None else died
        died = xp.where(~alive & (died < 0), fell, died)
        if keep:
            path.append((theta, found))
            likelihoods.append(likelihood)
            bounds.append(bound(last, theta) if bound and t else likelihood)
            last = found
        if t < steps:
            theta = _where(xp, alive, m_step(found, theta), theta)
    if not keep:
        likelihoods = bounds = [likelihood]
    ends = tuple(fetch(part) for part in theta)
    heights, lower = (np.stack([fetch(v) for v in group]) for group in (likelihoods, bounds))
    return Climb(ends, heights, lower, fetch(died).astype(int), tuple(path))


def _where(xp: Any, alive: Any, new: Theta, old: Theta) -> Theta:
    """New values for the starts that are alive, old ones for the others."""
    if bool(alive.all()):
        return new
    return tuple(
        xp.where(alive.reshape((-1,) + (1,) * (a.ndim - 1)), a, b)
        for a, b in zip(new, old, strict=True)
    )


def responsibilities(xp: Any, joint: Any) -> tuple[Any, Any]:
    """Softmax over the last axis, and log-sum-exp: from log p(x, z) to p(z | x) and log p(x)."""
    top = xp.amax(joint, -1)[..., None]
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    weights = joint - top
    xp.exp(weights, out=weights)  # in place: fresh memory would cost more than the exponentials
    total = weights.sum(-1)[..., None]
    safe = xp.where(total > 0, total, xp.ones_like(total))
    logs = xp.where(total > 0, xp.log(safe) + top, xp.full_like(total, -np.inf))
    weights /= safe
    return weights, logs[..., 0]


def touching(xp: Any, joint: Any, q: Any, times: Any = None) -> Any:
    """Q + entropy for each start: the sum of q (log p(x, z) - log q), where 0 log 0 = 0.

    ``joint`` and ``q`` are (starts, examples, components); ``times`` counts equal examples.
    """
    some = q > 0
    safe = xp.where(some, q, xp.ones_like(q))
    terms = xp.where(some, q * (joint - xp.log(safe)), xp.zeros_like(q)).sum(-1)
    return (terms if times is None else terms * times).sum(-1)


def best_of(log_likelihood: np.ndarray) -> int:
    """The start that ended highest; a singular one never."""
    return int(np.argmax(np.where(np.isfinite(log_likelihood), log_likelihood, -np.inf)))


def summits(ends: np.ndarray) -> np.ndarray:
    """Which of the different ends each start reached, counted from the highest; -1 for none.

    >>> summits(np.array([-7.0, -5.0, -7.0000001, np.nan]))
    array([ 1,  0,  1, -1])
    """
    out = np.full(len(ends), -1)
    alive = np.flatnonzero(np.isfinite(ends))
    order = alive[np.argsort(-ends[alive], kind="stable")]
    drops = -np.diff(ends[order]) > ALIKE * np.maximum(1, abs(ends[order][1:]))
    out[order] = np.concatenate([[0], np.cumsum(drops)])[: len(order)]
    return out
