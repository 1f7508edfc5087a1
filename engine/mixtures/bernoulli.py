r"""EM for a mixture of Bernoullis, exercise 001-1.

There are $n$ rows of $D$ bits. Row $i$ came from one of $K$ components, nobody wrote down which. A
component is a chance of a 1 for each column, its mean; the bits of a row are drawn on their own.

* $X = (x^{(i)}_d)$, shape $(n, D)$, in $\{0, 1\}$: the rows.
* $p^{(k)}$, shape $(K, D)$: the means. $\pi$, shape $(K,)$: how often each component is taken.
* $z^{(i)}$, shape $(K,)$, one-hot: the component of row $i$, hidden.
* $\eta_{ik}$, shape $(n, K)$: the responsibility of component $k$ for row $i$; a row adds up to 1.

**The model.** Given its component, a row is $D$ independent coins:

$$P(x \mid p^{(k)}) = \prod_{d=1}^{D} \big(p^{(k)}_d\big)^{x_d} \big(1 - p^{(k)}_d\big)^{1 - x_d}
\tag{1}$$
$$P(x \mid p, \pi) = \sum_{k=1}^{K} \pi_k\,P(x \mid p^{(k)}) \tag{2}$$
$$\log P(D \mid \pi, p) = \sum_{i=1}^{n} \log \sum_{k=1}^{K} \pi_k\,P(x^{(i)} \mid p^{(k)})
\tag{3}$$

The draws are independent, so the logarithms add up; the sum inside each has no maximum in closed
form.

**With the hidden part known** there would be no sum in the logarithm:

$$P(x^{(i)}, z^{(i)} \mid \pi, p) = \prod_{k=1}^{K}
\big[\pi_k\,P(x^{(i)} \mid p^{(k)})\big]^{z^{(i)}_k} \tag{4}$$

**E-step.** The posterior of $z$: the joint over its sum, and that sum runs over the components.

$$\eta_{ik} = P(z^{(i)}_k = 1 \mid x^{(i)}) =
\frac{\pi_k\,P(x^{(i)} \mid p^{(k)})}{\sum_{j=1}^{K} \pi_j\,P(x^{(i)} \mid p^{(j)})} \tag{5}$$

In matrices $\eta$ is the softmax along the rows of
$\mathbf 1 \log \pi^\top + X \log P^\top + (1 - X) \log (1 - P)^\top$.

**A lower bound.** The logarithm of (4), averaged with $\eta$, and the entropy of $\eta$ make

$$Q(\pi, p) = \sum_{i} \sum_{k} \eta_{ik} \Big[\log \pi_k + \sum_d x^{(i)}_d \log p^{(k)}_d
+ (1 - x^{(i)}_d) \log \big(1 - p^{(k)}_d\big)\Big] \tag{6}$$
$$F(\eta, \pi, p) = Q(\pi, p) - \sum_i \sum_k \eta_{ik} \log \eta_{ik}
\le \log P(D \mid \pi, p) \tag{7}$$

with equality just where $\eta$ is the posterior (5): there the bound touches.

**M-step.** Hold $\eta$ and climb $Q$. Each chance has an equation of its own, one for each $k$ and
each $d$; their sum over $d$ would be one equation for $D$ unknowns.

$$\frac{\partial Q}{\partial p^{(k)}_d} = \frac{\sum_i \eta_{ik}\,x^{(i)}_d}{p^{(k)}_d}
- \frac{\sum_i \eta_{ik}\,(1 - x^{(i)}_d)}{1 - p^{(k)}_d} = 0 \tag{8}$$
$$\hat p^{(k)}_d = \frac{\sum_i \eta_{ik}\,x^{(i)}_d}{N_k}, \qquad N_k = \sum_i \eta_{ik} \tag{9}$$

For $\pi$ a multiplier $\lambda$ keeps the sum at 1: $N_k / \pi_k = \lambda$ for all $k$, and put
into the constraint $\lambda = \sum_k N_k = n$.

$$\hat\pi_k = \frac{N_k}{n} \tag{10}$$

**The likelihood never falls.** E touches, M climbs, and the bound stays below:

$$\log P(D \mid \theta^t) = F(\eta^t, \theta^t) \le F(\eta^t, \theta^{t+1})
\le \log P(D \mid \theta^{t+1}) \tag{11}$$

**What is conserved.** After every M-step the mixture has the mean of the data, column by column:

$$\sum_k \hat\pi_k\,\hat p^{(k)}_d = \frac{1}{n} \sum_i x^{(i)}_d \tag{12}$$

**What never parts.** Components with equal means get shares $\eta_{ik} = \pi_k$ for every row, so
equal means again: the start must not be even. A mean of exactly 0 makes every row with a 1 there
impossible, so those rows never reach it and it stays 0; a mean of 1 likewise. A floor
$\varepsilon \le p \le 1 - \varepsilon$ sets them free: (9) is clipped to it, which is where $Q$,
concave in each $p$, is highest on that interval. A component that expects no rows keeps its mean.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.certificate import Certificate
from engine.data import DataError
from engine.mixtures import em
from engine.mixtures.bernoulli_certificate import certificate
from engine.mixtures.bernoulli_lesson import SLIPS, presets, questions
from engine.mixtures.bernoulli_rows import begin, binary, left_empty
from engine.mixtures.bernoulli_slice import Slice, slice_at
from engine.mixtures.bernoulli_starts import Restarts, race, restarts
from engine.mixtures.bernoulli_steps import (
    chances,
    distinct,
    expected,
    lower_bound,
    shares,
)
from engine.mixtures.bernoulli_stop import BernoulliStop, last_move, why
from engine.mixtures.bernoulli_working import following, gradient, picked, working
from engine.numerics import xlogy
from engine.params import Knobs, ParamError, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "BernoulliStop", "Bernoullis", "Params", "Restarts", "Slice", "certify",
    "explore", "following", "gradient", "picked", "questions", "race", "restarts", "run",
    "slice_at", "slipped", "working", "wrong_cells",
]  # fmt: skip

MOST_KEPT = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many components, how far, and from which noise."""

    components: int = knob(2, 1, 30, "how many components the rows may come from", label="$K$")
    steps: int = knob(20, 1, 1000, "how many times E and M alternate", label="steps")
    seed: int = knob(0, 0, 1_000_000, "which noise the means start from", label="seed")
    digits: int = knob(
        300, 1, 1797, "how many handwritten digits while no rows are typed", label="digits"
    )
    floor: float = knob(
        0.0, 0, 0.25, "how close a mean may come to 0 and to 1", label="floor", step=0.01
    )


