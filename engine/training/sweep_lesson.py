"""What the lesson on the channel sweep says: known mistakes, formulas with numbers, questions,
cases. The tags are those of ``engine.training.sweep``.
"""

import dataclasses
import math

import numpy as np

from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.training.curves import Curves, Params
from engine.training.sweep_parameters import counted
from engine.working import Line

TESTED = 899
BESIDE = {"no skip": {"skip": False}, "no norm": {"norm": False}}


def beside(params: Params, name: str) -> Params:
    """The settings of the sweep that is shown beside this one."""
    return dataclasses.replace(params, **BESIDE[name])


SLIPS = Slips(
    Slip(
        "constant-norm",
        "001-3, differentiating (3)",
        "Mean and variance held constant",
        "The way back through batch norm forgets that each picture moves the mean and the "
        "variance of its batch.",
        "It hides with the norm switched off.",
    ),
    Slip(
        "bias-counted",
        "001-3, counting (4)",
        "A bias in each convolution",
        "The norm subtracts any bias again, so its gradient is 0 and it is no parameter.",
        "It hides nowhere in a count: 3C parameters too many at every width.",
    ),
)


def presets() -> dict[str, Preset]:
    """The lesson's cases; each ships with its curves."""
    return {
        "width": Preset(
            "Width",
            Params(),
            "64 channels learn in 50 steps what one never learns.",
            {"widths": [1, 2, 4, 64]},
            159,
        ),
        "plain": Preset(
            "No skip",
            Params(skip=False),
            "One block deep, the skip hardly matters.",
            {"widths": [1, 2, 4, 64]},
            159,
        ),
        "no-norm": Preset(
            "No norm",
            Params(norm=False),
            "Nothing is forced to unit size: a late start.",
            {"widths": [1, 2, 4, 64]},
            159,
        ),
        "eval": Preset(
            "eval()",
            Params(evaluation="running"),
            "Running statistics lag at first, then agree.",
            {"widths": [4, 64]},
            159,
        ),
        "two": Preset(
            "Last two",
            Params(protocol="epochs", ragged="keep", evaluation="running", lr=0.1),
            "A batch of two ends each epoch and costs a third more.",
            {"widths": [4, 64]},
            159,
        ),
        "slow": Preset(
            "Slow",
            Params(lr=0.01),
            "Ten times smaller steps, and 4,000 are too few.",
            {"widths": [1, 2, 4, 64]},
            159,
        ),
    }


def working(trace: Curves, chosen: int = 0, slip: Slip | None = None) -> tuple[Line, ...]:
    """Parameters, mean losses, their gap and the wrong answers of one width, at every step."""
    C, norm = trace.widths[chosen], trace.params.norm
    count = counted(C, norm, slip.name if slip else "")
    biased = bool(slip and slip.name == "bias-counted")
    linear = (25 if norm else 19) + 3 * biased
    lines = [
        Line(
            "P",
            rf"18\,C^2 + {linear}\,C + 10",
            rf"18 \cdot @C@^2 + {linear} \cdot @C@ + 10",
            float(count),
            {"C": float(C)},
            4,
            "parameters",
            biased,
        )
    ]
    for name, symbol in (("train_loss", r"\bar L"), ("test_loss", r"\bar L^{\,\text{test}}")):
        values = getattr(trace, name)[:, chosen]
        there = ~np.isnan(values)
        numbers = {
            "sum": np.where(there.any(axis=1), np.nansum(values, axis=1), np.nan),
            "R": there.sum(axis=1).astype(float),
        }
        mean = trace.means[name][:, chosen]
        lines.append(
            Line(symbol, r"\frac{1}{R} \sum_r L_r", r"\frac{@sum@}{@R@}", mean, numbers, 6, name)
        )
    train, test = trace.means["train_loss"][:, chosen], trace.means["test_loss"][:, chosen]
    wrong = trace.means["test_error"][:, chosen]
    lines += [
        Line(
            r"\text{gap}",
            r"\bar L^{\,\text{test}} - \bar L",
            "@test@ - @train@",
            trace.gap[:, chosen],
            {"test": test, "train": train},
            7,
            "gap",
        ),
        Line(
            r"\text{wrong}",
            r"\bar e^{\,\text{test}} \cdot 899",
            rf"@e@ \cdot {TESTED}",
            wrong * TESTED,
            {"e": wrong},
            6,
            "wrong",
        ),
        Line(r"L_\text{guess}", r"\log 10", "", math.log(10), {}, 8, "guess"),
    ]
    return tuple(line for line in lines if not np.isnan(line.value).all())  # what is trained


def questions(trace: Curves, step: int = 0, chosen: int = 0) -> tuple[Question, ...]:
    """About one width, and the mistakes that are likely."""
    C, norm = trace.widths[chosen], trace.params.norm
    count = counted(C, norm)
    asked = [
        Question(
            "parameters",
            f"P({C})",
            float(count),
            {
                "You gave each convolution a bias, which the norm subtracts again.": counted(
                    C, norm, "bias-counted"
                ),
                "You left out the ten biases of the last layer.": count - 10.0,
                "You left out scale and shift of the norms.": count - 6.0 * C,
                "The block has two convolutions.": count - 9.0 * C * C,
            },
            step,
            exact=True,
        ),
        Question(
            "guess",
            r"L_\text{guess}",
            math.log(10),
            {
                "That is the logarithm to base 2.": math.log2(10),
                "That is the error of guessing.": 0.9,
                "That is the logarithm to base 10.": 1.0,
            },
            step,
        ),
    ]
    if math.isfinite(trace.gap[step, chosen]):
        train, test = (float(trace.means[m][step, chosen]) for m in ("train_loss", "test_loss"))
        gap = Question(
            "gap",
            r"\text{gap}",
            test - train,
            {"That is the ratio.": test / train if train else math.inf},
            step,
        )
        asked.append(gap)
    return tuple(asked)
