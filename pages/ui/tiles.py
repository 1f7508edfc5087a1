"""Matrices as pictures: one small square an entry, its number where there is room.

Positive entries are orange, negative ones blue, 0 is the background. A click picks an entry. A
picture may have values of its own at each step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.trace import digest
from pages.ui.component import plain
from pages.ui.mesh import picking

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson


@dataclass(frozen=True)
class Tile:
    """One matrix at (x, y), ``wide`` by ``high``, seen from ``step`` on.

    ``reach`` is the size that has the full colour. ``layer`` makes its entries pickable; ``column``
    says that this picture holds one column of that layer's weights. ``marked`` is an entry framed.

    ``values`` of three dimensions, and ``wrong`` of as many masks, have the step in front; ``note``
    is a word below for each step. ``framed`` sets the whole picture off.
    """

    name: str
    says: str
    values: Sequence[Sequence[float]] | np.ndarray
    x: float
    y: float
    wide: float
    high: float
    step: int
    reach: float
    layer: int | None = None
    column: int | None = None
    marked: tuple[int, int] | None = None
    wrong: Sequence[tuple[int, int]] | np.ndarray = ()
    blank: Sequence[tuple[int, int]] = ()
    numbers: bool = False
    ink: bool = False
    note: Sequence[str] = ()
    framed: bool = False


@dataclass(frozen=True)
class Tiles:
    label: str
    width: float
    height: float
    tiles: Sequence[Tile]
    size: float
    legend: bool = True


def tiles(
    key: str,
    drawing: Tiles,
    page: "Lesson",
    picked: Callable[[Mapping[str, int]], Mapping[str, Any]] | None = None,
) -> None:
    """Draw them; a click on an entry goes to the page's layer, row and col, or to the fields that
    ``picked`` makes of them."""
    data = plain({**vars(drawing), "tiles": ()})
    data["tiles"] = [_packable(tile) for tile in drawing.tiles]
    data["id"] = digest(drawing)
    picking("tiles", key, data, page, picked)


def _packable(tile: Tile) -> dict[str, Any]:
    values = np.asarray(tile.values, float)
    wrong = tile.wrong
    if isinstance(wrong, np.ndarray):
        wrong = [np.argwhere(mask) for mask in wrong]
    more = {
        "rows": values.shape[-2], "columns": values.shape[-1], "stepped": values.ndim == 3,
        "wrong": wrong, "values": (),
    }  # fmt: skip
    return plain({**vars(tile), **more}) | {"values": values}
