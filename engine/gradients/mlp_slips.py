"""What the mistakes of exercises 000-1 and 002-2 make of a backward pass.

The tags are those of ``engine.gradients.mlp``. Each function changes one line of the right pass;
what cannot be formed, because the shapes do not fit, is NaN.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.slips import Slip

if TYPE_CHECKING:
    from engine.gradients.mlp import Backprop

Gradients = tuple[
    tuple[np.ndarray, ...], tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray
]


def slipped_gradients(trace: "Backprop", slip: Slip) -> Gradients:
    """Error signals, weight and bias gradients, and dX with one mistake in them."""
    makers = {
        "sum-too-early": _sum_too_early,
        "layer-too-many": _layer_too_many,
        "flipped-sign": _flipped_sign,
        "bias-column": _bias_column,
        "parenthesis": _parenthesis,
        "unfused": _unfused,
    }
    with np.errstate(all="ignore"):  # dividing by 0 is what some of them are about
        return makers[slip.name](trace)


def _down(trace: "Backprop", delta: np.ndarray, layer: int) -> np.ndarray:
    """(6): from the error signal of ``layer`` to that of the one below."""
    return (delta @ trace.network.weights[layer - 1].T) * trace.slope(layer - 1)


def _from_top(trace: "Backprop", top: np.ndarray) -> Gradients:
    """(6) to (8) below a wrong error signal of the last layer."""
    deltas = [top]
    for layer in range(len(trace.network), 1, -1):
        deltas.insert(0, _down(trace, deltas[0], layer))
    return _gradients(trace, deltas)


def _gradients(trace: "Backprop", deltas: Sequence[np.ndarray]) -> Gradients:
    dW = tuple(a.T @ d for a, d in zip(trace.activations, deltas, strict=False))
    db = tuple(d.sum(0) for d in deltas)
    return tuple(deltas), dW, db, deltas[0] @ trace.network.weights[0].T


def _sum_too_early(trace: "Backprop") -> Gradients:
    "The sum over the examples stops at ∂L/∂f; every other factor is the last example's alone."
    slopes = trace.slope(len(trace.network))
    top = np.zeros_like(trace.deltas[-1])
    top[-1] = (trace.deltas[-1] * (slopes[-1] / slopes)).sum(0)
    top[-1] = np.where(len(top) == 1, trace.deltas[-1][-1], top[-1])  # one example: no 0/0
    return _from_top(trace, top)


def _layer_too_many(trace: "Backprop") -> Gradients:
    """The paths to the first layer pass the last hidden layer twice."""
    top = len(trace.network)
    deltas, dW, db = list(trace.deltas), list(trace.dweights), list(trace.dbiases)
    if top == 1:
        return tuple(deltas), tuple(dW), tuple(db), trace.dX
    twice = trace.network.weights[top - 2]  # W_{L-1}, which has to be square
    if len(twice) == twice.shape[1]:
        delta = (deltas[top - 2] @ twice.T) * trace.slope(top - 1)
        for layer in range(top - 1, 1, -1):
            delta = _down(trace, delta, layer)
    else:
        delta = np.full_like(deltas[0], np.nan)
    deltas[0], dW[0], db[0] = delta, trace.X.T @ delta, delta.sum(0)
    return tuple(deltas), tuple(dW), tuple(db), delta @ trace.network.weights[0].T


def _flipped_sign(trace: "Backprop") -> Gradients:
    """(4) with y - a above the line: everything behind it changes its sign."""
    return _gradients(trace, [-d for d in trace.deltas])


def _bias_column(trace: "Backprop") -> Gradients:
    """Without its column of ones a hidden A has no row for the bias of the next layer."""
    db = (trace.dbiases[0], *(np.full_like(b, np.nan) for b in trace.dbiases[1:]))
    return trace.deltas, trace.dweights, db, trace.dX


def _parenthesis(trace: "Backprop") -> Gradients:
    """(A_0' Delta_2) W_2' before the slopes of layer 1, where [1 X] holds the bias as well."""
    if len(trace.network) == 1:
        return trace.deltas, trace.dweights, trace.dbiases, trace.dX
    ones = np.column_stack([np.ones(len(trace.X)), trace.X])
    product = (ones.T @ trace.deltas[1]) @ trace.network.weights[1].T
    slopes = trace.slope(1)
    fits = product.shape == slopes.shape
    both = product * slopes if fits else np.full_like(product, np.nan)
    dW, db = (both[1:], *trace.dweights[1:]), (both[0], *trace.dbiases[1:])
    return trace.deltas, dW, db, trace.dX


def _unfused(trace: "Backprop") -> Gradients:
    """(4) times a (1 - a), not cancelled."""
    a = trace.activations[-1]
    return _from_top(trace, (a - trace.y) / (a * (1 - a)) * (a * (1 - a)))
