"""What a run learns from, and everything random about it.

Philox turns (seed, purpose, number) into random bits, as for the channel sweep: the split, the
starting weights and the order of each epoch are the same on every machine and nothing need be kept.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine import digits
from engine.data import DataError
from engine.training.resnet_draws import bits
from engine.training.two_layer_spec import TRAINING, Spec

ORDER, WEIGHTS, SPLIT = 3, 4, 5  # purposes; 0 to 2 are the sweep's
BLOCK = 10_000
LARGEST = 1000.0  # of a pixel: then no weight of any run overflows, see ``two_layer_kernels``


@dataclass(frozen=True, eq=False)
class Data:
    """Pictures as rows of pixels (N, d), what each one shows (N,), and the same of the test set."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    classes: int = 10

    def __post_init__(self) -> None:
        for name, names in (("X", "y"), ("X_test", "y_test")):
            X, y = np.asarray(getattr(self, name)), np.asarray(getattr(self, names))
            if X.ndim != 2 or not X.size or X.dtype.kind not in "biuf":
                raise DataError(f"{name} must be rows of numbers, one row for each picture.")
            if y.shape != X.shape[:1] or y.dtype.kind not in "iu":
                raise DataError(f"{names} must be a whole number for each of {len(X):,} pictures.")
            if not (X.min() >= -LARGEST and X.max() <= LARGEST):  # NaN is not, either
                raise DataError(f"{name} must be numbers in [-{LARGEST:g}, {LARGEST:g}].")
            if y.min() < 0 or y.max() >= self.classes:
                raise DataError(f"{names} must lie in [0, {self.classes - 1}].")
        if self.X.shape[1] != self.X_test.shape[1]:
            raise DataError("X and X_test must have as many pixels.")


class Sparse(NamedTuple):
    """Rows of pixels without those that are 0: row n has the places start[n] to start[n + 1].

    ``column`` counts from 1, as the rows of W1 do behind the biases.
    """

    start: Any
    column: Any
    value: Any


def sparse(X: np.ndarray, dtype: str) -> Sparse:
    """The pixels that are not 0."""
    start = np.concatenate([[0], np.cumsum(np.count_nonzero(X, axis=1))])
    blocks = np.array_split(X, math.ceil(len(X) / BLOCK))  # places are four times their pixels
    column = np.concatenate([(np.nonzero(block)[1] + 1).astype(np.uint16) for block in blocks])
    return Sparse(start, column, X[X != 0].astype(dtype))


def load(spec: Spec) -> Data:
    """The pictures that a spec names."""
    if spec.data == "mnist":
        from engine.training import mnist

        return mnist.load()
    images, labels = digits.digits()
    X = images.reshape(len(images), -1) / digits.DARKEST
    order, N = shuffled(spec.seed, SPLIT, 0, len(X)), TRAINING["digits"]
    train, test = order[:N], order[N:]
    return Data(X[train], labels[train].astype(int), X[test], labels[test].astype(int))


def shuffled(seed: int, purpose: int, number: int, size: int) -> np.ndarray:
    """The numbers from 0 to ``size`` - 1 in random order."""
    return np.argsort(bits(seed, purpose, number, size), kind="stable")


def order(spec: Spec, epoch: int, size: int) -> np.ndarray:
    """In which order an epoch (from 0) sees the pictures."""
    return shuffled(spec.seed, ORDER, epoch, size)


def normal(seed: int, number: int, shape: tuple[int, int]) -> np.ndarray:
    """Standard normal numbers by Box and Muller."""
    raw = bits(seed, WEIGHTS, number, 2 * math.prod(shape)).reshape(2, *shape)
    u, v = ((raw >> np.uint64(11)) + 0.5) * 2.0**-53
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def weights(spec: Spec, inputs: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """W1 (inputs + 1, h) and W2 (h + 1, classes) before the first step."""
    made = []
    for number, shape in enumerate([(inputs + 1, spec.hidden), (spec.hidden + 1, classes)]):
        W = normal(spec.seed, number, shape)
        made.append(W / math.sqrt(shape[0]) if spec.init == "fan_in" else W * spec.init_scale)
    W1, W2 = made
    if spec.init == "equal":
        W1[:], W2[1:] = W1[:, :1], W2[1:2]
    return W1.astype(spec.dtype), W2.astype(spec.dtype)
