"""What the lesson on the two-layer network says: known mistakes, formulas with numbers, questions,
cases. The tags are those of ``engine.training.two_layer``.
"""

import math

import numpy as np

from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.training.two_layer_race import SIDE, TESTED, Params, Race, specs
from engine.training.two_layer_spec import budget
from engine.working import Line

SLIPS = Slips(
    Slip(
        "flipped-sign",
        "002-2, the gradient of (2)",
        "The sign flipped",
        "Printed with its sign flipped, the gradient points uphill: every step climbs.",
        "It hides nowhere but in a step of length 0, with L = 0.",
    ),
    Slip(
        "other-unit",
        "002-2, the unit of t in (7)",
        "The other unit of t",
        "The exercise does not say what t counts: in steps and in epochs the same k means "
        "another run.",
        "It hides at k = 0, and where an epoch is a single step.",
        "step",
    ),
)


def presets() -> dict[str, Preset]:
    """The lesson's cases; each ships with its runs."""
    return {
        "scale": Preset(
            "Scale",
            Params(vary="scale s", lr=1e-3, init="scale"),
            "From size 1000 every unit is saturated: next to nothing is learnt.",
            {"values": [1000, 10, 1, 0.1]},
            60,
        ),
        "rates": Preset(
            "Rate",
            Params(),
            "Sixty epochs each, and L alone decides how far they lead.",
            {"values": [0.03, 0.001, 0.0001]},
            60,
        ),
        "step": Preset(
            "k by step",
            Params(decay=1e-3),
            "t in steps: the rate halves every half epoch, and all is frozen.",
            {"values": [0.03, 0.01, 0.001]},
            60,
        ),
        "epoch": Preset(
            "k by epoch",
            Params(decay=1e-3, decay_unit="epoch"),
            "The same k with t in epochs: as good as no decay at all.",
            {"values": [0.03, 0.01, 0.001]},
            60,
        ),
        "zeros": Preset(
            "Zeros",
            Params(vary="scale s", init="scale"),
            "Through zeros no gradient gets back; the least difference is enough.",
            {"values": [0, 0.0001, 0.1]},
            60,
        ),
        "ten": Preset(
            "L = 10",
            Params(),
            "Each step overshoots: every unit saturates, and it ends in guessing.",
            {"values": [0.03, 1, 10]},
            60,
        ),
    }


def working(trace: Race, chosen: int = 0) -> tuple[Line, ...]:
    """Rate, reach, half-life, saturation and right answers of one setting, at every epoch."""
    spec = specs(trace)[chosen]
    kept, per = budget(spec), spec.epoch_steps
    steps = trace.epoch * per
    unit = "steps" if kept.unit == 1 else "epochs"
    t = steps if kept.unit == 1 else trace.epoch
    lr = spec.lr * np.exp(-spec.decay * t)
    spent = np.array([kept.spent(int(step)) for step in steps])
    L, k, m = ({"L": spec.lr}, {"k": spec.decay}, {"m": float(kept.unit)})
    d, h = SIDE[spec.data] ** 2, spec.hidden
    tested, e = TESTED[spec.data], trace.test_error[:, chosen]
    saturated = trace.saturated[:, chosen]
    activations = float(tested * h)
    total = [
        Line(
            r"\sum_{t < \infty} \eta_t", r"\frac{m L}{1 - e^{-k}}",
            r"\frac{@m@ \cdot @L@}{1 - e^{-@k@}}", kept.total, L | k | m, 8, "total",
        ),
        Line(
            r"t_{1/2}", r"\frac{m \log 2}{k}", r"\frac{@m@ \cdot \log 2}{@k@}",
            kept.half_life, k | m, 9, "half-life",
        ),
    ]  # fmt: skip
    endless = Line(r"\sum_{t < \infty} \eta_t", r"L + L + \dots", "", kept.total, {}, 8, "total")
    lines = (
        Line(
            r"\eta", rf"L\, e^{{-k t}},\ t \text{{ in {unit}}}", r"@L@ \cdot e^{-@k@ \cdot @t@}",
            lr, L | k | {"t": t}, 7, "rate",
        ),
        Line(r"\sum_t \eta_t", r"\text{so far}", "", spent, {}, 8, "spent"),
        *(total if spec.decay else [endless]),
        Line(
            r"\text{saturated}", r"\frac{\#\{\tanh' < 0.01\}}{\#}",
            r"\frac{@count@}{@all@}", saturated,
            {"count": np.round(saturated * activations), "all": activations}, 6, "saturated",
        ),
        Line(
            r"\text{right}", rf"{tested}\,(1 - e)", rf"{tested} \cdot (1 - @e@)",
            np.round(tested * (1 - e)), {"e": e}, 10, "right",
        ),
        Line(r"\ell_0", r"10 \log 2", "", 10 * math.log(2), {}, 3, "guess"),
        Line(
            "N", r"(d + 1)\,h + (h + 1)\,10", r"(@d@ + 1) \cdot @h@ + (@h@ + 1) \cdot 10",
            float((d + 1) * h + (h + 1) * 10), {"d": float(d), "h": float(h)}, 11, "parameters",
        ),
    )  # fmt: skip
    return tuple(line for line in lines if not np.isnan(line.value).all())  # what is trained


def questions(trace: Race, step: int = 0, chosen: int = 0) -> tuple[Question, ...]:
    """About one setting, and the mistakes that are likely."""
    spec = specs(trace)[chosen]
    d, h, kept = SIDE[spec.data] ** 2, spec.hidden, budget(spec)
    asked = [
        Question(
            "guess",
            r"\ell_0",
            10 * math.log(2),
            {
                "That is one output; there are ten, and their losses are summed.": math.log(2),
                "That is ten classes that sum to 1; here each output is a coin.": math.log(10),
                "That is the logarithm to base 2.": 10.0,
            },
            step,
        ),
        Question(
            "parameters",
            "N",
            float((d + 1) * h + (h + 1) * 10),
            {
                "You left out the biases.": float(d * h + h * 10),
                "You left out the biases of the hidden units.": float(d * h + (h + 1) * 10),
                "You left out the biases of the outputs.": float((d + 1) * h + h * 10),
            },
            step,
            exact=True,
        ),
    ]
    if spec.decay and spec.lr:
        asked += [
            Question(
                "half-life",
                "t_{1/2}",
                kept.half_life,
                {
                    "After 1/k it is down to 1/e, not to a half.": kept.unit / spec.decay,
                    "t counts the other unit.": math.log(2)
                    / spec.decay
                    * (spec.epoch_steps if kept.unit == 1 else 1),
                },
                step,
            ),
            Question(
                "total",
                r"\sum_{t < \infty} \eta_t",
                kept.total,
                {
                    "t counts the other unit.": kept.total
                    * (spec.epoch_steps if kept.unit == 1 else 1 / kept.unit),
                    "That is L k; the rates add up to L / k.": spec.lr * spec.decay,
                },
                step,
            ),
        ]
    return tuple(asked)
