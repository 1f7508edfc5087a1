"""Arrays a person may type: checked at the door, read-only behind it."""

import itertools
from typing import Any

import numpy as np


class DataError(ValueError):
    """A data array that cannot be used; the message names it, the bound and the value."""


def array(
    name: str,
    value: Any,
    *,
    ndim: int = 1,
    low: float = -1e100,
    high: float = 1e100,
    whole: bool = False,
    most: int = 100_000,
) -> np.ndarray:
    """``value`` as a read-only float64 array, or a DataError in one sentence.

    >>> array("heads", [5, 9, 8], low=0, whole=True)
    array([5., 9., 8.])
    """
    bounds = f"[{low:,.15g}, {high:,.15g}]"
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "biufO":  # text and dates would be read as numbers
            raise TypeError(raw.dtype)
        out = np.array(raw, dtype=np.float64)
    except OverflowError:
        raise DataError(f"{name} must be numbers in {bounds}; one is larger.") from None
    except (TypeError, ValueError):
        raise DataError(f"{name} must be numbers only.") from None
    if out.ndim != ndim:
        raise DataError(f"{name} must have {ndim} dimension{'s'[: ndim != 1]}, got {out.ndim}.")
    if out.size == 0:
        raise DataError(f"{name} is empty; it needs at least one number.")
    if out.size > most:
        raise DataError(f"{name} may hold at most {most:,} numbers, got {out.size:,}.")
    bad = ~np.isfinite(out) | (out < low) | (out > high)
    if whole:
        bad |= np.isfinite(out) & (out != np.floor(out))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        kind = "whole numbers" if whole else "numbers"
        place = ", ".join(str(i + 1) for i in where)
        raise DataError(
            f"{name} must be {kind} in {bounds}, got {out[where]:.15g} at place {place}."
        )
    out.setflags(write=False)
    return out


def same_length(**arrays: np.ndarray) -> None:
    """All of one length, or a DataError that names the first two that differ."""
    for (a, x), (b, y) in itertools.pairwise(arrays.items()):
        if len(x) != len(y):
            raise DataError(f"{a} and {b} must be equally long, got {len(x)} and {len(y)}.")
