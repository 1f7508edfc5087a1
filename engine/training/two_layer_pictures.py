"""Pictures of a trained network: what it gets wrong, and what its hidden units look for."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.training.two_layer_data import Data


@dataclass(frozen=True, eq=False)
class Mistaken:
    """The test pictures a network gets wrong, the surest mistakes first."""

    index: np.ndarray  # (M,) place in the test set
    pictures: np.ndarray  # (M, side, side)
    truth: np.ndarray  # (M,)
    said: np.ndarray  # (M,) the digit with the largest output
    sure: np.ndarray  # (M,) that output, between 0 and 1
    truly: np.ndarray  # (M,) the output of the true digit

    def __len__(self) -> int:
        return len(self.index)


def mistaken(state: dict[str, Any], data: Data) -> Mistaken:
    """What a run's state gets wrong in the test set."""
    W1, W2 = np.asarray(state["W1"], float), np.asarray(state["W2"], float)
    Z = np.tanh(data.X_test @ W1[1:] + W1[0]) @ W2[1:] + W2[0]
    P, said, truth = 0.5 * (1 + np.tanh(0.5 * Z)), Z.argmax(axis=1), data.y_test
    wrong = np.flatnonzero(said != truth)
    wrong = wrong[np.argsort(-Z[wrong, said[wrong]], kind="stable")]
    width = math.isqrt(data.X_test.shape[1])
    return Mistaken(
        wrong, data.X_test[wrong].reshape(-1, width, width), truth[wrong], said[wrong],
        P[wrong, said[wrong]], P[wrong, truth[wrong]],
    )  # fmt: skip


def first_layer(state: dict[str, Any]) -> np.ndarray:
    """The weights that each hidden unit sees the picture with (h, side, side), without bias."""
    W = np.asarray(state["W1"])[1:].T
    width = math.isqrt(W.shape[1])
    return W.reshape(-1, width, width).copy()
