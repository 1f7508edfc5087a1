"""A picture as its different colours, how often each occurs, and which one each pixel has.

Lloyd's algorithm on the colours with their counts is exactly Lloyd's algorithm on the pixels, and a
photograph has a tenth as many colours as pixels, or fewer. Colours come in Morton order, so that
neighbours in colour are neighbours in memory.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, UInt8, UInt32

from engine.clusters import lab
from engine.clusters.collapse_kernels import count_grey, rank_colours, sort_colours, tabulate
from engine.clusters.octree import Octree, morton, planted, spread_bits
from engine.data import DataError

SPACES = ("rgb", "lab", "grey")
MOST_PIXELS = 50_000_000
LARGE = 800_000  # pixels


@dataclass(frozen=True, eq=False)
class Colours:
    """The N different colours of a picture: ``rgb`` as bytes, ``points`` in ``space``.

    ``index`` holds the colour of each pixel, row by row; ``shape`` is the picture's own.
    """

    shape: tuple[int, ...]
    space: str
    rgb: UInt8[np.ndarray, "colours 3"]
    points: Float[np.ndarray, "colours dims"]
    counts: Int64[np.ndarray, " colours"]
    codes: UInt32[np.ndarray, " colours"]
    index: UInt32[np.ndarray, " pixels"] | UInt8[np.ndarray, " pixels"]

    @functools.cached_property
    def weights(self) -> np.ndarray:
        """The counts as the floats that the sums are made of; whole numbers, so exact."""
        return _frozen(self.counts.astype(float))

    @functools.cached_property
    def tree(self) -> Octree:
        """The colours in boxes, grown once."""
        return planted(self.codes, self.points, self.weights)


def collapse(image: Any, space: str = "rgb") -> Colours:
    """The colours of a uint8 picture: (H, W, 3), or (H, W) for grey ones."""
    if space not in SPACES:
        raise DataError(f"space must be one of {', '.join(SPACES)}, got {str(space)[:40]!r}.")
    picture = np.asarray(image)
    if picture.dtype != np.uint8 or not (
        picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    ):
        raise DataError(
            "image must be uint8 of the shape (height, width, 3) or (height, width), "
            f"got {picture.dtype} of the shape {picture.shape}."
        )
    pixels = picture.size // (3 if picture.ndim == 3 else 1)
    if not 1 <= pixels <= MOST_PIXELS:
        raise DataError(f"image must have 1 to {MOST_PIXELS:,} pixels, got {pixels:,}.")
    flat = np.ascontiguousarray(picture).reshape(pixels, -1).view()
    flat.setflags(write=False)
    if space == "grey":
        return _grey(picture.shape, flat)
    if flat.shape[1] == 1:
        flat = _frozen(np.repeat(flat, 3, axis=1))
    codes, counts, index = _distinct(flat)
    rgb = colours_of(codes)
    points = rgb.astype(float) if space == "rgb" else lab.from_rgb(rgb)
    return _colours(picture.shape, space, rgb, points, counts, codes, index)


def _colours(shape: tuple[int, ...], space: str, *arrays: np.ndarray) -> Colours:
    return Colours(shape, space, *(_frozen(values) for values in arrays))


def _grey(shape: tuple[int, ...], flat: np.ndarray) -> Colours:
    counts, grey = np.zeros(256, np.int64), np.empty(len(flat), np.uint8)
    count_grey(flat, grey, counts)
    values = np.flatnonzero(counts)
    place = np.zeros(256, np.uint8)
    place[values] = np.arange(len(values))
    rgb = np.repeat(values[:, None], 3, axis=1).astype(np.uint8)
    points = values[:, None].astype(float)
    index = place[grey] if len(values) < 256 else grey
    return _colours(shape, "grey", rgb, points, counts[values], morton(*rgb.T), index)


def _distinct(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rising Morton codes, their counts, and the place of every pixel's code among them.

    Large pictures are counted in a table with a cell for every colour there could be, which costs
    more memory than the pixels of a small one.
    """
    bits, index = spread_bits(), np.empty(len(flat), np.uint32)
    if len(flat) < LARGE:
        codes, counts = np.empty(len(flat), np.uint32), np.empty(len(flat), np.int64)
        found = sort_colours(flat, bits, codes, counts, index)
        return codes[:found].copy(), counts[:found].copy(), index
    table, blocks = np.zeros(1 << 24, np.uint32), np.zeros(1 << 12, np.bool_)
    found = tabulate(flat, bits, table, blocks)
    codes, counts = np.empty(found, np.uint32), np.empty(found, np.int64)
    rank_colours(flat, bits, table, blocks, codes, counts, index)
    return codes, counts, index


def colours_of(codes: np.ndarray) -> np.ndarray:
    """The colours (N, 3) of Morton codes.

    >>> colours_of(morton(*np.array([[200, 17, 3]], np.uint8).T))
    array([[200,  17,   3]], dtype=uint8)
    """
    half = _half_colours()
    return half[codes >> 12] << 4 | half[codes & 4095]


@functools.cache
def _half_colours() -> np.ndarray:
    """The four low bits of each channel for every twelve bits of a Morton code."""
    code = np.arange(1 << 12)
    channels = (sum((code >> 3 * i + place & 1) << i for i in range(4)) for place in (2, 1, 0))
    return np.stack([np.asarray(c, np.uint8) for c in channels], axis=1)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
