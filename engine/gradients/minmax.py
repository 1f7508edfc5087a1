r"""Min and max of two numbers by a few ReLUs, exercise 003-1.

* $x$, shape $(N, 2)$: the points. $y$, shape $(N, 2)$: for each point the smaller and the larger.
* $W$, shape $(K, 2)$: the incoming weights, unit by unit. $b$, shape $(K,)$: biases, 0 as a rule.
* $V$, shape $(2, K)$: the outgoing weights. $c$, shape $(2,)$: output biases, 0 as a rule.

**The network.** $R(z) = \max(0, z)$ in the hidden layer, nothing in the output:

$$h_k = R(w_{k1} x_1 + w_{k2} x_2 + b_k) \tag{1}$$
$$y_1 = c_1 + \sum_k v_{1k} h_k, \qquad y_2 = c_2 + \sum_k v_{2k} h_k \tag{2}$$

Each unit is flat on one side of its line $w_k^\top x + b_k = 0$ and a slope on the other. So each
adds one crease to each output, and the first $k$ units make the surfaces

$$y^{(0)} = c, \qquad y^{(k)} = y^{(k-1)} + h_k\,(v_{1k}, v_{2k}) \tag{3}$$

**Five units**, in the order $-x_1,\ x_1,\ x_1 - x_2,\ x_2,\ -x_2$. A number passes a ReLU layer
as $x = R(x) - R(-x)$; both signs are needed.

$$\min = R(x_1) - R(-x_1) - R(x_1 - x_2), \qquad
\max = R(x_2) - R(-x_2) + R(x_1 - x_2) \tag{4}$$

**Four units** do as well. With $s = x_1 + x_2$, $t = x_1 - x_2$ and $|t| = R(t) + R(-t)$:

$$\min, \max = \tfrac12 (s \mp |t|)
= \tfrac12 \left(R(s) - R(-s) \mp R(t) \mp R(-t)\right) \tag{5}$$

**Three units** do on a box $|x_1|, |x_2| \le B$, where $R(x + B) = x + B$ needs no second sign;
outside they are wrong:

$$\min = R(x_1 + B) - R(x_1 - x_2) - B, \qquad
\max = R(x_2 + B) + R(x_1 - x_2) - B \tag{6}$$

**Three units do not do on the plane.** Far out biases no longer count, so let $b = c = 0$. With
$R(a) = \frac12 (a + |a|)$ the odd and the even part of (2) must be

$$\sum_k v_k w_k^\top = \binom{1}{1} (1, 1), \qquad
\sum_k v_k\,|w_k^\top x| = \binom{-1}{1} |x_1 - x_2| \tag{7}$$

$|w^\top x|$ for different directions $w$ are linearly independent. So one unit at least lies along
$(1, -1)$, and every other direction has two at least, which cancel in the even part. With three,
the one along the crease gives $\pm\binom{-1}{1}(1, -1)$ to the odd part, and the pair must give
the rest; but a pair of opposite directions gives rank 1, and the rest has rank 2:

$$M_\pm = \binom{1}{1} (1, 1) \mp \binom{-1}{1} (1, -1), \qquad
\operatorname{rank} M_+ = \operatorname{rank} M_- = 2 > 1 \tag{8}$$
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from engine.certificate import Certificate
from engine.data import DataError, array
from engine.gradients.minmax_certificate import certificate, rounding, truth
from engine.gradients.minmax_lesson import SLIPS, presets, questions, working
from engine.gradients.minmax_maps import kinks, reach, surface
from engine.gradients.minmax_weights import (
    EXACT,
    KINK,
    ODD,
    POINTS,
    V3,
    V4,
    V5,
    W3,
    W4,
    W5,
    must_pair,
)  # fmt: skip
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

__all__ = [
    "EXACT", "KINK", "ODD", "POINTS", "PRESETS", "SLIPS", "V3", "V4", "V5", "W3", "W4", "W5",
    "MinMax", "Params", "boxed", "certify", "kinks", "must_pair", "questions", "reach", "run",
    "slipped", "surface", "truth", "working", "wrong_cells",
]  # fmt: skip

LARGEST = 1e9
HEAVIEST = 1e6
# Units that carry the second sign of R(x) - R(-x).
SECOND_SIGN = {"5": [0, 4], "4": [1], "3": []}


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many hidden units, and the box in which three of them are asked to be right."""

    units: str = knob(
        "5",
        help="5: the exercise; 4: the fewest on the plane; 3: enough on the box",
        label="hidden units",
        choices=("5", "4", "3"),
    )
    bound: float = knob(
        4.0,
        1e-6,
        LARGEST,
        "three units are right where both numbers lie in [-B, B]",
        label="$B$",
        step=0.5,
    )

    def __post_init__(self) -> None:
        if isinstance(self.units, int) and not isinstance(self.units, bool):
            object.__setattr__(self, "units", str(self.units)[:9])
        super().__post_init__()


DEFAULT = Params()


