"""What two-coin EM is judged by: enumeration, Bayes' rule in 50 digits, numeric maximisers, and
the theorems that hold over a whole run. The tags are those of ``engine.mixtures.coins``."""

import math
from typing import TYPE_CHECKING

import numpy as np

from engine.certificate import Certificate, Check, maximiser

if TYPE_CHECKING:
    from engine.mixtures.coins import Coins

MOST_ENUMERATED = 10  # sets: 2^10 labelings
MOST_EXACT = 100  # pairs of responsibilities computed in 50 digits
MOST_SETS = 20  # different sets among them
MOST_SUMMED = 2_000  # different sets whose log-likelihood is summed in 50 digits
BY_VALUES = "numeric maximisation"
EM_THEOREM = "the theorem that EM never descends"


def certificate(trace: "Coins") -> Certificate:
    """All checks of one run."""
    with np.errstate(invalid="ignore", over="ignore"):  # a slip may leave (0, 1)
        return Certificate((*e_steps(trace), *m_steps(trace), *theorems(trace)))


def tolerance(trace: "Coins") -> float:
    """1e-12, widened for long sets: the log odds are sums of n logarithms, rounded each."""
    return 1e-12 * max(1.0, float(trace.tosses.max()) / 1000)


def e_steps(trace: "Coins") -> tuple[Check, ...]:
    """Responsibilities and likelihood, by all labelings where they are few."""
    if len(trace.heads) <= MOST_ENUMERATED:
        shares, evidence = enumerate_labels(trace)
        if (evidence > 1e-290).all():
            choices = zip(trace.heads.tolist(), trace.tosses.tolist(), strict=True)
            ways = math.prod(math.comb(int(n), int(x)) for x, n in choices)
            want = np.log(evidence) + math.log(ways)
            against = f"all {2 ** len(trace.heads):,} labelings"
            return (
                Check("Q_i(c)", against, trace.responsibility, shares, tolerance(trace)),
                Check(r"\log L", against, trace.log_likelihood, want, tolerance(trace)),
            )
    return in_50_digits(trace)


def enumerate_labels(trace: "Coins") -> tuple[np.ndarray, np.ndarray]:
    """P(z_i = c | all heads) and P(all heads) / coefficients by summing over every labeling.

    Plain products of probabilities: no logarithms, no sigmoid, no cancelled factors.
    """
    x, n = trace.heads[:, None], trace.tosses[:, None]
    theta, mixing = trace.theta[:, None], trace.mixing[:, None]
    one = mixing * theta**x * (1 - theta) ** (n - x)  # (T + 1, N, 2)
    T, N = one.shape[:2]
    joint = np.ones((T, 1))
    for i in range(N):
        joint = (joint[:, :, None] * one[:, i, None]).reshape(T, -1)  # label of set i: last bit
    evidence = joint.sum(axis=1)
    labels = np.arange(2**N)
    shares = np.empty((T, N, 2))
    for i in range(N):
        is_b = (labels >> (N - 1 - i)) & 1 == 1
        shares[:, i, 0] = joint[:, ~is_b].sum(axis=1)
        shares[:, i, 1] = joint[:, is_b].sum(axis=1)
    return shares / np.where(evidence == 0, 1, evidence)[:, None, None], evidence


