"""The problem of the lesson on the full cell: weights and inputs drawn from a seed, or typed arrays
checked.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data import DataError, array

if TYPE_CHECKING:
    from engine.gradients.lstm_cell import Params

LONGEST, WIDEST = 50, 4
STORED = 4  # the latch stores at this step, or at the last of a shorter run


class Problem(NamedTuple):
    """Everything that is given. The rows of the weights are the gates i, f, g, o, n rows each."""

    W_ih: np.ndarray
    W_hh: np.ndarray
    b: np.ndarray
    x: np.ndarray
    target: np.ndarray


def drawn(params: "Params") -> Problem:
    """What the seed draws: weights as torch does, up to 1/sqrt(n) in size, then the forget bias and
    the size of W_hh as asked. A longer run begins like a shorter one."""
    m, n, T = params.inputs, params.units, params.steps
    weights, given, goal = (np.random.default_rng([params.seed, k]) for k in range(3))
    most = n**-0.5
    W_ih = weights.uniform(-most, most, (4 * n, m)).round(2)
    W_hh = weights.uniform(-most, most, (4 * n, n)).round(2) * params.recurrent
    b = weights.uniform(-most, most, 4 * n).round(2)
    b[n : 2 * n] = params.forget
    x = given.uniform(-1, 1, (LONGEST, m)).round(2)[:T]
    target = goal.uniform(-0.9, 0.9, n).round(2)
    if params.weights == "latch":
        W_ih, W_hh, b, x = _latch(params, x)
    return Problem(W_ih, W_hh, b, x, target)


def _latch(params: "Params", x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Input 1 is a signal: at 1 the cell swaps what it holds for the last input, at 0 it keeps it.
    Nothing goes round by W_hh."""
    m, n = params.inputs, params.units
    W_ih, b = np.zeros((4, n, m)), np.zeros((4, n))
    W_ih[0, :, 0], b[0] = 20, -10
    W_ih[1, :, 0], b[1] = -20, params.forget
    W_ih[2, :, -1] = 1
    b[3] = 2
    x = x.copy()
    x[:, 0] = 0
    x[min(STORED, len(x)) - 1] = 1
    return W_ih.reshape(4 * n, m), np.zeros((4 * n, n)), b.reshape(-1), x


def checked(W_ih: Any, W_hh: Any, b: Any, x: Any, target: Any) -> Problem:
    """All five as float64 arrays whose shapes fit, or a DataError that names the one that does not;
    the number of units is that of the columns of ``W_hh``."""
    W_hh, W_ih, x = (
        array(name, v, ndim=2, low=-1e3, high=1e3)
        for name, v in (("W_hh", W_hh), ("W_ih", W_ih), ("x", x))
    )
    b, target = (array(k, v, low=-1e3, high=1e3) for k, v in (("b", b), ("target", target)))
    n, m = W_hh.shape[1], W_ih.shape[1]
    for name, matrix in (("W_hh", W_hh), ("W_ih", W_ih), ("b", b)):
        if len(matrix) != 4 * n:
            raise DataError(f"{name} must have {4 * n} rows, four gates of {n}, got {len(matrix)}.")
    if x.shape[1] != m:
        raise DataError(f"x must have {m} columns, as W_ih has, got {x.shape[1]}.")
    if len(target) != n:
        raise DataError(f"target must have {n} numbers, one a unit, got {len(target)}.")
    for name, size, most in (("x", len(x), LONGEST), ("W_ih", m, WIDEST), ("W_hh", n, WIDEST)):
        if size > most:
            what = "rows" if name == "x" else "columns"
            raise DataError(f"{name} may have at most {most} {what}, got {size}.")
    return Problem(W_ih, W_hh, b, x, target)


def plain(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Without gates: the states of the block g alone, and the error by each, (11) of the lesson."""
    T, n = len(problem.x), len(problem.target)
    W_ih, W_hh, b = (w[2 * n : 3 * n] for w in problem[:3])
    h = np.zeros((T + 1, n))
    for t in range(T):
        h[t + 1] = np.tanh(W_ih @ problem.x[t] + W_hh @ h[t] + b)
    dh = np.zeros_like(h)
    dh[T] = h[T] - problem.target
    for t in range(T - 1, -1, -1):
        dh[t] = W_hh.T @ ((1 - h[t + 1] ** 2) * dh[t + 1])
    return h, dh
