"""A layered network: units in columns, a line for each weight, following the step in the browser.

A click on the nearest line picks its weight. Values come with the step that computes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.trace import digest
from pages.ui.component import component, plain

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson


@dataclass(frozen=True)
class Column:
    """The units of one layer: ``values`` from step ``out`` on, ``errors`` from step ``home`` on.

    ``picture`` replaces the units by an image with so many pixels a side.
    """

    name: str
    values: Sequence[float]
    out: int
    errors: Sequence[float] = ()
    home: int = 0
    blank: Sequence[int] = ()
    wrong: Sequence[int] = ()
    picture: int = 0


@dataclass(frozen=True)
class Gap:
    """The weights between two columns, row by row: what they are from step ``out`` on, their
    gradients from ``home`` on, and how long all those gradients together are.

    Below a picture there is one row, for all its pixels: then ``row`` says nothing.
    """

    weights: Sequence[Sequence[float]]
    gradients: Sequence[Sequence[float]]
    out: int
    home: int
    norm: float
    wrong: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Way:
    """A path from the picked weight up: units column by column, and its share of the sum."""

    units: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Mesh:
    """``phases`` names for each step what is computed ("forward", "delta", "gradient" or "") and
    in which column; ``picked`` is (gap, row, column)."""

    label: str
    columns: Sequence[Column]
    gaps: Sequence[Gap]
    phases: Sequence[tuple[str, int]]
    picked: tuple[int, int, int]
    ways: Sequence[Way] = field(default_factory=tuple)


PICK = ("layer", "row", "col")


def mesh(key: str, drawing: Mesh, page: "Lesson") -> None:
    """Draw it; a click on a weight goes to the page's layer, row and col."""
    data = plain(_short(asdict(drawing)))
    data["id"] = digest(data["columns"], data["gaps"], data["ways"], data["picked"])
    picking("mesh", key, data, page)


def picking(
    name: str,
    key: str,
    data: dict[str, Any],
    page: "Lesson",
    meant: Callable[[Mapping[str, int]], Mapping[str, Any]] | None = None,
) -> None:
    """A component whose clicks say layer, row and col, counted from 1, before the page runs.

    They go to the fields of these names, or to those that ``meant`` makes of them.
    """
    opening, state = page.opening, page.state
    data["opening"] = opening

    def picked() -> None:
        pick = (st.session_state.get(key) or {}).get("pick") or {}
        if pick.get("opening") == opening and all(isinstance(pick.get(n), int) for n in PICK):
            found = {field_name: pick[field_name] for field_name in PICK}
            for field_name, value in (meant(found) if meant else found).items():
                state.put(field_name, value)

    component(name)(key=key, data=data, on_pick_change=picked)


def _short(thing: Any) -> Any:
    """Six digits of every number are enough for a drawing, and travel faster."""
    if isinstance(thing, np.ndarray):
        return _short(thing.tolist())
    if isinstance(thing, dict):
        return {name: _short(item) for name, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_short(item) for item in thing]
    return float(f"{thing:.6g}") if isinstance(thing, float) else thing
