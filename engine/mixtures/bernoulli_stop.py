"""Where the components of a mixture of Bernoullis come to rest, and why."""

import numpy as np

from engine.mixtures.bernoulli_steps import Distinct
from engine.trace import Stop

STILL = 1e-12  # what moves by no more stands still


class BernoulliStop(Stop):
    """Why the components end where they are; every run takes all its steps."""

    ONE = "One component takes every row, so one step puts it on the mean of the data."
    ALIKE = "All components started alike, so they share every row evenly and never part."
    SAME = "All rows are equal, so one step puts every mean on them."
    SETTLED = "Nothing moves any more."
    STEPS = "All steps were taken and the components still move."


def last_move(weights: np.ndarray, means: np.ndarray) -> int:
    """The first step after which nothing moves, the last one if there is none."""
    moved = np.maximum(
        abs(np.diff(weights, axis=0)).max(1), abs(np.diff(means, axis=0)).max((1, 2))
    )
    return int(np.flatnonzero(moved > STILL).max(initial=-1)) + 1


def why(data: Distinct, means: np.ndarray, settled: int) -> Stop:
    """The reason of a run over distinct rows: what made it end there, if anything did."""
    if means.shape[1] == 1:
        return BernoulliStop.ONE
    if (means == means[:, :1]).all():
        return BernoulliStop.ALIKE if len(data.rows) > 1 else BernoulliStop.SAME
    if len(data.rows) == 1:
        return BernoulliStop.SAME
    return BernoulliStop.SETTLED if settled < len(means) - 1 else BernoulliStop.STEPS
