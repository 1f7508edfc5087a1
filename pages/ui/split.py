"""A picture and what a few colours make of it, following the step in the browser.

With one panel the original lies beside it, and a line between the two can be moved; several panels
stand side by side. The labels of all steps travel packed: each plane holds what changed since the
one before. A click picks a pixel of the whole picture.
"""

import base64
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from engine.trace import digest
from pages.ui.component import component, plain

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson


@dataclass(frozen=True)
class Panel:
    """``planes`` and ``palettes`` are packed: the labels (states, height, width) and the colours
    (states, k, 3). ``shares`` (states, k) are the parts of the picture; ``says`` is a line a step.
    """

    planes: str
    palettes: str
    shares: Sequence[Sequence[float]]
    says: Sequence[str]
    name: str


@dataclass(frozen=True)
class Split:
    """``whole`` is the picture's own height and width, ``size`` that of what is shown. ``original``
    is a data URI; ``entry`` is what the picked pixel has at each step, from 0."""

    label: str
    original: str
    whole: tuple[int, int]
    size: tuple[int, int]
    panels: Sequence[Panel]
    picked: tuple[int, int]
    entry: Sequence[int]
    note: str = ""


def split(key: str, drawing: Split, page: "Lesson") -> None:
    """Draw it; a click on a pixel goes to the page's row and col, counted from 1."""
    data = plain(drawing)
    data["id"] = digest(
        *(text.encode() for text in (drawing.original, *(p.planes for p in drawing.panels)))
    )
    opening, state = page.opening, page.state
    data["opening"] = opening
    high, wide = drawing.whole  # what hears of a click outlives this run: it holds no picture

    def picked() -> None:
        pick = (st.session_state.get(key) or {}).get("pick") or {}
        row, col = pick.get("row"), pick.get("col")
        if pick.get("opening") != opening or not isinstance(row, int) or not isinstance(col, int):
            return
        if 1 <= row <= high and 1 <= col <= wide:
            state.put("row", row)
            state.put("col", col)

    component("split")(key=key, data=data, on_pick_change=picked)


def packed(planes: np.ndarray) -> str:
    """Planes of bytes, each but the first as what differs from the one before, deflated."""
    changes = planes.copy()
    changes[1:] ^= planes[:-1]
    return base64.b64encode(zlib.compress(changes.tobytes(), 6)).decode()


def pictured(pixels: np.ndarray, lossless: bool) -> str:
    """A picture as a data URI."""
    out = io.BytesIO()
    if lossless:
        Image.fromarray(pixels).save(out, "PNG")
    else:
        Image.fromarray(pixels).save(out, "JPEG", quality=90, subsampling=0)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
