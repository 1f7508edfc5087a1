"""EM for a mixture of Gaussians from many starts at once.

All starts climb in one batched program, NumPy or torch (``engine.device``). Start i is the one that
``run`` draws from the seed ``seed + i``, so any of them can be looked at step by step. A start
whose component collapses to no width is left where it stood; the others go on.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import DataError
from engine.device import fetch, pick, send, spared
from engine.mixtures import em
from engine.mixtures import gaussian_batch as batch
from engine.mixtures.gaussian_covariances import family, settled
from engine.mixtures.gaussian_start import Start, drawn, model_of, points
from engine.params import Knobs, bound_of, knob
from engine.trace import frozen

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Gaussian, Params

MOST_FEATURES = 50_000_000  # points times features
MOST_ENDS = 50_000_000  # starts times numbers in the covariances of each
AT_ONCE = 4_000  # components of all starts in one chunk: their matrices stay in the cache


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """What a batch of restarts may ask for."""

    count: int = knob(30, 1, 100_000, "random starts")


@dataclass(frozen=True, eq=False)
class Restarts:
    """Many random starts: the run of the best, and where each is after the same steps.

    ``ascent`` is the log-likelihood of each start at each step and ``log_likelihood`` its last
    row, minus infinity from where a start became singular: that is never the best. ``died`` is
    that step, -1 if it never did. ``summit`` numbers the different ends, 0 for the highest, -1 for
    a start that died.
    """

    best: "Gaussian"
    seeds: Int[np.ndarray, " count"]
    weights: Float[np.ndarray, "count components"]
    means: Float[np.ndarray, "count components columns"]
    covariances: Float[np.ndarray, "count components columns columns"]
    log_likelihood: Float[np.ndarray, " count"]
    ascent: Float[np.ndarray, "states count"]
    died: Int[np.ndarray, " count"]
    summit: Int[np.ndarray, " count"]
    device: str


@spared
def restarts(X: Any, params: "Params", count: int = 30, device: str = "auto") -> Restarts:
    """``count`` starts from the seeds that follow ``params.seed``, ``params.steps`` steps each."""
    from engine.mixtures.gaussian import run  # gaussian offers this module's functions

    count, where, x = Asked(count=count).count, pick(device), points(X)
    (N, D), K = x.shape, params.components
    if N * (1 + D + D * (D + 1) // 2) > MOST_FEATURES:
        raise DataError(
            f"X may hold at most {MOST_FEATURES // (1 + D + D * (D + 1) // 2):,} points of "
            f"{D} columns for restarts, got {N:,}."
        )
    if count * K * D * D > MOST_ENDS:
        raise DataError(
            f"count must be at most {MOST_ENDS // (K * D * D):,} for {K} components of "
            f"{D} columns, got {count:,}."
        )
    top = bound_of(params, "seed").high
    assert top is not None
    seeds = (params.seed + np.arange(count)) % (int(top) + 1)
    pi, mu, sigma, ascent, died = climb(x, drawn(x, params, seeds.tolist()), params, where)
    if (died >= 0).all():
        raise DataError("X makes every start singular: a larger floor helps.")
    end = ascent[-1]
    best = run(x, dataclasses.replace(params, seed=int(seeds[em.best_of(end)])), keep="last")
    pi, mu, sigma, ascent, died = map(frozen, (pi, mu, sigma, ascent, died))
    summit = frozen(em.summits(end))
    return Restarts(best, frozen(seeds), pi, mu, sigma, ascent[-1], ascent, died, summit, where)


def race(trace: "Gaussian") -> Restarts:
    """The starts of the seeds 0 to 29 on the points of a run, with its parameters."""
    return restarts(trace.X, dataclasses.replace(trace.params, seed=0), device="cpu")


def climb(
    X: np.ndarray, start: Start, params: "Params", device: str, precise: bool = False
) -> tuple[np.ndarray, ...]:
    """Weights, means and covariances after all steps, log-likelihoods (steps + 1, S), deaths."""
    data, model = batch.cloud(X, device, precise), model_of(params, precise)
    xp, ends = data.xp, []
    size = max(1, AT_ONCE // params.components)
    for first in range(0, len(start[0]), size):
        seen: list[Any] = []

        def e_step(theta: em.Theta, seen: list[Any] = seen) -> tuple[Any, Any]:
            found, likelihood = batch.e_step(data, model, theta)
            seen.append(likelihood)
            return found, likelihood

        def m_step(found: Any, theta: em.Theta) -> em.Theta:
            return batch.m_step(data, model, found, theta)

        piece = [part[first : first + size] for part in start]
        pi, mu, sigma = (send(part, device) for part in (piece[0], piece[1] - data.shift, piece[2]))
        theta = settled(xp, model, pi, mu, family(xp, model, pi, sigma))
        way = em.climb(xp, e_step, m_step, theta, params.steps)
        ascent = np.stack([fetch(likelihood) for likelihood in seen], axis=1)
        gone = (way.died >= 0)[:, None] & (np.arange(ascent.shape[1]) >= way.died[:, None])
        ascent = np.where(gone, -np.inf, ascent)
        ends.append((way.theta[0], way.theta[1] + data.shift, way.theta[2], ascent, way.died))
    pi, mu, sigma, ascent, died = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return pi, mu, sigma, ascent.T, died
