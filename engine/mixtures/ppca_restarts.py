"""EM for probabilistic PCA from many random starts in one batch.

All starts share the eigenvalues of S, so a start costs a few products of J numbers a step, however
many points there are. The only summits are u and -u; other starts differ in how long they take.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from engine.device import namespace, pick, spared
from engine.mixtures import em
from engine.mixtures.ppca_cloud import axes, closed_form, cloud, drawn
from engine.mixtures.ppca_steps import Machine
from engine.params import Knobs, knob
from engine.trace import Trace, along_steps

if TYPE_CHECKING:
    from engine.mixtures.ppca import Params, Ppca


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """What a batch of starts may ask for."""

    count: int = knob(100, 1, 100_000, "random starts")


@dataclass(frozen=True, eq=False)
class Restarts(Trace):
    """Many random starts: where each ends after the same steps, and the run of the best.

    ``died`` is the step at which a start became singular and was left where it stood, or -1.
    """

    best: "Ppca"
    starts: Float[np.ndarray, "count dims"]
    limits: Float[np.ndarray, "count dims"]
    noise: Float[np.ndarray, " count"]
    log_likelihood: Float[np.ndarray, " count"]
    died: Int[np.ndarray, " count"]
    device: str


@dataclass(frozen=True, eq=False)
class Race(Trace):
    """How far below the summit of the closed form each of many starts stands, step by step."""

    summit: float
    below: Float[np.ndarray, "states count"] = along_steps()


@spared
def restarts(X: Any, params: "Params", count: int, device: str = "auto") -> Restarts:
    """``count`` starts drawn by the seed, ``params.steps`` steps each, in one batch."""
    from engine.mixtures.ppca import run  # ppca offers this function

    where = pick(device)
    X, starts, way, along = _climbed(X, params, count, where)
    best = em.best_of(way.log_likelihood[-1])
    limits, likelihood = way.theta[0] @ along.T, way.log_likelihood[-1]
    trace = run(X, params, starts[best])
    return Restarts(trace, starts, limits, way.theta[1], likelihood, way.died, where)


def race(X: Any, params: "Params", count: int = 30) -> Race:
    """The same starts with the way they go. Where the summit is not finite, the highest end is."""
    X, _, way, _ = _climbed(X, params, count, "cpu", keep=True)
    fixed = None if params.learn_noise else float(way.theta[1][0])
    top = closed_form(X, fixed).log_likelihood
    if not np.isfinite(top):
        top = float(way.log_likelihood.max())
    return Race(top, top - way.log_likelihood)


def _climbed(
    X: Any, params: "Params", count: int, device: str, keep: bool = False
) -> tuple[np.ndarray, np.ndarray, em.Climb, np.ndarray]:
    X = cloud(X)
    starts = drawn(X, Asked(count=count).count, params.seed)
    values, along = axes(X)
    machine = Machine.on(device, values, len(X), params)
    theta = machine.theta(starts @ along, params.noise)
    xp = namespace(device)
    way = em.climb(xp, machine.e_step, machine.m_step, theta, params.steps, keep=keep)
    return X, starts, way, along
