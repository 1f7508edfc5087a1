r"""An LSTM cell by hand, exercise 004-1.

A cell holds one number $c$, and $c_0 = 0$. At each step $t = 1, \dots, T$ it sees
$x_t \in \mathbb{R}^4$ and nothing else: the gates do not see $y$. Four rows of weights, in the
order $z$, input gate, forget gate, output gate, each with its bias, make a $4 \times 5$ array.

$$z = w \cdot x + b, \qquad z_i = w_i \cdot x + b_i, \qquad z_f = w_f \cdot x + b_f, \qquad
z_o = w_o \cdot x + b_o \tag{1}$$

**Gates.** Sigmoids, $k$ times as sharp as the exercise's ($k = 1$ there), or steps of 0 and 1: so
one fills the table by hand, and there the sigmoids go as $k$ grows.

$$f(u) = \sigma(k u) = \frac{1}{1 + e^{-k u}} \qquad \text{or} \qquad f(u) = [\,u \ge 0\,] \tag{2}$$

**Cell and output.** Here $g$ and $h$, the functions around the cell, are the identity.

$$c_t = f(z_i)\,z + f(z_f)\,c_{t-1} \tag{3}$$
$$y_t = f(z_o)\,c_t \tag{4}$$

**What the cell remembers.** Put (3) into itself. What step $s$ put in is multiplied by every forget
gate since, so $c_t$ is a weighted sum of all candidates so far:

$$c_t = \sum_{s \le t} m_{t,s}\,z^s, \qquad
m_{t,s} = f(z_i^s) \prod_{r=s+1}^{t} f(z_f^r) = \frac{\partial c_t}{\partial z^s} \tag{5}$$

One shut forget gate wipes out everything before it. Open gates carry the derivative back unchanged:
that is why an LSTM learns over long spans.

**A direction that nothing sees.** Along $n = (1, -1, 0, 0)$ each row moves by the difference of its
first two weights, which is 0 in all four rows of the exercise:

$$w \cdot (x + s\,n) + b = w \cdot x + b + s\,(w_1 - w_2) \tag{6}$$

There even $z_i + z_f = 100$, so $x \mapsto (z, z_i, z_f, z_o)$ has rank 3, and the table tells
$x_1 + x_2$, $x_3$ and $x_4$ but never $x_1$ and $x_2$ apart.

**Closed forms** for the four steps of the exercise, up to $10^{-39}$:

$$y_1 = 3\,\sigma(90)\,\sigma(-10), \qquad c_4 = 4\,\sigma(10) \tag{7}$$

By hand one rounds every gate to 0 or 1. Over these four steps that errs by $1.8 \cdot 10^{-4}$.
"""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.certificate import Certificate
from engine.data import DataError, array
from engine.gradients.lstm_certificate import certificate, tolerance
from engine.gradients.lstm_lesson import (
    EXERCISE,
    EXERCISE_X,
    EXERCISE_X8,
    SLIPS,
    presets,
    questions,
    working,
)
from engine.numerics import sigmoid
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

__all__ = [
    "EXERCISE", "EXERCISE_X", "EXERCISE_X8", "PRESETS", "SLIPS", "Lstm", "Params", "beside",
    "certify", "questions", "run", "slipped", "table", "working", "wrong_cells",
]  # fmt: skip

