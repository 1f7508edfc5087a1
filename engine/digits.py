"""The 1,797 handwritten digits of 8 × 8 pixels that ship with the project.

Source and licence: ``assets/data/digits.txt``.
"""

from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "assets" / "data" / "digits.npz"
DARKEST = 16


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (1797, 8, 8) with 0 = paper to 16 = ink, and what each one shows."""
    with np.load(FILE, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    for array in (images, labels):
        array.setflags(write=False)
    return images, labels


def enlarged(images: np.ndarray, side: int = 28) -> np.ndarray:
    """Pictures (N, h, w) on ``side`` × ``side`` pixels, by linear interpolation."""
    out = np.asarray(images, float)
    for axis in (1, 2):
        old = out.shape[axis]
        at = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
        low = np.minimum(at.astype(int), max(old - 2, 0))
        part = (at - low).reshape((-1, 1) if axis == 1 else (-1,))
        high = np.minimum(low + 1, old - 1)
        out = (1 - part) * out.take(low, axis) + part * out.take(high, axis)
    return out
