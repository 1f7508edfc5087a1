r"""Backpropagation through a residual block, exercise 003-2.

Two layers, each with a skip around it. All vectors are columns of length $n$; $W, V$ are $n \times
n$; $\varphi$ acts on each entry.

$$z = Wx + b, \qquad h = \varphi(z) + x \tag{1}$$
$$r = Vh + c, \qquad y = \varphi(r) + h \tag{2}$$
$$\ell = \tfrac{1}{2}\,\lVert y - t \rVert^2 \tag{3}$$

**Slopes.** $\tanh' = 1 - \tanh^2$, $\sigma' = \sigma(1 - \sigma)$, and for the ReLU 1 where it is
open, 0 where it is shut (and at 0). Write $D_z$ for the diagonal matrix of $\varphi'(z)$ and
$\bar a$ for $\partial\ell/\partial a$.

**Backward.** A value that is used twice gets two adjoints, and they add up: $h$ went into $r$ and,
by the skip, into $y$; $x$ into $z$ and into $h$.

$$\bar y = y - t \tag{4}$$
$$\bar r = \bar y \odot \varphi'(r) \tag{5}$$
$$\bar V = \bar r\,h^\top, \qquad \bar c = \bar r \tag{6}$$
$$\bar h = \bar y + V^\top \bar r \tag{7}$$
$$\bar z = \bar h \odot \varphi'(z) \tag{8}$$
$$\bar W = \bar z\,x^\top, \qquad \bar b = \bar z \tag{9}$$
$$\bar x = \bar h + W^\top \bar z \tag{10}$$

The order matters: $\bar b = D_z (I + V^\top D_r)\,\bar y$. Matrices do not commute, so $D_z$ cannot
move inside the bracket, and $V$ cannot lose its transpose. For $n = 1$ none of that is to be seen.

**Four routes.** Put (5), (7), (8) into (10) and multiply out. From $y$ back to $x$ lead four
routes, because each layer is either skipped or passed:

$$\bar x = \bar y \;+\; V^\top D_r\,\bar y \;+\; W^\top D_z\,\bar y
\;+\; W^\top D_z V^\top D_r\,\bar y \tag{11}$$

The first has no factor at all. Where every unit is shut it is the only one left: $\bar x = \bar y$.
A layer without its skip loses the routes that would take it.

**A stack.** Put $m$ such blocks (the same one) on top of each other, and send a vector of length 1
back from the top. What is left of it after $k$ blocks is

$$g_k = \lVert\bar x_k\rVert, \qquad g_0 = 1, \qquad
\bar x_k = J_k^\top\,\bar x_{k-1} \tag{12}$$

with $J_k$ the Jacobian of one block. With skips $J_k = (I + D_r V)(I + D_z W)$, without
$J_k = D_r V D_z W$: small weights then leave nothing after a few blocks.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.data import DataError, array
from engine.gradients.residual_certificate import certificate, slack
from engine.gradients.residual_lesson import SLIPS, STEPS, presets, questions, working
from engine.gradients.residual_stack import Stack, behind, stack
from engine.numerics import sigmoid
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace

__all__ = [
    "PRESETS", "SLIPS", "STEPS", "Params", "Path", "Residual", "certify", "phi", "questions",
    "run", "slipped", "working", "wrong_cells",
]  # fmt: skip

LARGEST, WIDEST = 10, 8
ADJOINTS = ("dy", "dr", "dV", "dc", "dh", "dz", "dW", "db", "dx")


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """The unit, the skips, and how many blocks stand in the stack."""

    phi: str = knob(
        "tanh", help="what each unit does", label="$\\varphi$", choices=("tanh", "relu", "sigmoid")
    )
    skip: bool = knob(True, help="add what went into a layer to what comes out of it", label="skip")
    around: str = knob(
        "both", help="which layers have their skip", choices=("both", "first", "second")
    )
    depth: int = knob(12, 1, 30, "how many such blocks the stack has", label="blocks")

    @property
    def skips(self) -> tuple[float, float]:
        """1 where a layer has its skip, 0 where not."""
        first, second = self.around != "second", self.around != "first"
        return float(self.skip and first), float(self.skip and second)


DEFAULT = Params()


@dataclass(frozen=True, eq=False)
class Path(Trace):
    """One route from y back to x: the layers it passes, dy/dx along it, and what it brings."""

    name: str
    passes: tuple[str, ...]
    product: Float[np.ndarray, "n n"]
    carried: Float[np.ndarray, " n"]
    norm: float


@dataclass(frozen=True, eq=False)
class Residual(Trace):
    """Every value of the forward pass, every adjoint, the four routes, and the stack."""

    params: Params
    W: Float[np.ndarray, "n n"]
    b: Float[np.ndarray, " n"]
    V: Float[np.ndarray, "n n"]
    c: Float[np.ndarray, " n"]
    x: Float[np.ndarray, " n"]
    t: Float[np.ndarray, " n"]
    z: Float[np.ndarray, " n"]
    h: Float[np.ndarray, " n"]
    r: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    loss: float
    dy: Float[np.ndarray, " n"]
    dr: Float[np.ndarray, " n"]
    dV: Float[np.ndarray, "n n"]
    dc: Float[np.ndarray, " n"]
    dh: Float[np.ndarray, " n"]
    dz: Float[np.ndarray, " n"]
    dW: Float[np.ndarray, "n n"]
    db: Float[np.ndarray, " n"]
    dx: Float[np.ndarray, " n"]
    paths: tuple[Path, ...]
    stack: Stack

    def __len__(self) -> int:
        return len(STEPS) + self.params.depth


def phi(kind: str, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unit and its slope, entry by entry."""
    if kind == "relu":
        return np.maximum(u, 0.0), (u > 0).astype(float)
    s = np.asarray(np.tanh(u) if kind == "tanh" else sigmoid(u))
    return s, 1 - s**2 if kind == "tanh" else s * (1 - s)


