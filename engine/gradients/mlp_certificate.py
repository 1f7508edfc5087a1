"""Any network, judged by torch's autograd and by complex steps, which know only (1) to (3).

A complex step is a difference without subtraction: for a function that is analytic and real on the
real line, f'(p) = Im f(p + ih) / h up to h^2, and h = 1e-100 costs no digits (W. Squire and
G. Trapp, SIAM Review 40, 1998).
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check, autograd

if TYPE_CHECKING:
    from engine.gradients.mlp import Backprop, Network

TORCH, STEPS = "torch autograd", "complex steps"
H = 1e-100
WORK = 4_000_000  # more complex numbers than that in one layer are left to torch alone


def certificate(trace: "Backprop", shown: "Backprop") -> Certificate:
    """All entries of all gradients and error signals; ``shown`` may hold a mistake."""
    from engine.gradients.mlp import names

    allowed, got, checks = rounding(trace), names(shown), []
    by_torch, by_steps = _by_torch(trace), _by_steps(trace)
    for name, value in got.items():
        for judge, found in ((TORCH, by_torch), (STEPS, by_steps)):
            if name in found:
                checks.append(Check(symbol(name), judge, value, found[name], allowed[name]))
    return Certificate(tuple(checks))


def symbol(name: str) -> str:
    """delta2 as LaTeX."""
    if name == "dX":
        return r"\partial\mathcal L/\partial X"
    if name.startswith("delta"):
        return rf"\Delta_{{{name[5:]}}}"
    return rf"\partial\mathcal L/\partial {name[1]}_{{{name[2:]}}}"


def _by_torch(trace: "Backprop") -> dict[str, np.ndarray]:
    """A zero added to each Z has the error signal as its gradient."""
    import torch

    net, depth = trace.network, len(trace.network)
    act = torch.tanh if net.hidden == "tanh" else torch.sigmoid
    target = torch.tensor(trace.y.copy())

    def loss(**p: Any) -> Any:
        a = p["X"]
        for k in range(1, depth + 1):
            z = a @ p[f"W{k}"] + p[f"b{k}"] + p[f"delta{k}"]
            a = act(z)
        entropy = torch.nn.functional.binary_cross_entropy_with_logits
        return entropy(z, target, reduction="sum")

    point = {"X": trace.X}
    for k in range(1, depth + 1):
        point[f"W{k}"], point[f"b{k}"] = net.weights[k - 1], net.biases[k - 1]
        point[f"delta{k}"] = np.zeros_like(trace.z[k - 1])
    found = autograd(loss, **point)
    return {n if n.startswith("delta") else f"d{n}": value for n, value in found.items()}


def _by_steps(trace: "Backprop") -> dict[str, np.ndarray]:
    """Every weight, bias, input and Z moved by ih, many at once; the largest layers left out."""
    net, found = trace.network, {}
    N, sizes = len(trace.X), net.sizes
    above = partial(_loss_above, net, trace.y)
    for k in range(1, len(net) + 1):
        z, a = trace.z[k - 1], trace.activations[k - 1]
        upper = sum(sizes[k:])
        if net.weights[k - 1].size * N * upper <= WORK:
            found[f"dW{k}"] = _steps(
                net.weights[k - 1].shape, partial(_push, z, a, above, k), N * upper
            )
        if sizes[k] * N * upper <= WORK:
            ones = np.ones((N, 1))
            bias = _steps((1, sizes[k]), partial(_push, z, ones, above, k), N * upper)
            found[f"db{k}"] = bias[0]
            found[f"delta{k}"] = _steps(z.shape, partial(_shift, z, above, k), upper)
    if trace.X.size * sum(sizes) <= WORK:
        found["dX"] = _steps(trace.X.shape, partial(_nudge, trace, above), sum(sizes))
    return found


def _steps(
    shape: tuple[int, ...], loss: Callable[[np.ndarray, np.ndarray], np.ndarray], each: int
) -> np.ndarray:
    """Im loss / h for every index pair of ``shape``, as many at once as fit."""
    i, j = (index.ravel() for index in np.indices(shape))
    at_once = max(1, 500_000 // max(each, 1))
    parts = [
        np.imag(loss(i[start : start + at_once], j[start : start + at_once])) / H
        for start in range(0, len(i), at_once)
    ]
    return np.concatenate(parts).reshape(shape)


def _push(
    z: np.ndarray, a: np.ndarray, above: Callable, layer: int, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Weight (i, j) moved: column j of Z moves by ih times column i of A."""
    moved = np.repeat(z[None].astype(complex), len(i), axis=0)
    moved[np.arange(len(i)), :, j] += 1j * H * a.T[i]
    return above(layer, moved, slice(None))


