r"""Backpropagation at any depth, exercises 000-1 and 002-2.

A batch of $N$ examples is a matrix $A_0 = X$ of shape $N \times d_0$. Layer $l = 1, \dots, L$ has
weights $W_l$ of shape $d_{l-1} \times d_l$ and a bias $b_l$ of length $d_l$; $\varphi$ acts on each
entry, and the last layer is always a sigmoid.

$$Z_l = A_{l-1} W_l + \mathbf 1 b_l^\top, \qquad A_l = \varphi(Z_l) \tag{1}$$
$$A_L = \sigma(Z_L), \qquad \sigma(u) = \frac{1}{1 + e^{-u}} \tag{2}$$
$$\mathcal L = -\sum_{n,c} \big[\,y_{nc}\log a_{nc} + (1 - y_{nc})\log(1 - a_{nc})\,\big],
\qquad a = A_L \tag{3}$$

**The sign.** The derivative of (3) by one output is positive where the output is too large:

$$\frac{\partial \mathcal L}{\partial a} = \frac{a - y}{a\,(1 - a)} \tag{4}$$

The slope $a (1 - a)$ of the sigmoid cancels its denominator. Left uncancelled, the product is
$\infty \cdot 0$ as soon as $a$ rounds to 0 or 1. Write $\Delta_l$ for
$\partial\mathcal L / \partial Z_l$, the error signal of layer $l$:

$$\Delta_L = A_L - y \tag{5}$$
$$\Delta_l = (\Delta_{l+1} W_{l+1}^\top) \odot \varphi'(Z_l), \qquad
\sigma' = \sigma (1 - \sigma), \quad \tanh' = 1 - \tanh^2 \tag{6}$$

**The gradients.** The sum over the examples is inside the matrix product, after all factors:

$$\frac{\partial \mathcal L}{\partial W_l} = A_{l-1}^\top \Delta_l \tag{7}$$
$$\frac{\partial \mathcal L}{\partial b_l} = \Delta_l^\top \mathbf 1, \qquad
\frac{\partial \mathcal L}{\partial X} = \Delta_1 W_1^\top \tag{8}$$

**As a sum over paths.** Put (6) into (7) and multiply out: one term for each example $n$ and each
way $j = i_l, i_{l+1}, \dots, i_L$ up through the network,

$$\Big(\frac{\partial \mathcal L}{\partial W_l}\Big)_{ij} = \sum_n a^{(n)}_{l-1,i}
\sum_{i_{l+1}, \dots, i_L} \Big[\prod_{t=l}^{L-1} \varphi'(z^{(n)}_{t,i_t})\,
(W_{t+1})_{i_t i_{t+1}}\Big]\,(a^{(n)}_{i_L} - y^{(n)}_{i_L}) \tag{9}$$

For one output and $H$ units a layer these are $H^{L-2}$ paths for a weight of the first layer; the
recursion (6) gives the same number with about $L H^2$ products for each example.

**One step** down the gradient, and the loss after it:

$$W_l \leftarrow W_l - \eta\,\frac{\partial \mathcal L}{\partial W_l}, \qquad
b_l \leftarrow b_l - \eta\,\frac{\partial \mathcal L}{\partial b_l} \tag{10}$$
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.data import DataError
from engine.device import fetch, namespace, pick, send
from engine.gradients.mlp_cases import posed, presets
from engine.gradients.mlp_certificate import certificate, rounding
from engine.gradients.mlp_lesson import SLIPS, questions
from engine.gradients.mlp_network import Network, checked, forward, loss_of, slope, unit
from engine.gradients.mlp_paths import Derivation, Term, picked, strongest
from engine.gradients.mlp_slips import slipped_gradients
from engine.gradients.mlp_working import working
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace

__all__ = [
    "PRESETS", "SLIPS", "Backprop", "Derivation", "Network", "Params", "Term", "after", "certify",
    "explain", "explained", "names", "picked", "questions", "run", "slipped", "working",
    "wrong_cells",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """The network that is drawn where none is typed, its data, and one step of learning."""

    hidden: str = knob("sigmoid", help="what each hidden unit does", choices=("sigmoid", "tanh"))
    layers: int = knob(3, 1, 8, "layers with weights, $L$", label="layers $L$")
    width: int = knob(2, 1, 24, "units in each hidden layer, $H$", label="width $H$")
    examples: int = knob(2, 1, 64, "examples in the batch, $N$", label="examples $N$")
    scale: float = knob(1.0, 0, 100, "spread of the weights drawn", label="weight scale", step=0.1)
    digits: bool = knob(False, help="learn from 8×8 digits, enlarged to 28×28", label="digits")
    inputs: int = knob(3, 1, 24, "numbers in an example, where they are drawn", label="inputs")
    outputs: int = knob(1, 1, 10, "units in the last layer", label="outputs")
    rate: float = knob(0.1, 0, 100, "size of one step down", label="$\\eta$", step=0.05)
    seed: int = knob(0, 0, 9999, "which numbers are drawn", label="seed")


@dataclass(frozen=True, eq=False)
class Backprop(Trace):
    """Every value of the forward pass, every error signal, every gradient.

    ``activations`` are A_0 to A_L; ``deltas[k]``, ``z[k]``, ``dweights[k]`` belong to layer k + 1.
    """

    params: Params
    network: Network
    X: np.ndarray
    y: np.ndarray
    z: tuple[np.ndarray, ...]
    activations: tuple[np.ndarray, ...]
    deltas: tuple[np.ndarray, ...]
    loss: float
    dweights: tuple[np.ndarray, ...]
    dbiases: tuple[np.ndarray, ...]
    dX: np.ndarray
    device: str = "cpu"
    given: Any = None

    def slope(self, layer: int) -> np.ndarray:
        """phi' of one layer, 1 to L, at all its units."""
        kind = self.network.hidden if layer < len(self.network) else "sigmoid"
        return slope(kind, self.activations[layer])

    def __len__(self) -> int:
        """Given, L forward, loss, error signal and gradient for each layer, dX, one step down."""
        return 3 * len(self.network) + 4


