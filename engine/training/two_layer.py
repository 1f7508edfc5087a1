r"""Which settings learn: a two-layer network on real digits, exercise 002-2.

Pictures are rows of X, of 64 or 784 pixels, with a one in front for the biases; 1,347 digits to
learn from and 450 to be judged by. Forward, with h hidden units and ten outputs:

$$H = \tanh(X W_1), \qquad P = \sigma([\mathbf 1, H]\, W_2), \qquad
W_1: (d + 1, h), \quad W_2: (h + 1, 10) \tag{1}$$

$$\ell = -\sum_c \big[y_c \log p_c + (1 - y_c) \log(1 - p_c)\big] \tag{2}$$

summed over the ten outputs; all weights zero say $p = \frac12$ ten times:

$$\ell_0 = 10 \log 2 = 6.931 \tag{3}$$

Back, with $V$ for $W_2$ without its row of biases:

$$\frac{\partial \ell}{\partial W_2} = [\mathbf 1, H]^\top (P - Y) \tag{4}$$

$$\frac{\partial \ell}{\partial W_1} = X^\top \big[\big((P - Y) V^\top\big) \circ (1 - H \circ H)
\big] \tag{5}$$

Nothing passes a unit whose slope $\tanh' = 1 - H^2$ is near 0. It is called saturated below 0.01:

$$\text{saturated} = \frac{\#\{1 - H^2 < 0.01\}}{450\, h} \tag{6}$$

Step t goes down the gradient of a batch by the learning rate

$$\eta_t = L\, e^{-k t} \tag{7}$$

t counted in steps or in epochs, and the unit decides: an epoch of single pictures is 1,347 steps.
All steps together reach no further than (m steps share a rate: 1, or those of an epoch)

$$\sum_t \eta_t = \frac{m\, L}{1 - e^{-k}} \approx \frac{m\, L}{k} \tag{8}$$

and the rate has halved after

$$t_{1/2} = \frac{m \log 2}{k} \tag{9}$$

steps. What counts in the end is how many of the 450 are right:

$$\text{right} = 450\, (1 - e) \tag{10}$$

The weights begin as $s$ times standard normal numbers, or, with fan-in, as these over the root of
how many inputs a unit has. The parameters are

$$N = (d + 1)\, h + (h + 1)\, 10 \tag{11}$$

``plain`` is all that as one writes it with torch; ``Training`` runs in machine code on the CPU and
with torch on a GPU. In float64 all agree to 1e-10. Everything random comes from counters.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine import device as devices
from engine.certificate import Certificate
from engine.slips import Slip
from engine.training.recorded import RECORDED, TRAINED
from engine.training.two_layer_lesson import SLIPS, presets, questions, working
from engine.training.two_layer_race import (
    TESTED,
    Params,
    Race,
    Ran,
    checked_values,
    collected,
    flipped,
    overlaid,
    reaches,
    specs,
)  # fmt: skip
from engine.training.two_layer_recorded import recorded
from engine.training.two_layer_spec import TRAINING, Budget, Point, Spec, budget, cost, rates

__all__ = [
    "PRESETS", "RECORDED", "SLIPS", "TESTED", "TRAINED", "TRAINING", "Budget", "Params", "Point",
    "Race", "Spec", "Training", "budget", "certify", "cost", "questions", "rates",
    "reaches", "recorded", "run", "slipped", "specs", "train", "trained", "verb", "working",
]  # fmt: skip

PRESETS = presets()
ELSEWHERE = {
    "Data": "data",
    "load": "data",
    **dict.fromkeys(("Gradients", "gradients", "plain"), "reference"),
    **dict.fromkeys(("Mistaken", "mistaken", "first_layer"), "pictures"),
    **dict.fromkeys(("EXPECTED", "Expected"), "expected"),
}


def Training(
    spec: Spec,
    state: dict[str, np.ndarray] | None = None,
    device: str = "cpu",
    data: Any = None,
) -> Any:
    """A run: ``step``, ``points``, ``advance(until)``, ``state()``.

    From its own state it goes on bit by bit as if it had never stopped.
    """
    course = importlib.import_module("engine.training.two_layer_course")
    return course.Training(spec, state, devices.pick(device), data)


def train(spec: Spec, data: Any = None, device: str = "auto") -> Iterator[Point]:
    """The points of a run, each as soon as it is there."""
    one = Training(spec, device=devices.pick(device), data=data)
    yield one.points[0]
    for epoch in range(spec.epochs):
        one.advance((epoch + 1) * one.epoch_steps)
        yield one.points[-1]


def run(values: Any, params: Params) -> Race:
    """Train it all in this process; nothing is kept."""
    race = Race.of_nothing(checked_values(values, params), params)
    return collected(race, [_ran(spec) for spec in specs(race)], TRAINED)


def _ran(spec: Spec) -> Ran:
    one = Training(spec)
    one.advance(spec.steps)
    return Ran.of(spec, one.points, one.state())


def trained(race: Race, runs: Sequence[Any], states: Sequence[Mapping[str, Any]]) -> Race:
    """A race with what is trained of its runs, in the order of ``specs``, put in its place; while
    one is at work nothing else is shown.

    ``runs`` say how far each is and its points, ``states`` hold the arrays of its checkpoint.
    """
    if any(run.state == "running" for run in runs):
        race = Race.of_nothing(race.values, race.params, race.direction)
    found = [
        Ran.of(run.spec, run.points, state) if run.step else None
        for run, state in zip(runs, states, strict=True)
    ]
    return overlaid(race, found)


def verb(trace: Race) -> str:
    """The function of this module that gives this race again."""
    return "recorded" if trace.origin == RECORDED else "run"


def slipped(trace: Race, slip: Slip) -> Race:
    """The race that the mistake makes of it, if it ships with the project; else not trained yet."""
    wrong = flipped(trace, slip.name)
    return recorded(wrong.values, wrong.params, wrong.direction)


def certify(trace: Race, slip: Slip | None = None) -> Certificate:
    """On this machine: gradients of the first batch against autograd and central differences,
    rates added up one by one, right answers counted, the first epoch trained again."""
    module = importlib.import_module("engine.training.two_layer_certificate")
    return module.certificate(trace, slip)


def __getattr__(name: str) -> Any:
    if name in ELSEWHERE:
        module = importlib.import_module(f"engine.training.two_layer_{ELSEWHERE[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
