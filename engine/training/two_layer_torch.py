"""The network with torch, for a GPU: the steps of ``two_layer_kernels`` as matrix products."""

import numpy as np
import torch
from torch.nn import functional as F

from engine import device as devices
from engine.training.two_layer_data import Data
from engine.training.two_layer_fast import Look, error_of
from engine.training.two_layer_kernels import BINS, SATURATED

AT_ONCE = 10_000  # pictures judged at a time


class Network:
    """Weights, and pictures to learn from and to be judged by, on one device."""

    def __init__(self, W1: np.ndarray, W2: np.ndarray, data: Data, batch: int, device: str) -> None:
        kind, self.device, self.batch, self.classes = W1.dtype, device, batch, data.classes
        self.W1, self.W2 = devices.send(W1, device), devices.send(W2, device)
        self.pictures, self.test = (
            (devices.send(X.astype(kind), device), devices.send(y.astype(np.int64), device))
            for X, y in ((data.X, data.y), (data.X_test, data.y_test))
        )
        self.codes = torch.eye(data.classes, dtype=self.W1.dtype, device=self.W1.device)

    def forward(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden activations and logits."""
        H = torch.addmm(self.W1[0], X, self.W1[1:]).tanh_()
        return H, torch.addmm(self.W2[0], H, self.W2[1:])

    def walk(self, rows: np.ndarray, rates: np.ndarray) -> None:
        """One step for each of ``rates``, each on the next batch of ``rows``."""
        X, y = self.pictures
        batches = devices.send(rows, self.device).split(self.batch)
        for batch, rate in zip(batches, rates.tolist(), strict=True):
            A, Y = X[batch], self.codes[y[batch]]
            H, Z = self.forward(A)
            D = Z.sigmoid_().sub_(Y)
            G = (D @ self.W2[1:].T) * (1 - H * H)
            self.W1[1:].addmm_(A.T, G, alpha=-rate)
            self.W1[0].sub_(G.sum(0), alpha=rate)
            self.W2[1:].addmm_(H.T, D, alpha=-rate)
            self.W2[0].sub_(D.sum(0), alpha=rate)

    def look(self) -> Look:
        """Losses, errors and slopes as they are now."""
        train_loss, train, _, _ = self._judged(*self.pictures)
        test_loss, test, slopes, saturated = self._judged(*self.test)
        return Look(train_loss, error_of(train), test_loss, test, slopes, saturated)

    def _judged(
        self, X: torch.Tensor, y: torch.Tensor
    ) -> tuple[float, np.ndarray, np.ndarray, float]:
        c, loss, saturated = self.classes, 0.0, 0.0
        confusion = torch.zeros(c * c, dtype=torch.int64, device=y.device)
        slopes = torch.zeros(BINS, dtype=torch.int64, device=y.device)
        for part, labels in zip(X.split(AT_ONCE), y.split(AT_ONCE), strict=True):
            H, Z = self.forward(part)
            Z = Z.double()
            codes = self.codes[labels].double()
            loss += float(F.binary_cross_entropy_with_logits(Z, codes, reduction="sum"))
            confusion += torch.bincount(labels * c + Z.argmax(1), minlength=c * c)
            slope = 1 - H.double().square_().flatten()
            saturated += float((slope < SATURATED).sum())
            bins = (slope * BINS).long().clamp_(max=BINS - 1)
            slopes += torch.bincount(bins, minlength=BINS)
        said = devices.fetch(confusion).reshape(c, c).astype(np.int32)
        share = saturated / (len(X) * self.W1.shape[1])
        return loss / len(X), said, devices.fetch(slopes), share

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """W1 and W2 as the exercise has them."""
        return devices.fetch(self.W1).copy(), devices.fetch(self.W2).copy()
