"""What a min/max network is judged by: the same network in fractions, and numpy's min and max.

The tags are those of ``engine.gradients.minmax``.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from engine.certificate import Certificate, Check

if TYPE_CHECKING:
    from engine.gradients.minmax import MinMax

MOST_EXACT = 100  # points computed in fractions
GRID = 9
SAME_NET = "the network in fractions"
EXACTLY = "exact fractions on a grid"

Row = list[Fraction]


def certificate(shown: "MinMax", asked: "MinMax", everywhere: bool = False) -> Certificate:
    """All checks of what is ``shown``; ``asked`` says which weights and which box were meant.

    ``everywhere`` asks for min and max outside the box too.
    """
    allowed = rounding(shown)
    few = min(len(shown.x), MOST_EXACT)
    units = [exact_units(asked, point) for point in shown.x[:few]]
    states = [exact_states(shown, point) for point in shown.x[:few]]
    asked_for = np.ones(len(shown.x), bool) if everywhere else asked.inside
    low, high = span(asked, everywhere)
    grid = grid_errors(shown, low, high)
    checks = [
        Check(r"y^{(k)}", SAME_NET, shown.partial[:, :few], _floats(states, (1, 0, 2)), allowed),
        Check(r"y", "numpy's min and max", shown.y[asked_for], truth(shown.x)[asked_for], allowed),
        Check(r"y - (\min, \max)", EXACTLY, grid, np.zeros(grid.shape), 0.0),
    ]
    if not everywhere:
        checks.insert(0, Check("h", SAME_NET, shown.hidden[:few], _floats(units), allowed))
    return Certificate(tuple(checks))


def truth(x: np.ndarray) -> np.ndarray:
    """The smaller and the larger of each row, without a network."""
    return np.stack([x.min(axis=-1), x.max(axis=-1)], axis=-1)


def rounding(trace: "MinMax") -> float:
    """What rounding may do: the largest sum of sizes that (1) and (2) add up, times a few units
    in the last place."""
    size = float(abs(trace.x).max())
    inside = abs(trace.W).sum(axis=1) * size + abs(trace.b)
    largest = float((abs(trace.V) @ inside + abs(trace.c)).max())
    return max(1e-12, 4 * len(trace.W) * np.finfo(float).eps * largest)


def exact_units(trace: "MinMax", point: np.ndarray) -> Row:
    """(1) without rounding: every float is a fraction."""
    x1, x2 = (Fraction(float(v)) for v in point)
    return [
        max(Fraction(0), Fraction(float(w1)) * x1 + Fraction(float(w2)) * x2 + Fraction(float(b)))
        for (w1, w2), b in zip(trace.W, trace.b, strict=True)
    ]


def exact_states(trace: "MinMax", point: np.ndarray) -> list[Row]:
    """The outputs after 0, 1, ..., K units, each a sum of its own, without rounding."""
    h, c = exact_units(trace, point), [Fraction(float(v)) for v in trace.c]
    V = [[Fraction(float(v)) for v in row] for row in trace.V]
    return [
        [c[o] + sum((V[o][j] * h[j] for j in range(k)), Fraction(0)) for o in (0, 1)]
        for k in range(len(h) + 1)
    ]


def span(trace: "MinMax", everywhere: bool) -> tuple[Fraction, Fraction]:
    """The least square with the points in it; for three units its part within the box, or the
    box itself where no point lies inside."""
    low, high = Fraction(float(trace.x.min())), Fraction(float(trace.x.max()))
    if trace.params.units == "3" and not everywhere:
        B = Fraction(trace.params.bound)
        low, high = max(low, -B), min(high, B)
        if low > high:
            low, high = -B, B
    return low, high


def grid_errors(trace: "MinMax", low: Fraction, high: Fraction) -> np.ndarray:
    """Network minus min and max over [low, high]^2, exact: ties stand on its diagonal, and zero
    is among its values where it lies between."""
    values = [low + (high - low) * Fraction(i, GRID - 1) for i in range(GRID)]
    if low < 0 < high:
        values.append(Fraction(0))
    W = [[Fraction(float(w)) for w in row] for row in trace.W]
    V = [[Fraction(float(v)) for v in row] for row in trace.V]
    b, c = ([Fraction(float(v)) for v in side] for side in (trace.b, trace.c))
    errors = []
    for x1 in dict.fromkeys(values):
        for x2 in dict.fromkeys(values):
            h = [max(Fraction(0), w1 * x1 + w2 * x2 + a) for (w1, w2), a in zip(W, b, strict=True)]
            y1, y2 = (
                sum((v * unit for v, unit in zip(row, h, strict=True)), start)
                for row, start in zip(V, c, strict=True)
            )
            errors.append([float(y1 - min(x1, x2)), float(y2 - max(x1, x2))])
    return np.array(errors)


def _floats(exact: Sequence, axes: tuple[int, ...] = ()) -> np.ndarray:
    out = np.array(exact, dtype=float)
    return out.transpose(axes) if axes else out