def run(W: Any, b: Any, V: Any, c: Any, x: Any, t: Any, params: Params = DEFAULT) -> Residual:
    """Forward (1) to (3), backward (4) to (10), the routes (11) and the stack (12)."""
    W, b, V, c, x, t = _checked(W, b, V, c, x, t)
    (first, second), kind = params.skips, params.phi
    z = W @ x + b  # (1)
    at_z, slope_z = phi(kind, z)
    h = at_z + first * x
    r = V @ h + c  # (2)
    at_r, slope_r = phi(kind, r)
    y = at_r + second * h
    loss = float(0.5 * (y - t) @ (y - t))  # (3)

    dy = y - t  # (4)
    dr = dy * slope_r  # (5)
    dV, dc = np.outer(dr, h), dr  # (6)
    dh = second * dy + V.T @ dr  # (7)
    dz = dh * slope_z  # (8)
    dW, db = np.outer(dz, x), dz  # (9)
    dx = first * dh + W.T @ dz  # (10)

    outer, inner = slope_r[:, None] * V, slope_z[:, None] * W
    paths = _paths(dy, outer, inner, first, second)  # (11)
    many = stack(lambda u: phi(kind, u), (W, b, V, c), x, dy, params.depth)  # (12)
    return Residual(
        params, W, b, V, c, x, t, z, h, r, y, loss, dy, dr, dV, dc, dh, dz, dW, db, dx, paths, many
    )  # fmt: skip


def _paths(
    dy: np.ndarray, outer: np.ndarray, inner: np.ndarray, first: float, second: float
) -> tuple[Path, ...]:
    """The four summands of dy/dx = (second I + D_r V)(first I + D_z W), and of (11)."""
    eye = np.eye(len(dy))
    routes = (
        ("skip, skip", (), second * first * eye),
        ("V, skip", ("V",), first * outer),
        ("skip, W", ("W",), second * inner),
        ("V, W", ("V", "W"), outer @ inner),
    )
    carried = [product.T @ dy for _, _, product in routes]
    return tuple(
        Path(name, passes, product, back, float(np.linalg.norm(back)))
        for (name, passes, product), back in zip(routes, carried, strict=True)
    )


def _checked(W: Any, b: Any, V: Any, c: Any, x: Any, t: Any) -> list[np.ndarray]:
    """W says how many units there are; all else has to fit it."""
    W = _matrix("W", W)
    n = len(W)
    V = _matrix("V", V)
    if len(V) != n:
        raise DataError(f"V must be {n} × {n} like W, got {len(V)} × {len(V)}.")
    vectors = {"b": b, "c": c, "x": x, "t": t}
    for name, value in vectors.items():
        vectors[name] = array(name, value, low=-LARGEST, high=LARGEST)
        if len(vectors[name]) != n:
            raise DataError(
                f"{name} must hold as many numbers as W has rows, {n}, got {len(vectors[name])}."
            )
    return [W, vectors["b"], V, vectors["c"], vectors["x"], vectors["t"]]


def _matrix(name: str, value: Any) -> np.ndarray:
    try:
        widths = {len(row) for row in value}
    except TypeError:
        raise DataError(f"{name} must be a square matrix, row by row.") from None
    if widths != {len(value)}:
        raise DataError(f"{name} must be square: as many rows as numbers in each row.")
    if len(value) > WIDEST:
        raise DataError(f"{name} must have at most {WIDEST} rows, got {len(value)}.")
    return array(name, value, ndim=2, low=-LARGEST, high=LARGEST)


def certify(trace: Residual, slip: Slip | None = None) -> Any:
    """Every adjoint and every route against torch and 50-digit differences; the stack too."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Residual, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the entry; ``left`` is the stack's."""
    shown, allowed = slipped(trace, slip), slack(trace)
    pairs = {name: (getattr(trace, name), getattr(shown, name)) for name in ADJOINTS}
    off = {name: abs(a - b) > allowed * np.maximum(1, abs(a)) for name, (a, b) in pairs.items()}
    a, b = trace.stack.left, shown.stack.left
    return off | {"left": abs(a - b) > 1e-9 * np.maximum(a, 1e-300)}


def slipped(trace: Residual, slip: Slip) -> Residual:
    """The same pass with one printed mistake in it."""
    t, kind, (first, second) = trace, trace.params.phi, trace.params.skips
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    if slip.name == "dV-transposed":
        return dataclasses.replace(t, dV=np.outer(t.h, t.dr))
    slope_z, slope_r = phi(kind, t.z)[1], phi(kind, t.r)[1]
    if slip.name == "phi-x":
        bracket = second * t.dy + t.V.T @ (t.dy * phi(kind, t.x)[1])
        return dataclasses.replace(t, db=bracket * slope_z)
    dh, dz = behind(t.V, t.dy, slope_z, slope_r, second, slip.name)
    dx, weights = first * dh + t.W.T @ dz, (t.W, t.b, t.V, t.c)
    many = stack(lambda u: phi(kind, u), weights, t.x, t.dy, t.params.depth, slip.name)
    new = {"dh": dh, "dz": dz, "dW": np.outer(dz, t.x), "db": dz, "dx": dx, "stack": many}
    return dataclasses.replace(t, **new)


PRESETS = presets(Params)