DEFAULT = Params()
PRESETS = presets(Params)


@dataclass(frozen=True, eq=False)
class Bernoullis(Trace):
    """A run of EM: T + 1 states of K components over N rows.

    ``log_likelihood`` is (3). ``bound[t]`` is (7) after the M-step and before the E-step, so
    ``log_likelihood[t - 1] <= bound[t] <= log_likelihood[t]``; ``bound[0] = log_likelihood[0]``.
    ``responsibility`` holds every step, or one entry, the last, where the run was asked to keep no
    more. ``drawn`` names what was not given: X, weights, means. ``settled`` is the first step
    after which nothing moves by more than 1e-12, T if there is none.
    """

    params: Params
    X: Float[np.ndarray, "rows columns"]
    drawn: tuple[str, ...]
    stop: Stop
    settled: int
    weights: Float[np.ndarray, "states components"] = along_steps()
    means: Float[np.ndarray, "states components columns"] = along_steps()
    responsibility: Float[np.ndarray, "kept rows components"] = along_steps()
    log_likelihood: Float[np.ndarray, " states"] = along_steps()
    bound: Float[np.ndarray, " states"] = along_steps()


def run(
    X: Any, params: Params = DEFAULT, weights: Any = None, means: Any = None, keep: str = "all"
) -> Bernoullis:
    """EM on rows X (N, D) of 0 and 1; an empty list stands for the handwritten digits.

    It starts from ``weights`` (K,) and ``means`` (K, D), or evenly from noise. ``keep="last"``
    keeps the responsibilities of the last step only, for data too large to keep all.
    """
    rows = binary(X, params)
    pi, P = begin(rows, params, weights, means)
    if keep not in ("all", "last"):
        raise ParamError(f"keep must be all or last, got {str(keep)[:40]!r}.")
    most = MOST_KEPT // (params.components * (params.steps + 1))
    if keep == "all" and len(rows) > most:
        raise DataError(
            f"X may hold at most {most:,} rows when all {params.steps + 1:,} steps are kept, "
            f'got {len(rows):,}; keep="last" keeps one.'
        )
    if rows.shape[1] > most:
        raise DataError(
            f"X may have at most {most:,} columns when all {params.steps + 1:,} steps are kept, "
            f"got {rows.shape[1]:,}."
        )
    given = (("X", X), ("weights", weights), ("means", means))
    drawn = tuple(name for name, value in given if left_empty(value))
    return _em(rows, params, pi, P, drawn, keep)


