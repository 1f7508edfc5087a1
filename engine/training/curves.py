"""The curves of a sweep: every width, every seed, at every logged step.

What is not trained yet is NaN, so a sweep that still runs has the length it will have in the end.
"""

import dataclasses
import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import array
from engine.params import Knobs, knob
from engine.trace import Stop, Trace, along_steps
from engine.training.resnet import Point, Spec

MEASURES = ("train_loss", "test_loss", "train_error", "test_error")
MOST_WIDTHS = 6
Loss = Float[np.ndarray, "T S R"]


class Ended(Stop):
    """How far the curves go."""

    DONE = "Every step of every run is there."
    PART = "Some runs are not trained to their end."
    NOTHING = "Nothing of it is trained yet."


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """What all runs of a sweep have in common. The defaults are the starter protocol."""

    seeds: int = knob(8, 1, 16, "runs of each width", label="seeds")
    steps: int = knob(4000, 25, 20_000, "steps of gradient descent", label="steps", step=25)
    lr: float = knob(0.1, 0, 10, "step size", label=r"$\eta$", step=0.01)
    skip: bool = knob(True, help="add the block's input to its output", label="skip")
    norm: bool = knob(True, help="batch normalisation", label="batch norm")
    evaluation: str = knob(
        "batch",
        choices=("batch", "running"),
        help="statistics for the test set: its own, or the running ones of eval()",
        label="test by",
    )
    protocol: str = knob(
        "starter",
        choices=("starter", "epochs"),
        help="starter: every batch drawn anew; epochs: each picture once per epoch",
        label="batches",
    )
    ragged: str = knob(
        "drop",
        choices=("drop", "keep"),
        help="the last batch of an epoch, 898 = 7·128 + 2: left out, or a batch of two",
        label="last two",
    )
    batch: int = knob(128, 1, 898, "pictures per step", label="batch")


def specs(widths: Any, params: Params) -> list[Spec]:
    """One run for each width and seed, width by width."""
    shared = {name: value for name, value in vars(params).items() if name != "seeds"}
    return [
        Spec(width=width, seed=seed, log_every=log_every(params), **shared)
        for width in checked_widths(widths)
        for seed in range(params.seeds)
    ]


def alone(params: Params) -> Params:
    """The same with one seed: what does not depend on how many there are."""
    return dataclasses.replace(params, seeds=1)


def log_every(params: Params) -> int:
    """Every 25 steps, as the course has it; in a long run so that 160 points suffice."""
    return max(25, -(-params.steps // (160 * 25)) * 25)


def checked_widths(widths: Any) -> tuple[int, ...]:
    """Widths as whole numbers in [1, 128], each once, in the order given."""
    given = array("widths", widths, low=1, high=128, whole=True, most=MOST_WIDTHS)
    return tuple(dict.fromkeys(int(width) for width in given))


@dataclass(frozen=True, eq=False)
class Curves(Trace):
    """S widths, R seeds, T points, each ``after`` so many steps; ``origin`` is where they come
    from."""

    widths: tuple[int, ...]
    params: Params
    after: Int[np.ndarray, " T"] = along_steps()
    train_loss: Loss = along_steps()
    test_loss: Loss = along_steps()
    train_error: Loss = along_steps()
    test_error: Loss = along_steps()
    origin: str = ""

    @property
    def stop(self) -> Ended:
        """Why there are no more numbers."""
        missing = np.isnan(self.test_loss)
        if missing.all():
            return Ended.NOTHING
        return Ended.PART if missing.any() else Ended.DONE

    @property
    def known(self) -> int:
        """How many logged steps at least one run has reached."""
        there = np.asarray(~np.isnan(self.test_loss).all(axis=(1, 2)))
        return int(there.nonzero()[0].max() + 1) if there.any() else 0

    @property
    def count(self) -> int:
        """How many points there are, of all runs."""
        return int(np.isfinite(self.test_loss).sum())

    @functools.cached_property
    def means(self) -> Mapping[str, np.ndarray]:
        """Of each measure over the seeds that are there, (T, S)."""
        return {name: _over_seeds(np.nanmean, getattr(self, name)) for name in MEASURES}

    @functools.cached_property
    def spreads(self) -> Mapping[str, np.ndarray]:
        """The standard deviation of each measure over the seeds, (T, S); 0 for a single one."""
        return {name: _over_seeds(_spread, getattr(self, name)) for name in MEASURES}

    @property
    def gap(self) -> np.ndarray:
        """Test loss minus train loss, means over the seeds, (T, S)."""
        return self.means["test_loss"] - self.means["train_loss"]


def _spread(values: np.ndarray, axis: int) -> np.ndarray:
    single = (~np.isnan(values)).sum(axis=axis) == 1
    return np.where(single, 0.0, np.nanstd(values, axis=axis, ddof=1))


def _over_seeds(reduce: Any, values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():  # a step that no seed has reached
        warnings.simplefilter("ignore", RuntimeWarning)
        return reduce(values, axis=2)


def logged(params: Params) -> np.ndarray:
    """The steps at which a point is logged, the last one among them."""
    every = log_every(params)
    return np.array([*range(every, params.steps, every), params.steps])


def collected(
    widths: Sequence[int], params: Params, points: Iterable[Sequence[Point]], origin: str
) -> Curves:
    """Curves from the points of each run, in the order of ``specs``."""
    step = logged(params)
    place = {int(s): i for i, s in enumerate(step)}
    shape = (len(step), len(widths), params.seeds)
    measures = {name: np.full(shape, np.nan) for name in MEASURES}
    for run, found in enumerate(points):
        column, seed = divmod(run, params.seeds)
        for point in found:
            for name in MEASURES:
                measures[name][place[point.step], column, seed] = getattr(point, name)
    return Curves(tuple(widths), params, step, **measures, origin=origin)


def nothing(widths: Any, params: Params) -> Curves:
    """The curves of a sweep that nobody has begun."""
    checked = checked_widths(widths)
    return collected(checked, params, [()] * (len(checked) * params.seeds), "")


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each number and the ``window`` before it; NaN where the number is missing."""
    known = np.isfinite(values)
    sums = np.cumsum(np.where(known, values, 0.0))
    counts = np.cumsum(known)
    back = window + 1
    if len(values) > back:
        sums[back:], counts[back:] = sums[back:] - sums[:-back], counts[back:] - counts[:-back]
    return np.where(known, sums / np.maximum(counts, 1), np.nan)
