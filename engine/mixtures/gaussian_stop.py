"""When a mixture of Gaussians stands still, and why its run ends."""

from typing import TYPE_CHECKING

import numpy as np

from engine.trace import Stop

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Params

STILL = 1e-12  # what moves by no more, relative to the spread of the points, stands still


class GaussianStop(Stop):
    """Why the components end where they are."""

    SINGULAR = (
        "A component has collapsed: its variance is 0 in one direction, the likelihood is "
        "infinite, and this is the last state with a density."
    )
    ONE = "One component takes every point, so one step puts it on the mean of the data."
    ALIKE = "All components started alike, so they share every point evenly and never part."
    FLOOR = "A component has collapsed, and only the floor keeps its variance from 0."
    SETTLED = "Nothing moves any more."
    STEPS = "All steps were taken and the components still move."


def settled(X: np.ndarray, *along: np.ndarray) -> int:
    """The first step after which nothing moves."""
    spread = max(float(np.ptp(X, axis=0).max()), 1e-100)
    moved = np.zeros(len(along[0]) - 1)
    for power, part in enumerate(along):
        moves = abs(np.diff(part, axis=0)).max(axis=tuple(range(1, part.ndim)))
        moved = np.maximum(moved, moves / spread**power)
    return int(np.flatnonzero(moved > STILL).max(initial=-1)) + 1


def why(params: "Params", died: bool, mu: np.ndarray, sigma: np.ndarray, settled: int) -> Stop:
    """The reason, as far as the run shows it."""
    if died:
        return GaussianStop.SINGULAR
    if params.components == 1:
        return GaussianStop.ONE
    if (mu == mu[:, :1]).all() and (sigma == sigma[:, :1]).all():
        return GaussianStop.ALIKE
    if not params.held and np.linalg.eigvalsh(sigma[-1]).min() <= params.floor * (1 + 1e-6):
        return GaussianStop.FLOOR
    return GaussianStop.SETTLED if settled < len(mu) - 1 else GaussianStop.STEPS
