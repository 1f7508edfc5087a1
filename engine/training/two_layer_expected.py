"""The settings that show the course's remarks, and what each reaches on the digits in 60 epochs.

The figures are of one split and one start; between seeds they differ by about 0.007 (standard
deviation), where little has been learnt by more. With randn × 1000 the learning rate must be small
for the second layer, too, to get nowhere.
"""

from dataclasses import dataclass, replace

from engine.training.two_layer_spec import Spec

GOOD = Spec(hidden=200, lr=0.03)
SCALED = replace(GOOD, init="scale")


@dataclass(frozen=True)
class Expected:
    """A setting, the test accuracy it reaches, and how far the mean of two seeds may be off."""

    title: str
    spec: Spec
    low: float
    high: float
    within: float
    saturated: bool = False  # every hidden unit, for every picture


EXPECTED = {
    "good": Expected("a good setting", GOOD, 0.987, 0.987, 0.015),
    "small": Expected("L = 0.001", replace(GOOD, lr=1e-3), 0.967, 0.967, 0.02),
    "smaller": Expected("L = 0.0001", replace(GOOD, lr=1e-4), 0.917, 0.917, 0.03),
    "saturated": Expected(
        "randn × 1000",
        replace(SCALED, lr=1e-3, init_scale=1000.0),
        0.09,
        0.11,
        0.04,
        saturated=True,
    ),
    "frozen": Expected("k = 0.001 per step", replace(GOOD, lr=1e-2, decay=1e-3), 0.92, 0.92, 0.025),
    "frozen early": Expected(
        "k and L = 0.001", replace(GOOD, lr=1e-3, decay=1e-3), 0.65, 0.65, 0.08
    ),
    "zeros": Expected("all weights zero", replace(SCALED, init_scale=0.0), 0.1, 0.1, 0.03),
    "diverged": Expected("L = 10", replace(GOOD, lr=10.0), 0.1, 0.1, 0.03),
}
