"""The exact weights of the min/max networks, and the matrices of the rank argument.

The tags are those of ``engine.gradients.minmax``.
"""

import numpy as np


def _fixed(rows: list[list[float]]) -> np.ndarray:
    out = np.array(rows, dtype=np.float64)
    out.setflags(write=False)
    return out


# (4): -x1, x1, x1 - x2, x2, -x2.
W5 = _fixed([[-1, 0], [1, 0], [1, -1], [0, 1], [0, -1]])
V5 = _fixed([[-1, 1, -1, 0, 0], [0, 0, 1, 1, -1]])
# (5): s, -s, t, -t.
W4 = _fixed([[1, 1], [-1, -1], [1, -1], [-1, 1]])
V4 = _fixed([[0.5, -0.5, -0.5, -0.5], [0.5, -0.5, 0.5, 0.5]])
# (6): x1 + B, x1 - x2, x2 + B.
W3 = _fixed([[1, 0], [1, -1], [0, 1]])
V3 = _fixed([[1, -1, 0], [0, 1, 1]])

EXACT = {"5": (W5, V5), "4": (W4, V4), "3": (W3, V3)}

# The points of the exercise: either order, both negative, a tie, the origin.
POINTS = [[3, -2], [-1.5, 4], [-2, -7], [2.5, 2.5], [0, 0]]

# (7): what the odd part must be, and what one unit along the crease gives to it.
ODD = _fixed([[1, 1], [1, 1]])
KINK = _fixed([[-1, 1], [1, -1]])


def must_pair(sign: int) -> np.ndarray:
    """M of (8): what the two units left over must give to the odd part; ``sign`` is that of the
    unit along the crease."""
    return ODD - sign * KINK
