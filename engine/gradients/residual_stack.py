"""The same block many times over, with both skips and with none; tags of engine.gradients.residual.

The vector sent back from the top has length 1, so what is left of it reads as a share.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.trace import Trace

Unit = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Stack(Trace):
    """Index 0 of the first axis is with skips, 1 without. ``states`` counts from the bottom, so
    ``states[:, m]`` is the top; ``back[:, k]`` and ``left[:, k]`` after k blocks of the way back.
    """

    states: Float[np.ndarray, "2 levels n"]
    back: Float[np.ndarray, "2 levels n"]
    left: Float[np.ndarray, "2 levels"]

    def __len__(self) -> int:
        return self.left.shape[1]


def stack(
    unit: Unit,
    weights: tuple[np.ndarray, ...],
    x: np.ndarray,
    dy: np.ndarray,
    depth: int,
    slip: str = "",
) -> Stack:
    """``depth`` blocks above x; the vector sent back points as dy does, (12).

    ``slip`` names the mistake to make in every block, none as a rule.
    """
    W, b, V, c = weights
    size = np.linalg.norm(dy)
    start = dy / size if size > 0 else np.full(len(x), len(x) ** -0.5)
    states, back = np.empty((2, depth + 1, len(x))), np.empty((2, depth + 1, len(x)))
    for kind, skip in enumerate((1.0, 0.0)):
        slopes = []
        states[kind, 0], back[kind, 0] = x, start
        for k in range(depth):
            at_z, slope_z = unit(W @ states[kind, k] + b)
            h = at_z + skip * states[kind, k]
            at_r, slope_r = unit(V @ h + c)
            states[kind, k + 1] = at_r + skip * h
            slopes.append((slope_z, slope_r))
        for k, (slope_z, slope_r) in enumerate(reversed(slopes)):
            dh, dz = behind(V, back[kind, k], slope_z, slope_r, skip, slip)
            back[kind, k + 1] = skip * dh + W.T @ dz
    return Stack(states, back, np.linalg.norm(back, axis=-1))


def behind(
    V: np.ndarray,
    dy: np.ndarray,
    slope_z: np.ndarray,
    slope_r: np.ndarray,
    skip: float,
    slip: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """The adjoints of h and z: (5), (7) and (8), or what a slip makes of them."""
    M = V if slip == "V-untransposed" else V.T
    dh = skip * dy + M @ (slope_r * dy)
    if slip == "printed-order":
        early = dy * slope_z
        return dh, skip * early + V.T @ (slope_r * early)
    return dh, dh * slope_z
