"""Points on a line and what two objectives make of them, following the step in the browser.

Above the line stand the objective with its lines of support and, below it, the slopes. A point is
dragged, or moved with the arrow keys once it has the focus; where it is dropped goes to Python.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.trace import digest
from pages.ui.component import component, plain

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson


@dataclass(frozen=True, eq=False)
class Side:
    """One objective: its curve and its slopes as rows of (place, value).

    ``mu``, ``value``, ``slopes`` (lowest, highest), ``zero`` (is 0 among them) and the marks
    ``wrong_value`` and ``wrong_slope`` hold one entry a step. ``true_curve`` and ``true_slopes``
    are the right ones while the others are a slip's. ``centre`` are both ends of what is best,
    empty where there is none.
    """

    name: str
    kind: str
    mu: Any
    value: Any
    slopes: Any
    zero: Any
    curve: Any
    slope_curve: Any
    centre: Sequence[float]
    centre_name: str
    true_curve: Any = ()
    true_slopes: Any = ()
    wrong_value: Any = False
    wrong_slope: Any = False
    wrong_centre: bool = False
    blank: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Drawing:
    """``points`` on the line from ``low`` to ``high``; a key moves one by ``snap``."""

    label: str
    points: Any
    low: float
    high: float
    ticks: Sequence[float]
    snap: float
    sides: tuple[Side, Side]


def line(key: str, drawing: Drawing, page: "Lesson", moved: Callable[[int, float], None]) -> None:
    """Draw it; ``moved(point, place)`` hears of a drop before the page runs."""
    data = plain(drawing)
    data["id"] = digest(data)
    opening = data["opening"] = page.opening
    count, low, high = len(data["points"]), data["low"], data["high"]

    def dropped() -> None:
        drop = (st.session_state.get(key) or {}).get("drop") or {}
        point, place = drop.get("point"), drop.get("place")
        if drop.get("opening") != opening or not isinstance(point, int):
            return
        if 0 <= point < count and isinstance(place, (int, float)):
            moved(point, max(low, min(high, place)))

    component("line")(key=key, data=data, on_drop_change=dropped)
