"""The two-layer network as one writes it with torch, and the first gradients by three methods."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from engine.training import two_layer_data as source
from engine.training.two_layer_data import Data
from engine.training.two_layer_fast import Network
from engine.training.two_layer_spec import Point, Spec, rates

STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))  # a difference of eighth order
ENTRIES, WIDTH = 12, 1e-2


def ones(A: torch.Tensor) -> torch.Tensor:
    """A with a column of ones in front."""
    return torch.hstack([torch.ones(len(A), 1, dtype=A.dtype), A])


def loss_of(
    X: torch.Tensor, Y: torch.Tensor, W1: torch.Tensor, W2: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The summed loss, the logits and the hidden activations."""
    H = torch.tanh(ones(X) @ W1)
    Z = ones(H) @ W2
    return F.binary_cross_entropy_with_logits(Z, Y, reduction="sum"), Z, H


def tensors(spec: Spec, data: Data) -> tuple[torch.Tensor, ...]:
    """X, Y (one-hot), X_test, Y_test."""
    kind, made = getattr(torch, spec.dtype), []
    for X, y in ((data.X, data.y), (data.X_test, data.y_test)):
        labels = torch.from_numpy(y.astype(np.int64))
        made += [torch.from_numpy(X).to(kind), F.one_hot(labels, data.classes).to(kind)]
    return tuple(made)


def plain(spec: Spec, data: Data | None = None) -> Iterator[Point]:
    """One step after another."""
    data = source.load(spec) if data is None else data
    X, Y, X_test, Y_test = tensors(spec, data)
    made = source.weights(spec, X.shape[1], data.classes)
    W1, W2 = (torch.from_numpy(W).requires_grad_() for W in made)
    sign, per_epoch = 1 if spec.direction == "down" else -1, math.ceil(len(X) / spec.batch)

    def point(step: int) -> Point:
        with torch.no_grad():
            train, Z, _ = loss_of(X, Y, W1, W2)
            test, Z_test, H = loss_of(X_test, Y_test, W1, W2)
        wrong = (Z.argmax(1) != Y.argmax(1)).double().mean()
        wrong_test = (Z_test.argmax(1) != Y_test.argmax(1)).double().mean()
        saturated = (1 - H.double() ** 2 < 0.01).double().mean()
        found = train / len(X), test / len(X_test), wrong, wrong_test, saturated
        return Point(step, step // per_epoch, rate(step), *(float(v) for v in found))

    def rate(step: int) -> float:
        return float(rates(spec, np.array([step]), per_epoch)[0])

    yield point(0)
    step = 0
    for epoch in range(spec.epochs):
        for rows in torch.from_numpy(source.order(spec, epoch, len(X))).split(spec.batch):
            loss, _, _ = loss_of(X[rows], Y[rows], W1, W2)
            by_W1, by_W2 = torch.autograd.grad(loss, (W1, W2))
            with torch.no_grad():
                W1 -= sign * rate(step) * by_W1
                W2 -= sign * rate(step) * by_W2
            step += 1
        yield point(step)


@dataclass(frozen=True, eq=False)
class Gradients:
    """By W1 and W2 of the first batch: what a step takes off, autograd, and some differences."""

    taken: tuple[np.ndarray, np.ndarray]
    autograd: tuple[np.ndarray, np.ndarray]
    entries: tuple[np.ndarray, np.ndarray]  # (12, 2) places in W1, and in W2
    differences: tuple[np.ndarray, np.ndarray]  # the slopes there
    loss: float  # of the batch
    loss_after: float  # one step later


def gradients(
    spec: Spec,
    data: Data | None = None,
    weights: tuple[np.ndarray, np.ndarray] | None = None,
) -> Gradients:
    """The first step in float64, as the kernel itself takes it, against two other methods."""
    data = source.load(spec) if data is None else data
    exact = Spec(**{**vars(spec), "dtype": "float64"})
    W1, W2 = source.weights(exact, data.X.shape[1], data.classes) if weights is None else weights
    rows = source.order(spec, 0, len(data.X))[: spec.batch]
    batch = Data(data.X[rows], data.y[rows], data.X_test[:1], data.y_test[:1], data.classes)
    sign = 1.0 if spec.direction == "down" else -1.0
    V1, V2 = after(W1, W2, batch, sign)
    stepped = after(W1, W2, batch, sign * spec.lr)

    X, Y, _, _ = tensors(exact, batch)
    leaves = [torch.tensor(W, requires_grad=True) for W in (W1, W2)]
    loss, _, _ = loss_of(X, Y, *leaves)
    by_W1, by_W2 = (g.numpy() for g in torch.autograd.grad(loss, leaves))
    places = entries(spec.seed, X, W1, W2)
    with torch.no_grad():
        in_W1, in_W2 = (
            np.array([slope(X, Y, leaves, layer, i, j) for i, j in places[layer].tolist()])
            for layer in (0, 1)
        )
        later, _, _ = loss_of(X, Y, *(torch.from_numpy(W) for W in stepped))
    return Gradients(
        (W1 - V1, W2 - V2), (by_W1, by_W2), places, (in_W1, in_W2), loss.item(), later.item()
    )


def after(
    W1: np.ndarray, W2: np.ndarray, batch: Data, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """The weights after one step of the kernel, in float64, on all of a batch."""
    N = len(batch.X)
    network = Network(np.array(W1, float), np.array(W2, float), batch, N)
    network.walk(np.arange(N), np.array([rate]))
    return network.weights()


def entries(
    seed: int, X: torch.Tensor, W1: np.ndarray, W2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Some places of each matrix; of W1 only those behind a pixel that is not 0."""
    lit = np.concatenate([[0], 1 + np.flatnonzero(X.abs().amax(0).numpy())])
    draw, made = np.random.default_rng(seed), []
    for rows, W in ((lit, W1), (np.arange(len(W2)), W2)):
        at = draw.choice(len(rows) * W.shape[1], min(ENTRIES, len(rows) * W.shape[1]), False)
        made.append(np.stack([rows[at // W.shape[1]], at % W.shape[1]], axis=1))
    return made[0], made[1]


def slope(
    X: torch.Tensor, Y: torch.Tensor, weights: list[torch.Tensor], layer: int, i: int, j: int
) -> float:
    """The derivative of the loss by one weight, by central differences of eighth order."""
    W, total = weights[layer], 0.0
    here = float(W[i, j])
    for k, share in STENCIL:
        for sign in (1, -1):
            W[i, j] = here + sign * k * WIDTH
            total += sign * share * float(loss_of(X, Y, *weights)[0])
    W[i, j] = here
    return total / WIDTH
