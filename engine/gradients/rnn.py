r"""Backpropagation through time, exercise 004-2, for any number of steps $T$.

The same weights at every step: $W_i$ ($n \times m$), $W_h$ ($n \times n$), $W_o$ ($1 \times n$).
Inputs $x_1 \dots x_T$ of $m$ numbers, states $h_0 \dots h_T$ of $n$ numbers, one target $y$.

$$h_t = \tanh(W_i x_t + W_h h_{t-1}) \tag{1}$$
$$\hat y = \sigma(W_o h_T) \tag{2}$$
$$L = -y \log \hat y - (1 - y) \log(1 - \hat y) \tag{3}$$

**The last step.** With the sigmoid, the slope of $L$ before it is a difference:

$$\delta = \frac{\partial L}{\partial (W_o h_T)} = \hat y - y, \qquad
\frac{\partial L}{\partial W_o} = \delta\, h_T^\top \tag{4}$$

**Back in time.** Let $a_t$ be the derivative of $L$ by what stands inside the $\tanh$ of step $t$,
and $D_t = \operatorname{diag}(1 - h_t^2)$ its slopes:

$$a_T = D_T W_o^\top \delta \tag{5}$$
$$a_t = D_t W_h^\top a_{t+1} \tag{6}$$

**Every path.** A weight is used $T$ times, so it collects $T$ terms, each an outer product of what
arrives and what the step was given:

$$\frac{\partial L}{\partial W_i} = \sum_{t=1}^{T} a_t x_t^\top \tag{7}$$
$$\frac{\partial L}{\partial W_h} = \sum_{t=1}^{T} a_t h_{t-1}^\top \tag{8}$$

For two steps (7) is the exercise's answer, with $\delta$ before *both* terms:

$$\frac{\partial L}{\partial W_i} = \delta \left( D_1 W_h^\top D_2 W_o^\top x_1^\top
+ D_2 W_o^\top x_2^\top \right) \tag{9}$$

**How far back.** No slope of $\tanh$ exceeds 1, so each step back multiplies by at most
$\lVert W_h \rVert$; while the slopes are near 1 the length goes like a power of the spectral radius
$\rho$ of $W_h$:

$$\lVert a_t \rVert \le \lVert W_h \rVert^{T-t}\, \lVert a_T \rVert, \qquad
\lVert a_t \rVert \sim \rho(W_h)^{T-t} \tag{10}$$
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from engine.data import DataError, array
from engine.gradients.rnn_cases import presets, questions
from engine.gradients.rnn_certificate import certificate, rounding
from engine.gradients.rnn_lesson import SLIPS, State, rows_shown, states, working
from engine.gradients.rnn_problem import LONGEST, checked, lengthened, radius_of, scaled
from engine.numerics import sigmoid
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "Params", "Paths", "Recurrent", "State", "certify", "explore", "home",
    "posed", "questions", "rounding", "rows_shown", "run", "slipped", "states", "working",
    "wrong_cells",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How the typed problem is stretched."""

    steps: int = knob(
        2,
        1,
        LONGEST,
        "how long the sequence is; inputs beyond the typed ones are drawn from the seed",
        label="steps",
    )
    radius: float = knob(
        0.0,
        0,
        3,
        "scales W_h to this spectral radius; 0 leaves it as typed",
        label=r"$\rho(W_h)$",
        step=0.05,
    )
    start: float = knob(0.0, -1, 1, "every entry of the first state", label="$h_0$", step=0.1)
    seed: int = knob(0, 0, 9999, "which inputs are drawn after the typed ones", label="seed")


KNOWN = ("params", "given", "Wi", "Wh", "Wo", "xs", "target", "h", "yhat", "loss", "delta")


class Paths(NamedTuple):
    """The terms of (7) and (8), one for each step."""

    Wi: Float64[np.ndarray, "T n m"]
    Wh: Float64[np.ndarray, "T n n"]


@dataclass(frozen=True, eq=False)
class Recurrent(Trace):
    """One pass forward and back. Index t - 1 of ``a`` and ``paths`` belongs to step t.

    A state of the lesson is one computation: given, forward 1 to T, loss, back T to 1, the sum.
    """

    params: Params
    given: tuple[Any, ...]
    Wi: Float64[np.ndarray, "n m"]
    Wh: Float64[np.ndarray, "n n"]
    Wo: Float64[np.ndarray, "1 n"]
    xs: Float64[np.ndarray, "T m"]
    target: float
    h: Float64[np.ndarray, "T1 n"]
    yhat: float
    loss: float
    delta: float
    a: Float64[np.ndarray, "T n"]
    dh: Float64[np.ndarray, "T1 n"]
    dWi: Float64[np.ndarray, "n m"]
    dWh: Float64[np.ndarray, "n n"]
    dWo: Float64[np.ndarray, "1 n"]
    paths: Paths
    radius: float
    time: Float64[np.ndarray, " S"] = along_steps()
    vector: Float64[np.ndarray, "S n"] = along_steps()
    dWi_so_far: Float64[np.ndarray, "S n m"] = along_steps()
    dWh_so_far: Float64[np.ndarray, "S n n"] = along_steps()