@dataclass(frozen=True, eq=False)
class MinMax(Trace):
    """The network, what it makes of N points, and its outputs after each unit, (3)."""

    params: Params
    x: Float[np.ndarray, "points 2"]
    W: Float[np.ndarray, "units 2"]
    b: Float[np.ndarray, " units"]
    V: Float[np.ndarray, "2 units"]
    c: Float[np.ndarray, " 2"]
    hidden: Float[np.ndarray, "points units"]
    y: Float[np.ndarray, "points 2"]
    partial: Float[np.ndarray, "states points 2"] = along_steps()

    @property
    def inside(self) -> Bool[np.ndarray, " points"]:
        """Where the network is asked to be right: everywhere, or in the box of three units."""
        if self.params.units != "3":
            return np.ones(len(self.x), bool)
        return np.asarray(abs(self.x).max(axis=1) <= self.params.bound)


def run(
    x: Any, W: Any = None, V: Any = None, params: Params = DEFAULT, *, units: Any = None
) -> MinMax:
    """The network of ``params.units`` hidden units (or of ``units``) at the points x (N, 2).

    ``W`` and ``V`` are the exact ones unless given.
    """
    if units is not None:
        params = dataclasses.replace(params, units=units)
    K = int(params.units)
    points = _matrix("x", x, LARGEST)
    if points.shape[1] != 2:
        raise DataError(f"x must have 2 numbers for each point, got {points.shape[1]}.")
    W, V = (
        exact if typed is None else _matrix(name, typed, HEAVIEST)
        for name, typed, exact in zip("WV", (W, V), EXACT[params.units], strict=True)
    )
    if W.shape != (K, 2):
        raise DataError(f"W must have {K} rows of 2 numbers, got {_by(W)}.")
    if V.shape != (2, K):
        raise DataError(f"V must have 2 rows of {K} numbers, got {_by(V)}.")
    B = params.bound if params.units == "3" else 0.0
    return _forward(params, points, W, B * np.array([1.0, 0.0, 1.0, 0.0, 0.0])[:K], V, -B)


def boxed(x: Any, bound: float) -> MinMax:
    """Three units, right where |x1|, |x2| <= bound, (6)."""
    return run(x, params=Params(units="3", bound=bound))


def _matrix(name: str, value: Any, most: float) -> np.ndarray:
    try:
        if len(value) == 0:
            raise DataError(f"{name} is empty; it needs at least one row.")
        ragged = len({len(row) for row in value}) > 1
    except TypeError:
        ragged = False  # not rows at all: the door says so
    if ragged:
        raise DataError(f"{name} must have equally many numbers in every row.")
    return array(name, value, ndim=2, low=-most, high=most)


def _by(matrix: np.ndarray) -> str:
    return f"{matrix.shape[0]} of {matrix.shape[1]}"


def _forward(
    params: Params, x: np.ndarray, W: np.ndarray, b: np.ndarray, V: np.ndarray, c: float
) -> MinMax:
    """(1) to (3) at all points."""
    hidden = np.maximum(x @ W.T + b, 0.0) + 0.0  # (1); + 0.0 makes -0 a plain 0
    shares = hidden.T[:, :, None] * V.T[:, None, :]  # (K, N, 2)
    start = np.full((1, len(x), 2), c)
    partial = np.cumsum(np.concatenate([start, shares]), axis=0) + 0.0  # (3)
    return MinMax(params, x, W, b, V, np.full(2, c), hidden, partial[-1], partial)


def slipped(trace: MinMax, slip: Slip) -> MinMax:
    """The same points through a network with one mistake in it."""
    p, W, V = trace.params, trace.W, trace.V
    if slip.name == "incoming":
        return _forward(p, trace.x, V.T, trace.b, V, trace.c[0])
    if slip.name == "one-sign":
        V = V.copy()
        V[:, SECOND_SIGN[p.units]] = 0.0
        return _forward(p, trace.x, W, trace.b, V, trace.c[0])
    if slip.name == "beyond":
        if p.units == "3":
            return trace
        spare = len(W) - 3  # units that the boxed net has no use for
        W3_ = np.vstack([W3, np.zeros((spare, 2))])
        V3_ = np.hstack([V3, np.zeros((2, spare))])
        bias = p.bound * np.array([1.0, 0.0, 1.0, 0.0, 0.0])[: len(W)]
        return _forward(p, trace.x, W3_, bias, V3_, -p.bound)
    raise KeyError(slip.name)


def certify(trace: MinMax, slip: Slip | None = None) -> Certificate:
    """Every unit and every sum in fractions; the outputs against numpy's min and max; the network
    itself, in fractions, on a grid with ties over the square that the points span."""
    shown = slipped(trace, slip) if slip else trace
    return certificate(shown, trace, everywhere=bool(slip and slip.name == "beyond"))


def wrong_cells(trace: MinMax, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip's number is not what it should be.

    Three units outside their box are right as far as they promise; ``beyond`` asks for more.
    """
    shown, allowed = slipped(trace, slip), rounding(trace)
    if slip.name != "beyond":
        fields = ("hidden", "partial", "y")
        return {n: abs(getattr(shown, n) - getattr(trace, n)) > allowed for n in fields}
    y = abs(shown.y - truth(trace.x)) > max(allowed, rounding(shown))
    partial = np.zeros(shown.partial.shape, bool)
    partial[-1] = y
    return {"hidden": np.zeros(shown.hidden.shape, bool), "partial": partial, "y": y}


PRESETS = presets(Params)
