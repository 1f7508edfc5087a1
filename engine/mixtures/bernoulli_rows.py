"""What a mixture of Bernoullis is given: rows of 0 and 1, and where to start."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data import DataError, array
from engine.digits import DARKEST, digits

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Params

MOST = 10_000_000
SIDE = 1e-6  # weights may add up to 1 with so much rounding


def left_empty(value: Any) -> bool:
    """Was nothing typed? An empty array of the right shape is a mistake, not a wish."""
    return value is None or (isinstance(value, (list, tuple)) and len(value) == 0)


def binary(X: Any, params: "Params") -> np.ndarray:
    """Rows of 0 and 1, (N, D); the handwritten digits in black and white where X is empty."""
    if left_empty(X):
        return black_and_white(params.digits)
    if isinstance(X, (list, tuple)):
        wide = {np.size(row) for row in X}
        if len(wide) > 1:
            raise DataError(
                f"X must have rows of one length, got {min(wide)} and {max(wide)} numbers."
            )
    return array("X", X, ndim=2, low=0, high=1, whole=True, most=MOST)


def black_and_white(count: int) -> np.ndarray:
    """The first handwritten digits, (count, 64): 1 where a pixel is at least half ink."""
    images, _ = digits()
    return (images[:count].reshape(-1, images[0].size) >= DARKEST / 2).astype(float)


def begin(
    X: np.ndarray, params: "Params", weights: Any = None, means: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The first weights (K,) and means (K, D): as given, else even and drawn from the seed.

    Means below the floor start on it.
    """
    K, D = params.components, X.shape[1]
    pi, P = np.full(K, 1 / K), noise(params.seed, K, D)
    if not left_empty(weights):
        pi = array("weights", weights, low=0, high=1)
        if len(pi) != K:
            raise DataError(f"weights must be {K} numbers, one a component, got {len(pi)}.")
        if abs(pi.sum() - 1) > SIDE:
            raise DataError(f"weights must add up to 1, got {pi.sum():g}.")
    if not left_empty(means):
        if isinstance(means, (list, tuple)) and len({np.size(row) for row in means}) > 1:
            raise DataError(f"means must have rows of {D} numbers, as X has columns.")
        P = array("means", means, ndim=2, low=0, high=1)
        if P.shape != (K, D):
            raise DataError(
                f"means must be {K} rows of {D} numbers, got {P.shape[0]} of {P.shape[1]}."
            )
    return pi / pi.sum(), P.clip(params.floor, 1 - params.floor)


def noise(seed: int, K: int, D: int) -> np.ndarray:
    """Means drawn evenly from (0.25, 0.75): no component alike, none that knows anything."""
    return np.random.default_rng(seed).uniform(0.25, 0.75, (K, D))
