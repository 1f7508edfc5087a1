"""The course of a run: epochs, points, and the state it goes on from. The device does the sums."""

import importlib
import math
from typing import Any

import numpy as np

from engine.data import DataError
from engine.training import two_layer_data as source
from engine.training.two_layer_data import Data
from engine.training.two_layer_fast import error_of
from engine.training.two_layer_kernels import BINS
from engine.training.two_layer_spec import Point, Spec, rates

FIELDS = tuple(Point.__annotations__)


class Training:
    """One run. ``advance`` may be called in any pieces: the numbers are the same."""

    def __init__(
        self,
        spec: Spec,
        state: dict[str, np.ndarray] | None = None,
        device: str = "cpu",
        data: Data | None = None,
    ) -> None:
        data = source.load(spec) if data is None else data
        self.spec, (self.size, pixels) = spec, data.X.shape
        self.epoch_steps = math.ceil(self.size / spec.batch)
        self.steps = spec.epochs * self.epoch_steps
        self._order: tuple[int, np.ndarray] | None = None
        if state is None:
            W1, W2 = source.weights(spec, pixels, data.classes)
        else:
            checked(self, state, pixels, data.classes)
            W1, W2 = state["W1"], state["W2"]
        kind = "fast" if device == "cpu" else "torch"
        module = importlib.import_module(f"engine.training.two_layer_{kind}")
        there = () if device == "cpu" else (device,)
        self.network: Any = module.Network(W1, W2, data, min(spec.batch, self.size), *there)
        self.step, self.points, self.confusions, self.slopes = 0, [], [], []
        if state is None:
            self._log()
        else:
            self.step = int(state["step"])
            self.points = points_of(state["history"])
            self.confusions, self.slopes = list(state["confusion"]), list(state["slopes"])

    def advance(self, until: int) -> None:
        """Train up to step ``until``, a point after every epoch."""
        batch, sign = self.spec.batch, 1 if self.spec.direction == "down" else -1
        while self.step < min(until, self.steps):
            epoch, done = divmod(self.step, self.epoch_steps)
            begin = epoch * self.epoch_steps
            stop = min(until, begin + self.epoch_steps)
            rows = self.order(epoch)[done * batch : (stop - begin) * batch]
            etas = rates(self.spec, np.arange(self.step, stop), self.epoch_steps)
            self.network.walk(rows, sign * etas)
            self.step = stop
            if stop == begin + self.epoch_steps:
                self._log()

    def order(self, epoch: int) -> np.ndarray:
        """In which order the epoch sees the pictures."""
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, source.order(self.spec, epoch, self.size)
        return self._order[1]

    def _log(self) -> None:
        seen = self.network.look()
        lr = float(rates(self.spec, np.array([self.step]), self.epoch_steps)[0])
        self.points.append(
            Point(
                self.step, self.step // self.epoch_steps, lr, seen.train_loss, seen.test_loss,
                seen.train_error, error_of(seen.confusion), seen.saturated,
            )
        )  # fmt: skip
        self.confusions.append(seen.confusion)
        self.slopes.append(seen.slopes)

    def state(self) -> dict[str, np.ndarray]:
        """Everything the run goes on from, and what it looked like after each epoch."""
        W1, W2 = self.network.weights()
        return {
            "W1": W1,
            "W2": W2,
            "step": np.array(self.step),
            "history": np.array([[getattr(p, f) for f in FIELDS] for p in self.points], float),
            "slopes": np.array(self.slopes, np.int64),
            "confusion": np.array(self.confusions, np.int32),
        }


def points_of(history: np.ndarray) -> list[Point]:
    """The points that a state's history holds."""
    return [Point(int(row[0]), int(row[1]), *map(float, row[2:])) for row in history]


def checked(run: Training, state: dict[str, np.ndarray], pixels: int, c: int) -> None:
    """A DataError in one sentence if the state does not fit the run."""
    spec, step = run.spec, state.get("step")
    if not isinstance(step, np.ndarray) or step.size != 1 or not 0 <= int(step) <= run.steps:
        raise DataError(f"The state's step must lie in [0, {run.steps}].")
    points = int(step) // run.epoch_steps + 1
    wanted = {
        "W1": (pixels + 1, spec.hidden, spec.dtype),
        "W2": (spec.hidden + 1, c, spec.dtype),
        "history": (points, len(FIELDS), "float64"),
        "slopes": (points, BINS, "int64"),
        "confusion": (points, c, c, "int32"),
    }
    for name, (*shape, kind) in wanted.items():
        found = state.get(name)
        if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (tuple(shape), kind):
            raise DataError(f"The state's {name} must be {kind} of shape {tuple(shape)}.")
        if name in ("W1", "W2") and not (np.abs(found).max() < 1e25):
            raise DataError(f"The state's {name} must be numbers below 1e25.")