MOST_STEPS, LARGEST = 60, 500
NULL = (1, -1, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """What a gate is, and how far the input is moved where nothing sees it."""

    gates: str = knob(
        "sigmoid",
        help="sigmoid: a gate may stand half open; step: 0 or 1, as by hand",
        label="gates",
        choices=("sigmoid", "step"),
    )
    sharpness: float = knob(
        1.0, 0.001, 10, "how sharp a sigmoid gate is: f(u) = σ(ku)", label="$k$", step=0.1
    )
    shift: float = knob(
        0.0,
        -10,
        10,
        "adds s (1, -1, 0, 0) to every input, which no row sees",
        label="$s$",
        step=0.5,
    )


@dataclass(frozen=True, eq=False)
class Lstm(Trace):
    """The table, one row for each of T inputs, and T + 1 states: at state 0 only x is known.

    ``seen`` is the input moved along the null direction. ``kept[t, s]`` is m of (5), the share of
    what candidate s + 1 offered that the cell holds after t steps.
    """

    params: Params
    weights: Float[np.ndarray, "4 5"]
    x: Float[np.ndarray, "inputs 4"]
    zi: Float[np.ndarray, " inputs"] = along_steps()
    fi: Float[np.ndarray, " inputs"] = along_steps()
    zf: Float[np.ndarray, " inputs"] = along_steps()
    ff: Float[np.ndarray, " inputs"] = along_steps()
    zo: Float[np.ndarray, " inputs"] = along_steps()
    fo: Float[np.ndarray, " inputs"] = along_steps()
    z: Float[np.ndarray, " inputs"] = along_steps()
    c: Float[np.ndarray, " inputs"] = along_steps()
    y: Float[np.ndarray, " inputs"] = along_steps()
    seen: Float[np.ndarray, "inputs 4"] = along_steps()
    kept: Float[np.ndarray, "states inputs"] = along_steps()

    def __len__(self) -> int:
        return len(self.kept)

    def at(self, step: int) -> Any:
        """The row that ``step`` fills; nothing is filled at step 0."""
        if not 1 <= step < len(self):
            raise IndexError(f"step must lie in [1, {len(self) - 1}], got {step}.")
        return super().at(step - 1)

    @property
    def before(self) -> np.ndarray:
        """What the cell held before each step: c_0 = 0, c_1, ..."""
        return np.append(0.0, self.c[:-1])

    @property
    def memory(self) -> np.ndarray:
        """What each candidate still contributes to c_t; the rows add up to 0, c_1, c_2, ..."""
        return self.kept * self.z


DEFAULT = Params()


def run(x: Any, params: Params = DEFAULT, weights: Any = EXERCISE) -> Lstm:
    """The whole table for inputs x (T, 4) and weights (4, 5)."""
    return _fill(_rows("x", x, 4, MOST_STEPS), _rows("weights", weights, 5, 4, 4), params)


def table(x: Any, weights: Any, params: Params) -> Lstm:
    """``run`` with everything that is typed in front."""
    return run(x, params, weights)


def _rows(name: str, value: Any, width: int, most: int, least: int = 1) -> np.ndarray:
    """Rows of numbers, or a DataError that says which row is not as wide as the others."""
    try:
        widths = [len(row) for row in value]
    except TypeError:
        raise DataError(f"{name} must be rows of {width} numbers each.") from None
    for i, found in enumerate(widths):
        if found != width:
            raise DataError(
                f"{name} must have {width} numbers in each row, got {found} in row {i + 1}."
            )
    if not least <= len(widths) <= most:
        bound = f"{least} rows" if least == most else f"{least} to {most} rows"
        raise DataError(f"{name} must have {bound}, got {len(widths)}.")
    return array(name, value, ndim=2, low=-LARGEST, high=LARGEST)


def _fill(x: np.ndarray, weights: np.ndarray, params: Params, slip: str = "") -> Lstm:
    """Row by row; ``slip`` names the mistake to make, none as a rule."""
    seen = x + params.shift * np.array(NULL)
    z, zi, zf, zo = _sums(x, weights, params.shift)  # (1)
    fi, ff, fo = (_gate(u, params) for u in (zi, zf, zo))  # (2)
    if slip:
        ff = fi
    T = len(x)
    c, kept = np.zeros(T + 1), np.zeros((T + 1, T))
    for t in range(T):
        c[t + 1] = fi[t] * z[t] + ff[t] * c[t]  # (3)
        kept[t + 1] = ff[t] * kept[t]  # (5)
        kept[t + 1, t] = fi[t]
    y = fo * c[1:]  # (4)
    return Lstm(params, weights, x, zi, fi, zf, ff, zo, fo, z, c[1:], y, seen, kept)


def _sums(x: np.ndarray, weights: np.ndarray, shift: float) -> np.ndarray:
    """(1) for every row and step, (4, T), rounded once: so a sum has its true sign, which is all
    that a gate of 0 and 1 looks at, and the null direction cancels to the last digit."""
    s = Fraction(shift)
    inputs = [[Fraction(v) + s * n for v, n in zip(row, NULL, strict=True)] + [1] for row in x]
    rows = [[Fraction(w) for w in row] for row in weights]
    sums = [[sum(a * b for a, b in zip(w, v, strict=True)) for v in inputs] for w in rows]
    return np.array(sums, dtype=float)


def _gate(u: np.ndarray, params: Params) -> np.ndarray:
    return np.asarray(sigmoid(params.sharpness * u) if params.gates == "sigmoid" else u >= 0, float)


def beside(trace: Lstm) -> Lstm:
    """The same inputs with the other kind of gates."""
    other = "step" if trace.params.gates == "sigmoid" else "sigmoid"
    return _fill(trace.x, trace.weights, dataclasses.replace(trace.params, gates=other))


def slipped(trace: Lstm, slip: Slip) -> Lstm:
    """The same table with one printed mistake in it."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    return _fill(trace.x, trace.weights, trace.params, slip.name)


def certify(trace: Lstm, slip: Slip | None = None) -> Certificate:
    """Every entry in 50 digits, (5) by its sum and by torch's autograd, (6) and (7) where they
    hold."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Lstm, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name, (T,): True where a slip changes the number."""
    shown, allowed = slipped(trace, slip), tolerance(trace)
    return {
        name: ~(abs(getattr(shown, name) - getattr(trace, name)) <= allowed)
        for name in ("ff", "c", "y")
    }


PRESETS = presets(Params)
