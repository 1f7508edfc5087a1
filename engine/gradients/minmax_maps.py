"""A min/max network over a square of the plane: its surfaces unit by unit, and where they bend.

The tags are those of ``engine.gradients.minmax``.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.gradients.minmax import MinMax


def reach(trace: "MinMax") -> float:
    """Half the side of the square to draw: the points fit in with a margin, and so does the box."""
    far = 1.15 * float(abs(trace.x).max())
    if trace.params.units == "3":
        far = max(far, 1.6 * trace.params.bound)
    if far == 0:
        return 1.0
    digit = 10.0 ** math.floor(math.log10(far))
    return math.ceil(far / digit * 2 - 1e-9) / 2 * digit


def surface(trace: "MinMax", half: float, grid: int = 160) -> np.ndarray:
    """The outputs (3) after 0 to K units at the centres of a grid's cells: (K + 1, 2, x1, x2)."""
    centres = half * ((2 * np.arange(grid) + 1) / grid - 1)
    x1, x2 = centres[:, None], centres[None, :]
    out = np.empty((len(trace.W) + 1, 2, grid, grid))
    out[0] = trace.c[:, None, None]
    for k, ((w1, w2), b) in enumerate(zip(trace.W, trace.b, strict=True)):
        h = np.maximum(w1 * x1 + w2 * x2 + b, 0.0)
        out[k + 1] = out[k] + trace.V[:, k, None, None] * h
    return out


def kinks(trace: "MinMax", half: float) -> list[tuple[int, np.ndarray]]:
    """(unit, its line's two ends on the edge of the square) for each unit whose line crosses it."""
    found = []
    for k, ((w1, w2), b) in enumerate(zip(trace.W, trace.b, strict=True)):
        ends = []
        for t in (-half, half):
            if w2 != 0:
                ends.append((t, -(w1 * t + b) / w2))
            if w1 != 0:
                ends.append((-(w2 * t + b) / w1, t))
        on = [e for e in ends if abs(e[0]) <= half * (1 + 1e-9) and abs(e[1]) <= half * (1 + 1e-9)]
        if on:
            first = on[0]
            last = max(on, key=lambda e: math.hypot(e[0] - first[0], e[1] - first[1]))
            if last != first:
                found.append((k, np.array([first, last])))
    return found
