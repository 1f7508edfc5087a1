r"""Backpropagation through one chain, exercise 001-2 (a) to (f).

Two sigmoid units in a row, one weight each; $x, w_1, w_2, w_3$ and $f$ are single numbers:

$$f = w_3\,\sigma(w_2\,\sigma(w_1 x)), \qquad \sigma(u) = \frac{1}{1 + e^{-u}} \tag{1}$$

**Forward.** Every value is kept, because the way back needs it.

$$x_1 = w_1 x, \qquad s_1 = \sigma(x_1) \tag{2}$$
$$x_2 = w_2 s_1, \qquad s_2 = \sigma(x_2) \tag{3}$$
$$f = w_3 s_2 \tag{4}$$

**The slope of the sigmoid**, with $u$ only and with $\sigma$ only. The same function on paper; in
floats the first is $\infty/\infty$ as soon as $e^{-u}$ overflows ($u < -709$).

$$\sigma'(u) = \frac{e^{-u}}{(1 + e^{-u})^2} = \sigma(u)\,(1 - \sigma(u)) \tag{5}$$

**Backward**, in reverse order. Each line multiplies the adjoint that has just arrived by one local
derivative, made of a value that the forward pass kept. Retained: $s_2$, then $s_1$, then $x$.

$$\frac{\partial f}{\partial w_3} = s_2, \qquad \frac{\partial f}{\partial s_2} = w_3 \tag{6}$$
$$\frac{\partial f}{\partial x_2} = \frac{\partial f}{\partial s_2}\, s_2 (1 - s_2) \tag{7}$$
$$\frac{\partial f}{\partial w_2} = \frac{\partial f}{\partial x_2}\, s_1,
\qquad \frac{\partial f}{\partial s_1} = \frac{\partial f}{\partial x_2}\, w_2 \tag{8}$$
$$\frac{\partial f}{\partial x_1} = \frac{\partial f}{\partial s_1}\, s_1 (1 - s_1) \tag{9}$$
$$\frac{\partial f}{\partial w_1} = \frac{\partial f}{\partial x_1}\, x,
\qquad \frac{\partial f}{\partial x} = \frac{\partial f}{\partial x_1}\, w_1 \tag{10}$$

**In one line each.** The two products share their first three factors; computed once, in the order
$w_3, w_2, w_1$, they are $\partial f / \partial x_2$. The way out could not have formed them: $s_2$
is the last thing it computes. Changing the weights is a third step, after both passes.

$$\frac{\partial f}{\partial w_2} = w_3\, s_2 (1 - s_2)\, s_1 \tag{11}$$
$$\frac{\partial f}{\partial w_1} = w_3\, s_2 (1 - s_2)\, w_2\, s_1 (1 - s_1)\, x \tag{12}$$
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.certificate import Certificate, Check, autograd, central_difference
from engine.gradients.chain_lesson import SLIPS, STEPS, SYMBOLS, presets, questions, working
from engine.numerics import sigmoid, sigmoid_slope
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace

__all__ = [
    "PRESETS", "SLIPS", "STEPS", "SYMBOLS", "Chain", "Params", "certify", "forward", "questions",
    "rounding", "run", "slipped", "working", "wrong_cells",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """The four numbers of the chain."""

    w1: float = knob(0.5, -100, 100, "weight of the first unit", label="$w_1$", step=0.1)
    w2: float = knob(-1.5, -100, 100, "weight of the second unit", label="$w_2$", step=0.1)
    w3: float = knob(2.0, -100, 100, "weight of the output", label="$w_3$", step=0.1)
    x: float = knob(0.8, -100, 100, "the input", label="$x$", step=0.1)


@dataclass(frozen=True, eq=False)
class Chain(Trace):
    """Every value of the forward pass and every adjoint of the backward pass."""

    params: Params
    x1: float
    s1: float
    x2: float
    s2: float
    f: float
    dw3: float
    ds2: float
    dx2: float
    dw2: float
    ds1: float
    dx1: float
    dw1: float
    dx: float

    def __len__(self) -> int:
        return len(STEPS)

    def values(self) -> dict[str, float]:
        """All numbers by name, the four given ones included."""
        made = {s.name: getattr(self, s.name) for s in STEPS if s.name != "given"}
        return dataclasses.asdict(self.params) | made


def run(params: Params) -> Chain:
    """Forward (2) to (4), backward (6) to (10)."""
    w1, w2, w3, x = params.w1, params.w2, params.w3, params.x
    x1 = w1 * x  # (2)
    s1 = float(sigmoid(x1))
    x2 = w2 * s1  # (3)
    s2 = float(sigmoid(x2))
    f = w3 * s2  # (4)

    dw3, ds2 = s2, w3  # (6)
    dx2 = ds2 * s2 * (1 - s2)  # (7)
    dw2, ds1 = dx2 * s1, dx2 * w2  # (8)
    dx1 = ds1 * s1 * (1 - s1)  # (9)
    dw1, dx = dx1 * x, dx1 * w1  # (10)
    return Chain(params, x1, s1, x2, s2, f, dw3, ds2, dx2, dw2, ds1, dx1, dw1, dx)


def forward(
    sigma: Callable[[Any], Any], *, w3: Any, w2: Any, w1: Any = None, x: Any = None,
    x1: Any = None, s1: Any = None, x2: Any = None, s2: Any = None,
) -> Any:  # fmt: skip
    """(1), begun at the given numbers or at any value on the way; for numbers of any kind."""
    if s2 is None:
        if x2 is None:
            if s1 is None:
                s1 = sigma(w1 * x if x1 is None else x1)
            x2 = w2 * s1
        s2 = sigma(x2)
    return w3 * s2


def certify(trace: Chain, slip: Slip | None = None) -> Certificate:
    """All eight adjoints against torch's autograd and against 50-digit central differences."""
    import mpmath
    import torch

    def logistic(u: Any) -> Any:
        return 1 / (1 + mpmath.exp(-u))

    shown, given = slipped(trace, slip) if slip else trace, dataclasses.asdict(trace.params)
    weights = {"w2": given["w2"], "w3": given["w3"]}
    points = [(tuple(given), given)]
    points += [((n,), weights | {n: getattr(trace, n)}) for n in ("x1", "s1", "x2", "s2")]
    allowed, checks = rounding(trace.params), []
    for names, point in points:
        by_torch = autograd(partial(forward, torch.sigmoid), **point)
        by_difference = central_difference(partial(forward, logistic), **point)
        for name in names:
            got, symbol = getattr(shown, "d" + name), SYMBOLS["d" + name]
            checks.append(Check(symbol, "torch autograd", got, by_torch[name], allowed))
            checks.append(Check(symbol, "50-digit differences", got, by_difference[name], allowed))
    return Certificate(tuple(checks))


