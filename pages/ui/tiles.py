"""Matrices as pictures: one small square an entry, its number where there is room.

Positive entries are orange, negative ones blue, 0 is the background. A click picks an entry. A
picture may have values of its own at each step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
    data = asdict(drawing)
    for tile in data["tiles"]:
        values = np.asarray(tile["values"])
        tile["rows"], tile["columns"] = values.shape[-2:]
        short = [float(f"{v:.4g}") for v in values.ravel()]
        each = tile["rows"] * tile["columns"]
        tile["stepped"] = values.ndim == 3
        tile["values"] = (
            [short[i : i + each] for i in range(0, len(short), each)] if tile["stepped"] else short
        )
        if isinstance(tile["wrong"], np.ndarray):
            tile["wrong"] = [np.argwhere(mask) for mask in tile["wrong"]]
    data = plain(data)
    data["id"] = digest(data["tiles"])
    picking("tiles", key, data, page, picked)
