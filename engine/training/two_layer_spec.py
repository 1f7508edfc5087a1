"""A run of the two-layer network: settings, points, and what the learning rates add up to."""

import math
from dataclasses import dataclass

import numpy as np

from engine.params import Knobs, knob

TRAINING = {"digits": 1347, "mnist": 60_000}  # pictures


@dataclass(frozen=True, kw_only=True)
class Spec(Knobs):
    """One run. The defaults are a good setting for the digits."""

    data: str = knob("digits", choices=tuple(TRAINING), help="8 × 8 digits, or MNIST's 28 × 28")
    hidden: int = knob(64, 1, 1024, "hidden units", label="$h$")
    lr: float = knob(0.01, 0, 100, "learning rate of the first step", label="$L$")
    decay: float = knob(0.0, 0, 1, "the learning rate is L exp(-k t); 0: constant", label="$k$")
    decay_unit: str = knob("step", choices=("step", "epoch"), help="what t counts")
    init: str = knob(
        "fan_in",
        choices=("scale", "fan_in", "equal"),
        help="scale: randn × s; fan_in: randn / sqrt(inputs); equal: all hidden units alike",
    )
    init_scale: float = knob(
        0.1, 0, 1000, "s, for scale and equal; 0: all weights zero", label="$s$"
    )
    batch: int = knob(1, 1, 1024, "pictures per step")
    epochs: int = knob(60, 1, 1000, "how often each picture is seen")
    seed: int = knob(0, 0, 2**31 - 1, "fixes split, starting weights and order")
    dtype: str = knob("float32", choices=("float32", "float64"), help="precision")
    direction: str = knob(
        "down",
        choices=("down", "up"),
        help="down the gradient; up: its sign flipped, as the exercise prints it",
    )

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch; the last batch may be smaller."""
        return math.ceil(TRAINING[self.data] / self.batch)

    @property
    def steps(self) -> int:
        """Steps of the run."""
        return self.epochs * self.epoch_steps


@dataclass(frozen=True)
class Point:
    """The state of a run after ``step`` steps; losses are summed over outputs."""

    step: int
    epoch: int
    lr: float  # of the step that comes next
    train_loss: float
    test_loss: float
    train_error: float
    test_error: float
    saturated: float  # share of the hidden activations of the test set with tanh' < 0.01


@dataclass(frozen=True)
class Budget:
    """How far the learning rates reach if all are added up, and how fast they fall."""

    lr: float
    decay: float
    unit: int  # steps that share a learning rate

    @property
    def total(self) -> float:
        """The sum over all steps there could ever be, L / (1 - exp(-k)) per unit."""
        if not self.decay:
            return math.inf if self.lr else 0.0
        return self.unit * self.lr / -math.expm1(-self.decay)

    @property
    def half_life(self) -> float:
        """Steps until the learning rate is half of what it was."""
        return self.unit * math.log(2) / self.decay if self.decay else math.inf

    def spent(self, step: int) -> float:
        """The sum over the first ``step`` steps."""
        whole, part = divmod(step, self.unit)
        if not self.decay:
            return step * self.lr
        share = -math.expm1(-self.decay * whole) / -math.expm1(-self.decay)
        return self.lr * (self.unit * share + part * math.exp(-self.decay * whole))


def budget(spec: Spec) -> Budget:
    """What the learning rates of a run add up to."""
    unit = 1 if spec.decay_unit == "step" else spec.epoch_steps
    return Budget(spec.lr, spec.decay, unit)


def rates(spec: Spec, steps: np.ndarray, epoch_steps: int) -> np.ndarray:
    """The learning rate of each of these steps (from 0)."""
    t = steps if spec.decay_unit == "step" else steps // epoch_steps
    return spec.lr * np.exp(-spec.decay * t)


def cost(spec: Spec) -> float:
    """How long a run takes, in units that only compare."""
    pixels = {"digits": 64, "mnist": 784}[spec.data]
    return spec.epochs * TRAINING[spec.data] * (40 + spec.hidden * (20 + pixels / 4)) / 1000