def explore(X: Any, weights: Any, means: Any, params: Params = DEFAULT) -> Bernoullis:
    """``run`` in the order of the page: what is left empty is drawn."""
    return run(X, params, weights, means)


def _em(
    X: np.ndarray,
    params: Params,
    pi: np.ndarray,
    P: np.ndarray,
    drawn: tuple[str, ...],
    keep: str,
    slip: str = "",
) -> Bernoullis:
    """All steps; ``slip`` names the mistake to make, none as a rule."""
    data = distinct(X)
    seen: list[np.ndarray] = []

    def e_step(theta: em.Theta) -> tuple[Any, Any]:
        q, likelihood = shares(data, *theta)
        q = _mistaken(q, data.total, slip)
        if keep == "last":
            seen.clear()
        seen.append(q[0])
        entropy = -(xlogy(q, q).sum(-1) @ data.times)
        return (expected(data, q), entropy), likelihood

    def m_step(found: Any, theta: em.Theta) -> em.Theta:
        counts = found[0].counts
        new = chances(data, found[0], theta[1], params.floor)  # (9)
        if slip == "eq12":
            new = np.broadcast_to(new.mean(-1, keepdims=True), new.shape)
        return counts / data.total, new  # (10)

    def bound(found: Any, theta: em.Theta) -> Any:
        return lower_bound(*found[0], *theta) + found[1]

    start = (pi[None], data.inside(P[None]))
    way = em.climb(np, e_step, m_step, start, params.steps, bound, keep=True)
    if not np.isfinite(way.log_likelihood[0, 0]):
        raise DataError("means must leave every row of X possible, but they forbid at least one.")
    weights, inner = (np.concatenate([theta[k] for theta, _ in way.path]) for k in (0, 1))
    means = data.outside(inner)
    settled = last_move(weights, means)
    q = np.stack(seen)[:, data.inverse]
    return Bernoullis(
        params, X, drawn, why(data, means, settled), settled, weights, means, q,
        way.log_likelihood[:, 0], way.bound[:, 0],
    )  # fmt: skip


def _mistaken(q: np.ndarray, n: int, slip: str) -> np.ndarray:
    """Responsibilities as eq. 6 of the printed solution has them, literally."""
    if slip == "eq6":
        return np.full_like(q, 1 / n)
    return np.full_like(q, 1 / q.shape[-1]) if slip == "eq6-middle" else q


def slipped(trace: Bernoullis, slip: Slip) -> Bernoullis:
    """The same run with one mistake in every step."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    keep = "all" if len(trace.responsibility) == len(trace) else "last"
    given = (trace.X, trace.params, trace.weights[0], trace.means[0], trace.drawn)
    return _em(*given, keep, slip.name)


def certify(trace: Bernoullis, slip: Slip | None = None) -> Certificate:
    """E-steps against enumeration or Bayes' rule in fractions, M-steps against numeric maximisers,
    and the theorems (11) and (12) over the whole run."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Bernoullis, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown = slipped(trace, slip)
    fields = ("weights", "means", "responsibility")
    pairs = {name: (getattr(trace, name), getattr(shown, name)) for name in fields}
    return {name: ~(abs(a - b) <= 1e-9) for name, (a, b) in pairs.items()}
