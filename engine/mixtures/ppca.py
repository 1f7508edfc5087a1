r"""EM for probabilistic PCA with one hidden number, exercise 003-3.

Each point $x_i$ is a hidden number $z_i$ times a direction $u$, plus noise of equal strength in
all directions. The mean of the model is 0, so the data are *not* centred. Wanted are $u$ and
$\sigma^2$.

* $X$, shape $(N, J)$: the points, one row each.
* $u$, shape $(J,)$, and $\sigma^2 > 0$: the direction, with its length, and the noise.
* $m_i = E[z_i \mid x_i]$ and $s_i = E[z_i^2 \mid x_i]$, shape $(N,)$ each.
* $S = \frac{1}{N} X^T X = \sum_j \lambda_j\,q_j q_j^T$, shape $(J, J)$, with
  $\lambda_1 \ge \lambda_2 \ge \dots \ge 0$.

**The model.**

$$z_i \sim N(0, 1), \qquad x_i \mid z_i \sim N(z_i\,u,\ \sigma^2 I_J) \tag{1}$$
$$x_i \sim N(0, C), \qquad C = u u^T + \sigma^2 I_J, \qquad
|C| = c\,\sigma^{2(J - 1)}, \quad c = \sigma^2 + u^T u \tag{2}$$
$$\log L = -\frac{N}{2}\left(J \log 2\pi + \log|C| + \mathrm{tr}(C^{-1} S)\right),
\qquad \mathrm{tr}(C^{-1} S) = \frac{1}{\sigma^2}\left(\mathrm{tr}\,S - \frac{u^T S u}{c}\right)
\tag{3}$$

**E-step.** The posterior of $z_i$ is normal. Its mean is the projection, *shrunk*; its variance is
the same for every point.

$$m_i = \frac{u^T x_i}{\sigma^2 + u^T u}, \qquad
\mathrm{var}(z_i \mid x_i) = \frac{\sigma^2}{c} \tag{4}$$
$$s_i = \frac{\sigma^2}{c} + m_i^2 \tag{5}$$

"$z = u^T x$" is wrong: $z$ stays random, and its mean is smaller than the projection suggests.

**M-step.** Hold the posterior and maximise the expected log-density. Since
$|\sigma^2 I_J|^{1/2} = \sigma^J$,

$$Q = -\frac{N J}{2} \log \sigma^2 - \frac{1}{2 \sigma^2} \sum_i
\left(\|x_i\|^2 - 2 m_i\,u^T x_i + s_i\,u^T u\right) + \text{const} \tag{6}$$
$$\frac{\partial Q}{\partial u} = \frac{1}{\sigma^2}\left(\sum_i m_i x_i - u \sum_i s_i\right) = 0,
\qquad \hat u = \frac{\sum_i m_i x_i}{\sum_i s_i} \tag{7}$$
$$\hat\sigma^2 = \frac{1}{N J}\left(\|X\|_F^2 - \hat u^T X^T m\right) \tag{8}$$

**The likelihood never falls.** With $F = Q + \text{entropy}$, which touches after each E-step,

$$\log L(u^t, \sigma_t^2) \le F(m^t, s^t;\ u^{t+1}, \sigma_{t+1}^2)
\le \log L(u^{t+1}, \sigma_{t+1}^2) \tag{9}$$

**EM is power iteration.** Put (4) and (5) into (7): the sums over the points become $S$.

$$\hat u = \frac{c\,S u}{\sigma^2 c + u^T S u}, \qquad
\frac{u^t}{\|u^t\|} = \frac{S^t u^0}{\|S^t u^0\|} \tag{10}$$

Whatever $\sigma^2$ is, the direction is that of $S u$. Along the axes $q_j$ this is a product of
numbers: with $v_j = q_j^T u$, each step multiplies $v_2 / v_1$ by $\lambda_2 / \lambda_1$, so the
angle to $q_1$ shrinks by that factor. A start at right angles to $q_1$ has $v_1 = 0$ and never
finds it; $u = 0$ stays.

**The summit in closed form.** The gradient of (3) vanishes where $S C^{-1} u = u$, and
$C^{-1} u = u / c$. So $u$ is 0 or an eigenvector with $c = \lambda_k$. All but $k = 1$ are saddles.

$$u = \pm\sqrt{\max(\lambda_1 - \sigma^2,\ 0)}\ q_1 \qquad (\sigma^2\ \text{fixed}) \tag{11}$$
$$\sigma_{ML}^2 = \frac{1}{J - 1} \sum_{j \ge 2} \lambda_j, \qquad
u_{ML} = \pm\sqrt{\lambda_1 - \sigma_{ML}^2}\ q_1 \tag{12}$$

A fixed $\sigma^2 \ge \lambda_1$ leaves nothing for $u$: it shrinks to 0. With one column, $J = 1$,
only $u^2 + \sigma^2 = \lambda_1$ is determined. If all points lie on a line through 0, $\sigma^2$
would fall to 0 and the likelihood grow for ever; a floor stops it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.certificate import Certificate
from engine.data import DataError
from engine.mixtures import em
from engine.mixtures.ppca_certificate import certificate
from engine.mixtures.ppca_cloud import (
    MOST_KEPT,
    STILL,
    Summit,
    angles,
    axes,
    closed_form,
    cloud,
    longest,
    power_iteration,
    seen,
    started,
)
from engine.mixtures.ppca_lesson import SLIPS, following, questions, working
from engine.mixtures.ppca_presets import presets
from engine.mixtures.ppca_restarts import Race, Restarts, race, restarts
from engine.mixtures.ppca_slice import Slice, slice_at
from engine.mixtures.ppca_steps import Machine
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "Params", "Ppca", "PpcaStop", "Race", "Restarts", "Slice", "Summit",
    "angles", "certify", "closed_form", "following", "power_iteration", "questions", "race",
    "restarts", "run", "run_from", "seen", "slice_at", "slipped", "summit", "working",
    "wrong_cells",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """The noise at the start, whether it is learnt, and how far to go."""

    noise: float = knob(
        1.0, 1e-6, 1e6, "the noise σ² at the start; for good if it is not learnt",
        label=r"$\sigma^2$", step=0.1,
    )  # fmt: skip
    learn_noise: bool = knob(True, help="on: σ² is learnt as well; off: it stays", label="learn σ²")
    steps: int = knob(10, 1, 1000, "how many times E and M alternate", label="steps")
    seed: int = knob(0, 0, 1_000_000, "draws the start u⁰ while none is typed", label="seed")
    floor: float = knob(
        1e-6, 1e-9, 0.1, "σ² never falls below this share of the mean square of the data",
        label="floor of σ²", step=1e-6,
    )  # fmt: skip


DEFAULT = Params()
PRESETS = presets(Params)


class PpcaStop(Stop):
    """Why u ends where it does; every run takes all its steps."""

    ZERO = "u = 0 is a fixed point: every E[z] is 0."
    SADDLE = "u stays at right angles to q₁."
    ESCAPED = "u started at right angles to q₁; only rounding turned it away."
    DROWNED = "σ² is not below λ₁, so u shrinks to 0."
    FLOOR = "All points lie on a line through 0: only its floor keeps σ² from 0."
    SETTLED = "Nothing moves any more."
    STEPS = "All steps were taken and u still moves."


@dataclass(frozen=True, eq=False)
class Ppca(Trace):
    """A run of EM: T + 1 states of N points in J dimensions.

    ``log_likelihood`` is (3). ``bound[t]`` is F of (9) after the M-step and before the E-step, so
    ``log_likelihood[t - 1] <= bound[t] <= log_likelihood[t]``; ``bound[0] = log_likelihood[0]``.
    ``settled`` is the first step after which nothing moves by more than 1e-12 of the data's size,
    T if there is none. ``eigenvalues`` are those of S, the largest first.
    """

    params: Params
    X: Float[np.ndarray, "points dims"]
    given: tuple[float, ...]
    eigenvalues: Float[np.ndarray, " dims"]
    stop: Stop
    settled: int
    direction: Float[np.ndarray, "states dims"] = along_steps()
    noise: Float[np.ndarray, " states"] = along_steps()
    mean_z: Float[np.ndarray, "states points"] = along_steps()
    mean_z2: Float[np.ndarray, "states points"] = along_steps()
    log_likelihood: Float[np.ndarray, " states"] = along_steps()
    bound: Float[np.ndarray, " states"] = along_steps()


def run(X: Any, params: Params = DEFAULT, direction: Any = None) -> Ppca:
    """EM on the points X (N, J) from ``direction`` (J,), or from one that the seed draws."""
    X = cloud(X)
    start = started(X, direction, params.seed)
    typed = direction is not None and np.size(direction) > 0
    return _em(X, start, tuple(start.tolist()) if typed else (), params)


def run_from(X: Any, direction: Any, params: Params = DEFAULT) -> Ppca:
    """``run`` with its arguments in the order in which a page has them."""
    return run(X, params, direction)


def _em(
    X: np.ndarray, start: np.ndarray, given: tuple[float, ...], params: Params, slip: str = ""
) -> Ppca:
    """All steps; ``slip`` names the mistake to make, none as a rule."""
    N, T = len(X), params.steps
    if 2 * N * (T + 1) > MOST_KEPT:
        raise DataError(
            f"X may hold at most {MOST_KEPT // (2 * T + 2):,} points when {T:,} steps are kept, "
            f"got {N:,}."
        )
    values, along = axes(X)
    machine = Machine.on("cpu", values, N, params, slip)
    theta = machine.theta((start @ along)[None], params.noise)
    way = em.climb(np, machine.e_step, machine.m_step, theta, T, machine.bound, keep=True)
    u = np.concatenate([state[0] for state, _ in way.path]) @ along.T
    noise = np.concatenate([state[1] for state, _ in way.path])
    u[0] = start  # not turned to the axes and back
    m, s = _e_step(X, u, noise, slip)
    size = np.sqrt(values.mean())
    moves = np.maximum(abs(np.diff(u, axis=0)).max(axis=1) / size, abs(np.diff(noise)) / size**2)
    settled = int(np.flatnonzero(moves > STILL).max(initial=-1)) + 1
    stop = _why(u @ along, noise, values, params, settled)
    likelihood, lower = way.log_likelihood[:, 0], way.bound[:, 0]
    return Ppca(params, X, given, values, stop, settled, u, noise, m, s, likelihood, lower)


def _e_step(
    X: np.ndarray, u: np.ndarray, noise: np.ndarray, slip: str
) -> tuple[np.ndarray, np.ndarray]:
    """m and s of every point at every step, (4) and (5)."""
    c = noise + (u * u).sum(axis=1)
    m = u @ X.T / (1 if slip == "unshrunk" else c[:, None])
    return m, m**2 + (0 if slip == "no-variance" else (noise / c)[:, None])


def _why(
    v: np.ndarray, noise: np.ndarray, values: np.ndarray, params: Params, settled: int
) -> Stop:
    """``v`` is u along the axes."""
    if not v[0].any():
        return PpcaStop.ZERO
    if not params.learn_noise and noise[0] >= values[0]:
        return PpcaStop.DROWNED
    along = np.linalg.norm(v[:, : longest(values)], axis=1)
    beside = along <= 1e-12 * np.linalg.norm(v, axis=1)
    if beside[0]:
        return PpcaStop.SADDLE if beside.all() else PpcaStop.ESCAPED
    if params.learn_noise and len(values) > 1 and values[1:].sum() < 1e-12 * values[0]:
        return PpcaStop.FLOOR
    grows = v[-1] @ v[-1] < 1e-6 * values.mean() and noise[-1] < values[0]  # unseen, beside 0
    return PpcaStop.SETTLED if settled < len(v) - 1 and not grows else PpcaStop.STEPS


def summit(trace: Ppca) -> Summit:
    """The closed form (11) or (12) that this run climbs to, on its side of 0."""
    top = closed_form(trace.X, None if trace.params.learn_noise else float(trace.noise[0]))
    side = -1.0 if top.direction @ trace.direction[-1] < 0 else 1.0
    return top._replace(direction=side * top.direction)


def slipped(trace: Ppca, slip: Slip) -> Ppca:
    """The same run with one mistake in every step."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    return _em(trace.X, trace.direction[0], trace.given, trace.params, slip.name)


def certify(trace: Ppca, slip: Slip | None = None) -> Certificate:
    """E-steps against quadrature and the inverse of C, M-steps against numeric maximisers, the
    direction against power iteration, and the theorems (9) to (12)."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Ppca, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown = slipped(trace, slip)
    fields = ("direction", "noise", "mean_z", "mean_z2")
    pairs = {name: (getattr(trace, name), getattr(shown, name)) for name in fields}
    return {n: ~(abs(a - b) <= 1e-9 * np.maximum(1, abs(a))) for n, (a, b) in pairs.items()}
