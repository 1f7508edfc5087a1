"""EM for a mixture of Bernoullis from many starts at once.

All starts climb in one batched program on the distinct rows, NumPy or torch (``engine.device``), in
chunks that stay in the cache. Start i is the one that ``run`` draws from the seed ``seed + i``, so
any of them can be looked at step by step.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import DataError
from engine.device import fetch, pick, send, spared
from engine.mixtures import em
from engine.mixtures.bernoulli_rows import binary, noise
from engine.mixtures.bernoulli_steps import Distinct, chances, distinct, expected, shares
from engine.params import Knobs, bound_of, knob
from engine.trace import frozen

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Bernoullis, Params

MOST_ENDS = 50_000_000  # starts times means
CACHE = 120_000  # responsibilities in a chunk
GPU_CHUNK = 40_000_000


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """What a batch of restarts may ask for."""

    count: int = knob(30, 1, 100_000, "random starts")


@dataclass(frozen=True, eq=False)
class Restarts:
    """Many random starts, where each is after the same steps, and the run of the ``best``.

    ``ascent`` is the log-likelihood of each start at each step, and ``log_likelihood`` its last
    row. ``died`` is the step at which a start became singular, -1 if it never did; it is left where
    it stood and never the best. ``summit`` numbers the different ends, 0 for the highest.
    """

    X: Float[np.ndarray, "rows columns"]
    params: "Params"
    seeds: Int[np.ndarray, " count"]
    weights: Float[np.ndarray, "count components"]
    means: Float[np.ndarray, "count components columns"]
    log_likelihood: Float[np.ndarray, " count"]
    ascent: Float[np.ndarray, "states count"]
    died: Int[np.ndarray, " count"]
    summit: Int[np.ndarray, " count"]
    device: str

    @cached_property
    def best(self) -> "Bernoullis":
        """The start that ended highest, step by step: run once more when it is asked for."""
        from engine.mixtures.bernoulli import run  # bernoulli offers this module's functions

        seed = int(self.seeds[em.best_of(self.log_likelihood)])
        return run(self.X, dataclasses.replace(self.params, seed=seed), keep="last")


@spared
def restarts(X: Any, params: "Params", count: int = 30, device: str = "auto") -> Restarts:
    """``count`` starts from the seeds that follow ``params.seed``, ``params.steps`` steps each."""
    count, where = Asked(count=count).count, pick(device)
    rows = binary(X, params)
    K, D = params.components, rows.shape[1]
    if count * K * D > MOST_ENDS:
        raise DataError(
            f"X may have at most {MOST_ENDS // (count * K):,} columns for {count:,} starts of "
            f"{K} components, got {D:,}."
        )
    most = bound_of(params, "seed").high
    assert most is not None
    seeds = (params.seed + np.arange(count)) % (int(most) + 1)
    starts = np.stack([noise(int(seed), K, D) for seed in seeds])
    weights, means, ascent, died = _climb(distinct(rows, where), starts, params, where)
    end = ascent[-1]
    arrays = map(frozen, (seeds, weights, means, end, ascent, died, em.summits(end)))
    return Restarts(rows, params, *arrays, device=where)


def race(trace: "Bernoullis", count: int = 30) -> Restarts:
    """The seeds from 0 on, as many steps as a run has."""
    return restarts(trace.X, dataclasses.replace(trace.params, seed=0), count)


def _climb(data: Distinct, starts: np.ndarray, params: "Params", device: str) -> tuple:
    """Ends, log-likelihoods by step and deaths of all starts, a chunk at a time."""
    K = params.components
    most = CACHE if device == "cpu" else GPU_CHUNK
    pieces = -(-len(starts) // max(1, most // (len(data.rows) * K)))
    ends = []
    for piece in np.array_split(starts, pieces):
        seen: list[Any] = []

        def e_step(theta: em.Theta, seen: list[Any] = seen) -> tuple[Any, Any]:
            q, likelihood = shares(data, *theta)
            seen.append(likelihood)
            return q, likelihood

        def m_step(q: Any, theta: em.Theta) -> em.Theta:
            found = expected(data, q)
            return found.counts / data.total, chances(data, found, theta[1], params.floor)

        begin = (send(np.full((len(piece), K), 1 / K), device), data.inside(piece))
        way = em.climb(data.xp, e_step, m_step, begin, params.steps)
        ascent = np.stack([fetch(likelihood) for likelihood in seen], axis=1)
        ends.append((way.theta[0], data.outside(way.theta[1]), ascent, way.died))
    weights, means, ascent, died = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return weights, means, ascent.T, died
