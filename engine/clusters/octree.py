"""Points in an octree, so that whole boxes of them find their nearest centre at once.

If one centre is nearer than another to all of a box, no point of the box need ask the other. Boxes
within boxes inherit what is left; a box left with one centre is settled as a whole, from sums made
once, and only the points of the other boxes look at their few candidates. What is dropped can be
nobody's nearest centre, so every label is the one that comparing all pairs gives.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.clusters.median_kernels import byte_medians, medians
from engine.clusters.octree_kernels import assign_l1, assign_l2, build, count_boxes

SHIFTS = np.array([18, 12, 9, 6])  # bits of a Morton code below a box: sides of 64, 16, 8, 4


@dataclass(frozen=True, eq=False)
class Octree:
    """Points in Morton order, missing dimensions filled with 0, and their boxes depth first.

    ``order`` undoes the sorting, None if the points came in order. A row of ``span`` holds a box's
    first point, the point after its last, its depth and the box after its last descendant; a row of
    ``box`` its lowest and highest coordinates, weight, weighted sum and inertia.
    """

    dims: int
    points: np.ndarray
    weights: np.ndarray
    order: np.ndarray | None
    span: np.ndarray
    box: np.ndarray

    def looker(self, norm: str) -> Callable[[np.ndarray], tuple]:
        """What ``lloyd.plain`` gives, the quick way."""
        look = self._l2() if norm == "l2" else self._l1()
        D, order = self.dims, self.order

        def padded(centres: np.ndarray) -> tuple:
            full = np.zeros((len(centres), 3))
            full[:, :D] = centres
            labels, sizes, distortion, moved = look(full)
            if order is not None:
                sorted_labels, labels = labels, np.empty_like(labels)
                labels[order] = sorted_labels
            return labels, sizes, distortion, moved[:, :D]

        return padded

    def _l2(self) -> Callable[[np.ndarray], tuple]:
        def look(centres: np.ndarray) -> tuple:
            labels = np.empty(len(self.points), np.uint8)
            sums = np.zeros((len(centres), 4))
            distortion = assign_l2(
                self.span, self.box, self.points, self.weights, centres, labels, sums
            )
            some = sums[:, :1] > 0
            moved = np.divide(sums[:, 1:], sums[:, :1], out=centres.copy(), where=some)
            return labels, sums[:, 0], distortion, moved

        return look

    @functools.cached_property
    def byte_valued(self) -> bool:
        """Whether all coordinates and weights are whole, and the coordinates below 256."""
        x, w = self.points, self.weights
        whole = (x == np.floor(x)).all() and (w == np.floor(w)).all()
        return bool(whole and x.min() >= 0 and x.max() < 256)

    @functools.cached_property
    def orders(self) -> np.ndarray:
        """The points' indices in rising order along each axis, (D, N)."""
        return np.stack([_order(self.points[:, d]) for d in range(self.dims)])

    def _l1(self) -> Callable[[np.ndarray], tuple]:
        def look(centres: np.ndarray) -> tuple:
            labels, sizes = np.empty(len(self.points), np.uint8), np.zeros(len(centres))
            distortion = assign_l1(
                self.span, self.box, self.points, self.weights, centres, labels, sizes
            )
            moved = centres.copy()
            if self.byte_valued:
                byte_medians(self.points, self.weights, labels, sizes, moved, self.dims)
            else:
                medians(self.orders, self.points, self.weights, labels, sizes, moved)
            return labels, sizes, distortion, moved

        return look


def _order(values: np.ndarray) -> np.ndarray:
    """Indices in rising order; whole numbers are sorted the quick way, by their bytes."""
    short = values.astype(np.int16) if np.abs(values).max() < 2**15 else values
    return np.argsort(short if (short == values).all() else values, kind="stable").astype(np.int32)


def planted(codes: np.ndarray, points: np.ndarray, weights: np.ndarray) -> Octree:
    """The tree of points (N, D), D up to 3, that lie in the order of their Morton ``codes``.

    Any codes give a correct tree, for a box is as large as its points need; good codes a quick one.
    """
    # Copies: Numba would compile everything again for read-only arrays.
    codes, weights, full = np.array(codes), np.array(weights, float), np.zeros((len(points), 3))
    full[:, : points.shape[1]] = points
    boxes = count_boxes(codes, SHIFTS)
    span, box = np.empty((boxes, 4), np.int64), np.zeros((boxes, 11))
    build(codes, SHIFTS, full, weights, span, box)
    return Octree(points.shape[1], full, weights, None, span, box)


def grown(points: np.ndarray, weights: np.ndarray) -> Octree:
    """The tree of points in any order and of any range."""
    low = points.min(axis=0)
    scale = np.where(np.ptp(points, axis=0) > 0, np.ptp(points, axis=0), 1.0)
    cells = ((points - low) / scale * 255).astype(np.uint8)
    codes = morton(*cells.T)
    order = np.argsort(codes, kind="stable")
    tree = planted(codes[order], points[order], weights[order])
    return Octree(tree.dims, tree.points, tree.weights, order, tree.span, tree.box)


def spread_bits() -> np.ndarray:
    """A byte with two empty bits between any two of its own.

    >>> [int(spread_bits()[i]) for i in (1, 2, 3, 255)]
    [1, 8, 9, 2396745]
    """
    byte = np.arange(256, dtype=np.uint32)
    return sum(((byte >> i & 1) << 3 * i for i in range(8)), np.zeros(256, np.uint32))


def morton(*bytes_: np.ndarray) -> np.ndarray:
    """One to three bytes, their bits interleaved: neighbours in space are neighbours in order."""
    bits = spread_bits()
    code = np.zeros(len(bytes_[0]), np.uint32)
    for place, byte in zip((2, 1, 0), bytes_, strict=False):
        code |= bits[byte] << np.uint32(place)
    return code
