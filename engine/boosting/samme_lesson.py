"""What the lesson on boosting says: known mistakes, and questions with likely answers.

The tags are those of ``engine.boosting.samme``.
"""

from typing import TYPE_CHECKING

import numpy as np

from engine.boosting.samme_data import picked
from engine.boosting.samme_presets import presets
from engine.predict import Question
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.boosting.samme import Samme

__all__ = ["SLIPS", "presets", "questions"]

SLIPS = Slips(
    Slip(
        "indicator",
        "004-3, the derivative at α = 0",
        "Wrong indicator",
        "The second indicator must be that of a right answer; with ≠ for = the slope rewards "
        "errors.",
        "It hides in a round with ε = 1/2.",
    ),
    Slip(
        "no-log",
        "004-3, the missing last line",
        "log(K − 1) left out",
        "α stops at the logarithm of the odds: a vote that beats guessing may count against "
        "itself.",
        "It hides for two classes, where log(K − 1) is 0.",
    ),
)


def questions(trace: "Samme", step: int, i: int = -1) -> tuple[Question, ...]:
    """What to predict of the round that leads to a step, with the values of typical mistakes."""
    i, T = picked(trace, i + 1), len(trace.alpha)
    if not T:
        N = float(len(trace.y))
        return (Question("weight", rf"D_1({i + 1})", 1 / N, {"The weights sum to 1.": 1.0}, 0),)
    t = min(max(step, 1), T)
    return _error(trace, t), *_say(trace, t), _weight(trace, t, i), _ratio(trace, t)


def _error(trace: "Samme", t: int) -> Question:
    wrong = trace.votes[t - 1] != trace.y
    error = float(trace.error[t - 1])
    mistakes = {
        "You counted the wrong points; each counts with its weight.": float(wrong.mean()),
        "That is the weight of the right ones.": 1 - error,
        "That is how many are wrong: add up their weights.": float(wrong.sum()),
    }
    return Question("error", rf"\epsilon_{{{t}}}", error, mistakes, t)


def _say(trace: "Samme", t: int) -> list[Question]:
    K, e = len(trace.labels), float(trace.error[t - 1])
    if not 0 < e < 1:
        return []
    odds = float(np.log((1 - e) / e))
    mistakes = {
        "That is SAMME's; the course's is (K − 1)/K of it.": odds + np.log(K - 1),
        "You left out log(K − 1).": (K - 1) / K * odds,
        "That is the formula for two classes.": odds / 2,
        "That is the logarithm of the odds alone.": odds,
    }
    value = float(trace.alpha[t - 1])
    mine = Question(
        "alpha", rf"\alpha_{{{t}}}", value, {k: float(v) for k, v in mistakes.items()}, t,
        ("alpha_samme",),
    )  # fmt: skip
    return [mine]


def _weight(trace: "Samme", t: int, i: int) -> Question:
    K, a = len(trace.labels), float(trace.alpha[t - 1])
    off = bool(trace.votes[t - 1, i] != trace.y[i])
    D, value = float(trace.weights[t - 1, i]), float(trace.weights[t, i])
    factor = np.exp(a / (K - 1) if off else -a)
    other = np.exp(-a if off else a / (K - 1))
    mistakes = {
        "You did not normalise: divide by the factor of the loss.": D * factor,
        "You took the factor of the other case.": D * other / trace.ratio[t - 1],
        "That is the weight before this round.": D,
        "The exponent of a wrong point is divided by K − 1.": D * np.exp(a) / trace.ratio[t - 1],
    }
    found = {sentence: float(v) for sentence, v in mistakes.items()}
    return Question("weight", rf"D_{{{t + 1}}}({i + 1})", value, found, t)


def _ratio(trace: "Samme", t: int) -> Question:
    e, value = float(trace.error[t - 1]), float(trace.ratio[t - 1])
    mistakes = {
        "That is the formula for two classes.": float(2 * np.sqrt(e * (1 - e))),
        "That is the loss itself; its ratio to the one before is asked.": float(trace.loss[t]),
    }
    symbol = rf"Z_{{{t + 1}}}/Z_{{{t}}}"
    return Question("ratio", symbol, value, mistakes, t)
