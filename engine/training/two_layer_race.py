"""Several settings of the two-layer network side by side: what was seen after every epoch.

What is not trained yet is NaN, so a race that still runs has the length it will have in the end.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from engine.data import DataError, array
from engine.params import Knobs, bound_of, knob
from engine.trace import Trace, along_steps
from engine.training import mnist
from engine.training.recorded import TRAINED
from engine.training.two_layer_pictures import first_layer, mistaken
from engine.training.two_layer_spec import Spec, budget, rates

TESTED = {"digits": 450, "mnist": 10_000}
SIDE = {"digits": 8, "mnist": 28}
VARIED = {
    "rate L": "lr",
    "decay k": "decay",
    "scale s": "init_scale",
    "units h": "hidden",
}
MEASURES = ("lr", "train_loss", "test_loss", "train_error", "test_error", "saturated")
UNITS, WRONG = 40, 24  # hidden units and wrong pictures that are shown
BINS, CLASSES = 20, 10
Curve = Float[np.ndarray, "T S"]


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """What all settings of a race have in common, and in what they differ."""

    vary: str = knob(
        "rate L", choices=tuple(VARIED), help="in what the settings differ", label="vary"
    )
    lr: float = knob(
        0.03, 0, 100, "learning rate of the first step, unless varied", label="$L$", step=0.01
    )
    decay: float = knob(
        0.0, 0, 1, "the learning rate is L exp(-k t), unless varied", label="$k$", step=0.001
    )
    decay_unit: str = knob("step", choices=("step", "epoch"), help="what t counts", label="$t$ in")
    init_scale: float = knob(
        0.1, 0, 1000, "s, the size of the first weights, unless varied", label="$s$", step=0.1
    )
    init: str = knob(
        "fan_in",
        choices=("fan_in", "scale", "equal"),
        help="fan_in: randn / sqrt(inputs); scale: randn × s; equal: all hidden units alike",
        label="first weights",
    )
    hidden: int = knob(200, 1, 1024, "hidden units, unless varied", label="$h$")
    batch: int = knob(1, 1, 1024, "pictures per step", label="batch")
    epochs: int = knob(60, 1, 200, "how often each picture is seen", label="epochs")
    seed: int = knob(0, 0, 2**31 - 1, "fixes split, starting weights and order", label="seed")
    dtype: str = knob(
        "float32", choices=("float32", "float64"), help="precision", label="precision"
    )
    data: str = knob(
        "digits", choices=("digits", "mnist"), help="8 × 8 digits, or MNIST", label="data"
    )


def checked_values(values: Any, params: Params) -> tuple[float, ...]:
    """What the settings differ by, each value once, in the order given."""
    name = VARIED[params.vary]
    bound, whole = bound_of(Spec, name), name == "hidden"
    assert bound.low is not None
    assert bound.high is not None
    given = array("values", values, low=bound.low, high=bound.high, whole=whole, most=6)
    if params.data == "mnist" and not mnist.here():
        raise DataError("data must be digits: MNIST is not on this machine; " + mnist.INSTEAD + ".")
    return tuple(dict.fromkeys(int(v) if whole else float(v) for v in given))


def of_value(value: float, params: Params, direction: str = "down") -> Spec:
    """One setting as a run. What makes no difference is as it is by default: then runs that are
    the same have one name."""
    shared = {name: kept for name, kept in vars(params).items() if name != "vary"}
    shared |= {VARIED[params.vary]: value, "direction": direction}
    if params.vary == "scale s" and params.init == "fan_in":
        shared["init"] = "scale"
    if shared["init"] == "fan_in":
        shared["init_scale"] = 0.1
    if not shared["decay"]:
        shared["decay_unit"] = "step"
    return Spec(**shared)


class Ran(NamedTuple):
    """What is known of one run: NaN where it is not trained yet."""

    measures: np.ndarray  # (T, 6)
    slopes: np.ndarray  # (T, 20): hidden activations of the test set by tanh'
    confusion: np.ndarray  # (T, 10, 10): what it is, what was said
    weights: np.ndarray  # (40, side, side): of the first hidden units, at the end
    pictures: np.ndarray  # (24, side, side): wrong ones, the surest first
    answers: np.ndarray  # (24, 3): what each is, what was said, how sure

    @classmethod
    def of(cls, spec: Spec, points: Sequence[Any], state: Mapping[str, Any]) -> "Ran":
        """From the points of a run, and the arrays of a checkpoint that may be a little older."""
        ran = nothing(spec.epochs, spec.data)
        for point in points:
            ran.measures[point.epoch] = [getattr(point, name) for name in MEASURES]
        for name in ("slopes", "confusion") if state else ():
            getattr(ran, name)[: len(state[name])] = state[name]
        if state and int(state["step"]) >= spec.steps:
            ran.look(spec, state)
        return ran

    def look(self, spec: Spec, state: Mapping[str, Any]) -> None:
        """The pictures of a run that is over."""
        from engine.training.two_layer_data import load

        units = first_layer(dict(state))[:UNITS]
        self.weights[: len(units)] = units
        wrong = mistaken(dict(state), load(spec))
        n = min(len(wrong), WRONG)
        self.pictures[:n] = wrong.pictures[:n]
        answers = np.stack([wrong.truth, wrong.said, wrong.sure], axis=1)
        self.answers[:n] = answers[:n]


def nothing(epochs: int, data: str) -> Ran:
    """A run that nobody has begun."""
    T, side = epochs + 1, SIDE[data]
    shapes = (
        (T, len(MEASURES)), (T, BINS), (T, CLASSES, CLASSES), (UNITS, side, side),
        (WRONG, side, side), (WRONG, 3),
    )  # fmt: skip
    kinds = (float, np.float32, np.float32, np.float32, np.float32, float)
    return Ran(*(np.full(shape, np.nan, kind) for shape, kind in zip(shapes, kinds, strict=True)))


@dataclass(frozen=True, eq=False)
class Race(Trace):
    """S settings, T = epochs + 1. ``origin`` says where the numbers come from."""

    values: tuple[float, ...]
    params: Params
    epoch: Float[np.ndarray, " T"] = along_steps()
    lr: Curve = along_steps()
    train_loss: Curve = along_steps()
    test_loss: Curve = along_steps()
    train_error: Curve = along_steps()
    test_error: Curve = along_steps()
    saturated: Curve = along_steps()
    slopes: np.ndarray = along_steps()  # (T, S, 20)
    confusion: np.ndarray = along_steps()  # (T, S, 10, 10)
    weights: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    pictures: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    answers: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    origin: str = ""
    direction: str = "down"

    @classmethod
    def of_nothing(
        cls, values: tuple[float, ...], params: Params, direction: str = "down"
    ) -> "Race":
        """A race that nobody has begun."""
        one = nothing(params.epochs, params.data)
        return _joined(values, params, [one] * len(values), "", direction)

    @property
    def names(self) -> list[str]:
        """What to call each setting: L = 0.03."""
        return [f"{self.params.vary[-1]} = {value:g}" for value in self.values]

    @property
    def count(self) -> int:
        """How many points there are, of all settings."""
        return int(np.isfinite(self.test_loss).sum())

    @property
    def begun(self) -> np.ndarray:
        """Which settings have any point, (S,)."""
        return np.asarray(np.isfinite(self.test_loss).any(axis=0))

    def ran(self, place: int) -> Ran:
        """One setting of it."""
        measures = np.stack([getattr(self, name)[:, place] for name in MEASURES], axis=1)
        ends = (getattr(self, name)[place] for name in Ran._fields[3:])
        return Ran(measures, self.slopes[:, place], self.confusion[:, place], *ends)


def specs(race: Race) -> list[Spec]:
    """One run for each setting."""
    return [of_value(value, race.params, race.direction) for value in race.values]


def collected(race: Race, runs: Sequence[Ran], origin: str) -> Race:
    """The race with these runs."""
    return _joined(race.values, race.params, runs, origin, race.direction)


def overlaid(race: Race, found: Sequence[Ran | None]) -> Race:
    """The race with the runs that are found in place of its own."""
    runs = [race.ran(i) if ran is None else ran for i, ran in enumerate(found)]
    here = all(ran is not None for ran in found)
    return collected(race, runs, TRAINED if here else race.origin)


def _joined(
    values: tuple[float, ...], params: Params, runs: Sequence[Ran], origin: str, direction: str
) -> Race:
    measures = np.stack([ran.measures for ran in runs], axis=1)  # (T, S, 6)
    columns = {name: measures[..., i] for i, name in enumerate(MEASURES)}
    columns |= {n: np.stack([getattr(r, n) for r in runs], axis=1) for n in Ran._fields[1:3]}
    ends = {name: np.stack([getattr(ran, name) for ran in runs]) for name in Ran._fields[3:]}
    epoch = np.arange(params.epochs + 1.0)
    return Race(values, params, epoch, **columns, **ends, origin=origin, direction=direction)


def flipped(race: Race, slip: str) -> Race:
    """What is raced while a slip is on: up the gradient, or t counted in the other unit."""
    if slip == "flipped-sign":
        return Race.of_nothing(race.values, race.params, "up")
    if slip != "other-unit":
        raise KeyError(slip)
    other = {"step": "epoch", "epoch": "step"}[race.params.decay_unit]
    params = dataclasses.replace(race.params, decay_unit=other)
    return Race.of_nothing(race.values, params, race.direction)


def reaches(race: Race) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The learning rate after every epoch, the sum of all so far, and of all there could ever be
    (inf without decay), each (T, S)."""
    rate, spent, total = (np.zeros((len(race), len(race.values))) for _ in range(3))
    for place, spec in enumerate(specs(race)):
        kept, steps = budget(spec), race.epoch.astype(int) * spec.epoch_steps
        rate[:, place] = rates(spec, steps, spec.epoch_steps)
        spent[:, place] = [kept.spent(int(step)) for step in steps]
        total[:, place] = kept.total
    return rate, spent, total
