"""Typed matrices as one table to edit, and a CSV file to fill it from.

What is edited goes back into the typed lines, so links, presets and checks stay what they are.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.trace import digest
from pages.ui.state import LONGEST
from pages.ui.typed import spelled

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson

ROWS, COLUMNS = 200, 24
MOST = 100_000  # bytes of a file: more than the table can hold, so not worth reading
Row = dict[str, float | None]


@dataclass(frozen=True)
class Block:
    """The columns of one typed line: x1, x2, ... for ``prefix`` x, with the bounds of an entry."""

    line: str
    prefix: str
    low: float
    high: float


def sheet(page: "Lesson", blocks: Sequence[Block], values: Mapping[str, Sequence[Sequence[float]]]):
    """The editor and the upload; ``values`` are the numbers in use, by typed line."""
    widths = {block.line: len(values[block.line][0]) for block in blocks}
    if sum(widths.values()) > COLUMNS:
        st.caption(
            f"{sum(widths.values()):,} columns are too many for a table; it holds {COLUMNS}."
        )
        return
    names = _names(blocks, widths)
    side_by_side = zip(*(values[block.line] for block in blocks), strict=True)
    rows: list[Row] = [dict(zip(names, chain(*parts), strict=True)) for parts in side_by_side]
    key = page.key(f"sheet-{digest(rows)}")

    def edited() -> None:
        _write(page, blocks, widths, _applied(rows, names, st.session_state[key]))

    st.data_editor(
        rows,
        num_rows="dynamic",
        key=key,
        on_change=edited,
        column_config={
            name: st.column_config.NumberColumn(min_value=block.low, max_value=block.high)
            for block in blocks
            for name in _names([block], widths)
        },
    )
    upload = page.key("upload")

    def uploaded() -> None:
        if file := st.session_state.get(upload):
            _take(page, blocks, widths, file.getvalue())

    st.file_uploader(
        f"CSV: a row for each example, columns {', '.join(names)}; a first line of names may stay",
        type="csv",
        key=upload,
        on_change=uploaded,
    )
    if trouble := page.state.get("sheet"):
        st.error(trouble, icon=":material/error:")


def _names(blocks: Sequence[Block], widths: Mapping[str, int]) -> list[str]:
    return [f"{b.prefix}{i + 1}" for b in blocks for i in range(widths[b.line])]


def _applied(rows: Sequence[Row], names: Sequence[str], change: Mapping[str, Any]) -> list[Row]:
    """The rows after an edit; one that is not full yet is left out."""
    out = [row | change["edited_rows"].get(i, {}) for i, row in enumerate(rows)]
    out = [row for i, row in enumerate(out) if i not in change["deleted_rows"]]
    out += [{name: row.get(name) for name in names} for row in change["added_rows"]]
    return [row for row in out if all(value is not None for value in row.values())]


def _write(
    page: "Lesson", blocks: Sequence[Block], widths: Mapping[str, int], rows: Sequence[Row]
) -> None:
    """The rows as typed lines, if a link can still hold them."""
    lines = {b.line: [[row[n] for n in _names([b], widths)] for row in rows] for b in blocks}
    texts = {line: spelled(part) for line, part in lines.items()}
    if not rows:
        page.state.put("sheet", "The table needs at least one full row.")
    elif len(rows) > ROWS:
        page.state.put("sheet", f"The table may hold at most {ROWS} rows, got {len(rows):,}.")
    elif max(map(len, texts.values())) > LONGEST:
        page.state.put("sheet", f"The numbers take more than the {LONGEST:,} characters of a link.")
    else:
        page.state.put("sheet", "")
        for line, text in texts.items():
            page.state.put(line, text)


def _take(
    page: "Lesson", blocks: Sequence[Block], widths: Mapping[str, int], content: bytes
) -> None:
    """A CSV file as rows, or a sentence that says why not; the last block has its columns last."""
    if len(content) > MOST:
        page.state.put("sheet", f"The file may have at most {MOST:,} bytes, got {len(content):,}.")
        return
    try:
        found = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
        found = [row for row in found if row]
        if found and not _is_number(found[0][0]):
            found = found[1:]
        numbers = [[float(cell) for cell in row] for row in found]
    except (UnicodeDecodeError, csv.Error):
        page.state.put("sheet", "The file is not a CSV in UTF-8.")
        return
    except ValueError:
        page.state.put("sheet", "The file may hold numbers only, below one line of names.")
        return
    last = blocks[-1].line
    wide = {len(row) for row in numbers}
    if len(wide) != 1 or not len(blocks) <= min(wide) <= COLUMNS:
        page.state.put(
            "sheet", f"The file needs {len(blocks)} to {COLUMNS} columns, as many in every row."
        )
        return
    taken = widths[last] if len(blocks) > 1 else 0
    widths = {**widths, blocks[0].line: min(wide) - taken}
    if min(widths.values()) < 1:
        page.state.put("sheet", f"The file needs more than {widths[last]} columns.")
        return
    names = _names(blocks, widths)
    rows: list[Row] = [dict(zip(names, row, strict=True)) for row in numbers]
    if trouble := _outside(blocks, widths, rows):
        page.state.put("sheet", trouble)
    else:
        _write(page, blocks, widths, rows)


def _outside(blocks: Sequence[Block], widths: Mapping[str, int], rows: Sequence[Row]) -> str:
    """A sentence on the first number out of its bounds, or none at all: NaN is out, too."""
    for at, row in enumerate(rows, 1):
        for block in blocks:
            for name in _names([block], widths):
                value = row[name]
                if value is not None and not block.low <= value <= block.high:
                    bounds = f"[{block.low:,.15g}, {block.high:,.15g}]"
                    return f"{name} must lie in {bounds}, got {value:g} in row {at}."
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
