"""Formula, substituted formula, value.

A ``Line`` is one worked step in LaTeX. In ``substituted`` a number is written as a slot,
``@name@``, and ``numbers[name]`` holds it: one float, or one float per step of a trace. So a page
can put in the numbers of any step without asking again.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SLOT = re.compile(r"@(\w+)@")


@dataclass(frozen=True, eq=False)
class Line:
    """``symbol`` = ``formula`` = ``substituted`` = ``value``, equation ``tag`` of the docstring.

    ``name`` is what questions and slips call the value; ``printed`` marks a form that is a slip.
    """

    symbol: str
    formula: str
    substituted: str
    value: float | np.ndarray
    numbers: Mapping[str, float | np.ndarray] = field(default_factory=dict)
    tag: int | None = None
    name: str = ""
    printed: bool = False

    def tex(self, step: int = 0) -> str:
        """The whole line at one step, in LaTeX."""
        value = number(_at(self.value, step))
        if not self.substituted:
            return f"{self.symbol} = {self.formula} = {value}"
        return f"{self.symbol} = {self.formula} = {self.filled(step)} = {value}"

    def slots(self) -> list[str]:
        """Names of the numbers that ``substituted`` asks for."""
        return list(dict.fromkeys(SLOT.findall(self.substituted)))

    def filled(self, step: int = 0) -> str:
        """``substituted`` with the numbers of one step; a negative factor gets brackets."""

        def put(match: re.Match[str]) -> str:
            value = _at(self.numbers[match[1]], step)
            text = number(value)
            raised = match.string[match.end() : match.end() + 1] == "^"
            if (value < 0 and not bare(match)) or (raised and "^" in text):
                return f"({text})"
            return text

        return SLOT.sub(put, self.substituted)


def bare(slot: re.Match[str]) -> bool:
    """May a negative number stand here without brackets? First, or in brackets already, and with
    no power on it."""
    template, start, end = slot.string, slot.start(), slot.end()
    return (start == 0 or template[start - 1] == "(") and template[end : end + 1] != "^"


def _at(value: float | np.ndarray, step: int) -> float:
    return float(value[step] if isinstance(value, np.ndarray) and value.ndim else value)


def number(value: float, digits: int = 4) -> str:
    """A number as a person writes it, in LaTeX: 0.5987, -1.5, 2.3 times 10^-16."""
    if math.isnan(value):
        return r"\text{NaN}"
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        text = f"{value:.{digits}g}"
        return text if "e" not in text else f"{value:.0f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return rf"{float(mantissa):g} \cdot 10^{{{int(exponent)}}}"
