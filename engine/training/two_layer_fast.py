"""The network on the CPU: the arrays that ``two_layer_kernels`` works on."""

from typing import NamedTuple

import numpy as np

from engine.training import two_layer_kernels as kernels
from engine.training.two_layer_data import Data, Sparse, sparse


class Look(NamedTuple):
    """What the network makes of the pictures."""

    train_loss: float
    train_error: float
    test_loss: float
    confusion: np.ndarray  # (c, c): what it is, what was said
    slopes: np.ndarray  # (20,): hidden activations of the test set by tanh'
    saturated: float


def error_of(confusion: np.ndarray) -> float:
    """The share of what is not on the diagonal."""
    return float((confusion.sum() - np.trace(confusion)) / confusion.sum())


class Network:
    """Weights, and pictures to learn from and to be judged by."""

    def __init__(self, W1: np.ndarray, W2: np.ndarray, data: Data, batch: int) -> None:
        self.W, kind = W1.copy(), W1.dtype.name
        self.b, self.V = W2[0].copy(), np.ascontiguousarray(W2[1:].T)
        self.pictures = sparse(data.X, kind), data.y.astype(np.int64)
        self.test = sparse(data.X_test, kind), data.y_test.astype(np.int64)
        hidden, gradient = np.zeros((2, batch, W1.shape[1]), kind)
        self.space = kernels.Space(hidden, gradient, np.zeros((batch, data.classes), kind))

    def walk(self, rows: np.ndarray, rates: np.ndarray) -> None:
        """One step for each of ``rates``, each on the next batch of ``rows``."""
        X, y = self.pictures
        kernels.walk(self.W, self.V, self.b, X, y, rows, rates.astype(self.W.dtype), self.space)

    def look(self) -> Look:
        """Losses, errors and slopes as they are now."""
        train_loss, train, _, _ = self._judged(*self.pictures, 0)
        test_loss, test, slopes, saturated = self._judged(*self.test, kernels.BINS)
        share = float(saturated / slopes.sum())
        return Look(train_loss, error_of(train), test_loss, test, slopes, share)

    def _judged(
        self, X: Sparse, y: np.ndarray, bins: int
    ) -> tuple[float, np.ndarray, np.ndarray, int]:
        confusion = np.zeros((len(self.b), len(self.b)), np.int32)
        slopes = np.zeros(bins, np.int64)
        weights = self.W, self.V, self.b
        loss, saturated = kernels.look(*weights, X, y, self.space, confusion, slopes)
        return loss, confusion, slopes, saturated

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """W1 and W2 as the exercise has them."""
        return self.W.copy(), np.vstack([self.b, self.V.T])
