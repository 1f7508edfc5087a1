"""The likelihood and its bound while u is turned: the picture of EM."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from engine.mixtures.ppca_steps import LOG_2PI
from engine.params import Knobs, knob
from engine.trace import Trace, along_steps

if TYPE_CHECKING:
    from engine.mixtures.ppca import Ppca


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """How fine a slice is."""

    points: int = knob(73, 3, 2001, "points along the slice")


@dataclass(frozen=True, eq=False)
class Slice(Trace):
    """log L and the bound F(m[t], s[t]; .) for u turned by ``degrees`` towards S u, all else held.

    They touch at 0. The bound peaks at ``top[t]``, the direction of the next u; ``degrees[t]``
    rises and holds both.
    """

    degrees: Float[np.ndarray, "states points"] = along_steps()
    log_likelihood: Float[np.ndarray, "states points"] = along_steps()
    bound: Float[np.ndarray, "states points"] = along_steps()
    top: Float[np.ndarray, " states"] = along_steps()


def slice_at(trace: "Ppca", points: int = 73) -> Slice:
    """Equations (3) and (9) over a half turn, at every step of a run."""
    X, u, noise = trace.X, trace.direction, trace.noise
    N, J = X.shape
    length = np.linalg.norm(u, axis=1, keepdims=True)
    along = np.divide(u, length, out=np.zeros_like(u), where=length > 0)
    pull = trace.mean_z @ X  # N times the mean of m x, which the bound wants to turn to
    side = _across(along, pull)
    top = np.degrees(np.arctan2((pull * side).sum(axis=1), (pull * along).sum(axis=1)))
    grid = np.tile(np.linspace(-90, 90, Asked(points=points).points - 2), (len(trace), 1))
    degrees = np.sort(np.concatenate([grid, np.zeros((len(trace), 1)), top[:, None]], axis=1))
    turn = np.radians(degrees)[..., None]
    turned = length[:, None] * (np.cos(turn) * along[:, None] + np.sin(turn) * side[:, None])
    # Only u'Su and the pull change with the angle; all else is the same at 0.
    seen = ((turned @ X.T) ** 2).sum(axis=2)
    c = noise + length[:, 0] ** 2
    here = ((u @ X.T) ** 2).sum(axis=1)
    logs = N * (J * LOG_2PI + (J - 1) * np.log(noise) + np.log(c))
    square = (X**2).sum()
    likelihood = -0.5 * (logs + (square - here / c) / noise)
    by = 0.5 * (seen - here[:, None]) / (c * noise)[:, None]
    gain = ((turned - u[:, None]) * pull[:, None]).sum(axis=2) / noise[:, None]
    touch = likelihood[:, None]
    return Slice(degrees, touch + by, touch + gain, top)


def _across(along: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Unit vectors at right angles to ``along``, on the side of ``pull`` if it has one."""
    side = pull
    for _ in range(2):  # twice: what is left may be as small as the rounding of the first
        side = side - (side * along).sum(axis=1, keepdims=True) * along
    size = np.linalg.norm(side, axis=1, keepdims=True)
    straight = size[:, 0] <= 1e-12 * np.linalg.norm(pull, axis=1)
    if along.shape[1] > 1:
        flat = np.eye(along.shape[1])[abs(along[straight]).argmin(axis=1)]
        flat -= (flat * along[straight]).sum(axis=1, keepdims=True) * along[straight]
        side[straight], size[straight] = flat, np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(side, size, out=np.zeros_like(side), where=size > 0)
