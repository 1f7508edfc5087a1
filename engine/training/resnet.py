"""The small ResNet of the channel sweep, exercise 001-3, and how it is trained.

    conv 3×3 (1 → C, stride 2, no bias) - norm - ReLU - max-pool 2 - block - average - linear

on 8 × 8 digits, with block(x) = ReLU(x + norm(conv(ReLU(norm(conv(x)))))): the maps are 4 × 4,
2 × 2, and one number per channel. 18 C² + 25 C + 10 parameters.

The starter protocol: 4,000 steps of gradient descent, lr 0.1, each on 128 of 898 pictures drawn
without replacement; every 25 steps the cross-entropy of the batch just used ("train") and of the
899 others with batch statistics ("test": the course's program never calls ``eval()``).

``plain`` is that as one writes it with torch. ``Training`` is the same run differentiated by hand;
in float64 the two agree to 1e-10. What both begin with, and every batch, comes from
``resnet_draws``. ``ResNet``, ``initial``, ``digits`` and ``plain`` stand in ``resnet_reference``,
the program that trains all seeds at once in ``resnet_torch``: torch is imported when one of them is
asked for.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import device as devices
from engine.data import DataError
from engine.params import Knobs, knob

ELSEWHERE = {
    "batch": "draws",
    **dict.fromkeys(
        ("Block", "ResNet", "bias_gradient", "digits", "initial", "plain"), "reference"
    ),
    "train_many": "torch",
}


@dataclass(frozen=True, kw_only=True)
class Spec(Knobs):
    """One run. The defaults are the starter protocol."""

    width: int = knob(1, 1, 128, "channels", label="$C$")
    seed: int = knob(0, 0, 2**31 - 1, "fixes split, starting weights and batches")
    steps: int = knob(4000, 1, 1_000_000, "steps of gradient descent")
    batch: int = knob(128, 1, 898, "pictures per step")
    lr: float = knob(0.1, 0, 10, "step size")
    log_every: int = knob(25, 1, 1_000_000, "steps between two points of the curves")
    protocol: str = knob(
        "starter",
        choices=("starter", "epochs"),
        help="starter: every batch drawn anew; epochs: each picture once per epoch",
    )
    dtype: str = knob("float32", choices=("float32", "float64"), help="precision")
    evaluation: str = knob(
        "batch",
        choices=("batch", "running"),
        help="statistics for the test set: its own, or the running ones of eval()",
    )
    skip: bool = knob(True, help="add the block's input to its output")
    norm: bool = knob(True, help="batch normalisation")
    ragged: str = knob(
        "drop",
        choices=("drop", "keep"),
        help="the last batch of an epoch, 898 = 7·128 + 2: left out, or a batch of two",
    )


@dataclass(frozen=True)
class Point:
    """One point of the curves, after ``step`` steps."""

    step: int
    train_loss: float
    test_loss: float
    train_error: float
    test_error: float


def shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Every parameter array by torch's name for it, in torch's order."""
    C = width
    square, each = (C, C, 3, 3), (C,)
    return {
        "stem.weight": (C, 1, 3, 3),
        "norm.weight": each,
        "norm.bias": each,
        "block.conv1.weight": square,
        "block.norm1.weight": each,
        "block.norm1.bias": each,
        "block.conv2.weight": square,
        "block.norm2.weight": each,
        "block.norm2.bias": each,
        "linear.weight": (10, C),
        "linear.bias": (10,),
    }


NORMS = ("norm", "block.norm1", "block.norm2")


def ledger(width: int) -> list[tuple[str, tuple[int, ...], int]]:
    """Layer, shape of what leaves it, parameters; their sum is 18 C² + 25 C + 10."""
    C = Spec(width=width).width
    return [
        ("conv 3×3, stride 2", (C, 4, 4), 9 * C),
        ("norm, ReLU", (C, 4, 4), 2 * C),
        ("max-pool 2", (C, 2, 2), 0),
        ("block: conv 3×3", (C, 2, 2), 9 * C * C),
        ("block: norm, ReLU", (C, 2, 2), 2 * C),
        ("block: conv 3×3", (C, 2, 2), 9 * C * C),
        ("block: norm", (C, 2, 2), 2 * C),
        ("block: + input, ReLU", (C, 2, 2), 0),
        ("average", (C,), 0),
        ("linear", (10,), 10 * C + 10),
    ]


def cost(spec: Spec) -> float:
    """How long a run takes, in units that only compare."""
    return spec.steps * (10.0 + 0.12 * spec.width**2)


def checked(spec: Spec, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A state that fits the spec, or a DataError in one sentence."""
    wanted = dict(shapes(spec.width))
    wanted |= {f"{n}.running_{k}": (spec.width,) for n in NORMS for k in ("mean", "var")}
    for name, shape in wanted.items():
        found = state.get(name)
        if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (shape, spec.dtype):
            raise DataError(f"The state's {name} must be {spec.dtype} of shape {shape}.")
    history, step = state.get("history"), state.get("step")
    if not isinstance(history, np.ndarray) or history.ndim != 2 or history.shape[1] != 5:
        raise DataError("The state's history must be an array of rows of 5 numbers.")
    if (
        not isinstance(step, np.ndarray)
        or step.size != 1
        or not 0 <= int(step.item()) <= spec.steps
    ):
        raise DataError(f"The state's step must lie in [0, {spec.steps}].")
    return state


def points_of(history: np.ndarray) -> list[Point]:
    """The points that a state's history holds."""
    return [Point(int(row[0]), *map(float, row[1:])) for row in history]


def history_of(points: list[Point]) -> np.ndarray:
    """Points as rows of numbers."""
    rows = [[p.step, p.train_loss, p.test_loss, p.train_error, p.test_error] for p in points]
    return np.array(rows, dtype=float).reshape(-1, 5)


class Training:
    """A run. From its own state it goes on bit by bit as if it had never stopped."""

    def __init__(
        self, spec: Spec, state: dict[str, np.ndarray] | None = None, device: str = "cpu"
    ) -> None:
        self.spec, self.device = spec, devices.pick(device)
        kind = "fast" if self.device == "cpu" else "torch"
        module = importlib.import_module(f"engine.training.resnet_{kind}")
        self.run = module.Run(spec, state, self.device)

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.run.step

    @property
    def points(self) -> list[Point]:
        """All points so far, those before a resumption included."""
        return self.run.points

    def advance(self, until: int) -> None:
        """Train up to step ``until``; any pieces give the same numbers."""
        self.run.advance(until)

    def state(self) -> dict[str, np.ndarray]:
        """Parameters, statistics, history and step: everything the run goes on from."""
        return self.run.state()


def train(spec: Spec, device: str = "auto") -> Iterator[Point]:
    """The points of a run, each as soon as it is there."""
    run, shown = Training(spec, device=devices.pick(device)), 0
    while run.step < spec.steps:
        run.advance(min(spec.steps, run.step + spec.log_every))
        yield from run.points[shown:]
        shown = len(run.points)


def __getattr__(name: str) -> Any:
    if name in ELSEWHERE:
        module = importlib.import_module(f"engine.training.resnet_{ELSEWHERE[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
