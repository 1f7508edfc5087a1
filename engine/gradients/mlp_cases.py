"""The networks and data of the lesson on backpropagation: typed, drawn by a seed, or digits."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data import DataError
from engine.digits import DARKEST, digits, enlarged
from engine.preset import Preset

if TYPE_CHECKING:
    from engine.gradients.mlp import Params

SIDE = 28
MOST_TYPED = 64
Layers = tuple[list[Any], list[Any]]


def posed(network: Any, X: Any, y: Any, p: "Params") -> tuple[Layers, Any, Any]:
    """Weights with biases, X and y. What is empty is drawn: a longer batch begins like a shorter
    one, and other data leave the weights as they are.

    ``network`` is one matrix a layer, its first row the bias.
    """
    if p.digits:
        X, y = pictures(p)
    elif not len(X):
        drawn = np.random.default_rng([p.seed, 0]).normal(size=(64, 24))
        X = drawn[: p.examples, : p.inputs]
    if not len(y):
        outputs = np.shape(network[-1])[-1] if len(network) else p.outputs
        drawn = np.random.default_rng([p.seed, 1]).random((64, 10))
        y = (drawn[: len(X), :outputs] < 0.5).astype(float)
    if len(X) > MOST_TYPED:
        raise DataError(f"X must have at most {MOST_TYPED} rows, got {len(X)}.")
    if len(network):
        return _typed(network), X, y
    wide = np.shape(X)[-1] if np.ndim(X) == 2 else 1
    many = np.shape(y)[-1] if np.ndim(y) == 2 else 1
    return drawn_layers((wide, *[p.width] * (p.layers - 1), many), p.scale, p.seed), X, y


def drawn_layers(sizes: tuple[int, ...], scale: float, seed: int) -> Layers:
    """Normal weights and biases, each layer from a stream of its own."""
    weights, biases = [], []
    for k in range(1, len(sizes)):
        draw = np.random.default_rng([seed, 1 + k])
        weights.append(draw.normal(0, 1, (sizes[k - 1], sizes[k])) * scale)
        biases.append(draw.normal(0, 1, sizes[k]) * scale)
    return weights, biases


def _typed(network: Any) -> Layers:
    weights, biases = [], []
    for k, layer in enumerate(network, 1):
        if len({np.size(row) for row in layer}) != 1 or len(layer) < 2:
            raise DataError(
                f"network must have rows of one length in layer {k}, first the bias and then a row "
                "for each unit below."
            )
        biases.append(layer[0])
        weights.append(layer[1:])
    return weights, biases


def pictures(p: "Params") -> tuple[np.ndarray, np.ndarray]:
    """``examples`` digits on 28 × 28 pixels from 0 to 1. One output says odd; several say which
    digit, 0 to outputs - 1."""
    images, labels = digits()
    known = np.flatnonzero(labels < (p.outputs if p.outputs > 1 else 10))
    picked = np.random.default_rng([p.seed, 2]).permutation(known)[: p.examples]
    X = enlarged(images[picked], SIDE).reshape(len(picked), -1) / DARKEST
    if p.outputs == 1:
        return X, (labels[picked] % 2)[:, None].astype(float)
    return X, (labels[picked][:, None] == np.arange(p.outputs)).astype(float)


FIRST = [[0.05, -0.1], [0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]]
SECOND = [[0.1, 0.2], [0.7, -0.3], [0.2, 0.6]]
LAST = [[0.3], [1.1], [-0.8]]


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    nothing: dict[str, Any] = {"network": [], "X": [], "y": []}
    exercise = {
        "network": [FIRST, SECOND, LAST],
        "X": [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]],
        "y": [[1.0], [0.0]],
    }
    alone = exercise | {"X": exercise["X"][:1], "y": exercise["y"][:1]}
    course = {
        "network": [
            [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]],
            [[0.05, -0.1], [0.7, -0.3], [0.2, 0.6]],
        ],
        "X": [[0.5, -1.0], [2.0, 0.3], [-0.7, 1.2]],
        "y": [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
    }
    saturated = {
        "network": [[[0.0, 0.0], [50.0, -4.0]], [[0.0], [40.0], [-3.0]]],
        "X": [[1.0], [0.2]],
        "y": [[0.0], [1.0]],
    }

    def last(layers: int) -> int:
        """The step at which the first layer has its gradient."""
        return 3 * layers + 1

    deep = params(layers=6, width=6, examples=8, inputs=6)
    return {
        "exercise": Preset(
            "Exercise", params(), "Click a weight: the paths from it add up.", exercise, last(3)
        ),
        "vanishing": Preset(
            "Vanishing", deep, "At each layer back at most a quarter is left.", nothing, last(6)
        ),
        "wide": Preset(
            "5 layers of 20",
            params(layers=5, width=20, examples=16, inputs=20, hidden="tanh", scale=0.35),
            "Thousands of paths, and one recursion that never walks them.",
            nothing,
            last(5),
        ),
        "course": Preset(
            "Two layers, tanh",
            params(hidden="tanh", layers=2, examples=3, inputs=2, outputs=2),
            "Two outputs: every path ends at one of them.",
            course,
            last(2),
        ),
        "saturated": Preset(
            "Saturated",
            params(layers=2, inputs=1),
            "The output rounds to 1 where 0 was wanted: its error is 1, or, unfused, NaN.",
            saturated,
            last(2) - 3,
        ),
        "digits": Preset(
            "Digits",
            params(
                hidden="tanh", layers=2, width=12, examples=40, outputs=10, scale=0.1, digits=True,
                rate=0.01,
            ),
            "8×8 digits, enlarged to 784 inputs: the gradient of one unit is a picture.",
            nothing,
            last(2),
        ),
        "single": Preset(
            "N = 1",
            params(examples=1),
            "With one example the sum closed too early does no harm.",
            alone,
            last(3),
        ),
    }  # fmt: skip
