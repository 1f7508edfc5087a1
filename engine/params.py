"""Numbers a person may turn: declared once, checked always.

A lesson's parameters are a frozen, keyword-only dataclass whose fields are knobs:

    @dataclass(frozen=True, kw_only=True)
    class Params(Knobs):
        steps: int = knob(10, 1, 1000, "how many times E and M alternate")

A value outside its bounds raises one sentence:
``coins.Params.steps must lie in [1, 1000], got 0.``
"""

import dataclasses
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np


class ParamError(ValueError):
    """A parameter outside its bounds; the message names field, bound and value."""


@dataclass(frozen=True)
class Bound:
    """What a knob allows. ``exclusive`` bounds belong to the open interval."""

    low: float | None = None
    high: float | None = None
    help: str = ""
    label: str = ""
    choices: tuple[str, ...] = ()
    exclusive: bool = False
    step: float | None = None

    def interval(self) -> str:
        left, right = "()" if self.exclusive else "[]"
        return f"{left}{self.low:g}, {self.high:g}{right}"

    def admits(self, value: Any) -> bool:
        assert self.low is not None
        assert self.high is not None
        if self.exclusive:
            return bool(self.low < value < self.high)
        return bool(self.low <= value <= self.high)


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    help: str = "",
    *,
    label: str = "",
    choices: tuple[str, ...] = (),
    exclusive: bool = False,
    step: float | None = None,
) -> Any:
    """A dataclass field with a default, bounds and one line of help.

    ``label`` may hold LaTeX between dollars, ``choices`` replaces the bounds, ``step`` is what
    one click of a control changes.
    """
    bound = Bound(low, high, help, label, choices, exclusive, step)
    return field(default=default, metadata={"bound": bound})


def bound_of(owner: Any, name: str) -> Bound:
    """The bound of one field of a Params class (or of an instance of it)."""
    return next(f for f in dataclasses.fields(owner) if f.name == name).metadata["bound"]


class Knobs:
    """Base of every ``Params``: checks each field and stores plain Python numbers."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            path = f"{type(self).__module__.rsplit('.', 1)[-1]}.{type(self).__qualname__}.{f.name}"
            checked = _check(path, getattr(self, f.name), f.default, f.metadata["bound"])
            object.__setattr__(self, f.name, checked)


def _check(path: str, value: Any, default: Any, bound: Bound) -> Any:
    if bound.choices:
        if not isinstance(value, str) or value not in bound.choices:
            names = ", ".join(bound.choices)
            raise ParamError(f"{path} must be one of {names}, got {_shown(value)}.")
        return value
    if isinstance(default, tuple):
        items = _items(path, value, len(default))
        return tuple(_check(path, v, d, bound) for v, d in zip(items, default, strict=True))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ParamError(f"{path} must be True or False, got {_shown(value)}.")
        return value
    if isinstance(default, int):
        return _number(path, value, bound, Integral, "a whole number", int)
    return _number(path, value, bound, Real, "a number", float)


def _items(path: str, value: Any, count: int) -> list[Any]:
    try:
        items = list(value)
    except TypeError:
        items = []
    if isinstance(value, (str, bytes)) or len(items) != count:
        raise ParamError(f"{path} must be {count} numbers, got {_shown(value)}.")
    return items


def _number(path: str, value: Any, bound: Bound, kind: type, words: str, cast: type) -> Any:
    if kind is Integral and isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
        raise ParamError(f"{path} must be {words}, got {_shown(value)}.")
    try:
        inside = bound.admits(value)
    except OverflowError:  # a fraction larger than any float
        inside = False
    if not inside:
        raise ParamError(f"{path} must lie in {bound.interval()}, got {_shown(value)}.")
    return cast(value)


def _shown(value: Any) -> str:
    """The value for a message: short, whatever was typed."""
    if value is None:
        return "nothing"
    if isinstance(value, Integral) and abs(int(value)) >= 10**15:
        return "a whole number of more than 15 digits"
    try:
        if isinstance(value, Real) and not isinstance(value, bool):
            return f"{float(value):g}"
        text = repr(value)
    except (ValueError, OverflowError):  # thousands of digits
        return "something very long"
    return text if len(text) <= 40 else text[:37] + "..."
