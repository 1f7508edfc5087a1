"""A chain of volumes to scale, and below it the window of one layer on the cells it reads.

It follows the step in the browser. The place of the window is chosen there too: by pointing at a
cell of the output, or with the arrow keys once the output has the focus.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engine.trace import digest
from pages.ui.component import component, plain


@dataclass(frozen=True)
class Volume:
    """``sizes`` are height, width and channels, or one number for a vector; empty while they are
    to be predicted."""

    label: str
    sizes: tuple[int, ...]
    wrong: bool = False


@dataclass(frozen=True)
class Track:
    """A window along one side, in cells of the padded input, counted from 0.

    Where a side is too long to show, ``head`` cells from its start and ``tail`` from its end are,
    and of the output ``out_head`` and ``out_tail``; all four are 0 where it is whole. ``skipped``
    are cells between windows.
    """

    size: int
    padding: int
    kernel: int
    stride: int
    dilation: int
    out: int
    rest: int
    over: int
    head: int = 0
    tail: int = 0
    out_head: int = 0
    out_tail: int = 0
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layer:
    """``kind`` is "input", "window", "flatten" or "linear"; ``says`` stands between what goes in
    and what comes out. ``hidden``: what comes out is to be predicted; ``wrong`` marks it, and
    ``miscounted`` the number of filters."""

    kind: str
    before: str
    after: str
    says: tuple[str, ...] = ()
    rows: Track | None = None
    columns: Track | None = None
    depth: tuple[int, int] = (1, 1)
    hidden: bool = False
    wrong: bool = False
    miscounted: bool = False


def volumes(key: str, label: str, chain: Sequence[Volume], layers: Sequence[Layer]) -> None:
    """One volume and one layer for each step."""
    data = plain(
        {"label": label, "chain": [asdict(v) for v in chain], "layers": [asdict(v) for v in layers]}
    )
    data["id"] = digest(data["chain"], data["layers"])
    component("volumes")(key=key, data=data)
