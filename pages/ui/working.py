"""The working: formula, substituted formula, value, following the step in the browser."""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any

from engine.trace import digest
from engine.working import Line
from pages.ui.component import component, plain
from pages.ui.mathml import mathml


def working(
    key: str,
    lines: Sequence[Line] | Sequence[Sequence[Line]],
    wrong: Mapping[str, Any] | None = None,
    blank: str | Collection[str] = "",
) -> None:
    """The same lines at every step, or one list of lines a step.

    ``wrong`` says of a line's name whether its value is off: one truth value, or one per step.
    ``blank`` names the line whose value is to be predicted, or all lines that would give it away.
    """
    wrong, hidden = wrong or {}, {blank} if isinstance(blank, str) else set(blank)
    groups = [group for group in lines if not isinstance(group, Line)]
    flat = [line for group in groups for line in group] or [x for x in lines if isinstance(x, Line)]
    ends = list(accumulate(len(group) for group in groups))
    data = plain(
        {
            "lines": [
                {
                    "symbol": mathml(line.symbol),
                    "formula": mathml(line.formula),
                    "substituted": mathml(line.substituted) if line.substituted else "",
                    "value": line.value,
                    "numbers": {name: line.numbers[name] for name in line.slots()},
                    "tag": line.tag,
                    "wrong": wrong.get(line.name, False) if line.name else False,
                    "blank": bool(line.name) and line.name in hidden,
                    "printed": line.printed,
                }
                for line in flat
            ],
            "steps": [
                list(range(end - len(group), end)) for end, group in zip(ends, groups, strict=True)
            ]
            or None,
        }
    )
    data["id"] = digest(
        [(item["symbol"], item["formula"], item["substituted"]) for item in data["lines"]]
    )
    component("working")(key=key, data=data)