def run(
    Wi: Any, Wh: Any, Wo: Any, xs: Any, target: Any, h0: Any = None, params: Params | None = None
) -> Recurrent:
    """(1) to (8) for the given arrays; ``h0`` is zero unless given.

    With ``params`` the problem is first stretched as they say, see ``posed``.
    """
    Wi, Wh, Wo, xs, y = checked(Wi, Wh, Wo, xs, target)
    given = (Wi.tolist(), Wh.tolist(), Wo.tolist(), xs.tolist(), y)
    if params is not None:
        Wh, xs, start = posed(Wh, xs, params)
    else:
        params, start = Params(steps=min(len(xs), LONGEST)), np.zeros(len(Wh))
    if h0 is not None:
        start = array("h0", h0, low=-1e3, high=1e3)
        if start.shape != (len(Wh),):
            raise DataError(f"h0 must have {len(Wh)} numbers, as Wh has rows, got {start.size}.")

    h = [start]
    for x in xs:
        h.append(np.tanh(Wi @ x + Wh @ h[-1]))  # (1)
    h = np.stack(h)
    z = float(Wo[0] @ h[-1])
    yhat = float(sigmoid(z))  # (2)
    loss = float(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))  # (3)

    delta = yhat - y  # (4)
    a = home(h, Wh, Wo, delta)
    paths = Paths(_outer(a, xs), _outer(a, h[:-1]))
    known = (params, given, Wi, Wh, Wo, xs, y, h, yhat, loss, delta)
    return _finished(dict(zip(KNOWN, known, strict=True)), a, paths, radius_of(Wh))


def home(h: np.ndarray, Wh: np.ndarray, Wo: np.ndarray, delta: float) -> np.ndarray:
    """All a_t, from the last to the first."""
    slope = 1 - h[1:] ** 2
    a = np.empty_like(slope)
    a[-1] = slope[-1] * Wo[0] * delta  # (5)
    for t in range(len(a) - 2, -1, -1):
        a[t] = slope[t] * (Wh.T @ a[t + 1])  # (6)
    return a


def explore(Wi: Any, Wh: Any, Wo: Any, xs: Any, target: Any, params: Params) -> Recurrent:
    """``run`` of the stretched problem, as the page asks for it."""
    return run(Wi, Wh, Wo, xs, target, params=params)


def posed(Wh: Any, xs: Any, params: Params) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W_h scaled to the asked radius, as many inputs as steps, and the first state."""
    Wh = scaled(np.asarray(Wh, float), params.radius)
    xs = lengthened(np.asarray(xs, float), params.steps, params.seed)
    return Wh, xs, np.full(len(Wh), params.start)


def certify(trace: Recurrent, slip: Slip | None = None) -> Any:
    """Every entry of every derivative against autograd, short runs also in 50 digits."""
    return certificate(trace, slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Recurrent, slip: Slip) -> dict[str, np.ndarray]:
    """Which entries a slip changes here and now, True where the certificate would be red."""
    shown, allowed = slipped(trace, slip), rounding(trace)

    def off(right: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.abs(other - right) > allowed * np.maximum(1, np.abs(right))

    names = ("a", "dWi", "dWh", "dWi_so_far", "dWh_so_far")
    wrong = {name: off(getattr(trace, name), getattr(shown, name)) for name in names}
    return wrong | {n: off(getattr(trace.paths, n), getattr(shown.paths, n)) for n in ("Wi", "Wh")}


def slipped(trace: Recurrent, slip: Slip) -> Recurrent:
    """The same pass with one mistake in it."""
    a, Wi, Wh = trace.a.copy(), trace.paths.Wi.copy(), trace.paths.Wh.copy()
    if slip.name == "swapped":
        a = _swapped(trace)
        Wi, Wh = _outer(a, trace.xs), _outer(a, trace.h[:-1])
    elif slip.name == "bracket":
        Wi[-1] = np.outer((1 - trace.h[-1] ** 2) * trace.Wo[0], trace.xs[-1])
    elif slip.name == "last-only":
        Wi[:-1] = 0
    elif slip.name == "no-start":
        Wh[0] = 0
    else:
        raise KeyError(slip.name)
    known = {name: getattr(trace, name) for name in KNOWN}
    return _finished(known, a, Paths(Wi, Wh), trace.radius)


def _swapped(trace: Recurrent) -> np.ndarray:
    """Each product of slopes and W_h in the opposite order: D_T W_h' ... W_h' D_t W_o' delta."""
    slope, T = 1 - trace.h[1:] ** 2, len(trace.xs)
    a = trace.a.copy()
    for t in range(T - 1):
        a[t] = slope[t] * trace.Wo[0] * trace.delta
        for s in range(t + 1, T):
            a[t] = slope[s] * (trace.Wh.T @ a[t])
    return a


def _outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, :, None] * b[:, None, :]


def _finished(known: dict[str, Any], a: np.ndarray, paths: Paths, radius: float) -> Recurrent:
    """The sums (7) and (8) of the paths, and every state on the way."""
    h, delta, T = known["h"], known["delta"], len(known["xs"])
    dh = np.concatenate([a @ known["Wh"], delta * known["Wo"]])  # dL/dh_t = W_h' a_(t+1)
    dWi, dWh = paths.Wi.sum(axis=0), paths.Wh.sum(axis=0)
    for term in paths:
        term.setflags(write=False)
    order = [*range(T + 1), T, *range(T, 0, -1), 1]
    vector = np.concatenate([h, h[-1:], a[::-1], a[:1]])
    grown = [
        np.concatenate([np.zeros((T + 2, *p.shape[1:])), p[::-1].cumsum(axis=0), total[None]])
        for p, total in ((paths.Wi, dWi), (paths.Wh, dWh))
    ]
    return Recurrent(
        **known, a=a, dh=dh, dWi=dWi, dWh=dWh, dWo=delta * h[-1:], paths=paths, radius=radius,
        time=np.array(order, float), vector=vector, dWi_so_far=grown[0], dWh_so_far=grown[1],
    )  # fmt: skip


PRESETS = presets(Params)
