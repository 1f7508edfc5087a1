"""Predict, then reveal: judge an answer and name the likely mistake.

A ``Question`` knows the right value and the values that typical mistakes give. ``judge`` compares
to half a percent, as close as a person types.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """Blank ``symbol`` (LaTeX) and ask for it; ``name`` is how the figure calls that cell.

    ``conceals`` names further cells that would give the answer away; ``exact`` asks for a count,
    where half a percent would forgive a mistake.
    """

    name: str
    symbol: str
    value: float
    mistakes: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    conceals: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True)
class Verdict:
    right: bool
    sentence: str


def judge(question: Question, answer: float) -> Verdict:
    """Right, a named mistake, or how far off.

    >>> judge(Question("s", "s", 0.25, {"You left out 1 - a.": 0.5}), 0.5).sentence
    'You left out 1 - a.'
    """
    if not math.isfinite(answer):
        return Verdict(False, "Type a finite number.")
    near = float.__eq__ if question.exact else _close
    if near(float(answer), float(question.value)):
        return Verdict(True, "Right.")
    for sentence, value in question.mistakes.items():
        if near(float(answer), float(value)) and not near(float(value), float(question.value)):
            return Verdict(False, sentence)
    if _close(answer, -question.value):
        return Verdict(False, "Right size, wrong sign.")
    return Verdict(False, "Not yet. " + _hint(answer, question.value))


def _close(a: float, b: float) -> bool:
    """Equal to half a percent."""
    return bool(math.isfinite(b) and abs(a - b) <= max(5e-3 * abs(b), 1e-12))


def _hint(answer: float, value: float) -> str:
    if value != 0 and answer * value < 0:
        return "The sign differs."
    return "Too small in size." if abs(answer) < abs(value) else "Too large in size."