def in_50_digits(trace: "Coins") -> tuple[Check, ...]:
    """Q by (4) and log L by (2) for distinct sets, at steps (and sets) spread over the run."""
    import mpmath

    keys = trace.tosses * 2e6 + trace.heads
    _, at, times = np.unique(keys, return_index=True, return_counts=True)
    first: list[int] = at.tolist()

    def terms(t: int, i: int) -> list:
        """pi_c theta_c^x (1 - theta_c)^(n - x) for both coins."""
        x, tails = int(trace.heads[i]), int(trace.tosses[i] - trace.heads[i])
        pairs = zip(trace.mixing[t], trace.theta[t], strict=True)
        return [mpmath.mpf(w) * mpmath.mpf(p) ** x * (1 - mpmath.mpf(p)) ** tails for w, p in pairs]

    def likelihood(t: int) -> float:
        ways = [mpmath.binomial(int(trace.tosses[i]), int(trace.heads[i])) for i in first]
        logs = (mpmath.log(w * sum(terms(t, i))) for w, i in zip(ways, first, strict=True))
        return float(mpmath.fdot(zip(times.tolist(), logs, strict=True)))

    some = [first[k] for k in _spread(len(first), MOST_SETS)]
    places = [(t, i) for t in _spread(len(trace), MOST_EXACT // len(some)) for i in some]
    with mpmath.workdps(50):
        pairs = [terms(t, i) for t, i in places]
        want = np.array([[float(p / (sum(both) or 1)) for p in both] for both in pairs])
        steps = _spread(len(trace), MOST_EXACT // len(first)) if len(first) <= MOST_SUMMED else []
        sums = np.array([likelihood(t) for t in steps])
    got = np.array([trace.responsibility[t, i] for t, i in places])
    against = "Bayes' rule in 50 digits"
    if want.size < trace.responsibility.size:
        against += f" at {want.size} places"
    return (
        Check("Q_i(c)", against, got, want, tolerance(trace)),
        Check(r"\log L", against, trace.log_likelihood[steps], sums, tolerance(trace)),
    )


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` indices, at least the last, evenly spread."""
    return sorted({round(i) for i in np.linspace(count - 1, 0, max(1, min(count, most))).tolist()})


def m_steps(trace: "Coins") -> tuple[Check, ...]:
    """Each next number against a numeric maximiser of F that sees values of F only."""
    Q = trace.responsibility[:-1]
    heads, tails = trace.heads @ Q, (trace.tosses - trace.heads) @ Q
    some = ~(heads + tails == 0)  # a coin without tosses has nothing to maximise
    best = _argmax(heads[some], tails[some])
    checks = [Check(r"\hat\theta_c", BY_VALUES, trace.theta[1:][some], best, 1e-9)]
    if trace.params.mixing == "free":
        weight = Q.sum(axis=1)
        best = _argmax(weight[:, 0], weight[:, 1])
        best = np.stack([best, 1 - best], axis=1)
        checks.append(Check(r"\hat\pi_c", BY_VALUES, trace.mixing[1:], best, 1e-9))
    return tuple(checks)


def _argmax(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """The p that maximises yes log p + no log(1 - p).

    It is sought over s = log(p / (1 - p)), where the function is as smooth near 0 and 1 as between.
    """
    yes, no = yes / (yes + no), no / (yes + no)
    s = maximiser(lambda s: -yes * np.logaddexp(0, -s) - no * np.logaddexp(0, s), -40.0, 40.0)
    return 1 / (1 + np.exp(-s))


def theorems(trace: "Coins") -> tuple[Check, ...]:
    """(9): nothing falls; (10): the weighted mean of the coins stays where it is."""
    L, F = trace.log_likelihood, trace.bound
    size = np.maximum(1.0, abs(L[:-1]))
    tosses = trace.tosses @ trace.responsibility[:-1]
    mean = (tosses * trace.theta[1:]).sum(axis=1) / trace.tosses.sum()
    share = np.full(len(mean), trace.heads.sum() / trace.tosses.sum())
    return (
        _not_negative(r"\log L^{t+1} - \log L^t", EM_THEOREM, np.diff(L) / size),
        _not_negative(r"F - \log L^t", EM_THEOREM, (F[1:] - L[:-1]) / size),
        _not_negative(r"\log L^{t+1} - F", EM_THEOREM, (L[1:] - F[1:]) / size),
        Check(
            r"w_A\hat\theta_A + w_B\hat\theta_B", "the overall share of heads", mean, share, 1e-12
        ),
    )


def _not_negative(name: str, against: str, gap: np.ndarray) -> Check:
    return Check(name, against, gap, np.maximum(gap, 0), 1e-10)