def _shift(z: np.ndarray, above: Callable, layer: int, n: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Entry (n, j) of Z moved: only example n is concerned."""
    moved = z[n].astype(complex)
    moved[np.arange(len(n)), j] += 1j * H
    return above(layer, moved[:, None, :], n)


def _nudge(trace: "Backprop", above: Callable, n: np.ndarray, i: np.ndarray) -> np.ndarray:
    """Entry (n, i) of X moved."""
    X = trace.X[n].astype(complex)
    X[np.arange(len(n)), i] += 1j * H
    z = X @ trace.network.weights[0] + trace.network.biases[0]
    return above(1, z[:, None, :], n)


def _loss_above(
    net: "Network", y: np.ndarray, layer: int, z: np.ndarray, at: slice | np.ndarray
) -> np.ndarray:
    """(1) to (3) from the Z of ``layer`` on, for a batch of them; ``at`` picks the targets."""
    for W, b in zip(net.weights[layer:], net.biases[layer:], strict=True):
        a = np.tanh(z) if net.hidden == "tanh" else 0.5 + 0.5 * np.tanh(0.5 * z)
        z = a @ W + b
    target = y[None] if isinstance(at, slice) else y[at][:, None, :]
    right = np.real(z) > 0
    softplus = np.where(right, z, 0) + np.log(1 + np.exp(np.where(right, -z, z)))
    return (softplus - target * z).sum((1, 2))


def rounding(trace: "Backprop") -> dict[str, float]:
    """What rounding may do to each result, by name: errors carried through (1) to (8) to first
    order, four times over. 1 - a loses digits where a is near 1, and large weights magnify that."""
    eps, net = 2.0**-52, trace.network
    errors, error = [np.zeros_like(trace.X)], np.zeros_like(trace.X)
    slopes, doubts = [], []
    for k, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        before, slope = np.abs(trace.activations[k - 1]), trace.slope(k)
        sums = before @ np.abs(W) + np.abs(b)
        moved = error @ np.abs(W) + (len(W) + 2) * eps * sums
        error = np.minimum(slope * moved + moved**2, 1) + eps
        slopes.append(slope)
        doubts.append(2 * error + eps)
        errors.append(error)
    out: dict[str, float] = {}
    size, doubt = np.abs(trace.y - trace.activations[-1]), errors[-1] + eps
    for k in range(len(net), 0, -1):
        W, below = np.abs(net.weights[k - 1]), np.abs(trace.activations[k - 1])
        many = (len(trace.X) + 2) * eps
        of_W = below.T @ doubt + errors[k - 1].T @ size + many * (below.T @ size)
        out[f"delta{k}"] = _allowed(doubt)
        out[f"dW{k}"] = _allowed(of_W)
        out[f"db{k}"] = _allowed(doubt.sum(0) + many * size.sum(0))
        reach = size @ W.T
        carried = doubt @ W.T + (W.shape[1] + 2) * eps * reach
        if k == 1:
            out["dX"] = _allowed(carried)
        else:
            doubt = carried * slopes[k - 2] + reach * doubts[k - 2]
            size = reach * slopes[k - 2]
    return out


def _allowed(errors: np.ndarray) -> float:
    return max(1e-12, 4 * float(errors.max(initial=0)))
