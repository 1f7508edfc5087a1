"""A network of any depth, its units and its loss; tags are those of ``engine.gradients.mlp``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data import DataError, array

LARGEST, MOST = 1e6, 5_000_000


@dataclass(frozen=True, eq=False)
class Network:
    """``weights[k]`` and ``biases[k]`` belong to layer k + 1; ``hidden`` names its units."""

    weights: Sequence[Any]
    biases: Sequence[Any]
    hidden: str = "sigmoid"

    def __post_init__(self) -> None:
        if self.hidden not in ("sigmoid", "tanh"):
            raise DataError(f"hidden must be sigmoid or tanh, got {str(self.hidden)[:20]!r}.")
        if not len(self.weights) or len(self.weights) != len(self.biases):
            raise DataError(
                "network must have as many biases as weights and at least one layer, "
                f"got {len(self.weights)} and {len(self.biases)}."
            )
        layers = list(enumerate(zip(self.weights, self.biases, strict=True), 1))
        held = {"low": -LARGEST, "high": LARGEST, "most": MOST}
        weights = tuple(array(f"W_{k}", W, ndim=2, **held) for k, (W, _) in layers)
        biases = tuple(array(f"b_{k}", b, **held) for k, (_, b) in layers)
        for k, (W, b) in enumerate(zip(weights, biases, strict=True), 1):
            if k > 1 and len(W) != weights[k - 2].shape[1]:
                raise DataError(
                    f"W_{k} must have {weights[k - 2].shape[1]} rows, as layer {k - 1} has units, "
                    f"got {len(W)}."
                )
            if len(b) != W.shape[1]:
                raise DataError(f"b_{k} must hold {W.shape[1]} numbers, got {len(b)}.")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "biases", biases)

    def __len__(self) -> int:
        """Number of layers with weights."""
        return len(self.weights)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.weights[0]), *(W.shape[1] for W in self.weights))

    @property
    def count(self) -> int:
        """How many parameters there are."""
        return sum(p.size for p in (*self.weights, *self.biases))


def unit(xp: Any, kind: str, u: Any) -> Any:
    """The unit, entry by entry; no exponential of a large positive number is taken."""
    if kind == "tanh":
        return xp.tanh(u)
    return 0.5 * (1 + xp.tanh(0.5 * u)) if xp is not np else _sigmoid(u)


def _sigmoid(u: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-u) with few passes over memory; where e^-u overflows the quotient is 0."""
    out = np.negative(u)
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


def slope(kind: str, a: Any) -> Any:
    """The slope of a unit, written with what came out of it."""
    return 1 - a * a if kind == "tanh" else a - a * a


def loss_of(xp: Any, z: Any, y: Any) -> Any:
    """(3) from the last Z: log(1 + e^z) - y z, which stays finite where the output rounds to 1."""
    return (xp.logaddexp(xp.zeros_like(z), z) - y * z).sum()


def forward(network: Network, X: np.ndarray) -> np.ndarray:
    """The last Z of (1), nothing kept."""
    a = X
    for k, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        z = a @ W + b
        a = unit(np, network.hidden, z) if k + 1 < len(network) else z
    return a


def checked(network: Network, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """X and y as arrays that fit the network; y of one output may be one row."""
    X = array("X", X, ndim=2, low=-LARGEST, high=LARGEST, most=MOST)
    wide, many = network.sizes[0], network.sizes[-1]
    if X.shape[1] != wide:
        raise DataError(f"X must have {wide} columns, as W_1 has rows, got {X.shape[1]}.")
    flat = many == 1 and np.ndim(y) == 1
    y = array("y", y, ndim=1 if flat else 2, low=0, high=1, most=MOST)
    y = y[:, None] if flat else y
    if y.shape != (len(X), many):
        raise DataError(
            f"y must be {len(X)} × {many}, a row for each example and a column for each output, "
            f"got {y.shape[0]} × {y.shape[1]}."
        )
    return X, y
