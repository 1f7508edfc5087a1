r"""A full LSTM cell, exercise 004-1 with its recurrent weights, forward and back by hand.

The exercise's gates see $x_t$ only. Here they see the last output as well, as in
`torch.nn.LSTMCell`. Inputs $x_1 \dots x_T$ of $m$ numbers; cells $c_0 \dots c_T$ and outputs
$h_0 \dots h_T$ of $n$ numbers, $c_0 = h_0 = 0$; weights $W_{ih}$ ($4n \times m$), $W_{hh}$
($4n \times n$), $b$ ($4n$), whose blocks of $n$ rows are the gates in torch's order $i, f, g, o$.
(torch has two biases; only their sum counts, and both have the gradient of $b$.)

**Out.** The error is measured at the last step only, against a target $y$:

$$a_t = W_{ih}\,x_t + W_{hh}\,h_{t-1} + b \tag{1}$$
$$i_t = \sigma(a^i_t), \qquad f_t = \sigma(a^f_t), \qquad g_t = \tanh(a^g_t), \qquad
o_t = \sigma(a^o_t) \tag{2}$$
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t \tag{3}$$
$$h_t = o_t \odot \tanh(c_t) \tag{4}$$
$$L = \tfrac{1}{2} \lVert h_T - y \rVert^2 \tag{5}$$

**Home.** An error reaches $h_t$ from the loss, or through the recurrent weights from the gates of
the next step, $\delta_{t+1} = \partial L / \partial a_{t+1}$:

$$\frac{\partial L}{\partial h_T} = h_T - y, \qquad
\frac{\partial L}{\partial h_t} = W_{hh}^\top \delta_{t+1} \tag{6}$$

It reaches $c_t$ by two roads, through the output and along the cell itself:

$$\frac{\partial L}{\partial c_t} = \frac{\partial L}{\partial h_t} \odot o_t \odot
(1 - \tanh^2 c_t) + f_{t+1} \odot \frac{\partial L}{\partial c_{t+1}} \tag{7}$$

and from there the gates, each by its own slope:

$$\delta^i_t = \frac{\partial L}{\partial c_t}\, g_t\, i_t (1 - i_t), \quad
\delta^f_t = \frac{\partial L}{\partial c_t}\, c_{t-1}\, f_t (1 - f_t), \quad
\delta^g_t = \frac{\partial L}{\partial c_t}\, i_t (1 - g_t^2), \quad
\delta^o_t = \frac{\partial L}{\partial h_t}\, \tanh(c_t)\, o_t (1 - o_t) \tag{8}$$

A weight is used $T$ times and collects $T$ terms:

$$\frac{\partial L}{\partial W_{ih}} = \sum_t \delta_t x_t^\top, \qquad
\frac{\partial L}{\partial W_{hh}} = \sum_t \delta_t h_{t-1}^\top, \qquad
\frac{\partial L}{\partial b} = \sum_t \delta_t, \qquad
\frac{\partial L}{\partial x_t} = W_{ih}^\top \delta_t \tag{9}$$

**The carousel.** Along $c$ no matrix and no slope of $\tanh$ stands in the way. Without recurrent
weights nothing else leads back either, and the error of the end arrives times forget gates alone:

$$W_{hh} = 0: \qquad
\frac{\partial L}{\partial c_t} = \prod_{s=t+1}^{T} f_s \odot \frac{\partial L}{\partial c_T}
\tag{10}$$

Hochreiter and Schmidhuber (1997) built the cell for this, with $f = 1$ throughout; Gers,
Schmidhuber and Cummins (2000) let it forget, by a gate with a positive bias at the start.

**Without gates** the block $g$ alone is a plain recurrent network, and its error fades. (The figure
lets both begin at the same height.)

$$\tilde h_t = \tanh(a^g_t), \qquad \frac{\partial L}{\partial \tilde h_t} =
(W^g_{hh})^\top \operatorname{diag}(1 - \tilde h_{t+1}^2) \frac{\partial L}{\partial \tilde h_{t+1}}
\tag{11}$$
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from engine.certificate import Certificate
from engine.gradients.lstm_cell_cases import presets, questions
from engine.gradients.lstm_cell_certificate import certificate, rounding
from engine.gradients.lstm_cell_lesson import GATES, SLIPS, State, states, working
from engine.gradients.lstm_cell_problem import LONGEST, WIDEST, Problem, checked, drawn, plain
from engine.numerics import sigmoid
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

__all__ = [
    "GATES", "PRESETS", "SLIPS", "Cell", "Params", "Problem", "State", "certify", "drawn",
    "questions", "run", "slipped", "states", "working", "wrong_cells",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """The size of the cell, and where its weights come from."""

    steps: int = knob(20, 1, LONGEST, "how long the sequence is", label="steps")
    units: int = knob(2, 1, WIDEST, "how many numbers the cell holds", label="$n$")
    forget: float = knob(5.0, -10, 10, "the bias of every forget gate", label="$b_f$", step=0.5)
    recurrent: float = knob(
        1.0, 0, 2, "how large the recurrent weights are, 0 for none", label="$W_{hh}$", step=0.1
    )
    weights: str = knob(
        "drawn",
        help="drawn: from the seed, as torch begins; latch: set to store one input",
        label="weights",
        choices=("drawn", "latch"),
    )
    inputs: int = knob(2, 1, WIDEST, "how many numbers arrive at each step", label="$m$")
    seed: int = knob(0, 0, 9999, "which weights, inputs and target are drawn", label="seed")


@dataclass(frozen=True, eq=False)
class Cell(Trace):
    """One pass out and home. Index 0 of c, h, dc, dh is the state before the first input; gates,
    delta, x and dx begin with step 1. ``plain_h`` and ``plain_dh`` are those of (11).

    A state of the lesson is one computation: given, forward 1 to T, loss, backward T to 1, the sum.
    What stands along the steps is that of the state's ``time``; errors are 0 until they arrive.
    """

    params: Params
    W_ih: Float64[np.ndarray, "n4 m"]
    W_hh: Float64[np.ndarray, "n4 n"]
    b: Float64[np.ndarray, " n4"]
    x: Float64[np.ndarray, "T m"]
    target: Float64[np.ndarray, " n"]
    gates: Float64[np.ndarray, "T 4 n"]
    c: Float64[np.ndarray, "T1 n"]
    h: Float64[np.ndarray, "T1 n"]
    loss: float
    dh: Float64[np.ndarray, "T1 n"]
    dc: Float64[np.ndarray, "T1 n"]
    delta: Float64[np.ndarray, "T 4 n"]
    dW_ih: Float64[np.ndarray, "n4 m"]
    dW_hh: Float64[np.ndarray, "n4 n"]
    db: Float64[np.ndarray, " n4"]
    dx: Float64[np.ndarray, "T m"]
    plain_h: Float64[np.ndarray, "T1 n"]
    plain_dh: Float64[np.ndarray, "T1 n"]
    time: Float64[np.ndarray, " S"] = along_steps()
    cell: Float64[np.ndarray, "S n"] = along_steps()
    output: Float64[np.ndarray, "S n"] = along_steps()
    dcell: Float64[np.ndarray, "S n"] = along_steps()
    doutput: Float64[np.ndarray, "S n"] = along_steps()
    db_so_far: Float64[np.ndarray, "S n4"] = along_steps()


DEFAULT = Params()


def run(params: Params = DEFAULT, x: Any = None, weights: Any = None, target: Any = None) -> Cell:
    """(1) to (11). What is not given is drawn from the seed; ``weights`` are W_ih, W_hh and b.
    Steps, inputs and units are then those of the arrays."""
    own = drawn(params)
    W_ih, W_hh, b = own[:3] if weights is None else weights
    problem = checked(
        W_ih, W_hh, b, own.x if x is None else x, own.target if target is None else target
    )
    (T, m), n = problem.x.shape, len(problem.target)
    return _pass(problem, dataclasses.replace(params, steps=T, inputs=m, units=n))


def _pass(problem: Problem, params: Params, slip: str = "") -> Cell:
    """Out and home; ``slip`` names the mistake to make on the way home, none as a rule."""
    W_ih, W_hh, b, x, target = problem
    T, n = len(x), len(target)

    c, h, gates = np.zeros((T + 1, n)), np.zeros((T + 1, n)), np.zeros((T, 4, n))
    for t in range(1, T + 1):
        a = (W_ih @ x[t - 1] + W_hh @ h[t - 1] + b).reshape(4, n)  # (1)
        i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])  # (2)
        gates[t - 1] = i, f, g, o
        c[t] = f * c[t - 1] + i * g  # (3)
        h[t] = o * np.tanh(c[t])  # (4)
    loss = 0.5 * float(((h[T] - target) ** 2).sum())  # (5)

    dc, dh, delta = np.zeros_like(c), np.zeros_like(h), np.zeros_like(gates)
    dh[T] = h[T] - target  # (6)
    for t in range(T, 0, -1):
        i, f, g, o = gates[t - 1]
        bent = np.tanh(c[t])
        dc[t] = dh[t] * o * (1.0 if slip == "slope" else 1 - bent**2)  # (7)
        if t < T:
            dc[t] += (f if slip == "early" else gates[t, 1]) * dc[t + 1]
        delta[t - 1, 0] = dc[t] * g * i * (1 - i)  # (8)
        delta[t - 1, 1] = dc[t] * c[t - 1] * f * (1 - f)
        delta[t - 1, 2] = dc[t] * i * (1 - g**2)
        delta[t - 1, 3] = dh[t] * bent * o * (1 - o)
        if slip != "carousel" or t == 1:  # no step before the first
            dh[t - 1] = W_hh.T @ delta[t - 1].ravel()  # (6)
    dc[0] = gates[0, 1] * dc[1]

    flat = delta.reshape(T, -1)
    dW_ih, dW_hh, db, dx = flat.T @ x, flat.T @ h[:-1], flat.sum(axis=0), flat @ W_ih  # (9)
    back = np.array([s.t for s in states(T) if s.kind == "backward"])
    order = np.array([0, *range(1, T + 1), T, *back, 0])
    seen = np.array([0.0] * (T + 1) + [1.0] * (T + 2))[:, None]  # the error has come so far
    summed = np.vstack([np.zeros((T + 2, 4 * n)), flat[::-1].cumsum(axis=0), db])
    along = {
        "time": order.astype(float), "cell": c[order], "output": h[order],
        "dcell": dc[order] * seen, "doutput": dh[order] * seen, "db_so_far": summed,
    }  # fmt: skip
    along["dcell"][T + 1] = 0  # at the loss only h has its error
    plain_h, plain_dh = plain(problem)
    return Cell(
        params, *problem, gates, c, h, loss, dh, dc, delta, dW_ih, dW_hh, db, dx, plain_h, plain_dh,
        **along,
    )  # fmt: skip


def slipped(trace: Cell, slip: Slip) -> Cell:
    """The same pass with one mistake on the way home."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    problem = Problem(trace.W_ih, trace.W_hh, trace.b, trace.x, trace.target)
    return _pass(problem, trace.params, slip.name)


def certify(trace: Cell, slip: Slip | None = None) -> Certificate:
    """Every number against torch's own cell and its autograd, and against 50-digit differences."""
    return certificate(trace, slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Cell, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown, allowed = slipped(trace, slip), rounding(trace)

    def off(name: str) -> np.ndarray:
        right, other = getattr(trace, name), getattr(shown, name)
        return np.abs(other - right) > allowed * np.maximum(1, np.abs(right))

    return {name: off(name) for name in ("dh", "dc", "delta", "dW_ih", "dW_hh", "db", "dx")}


PRESETS = presets(Params)
