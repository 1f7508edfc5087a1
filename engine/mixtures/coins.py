r"""EM for two coins, exercise 000-2.

There are $N$ sets of tosses. Set $i$ holds $n_i$ tosses, $x_i$ of them heads, all made with one
coin $z_i$, which is $A$ or $B$ and which nobody wrote down. Wanted are the two chances of heads.

* $\theta = (\theta_A, \theta_B)$, shape $(2,)$: the chances of heads.
* $\pi = (\pi_A, \pi_B)$, shape $(2,)$: how often each coin is taken. One half each in the exercise;
  learnt as well when the mixing is free.
* $Q_i(c)$, shape $(N, 2)$: the responsibility of coin $c$ for set $i$; $Q_i(A) + Q_i(B) = 1$.

**The model.**

$$P(z_i = c) = \pi_c, \qquad
p_c(x_i) = \binom{n_i}{x_i}\,\theta_c^{x_i}\,(1 - \theta_c)^{n_i - x_i} \tag{1}$$
$$\log L(\theta) = \sum_i \log\left(\pi_A\,p_A(x_i) + \pi_B\,p_B(x_i)\right) \tag{2}$$

The sum inside the logarithm has no maximum in closed form.

**A lower bound.** The logarithm is concave, so any shares $Q_i$ give

$$F(Q, \theta) = \sum_i \sum_c Q_i(c) \log\frac{\pi_c\,p_c(x_i)}{Q_i(c)}
\le \log L(\theta) \tag{3}$$

What is missing is the divergence of $Q_i$ from $P(z_i \mid x_i)$, summed over the sets. It is zero
just when $Q_i$ is that posterior: there the bound touches.

**E-step.** Take the posterior. The binomial coefficient cancels, and so does $\pi$ at one half.

$$Q_i(A) = \frac{\pi_A\,\theta_A^{x_i}(1 - \theta_A)^{n_i - x_i}}
{\pi_A\,\theta_A^{x_i}(1 - \theta_A)^{n_i - x_i} + \pi_B\,\theta_B^{x_i}(1 - \theta_B)^{n_i - x_i}}
\tag{4}$$
$$Q_i(A) = \sigma(u_i), \qquad u_i = \log\frac{\pi_A}{\pi_B} + x_i \log\frac{\theta_A}{\theta_B}
+ (n_i - x_i) \log\frac{1 - \theta_A}{1 - \theta_B} \tag{5}$$

The same on paper; in floats the powers of (4) vanish for long sets, the log odds of (5) do not.

**M-step.** Hold $Q$ and maximise $F$. What is differentiated is the bound, not $\log L$.

$$\frac{\partial F}{\partial \theta_A} = \sum_i Q_i(A)
\left(\frac{x_i}{\theta_A} - \frac{n_i - x_i}{1 - \theta_A}\right) = 0 \tag{6}$$
$$\hat\theta_A = \frac{\sum_i Q_i(A)\,x_i}{\sum_i Q_i(A)\,n_i}, \qquad
\hat\theta_B = \frac{\sum_i Q_i(B)\,x_i}{\sum_i Q_i(B)\,n_i} \tag{7}$$
$$\hat\pi_A = \frac{1}{N} \sum_i Q_i(A) \quad \text{(free mixing)} \tag{8}$$

Expected heads over expected tosses. A coin that expects no tosses keeps its value.

**The likelihood never falls.** E touches, M climbs, and the bound stays below:

$$\log L(\theta^{t}) = F(Q^{t}, \theta^{t}) \le F(Q^{t}, \theta^{t+1})
\le \log L(\theta^{t+1}) \tag{9}$$

**What is conserved.** The two fractions of (7) share all tosses, so after every M-step

$$\frac{\sum_i Q_i(A)\,n_i}{\sum_i n_i}\,\hat\theta_A
+ \frac{\sum_i Q_i(B)\,n_i}{\sum_i n_i}\,\hat\theta_B
= \frac{\sum_i x_i}{\sum_i n_i} \tag{10}$$

One coin lies above the overall share of heads and one below, or both lie on it. With sets of equal
length $Q_i(A)$ rises with $x_i$ while $\theta_A > \theta_B$, so the order of the coins never
changes. Equal coins get $Q_i = \frac{1}{2}$, land on the overall share in one step and stay.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.certificate import Certificate
from engine.data import DataError
from engine.mixtures import em
from engine.mixtures.coins_certificate import certificate
from engine.mixtures.coins_lesson import SLIPS, following, presets, questions, working
from engine.mixtures.coins_maps import Basins, Restarts, basins, restarts, surface
from engine.mixtures.coins_sets import ALMOST_NOTHING, STILL, log_binomial, sets
from engine.mixtures.coins_slice import Slice, slice_at
from engine.numerics import sigmoid, xlogy
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "Basins", "Coins", "CoinsStop", "Params", "Restarts", "Slice", "basins",
    "certify", "following", "lower_bound", "questions", "restarts", "run", "slice_at", "slipped",
    "soft_counts", "surface", "working", "wrong_cells",
]  # fmt: skip

MOST_KEPT = 5_000_000
HALF = np.array([0.5, 0.5])


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """Where the coins start and how far they go."""

    start: tuple[float, float] = knob(
        (0.6, 0.5),
        0,
        1,
        "the first guess of the two chances of heads",
        label=r"$\theta_A, \theta_B$",
        exclusive=True,
        step=0.05,
    )
    steps: int = knob(10, 1, 1000, "how many times E and M alternate", label="steps")
    mixing: str = knob(
        "fixed",
        help="fixed: each coin is taken half the time; free: that share is learnt",
        label=r"$\pi$",
        choices=("fixed", "free"),
    )


DEFAULT = Params()
PRESETS = presets(Params)


class CoinsStop(Stop):
    """Why the coins end where they are; every run takes all its steps."""

    EMPTY = "One coin expects no tosses at all, so it keeps its value."
    EQUAL = (
        "Both coins started equal and so stay equal: every set is shared half and half, "
        "and one step lands on the overall share of heads."
    )
    ONE = "There is only one set, so one step puts both coins on its share of heads."
    SAME = "All sets have the same share of heads, so one step puts both coins on it."
    SETTLED = "Nothing moves any more."
    STEPS = "All steps were taken and the coins still move."


@dataclass(frozen=True, eq=False)
class Coins(Trace):
    """A run of EM: T + 1 states of N sets.

    ``log_likelihood`` is (2), binomial coefficients included. ``bound[t]`` is (3) after the M-step
    and before the E-step, F(responsibility[t - 1], theta[t]), so
    ``log_likelihood[t - 1] <= bound[t] <= log_likelihood[t]``; ``bound[0] = log_likelihood[0]``.
    ``settled`` is the first step after which nothing moves by more than 1e-12, T if there is none.
    """

    params: Params
    heads: Float[np.ndarray, " sets"]
    tosses: Float[np.ndarray, " sets"]
    stop: Stop
    settled: int
    theta: Float[np.ndarray, "states 2"] = along_steps()
    mixing: Float[np.ndarray, "states 2"] = along_steps()
    responsibility: Float[np.ndarray, "states sets 2"] = along_steps()
    log_likelihood: Float[np.ndarray, " states"] = along_steps()
    bound: Float[np.ndarray, " states"] = along_steps()


def run(heads: Any, tosses: Any, params: Params = DEFAULT) -> Coins:
    """EM from ``params.start``: heads (N,) and tosses (N,) or one number for all sets."""
    return _em(*sets(heads, tosses), params)


def _em(x: np.ndarray, n: np.ndarray, params: Params, slip: str = "") -> Coins:
    """All steps; ``slip`` names the mistake to make, none as a rule."""
    T, N = params.steps, len(x)
    if N * 2 * (T + 1) > MOST_KEPT:
        raise DataError(
            f"heads may hold at most {MOST_KEPT // (2 * T + 2):,} sets when {T:,} steps are kept, "
            f"got {N:,}."
        )
    coefficients = log_binomial(x, n).sum()

    def e_step(state: em.Theta) -> tuple[Any, Any]:
        joint = _log_joint(x, n, state[0][0], state[1][0])
        likelihood = np.logaddexp(joint[:, 0], joint[:, 1]).sum() + coefficients  # (2)
        if slip == "no-weight":
            joint = _log_joint(x, n, state[0][0], HALF)
        return _e_step(joint, slip)[None], likelihood[None]

    def m_step(Q: Any, state: em.Theta) -> em.Theta:
        theta = _m_step(x, n, Q[0], state[0][0], slip)
        return theta[None], Q.mean(1) if params.mixing == "free" else state[1]  # (8)

    def bound(Q: Any, state: em.Theta) -> Any:
        return lower_bound(x, n, Q, *state) + coefficients

    start = (np.array([params.start]), HALF[None])
    way = em.climb(np, e_step, m_step, start, T, bound, keep=True)
    theta, mixing = (np.concatenate([state[k] for state, _ in way.path]) for k in (0, 1))
    Q = np.concatenate([found for _, found in way.path])
    likelihood, lower = way.log_likelihood[:, 0], way.bound[:, 0]
    moves = np.maximum(abs(np.diff(theta, axis=0)), abs(np.diff(mixing, axis=0))).max(axis=1)
    settled = int(np.flatnonzero(moves > STILL).max(initial=-1)) + 1
    stop = _why(x, n, theta, Q, settled)
    return Coins(params, x, n, stop, settled, theta, mixing, Q, likelihood, lower)


def _log_joint(x: np.ndarray, n: np.ndarray, theta: np.ndarray, mixing: np.ndarray) -> np.ndarray:
    """log of pi_c theta_c^x (1 - theta_c)^(n - x), shape (N, 2): (1) without the coefficient."""
    x, n = x[:, None], n[:, None]
    return xlogy(x, theta) + xlogy(n - x, 1 - theta) + xlogy(np.ones(2), mixing)


def _e_step(joint: np.ndarray, slip: str) -> np.ndarray:
    """Responsibilities by the log odds (5)."""
    u = joint[:, 0] - joint[:, 1]
    if slip == "hard":
        return np.stack([u >= 0, u < 0], axis=1).astype(float)
    return np.stack([sigmoid(u), sigmoid(-u)], axis=1)


def _m_step(x: np.ndarray, n: np.ndarray, Q: np.ndarray, old: np.ndarray, slip: str) -> np.ndarray:
    """Expected heads over expected tosses (7); the tails are summed so that no ratio passes 1."""
    heads, tails = np.stack([x, n - x]) @ Q
    tosses = n.mean() * Q.sum(axis=0) if slip == "same-n" else heads + tails
    return np.divide(heads, tosses, out=old.copy(), where=tosses > 0)


def lower_bound(x: Any, n: Any, Q: Any, theta: Any, mixing: Any) -> Any:
    """F(Q, theta) of (3) without the coefficients; leading axes of Q, theta, mixing are steps."""
    counts = np.stack([x, n - x, np.ones(len(x))]) @ Q
    chances = np.stack([theta, 1 - theta, mixing], axis=-2)
    # A chance rounded to 0 may still meet an expected count above 0; the product is almost nothing.
    chances[chances == 0] = ALMOST_NOTHING
    return xlogy(counts, chances).sum(axis=(-2, -1)) - xlogy(Q, Q).sum(axis=(-2, -1))


def _why(x: np.ndarray, n: np.ndarray, theta: np.ndarray, Q: np.ndarray, settled: int) -> Stop:
    if (Q[:-1].sum(axis=1) == 0).any():
        return CoinsStop.EMPTY
    if (theta[:, 0] == theta[:, 1]).all():
        return CoinsStop.EQUAL
    if (x / n == x[0] / n[0]).all():
        return CoinsStop.ONE if len(x) == 1 else CoinsStop.SAME
    return CoinsStop.SETTLED if settled < len(theta) - 1 else CoinsStop.STEPS


def soft_counts(trace: Coins) -> np.ndarray:
    """Expected heads and tosses of each coin at every step: (T + 1, coin, [heads, tosses])."""
    data = np.stack([trace.heads, trace.tosses])
    return np.swapaxes(data @ trace.responsibility, 1, 2)


def slipped(trace: Coins, slip: Slip) -> Coins:
    """The same run with one mistake in every step."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    with np.errstate(invalid="ignore"):  # a chance above 1 makes NaN, which is the honest answer
        return _em(trace.heads, trace.tosses, trace.params, slip.name)


def certify(trace: Coins, slip: Slip | None = None) -> Certificate:
    """E-steps against enumeration or Bayes' rule in 50 digits, M-steps against numeric maximisers,
    and the theorems (9) and (10) over the whole run."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Coins, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown = slipped(trace, slip)
    fields = ("theta", "mixing", "responsibility")
    pairs = {name: (getattr(trace, name), getattr(shown, name)) for name in fields}
    return {name: ~(abs(a - b) <= 1e-9) for name, (a, b) in pairs.items()}
