"""A small table whose numbers follow the step in the browser."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.trace import digest
from pages.ui.component import component, plain
from pages.ui.mathml import mathml


@dataclass(frozen=True)
class Column:
    """``head`` in LaTeX; ``bar`` ("forward", "backward" or "#d55e00") draws a share behind the
    number; ``decimals`` fixes how many are shown."""

    head: str
    bar: str | None = None
    decimals: int | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """``value``, ``wrong`` and ``ahead`` hold one entry, or one per step. While a cell is
    ``ahead`` of the step its place is kept and its number not shown."""

    value: Any
    wrong: Any = False
    blank: bool = False
    share: bool = True
    ahead: Any = False


@dataclass(frozen=True, eq=False)
class Table:
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    foot: Sequence[Sequence[Cell]] = ()
    lit: Any = None


def table(
    key: str,
    content: Table,
    opening: str = "",
    chosen: int | None = None,
    picked: Callable[[int], None] | None = None,
) -> int | None:
    """Draw it; with ``chosen`` a row can be picked, and the picked row is returned, as long as
    it was picked since ``opening``. ``picked`` hears of it before the page runs."""
    data = plain(
        {
            "caption": content.caption,
            "columns": [
                {
                    "head": mathml(c.head),
                    "says": re.sub(r"\\text|[\\{}$]", " ", c.head).strip(),
                    "bar": c.bar,
                    "decimals": c.decimals,
                }
                for c in content.columns
            ],
            "lit": content.lit,
            "chosen": chosen,
            "opening": opening,
        }
    )
    data["rows"], data["foot"] = _packable(content.rows), _packable(content.foot)
    count = len(content.rows)  # what hears of a click outlives this run: it holds no cells
    data["id"] = digest(data["caption"], data["columns"], count, len(data["foot"]))

    def row_of(state: Any) -> int | None:
        pick = (state or {}).get("pick") or {}
        row = pick.get("row")
        known = isinstance(row, int) and 0 <= row < count
        return row if known and pick.get("opening") == opening else None

    def hear() -> None:
        row = row_of(st.session_state.get(key))
        if picked and row is not None:
            picked(row)

    row = row_of(component("table")(key=key, data=data, on_pick_change=hear))
    return chosen if row is None else row


def _packable(rows: Sequence[Sequence[Cell]]) -> list[list[dict[str, Any]]]:
    """Numbers by step stay arrays, all else is spelled."""
    return [[{k: _entry(v) for k, v in vars(cell).items()} for cell in row] for row in rows]


def _entry(value: Any) -> Any:
    by_step = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biuf"
    return value if by_step else plain(value)