def wrong_cells(trace: Chain, slip: Slip) -> set[str]:
    """Names of the values that a slip changes here and now."""
    right, shown, allowed = trace.values(), slipped(trace, slip).values(), rounding(trace.params)
    return {n for n, v in shown.items() if not math.isclose(v, right[n], abs_tol=allowed)}


def rounding(p: Params) -> float:
    """What rounding may do to an adjoint: 1 - s loses digits where s is near 1, and the weights
    behind it make that loss larger."""
    size = max(1, abs(p.w3)) * max(1, abs(p.w2)) * max(1, abs(p.w1), abs(p.x))
    return max(1e-12, 1e-15 * size)


def slipped(trace: Chain, slip: Slip) -> Chain:
    """The same pass with one printed mistake in it."""
    p = trace.params
    if slip.name == "eq23-first":
        return dataclasses.replace(trace, dw1=trace.dw1 * p.w3)
    if slip.name == "eq23-second":
        dx1 = trace.dx2 * trace.s1 * (1 - trace.s1)
        return dataclasses.replace(trace, ds1=trace.dx2, dx1=dx1, dw1=dx1 * p.x, dx=dx1 * p.w1)
    if slip.name == "forward-derivatives":
        missing = dict.fromkeys(("dx2", "dw2", "ds1", "dx1", "dw1", "dx"), math.nan)
        return dataclasses.replace(trace, **missing)
    if slip.name == "slope-in-u":
        dx2 = trace.ds2 * sigmoid_slope(trace.x2)
        ds1 = dx2 * p.w2
        dx1 = ds1 * sigmoid_slope(trace.x1)
        return dataclasses.replace(
            trace, dx2=dx2, dw2=dx2 * trace.s1, ds1=ds1, dx1=dx1, dw1=dx1 * p.x, dx=dx1 * p.w1
        )
    raise KeyError(slip.name)


PRESETS = presets(Params)
