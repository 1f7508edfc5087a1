"""The likelihood of a mixture of Gaussians and its lower bound along each step: the picture of EM.

The line from one state to the next: means go straight, weights by their logarithms, covariances by
their Cholesky factors, so that every place on it is a mixture. The bound touches the likelihood
where the line begins, at 0, and is highest at 1, the next state.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from engine.mixtures import em
from engine.mixtures import gaussian_batch as batch
from engine.mixtures.gaussian_start import model_of
from engine.mixtures.gaussian_working import following
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Gaussian

BEYOND = 0.4  # how far the line goes past both states
NONE = 1e-9  # a smaller gain, relatively, counts as none
TINY = 1e-300


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """How fine a slice is."""

    points: int = knob(25, 5, 401, "points along the slice")
    states: int = knob(1_001, 1, 1_001, "how many states to cut at")


@dataclass(frozen=True, eq=False)
class Slice(Trace):
    """log L and the bound at ``place`` on the line, above log L at 0, in units of the step's gain:
    the likelihood passes (0, 0) and (1, 1). ``gain`` is that unit, 0 where nothing moves."""

    place: Float[np.ndarray, "states points"] = along_steps()
    log_likelihood: Float[np.ndarray, "states points"] = along_steps()
    bound: Float[np.ndarray, "states points"] = along_steps()
    gain: Float[np.ndarray, " states"] = along_steps()


def slice_at(
    trace: "Gaussian", slip: Slip | None = None, points: int = 25, states: int = 1_001
) -> Slice:
    """Equations (3) and (4) along the first ``states`` steps of a run."""
    asked = Asked(points=points, states=states)
    data, model = batch.cloud(trace.X, "cpu", precise=True), model_of(trace.params, True)
    after = following(trace, slip)
    places = np.sort(np.concatenate([np.linspace(-BEYOND, 1 + BEYOND, asked.points - 2), [0, 1]]))
    zero, one = np.searchsorted(places, [0, 1])
    cuts = []
    for t in range(min(len(trace), asked.states)):
        here = (trace.weights[t], trace.means[t], trace.covariances[t])
        there = (after.weights[t], after.means[t], after.covariances[t])
        theta = _between(here, there, data.shift, places)
        joint = batch.log_joint(data, model, theta)
        q = trace.responsibility[t - len(trace)]
        wide = np.swapaxes(joint, 1, 2)
        bound = em.touching(np, wide, np.broadcast_to(q, wide.shape))
        likelihood = batch.shares(np, joint)[1]
        rise = likelihood[one] - likelihood[zero]
        size = max(abs(rise), NONE * max(1.0, abs(likelihood[zero])))
        gain = rise if abs(rise) >= size else np.float64(0)
        base = likelihood[zero]
        cuts.append((places, (likelihood - base) / size, (bound - base) / size, gain))
    return Slice(*(np.stack(parts) for parts in zip(*cuts, strict=True)))


def _between(here: tuple, there: tuple, shift: np.ndarray, places: np.ndarray) -> em.Theta:
    """A mixture for each place on the line."""
    s = places[:, None]
    logs = [np.log(np.maximum(part, TINY)) for part in (here[0], there[0])]
    weights = np.exp(logs[0] + s * (logs[1] - logs[0]))
    means = here[1] + s[..., None] * (there[1] - here[1]) - shift
    low = [np.linalg.cholesky(part) for part in (here[2], there[2])]
    factor = low[0] + s[..., None, None] * (low[1] - low[0])
    side = [np.log(np.einsum("kdd->kd", part)) for part in low]
    d = np.arange(factor.shape[-1])
    factor[..., d, d] = np.exp(side[0] + s[..., None] * (side[1] - side[0]))
    covariances = factor @ np.swapaxes(factor, -1, -2)
    weights = weights / weights.sum(axis=1, keepdims=True)
    half_log = np.log(np.einsum("...dd->...d", factor)).sum(axis=-1)
    return weights, means, covariances, np.linalg.inv(factor), half_log
