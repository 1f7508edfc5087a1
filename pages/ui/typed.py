"""Typed lines: numbers, matrices and several matrices as a person writes them, read and spelled."""

import re
from collections.abc import Callable, Collection
from typing import Any

from pages.ui.late import Values

PLAIN = re.compile(r"[A-Za-z0-9.+-]{1,20}")


def spelled(value: Any) -> str:
    """A value as a link and a text field spell it: 5, 9, 8 for a list, 1, 2; 3, 4 for a matrix."""
    if isinstance(value, (list, tuple)):
        return (", ", "; ", " | ")[_depth(value) - 1].join(spelled(item) for item in value)
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _depth(value: Any) -> int:
    """1 for a list of numbers, 2 for a matrix, 3 for several."""
    if not isinstance(value, (list, tuple)):
        return 0
    return 1 + (_depth(value[0]) if len(value) else 0)


class Unreadable(ValueError):
    """A typed line with a word in it that is no number; the message says which and where."""


def numbers(text: str) -> list[float]:
    """The numbers of a typed line, separated by commas or blanks."""
    words = text.replace(",", " ").replace(";", " ").split()
    found = []
    for place, word in enumerate(words, 1):
        try:
            found.append(float(word))
        except ValueError:
            # A visitor's text stays out of what is drawn as Markdown.
            shown = f"“{word}”" if PLAIN.fullmatch(word) else "something else"
            raise Unreadable(f"got {shown} at place {place}") from None
    return found


def matrix(text: str) -> list[list[float]]:
    """The rows of a typed matrix, separated by semicolons or lines."""
    return [numbers(row) for row in text.replace("\n", ";").split(";") if row.strip()]


def layers(text: str) -> list[list[list[float]]]:
    """Matrices separated by bars; none at all for an empty line."""
    return [matrix(part) for part in text.split("|")] if text.strip() else []


def typed_or_drawn(**drawn_by: Collection[str]) -> Callable[[Values, Values], Values]:
    """Empty a typed line once a knob is turned that says how to draw what it holds."""

    def turned(before: Values, now: Values) -> Values:
        return {
            line: ""
            for line, knobs in drawn_by.items()
            if before[line] == now[line] and any(before[k] != now[k] is not None for k in knobs)
        }

    return turned


def one_or_many(text: str) -> float | list[float]:
    """One number for all, or one for each."""
    found = numbers(text)
    return found[0] if len(found) == 1 else found