def run(
    network: Any, X: Any, y: Any, params: Params | None = None, device: str = "cpu"
) -> Backprop:
    """Forward (1) to (3), backward (5) to (8), at any depth.

    With ``params`` what is left empty is drawn, see ``mlp_cases.posed``.
    """
    given = None
    if params is not None:
        given = (network, X, y)
        layers, X, y = posed(network, X, y, params)
        network = Network(*layers, hidden=params.hidden)
    X, y = checked(network, X, y)
    device = pick(device)
    xp = namespace(device)
    W, b = ([send(p, device) for p in group] for group in (network.weights, network.biases))
    A, target = [send(X, device)], send(y, device)
    z = []
    for k in range(len(W)):
        z.append(A[-1] @ W[k] + b[k])  # (1)
        A.append(unit(xp, network.hidden if k + 1 < len(W) else "sigmoid", z[-1]))  # (2)
    loss = float(loss_of(xp, z[-1], target))  # (3)

    deltas = [A[-1] - target]  # (5)
    for k in range(len(W) - 1, 0, -1):
        deltas.append((deltas[-1] @ W[k].T) * slope(network.hidden, A[k]))  # (6)
    deltas.reverse()
    dW = [a.T @ d for a, d in zip(A, deltas, strict=False)]  # (7)
    db, dX = [d.sum(0) for d in deltas], deltas[0] @ W[0].T  # (8)
    z, A, deltas, dW, db = (_kept(group) for group in (z, A, deltas, dW, db))
    return Backprop(
        params or Params(), network, X, y, z, A, deltas, loss, dW, db, _kept([dX])[0], device, given
    )


def after(trace: Backprop) -> float:
    """The loss after one step of size eta, (10)."""
    rate, net = trace.params.rate, trace.network
    moved = replace(
        net,
        weights=[
            W - rate * np.nan_to_num(g) for W, g in zip(net.weights, trace.dweights, strict=True)
        ],
        biases=[
            b - rate * np.nan_to_num(g) for b, g in zip(net.biases, trace.dbiases, strict=True)
        ],
    )
    return float(loss_of(np, forward(moved, trace.X), trace.y))


def explain(
    network: Network, X: Any, y: Any, layer: int, row: int, col: int, most: int = 1000
) -> Derivation:
    """(9) for the weight ``network.weights[layer][row, col]``: its largest ``most`` terms."""
    return explained(run(network, X, y), layer, row, col, most)


def explained(trace: Backprop, layer: int, row: int, col: int, most: int = 1000) -> Derivation:
    """``explain`` of a pass that has been run."""
    shape = trace.network.weights[layer].shape if 0 <= layer < len(trace.network) else (0, 0)
    for name, value, size in (
        ("layer", layer, len(trace.network)),
        ("row", row, shape[0]),
        ("col", col, shape[1]),
    ):
        if not 0 <= value < size:
            raise DataError(f"{name} must lie in [0, {size - 1}], got {value}.")
    return strongest(trace, layer, row, col, most)


def _kept(group: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """As NumPy arrays that nobody can change."""
    out = tuple(fetch(item) for item in group)
    for item in out:
        item.setflags(write=False)
    return out


def certify(trace: Backprop, slip: Slip | None = None) -> Any:
    """Every gradient and every error signal against autograd and complex steps."""
    return certificate(trace, slipped(trace, slip) if slip else trace)


def slipped(trace: Backprop, slip: Slip) -> Backprop:
    """The same pass with one mistake in it; what cannot be formed is NaN."""
    deltas, dW, db, dX = slipped_gradients(trace, slip)
    return replace(trace, deltas=deltas, dweights=dW, dbiases=db, dX=dX)


def names(trace: Backprop) -> dict[str, np.ndarray]:
    """Error signals and gradients by name: delta1, dW1, db1, ..., dX."""
    groups = {"delta": trace.deltas, "dW": trace.dweights, "db": trace.dbiases}
    named = {f"{n}{k}": value for n, group in groups.items() for k, value in enumerate(group, 1)}
    return named | {"dX": trace.dX}


def wrong_cells(trace: Backprop, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by name: True where a slip changes the entry."""
    right, shown, allowed = names(trace), names(slipped(trace, slip)), rounding(trace)
    return {
        name: ~(np.abs(shown[name] - value) <= allowed[name] * np.maximum(1, np.abs(value)))
        for name, value in right.items()
    }


PRESETS = presets(Params)
