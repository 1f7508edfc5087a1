"""What EM for a mixture of Bernoullis is judged by: enumeration, Bayes' rule in fractions, plain
products, numeric maximisers, and the theorems that hold over a whole run. The tags are those of
``engine.mixtures.bernoulli``."""

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from engine.certificate import Certificate, Check, maximiser

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Bernoullis

MOST_ENUMERATED = 256  # assignments of all rows to components
EXACT = 3_000  # factors multiplied exactly
MULTIPLIED = 1_500_000  # factors multiplied in plain products
MAXIMISED = 500  # means sought by values alone
FIRST = 6  # rows of the first step that are always among them
NOTHING = 1e-250
EM_THEOREM = "the theorem that EM never descends"


def certificate(trace: "Bernoullis") -> Certificate:
    """All checks of one run; where it is large, of places spread over it, and it says of how
    many."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return Certificate((*e_steps(trace), *m_steps(trace), *theorems(trace)))


def e_steps(trace: "Bernoullis") -> tuple[Check, ...]:
    """Responsibilities and likelihood: by all assignments where they are few."""
    n, K = trace.responsibility.shape[1:]
    if K**n <= MOST_ENUMERATED and len(trace.responsibility) == len(trace):
        q, evidence = enumerated(trace)
        if (evidence > 1e-290).all():
            against = f"all {K**n:,} assignments"
            return (
                Check(r"\eta_{ik}", against, trace.responsibility, q, 1e-12),
                Check(r"\log P(D)", against, trace.log_likelihood, np.log(evidence), 1e-12),
            )
    return in_fractions(trace), by_products(trace)


def enumerated(trace: "Bernoullis") -> tuple[np.ndarray, np.ndarray]:
    """P(z_i = k | D) and P(D) at every step by summing over every assignment of the rows.

    Plain products of chances: no logarithms, no softmax.
    """
    (T, n, K), X = trace.responsibility.shape, trace.X
    P = trace.means[:, None]
    bits = np.where(X[:, None] == 1, P, 1 - P)  # (T + 1, n, K, D)
    one = trace.weights[:, None] * bits.prod(-1)
    joint = np.ones((T, 1))
    for i in range(n):
        joint = (joint[:, :, None] * one[:, i, None]).reshape(T, -1)  # row i: last digit so far
    evidence, labels = joint.sum(1), np.arange(K**n)
    q = np.empty((T, n, K))
    for i in range(n):
        digit = labels // K ** (n - 1 - i) % K
        for k in range(K):
            q[:, i, k] = joint[:, digit == k].sum(1)
    return q / evidence[:, None, None], evidence


def in_fractions(trace: "Bernoullis") -> Check:
    """(5) factor by factor, for rows at places drawn evenly from the run.

    A float is a fraction, and so is every product of floats: nothing is rounded before the end.
    """
    kept, n, K = trace.responsibility.shape
    most = max(4, EXACT // (K * trace.X.shape[1]))
    places = np.union1d(np.arange(min(n, FIRST)), _some(kept * n, most))
    want = []
    for place in places:
        t, i = divmod(int(place), n)
        t += len(trace) - kept
        x = trace.X[i].tolist()
        if not (np.isfinite(trace.weights[t]).all() and np.isfinite(trace.means[t]).all()):
            want.append([math.nan] * K)
            continue
        terms = [
            _product(w, p, x)
            for w, p in zip(trace.weights[t].tolist(), trace.means[t].tolist(), strict=True)
        ]
        total = sum(terms) or Fraction(1)
        want.append([float(term / total) for term in terms])
    got = trace.responsibility.reshape(-1, K)[places]
    return Check(
        r"\eta_{ik}", _at("Bayes' rule in fractions", got.size, trace.responsibility.size),
        got, np.array(want), _width(trace),
    )  # fmt: skip


def _product(weight: float, chances: list[float], bits: list[float]) -> Fraction:
    """One factor of (5): a weight times the chances of what a row holds."""
    (top, bottom), tops, bottoms = weight.as_integer_ratio(), [], []
    for chance, bit in zip(chances, bits, strict=True):
        a, b = chance.as_integer_ratio()
        tops.append(a if bit else b - a)
        bottoms.append(b)
    return Fraction(top * math.prod(tops), bottom * math.prod(bottoms))


def by_products(trace: "Bernoullis") -> Check:
    """(3) by plain products of chances, with the exponent carried beside: no logarithm until the
    product stands, no log-sum-exp."""
    n, D = trace.X.shape
    K = trace.weights.shape[1]
    steps = _some(len(trace), max(1, MULTIPLIED // (n * D * K)))
    ones = trace.X.T[:, None, :, None] == 1
    P = np.moveaxis(trace.means[steps], 2, 0)[:, :, None]  # (D, steps, 1, K)
    product = np.broadcast_to(trace.weights[steps][:, None], (len(steps), n, K)).copy()
    power = np.zeros(product.shape, int)
    for d in range(D):
        product *= np.where(ones[d], P[d], 1 - P[d])
        if d % 16 == 15 or d == D - 1:
            product, more = np.frexp(product)
            power += more
    power[product == 0] = -(2**20)
    top = power.max(-1, keepdims=True)
    total = np.ldexp(product, power - top).sum(-1)
    want = (np.log(total) + top[..., 0] * math.log(2)).sum(-1)
    against = "products without logarithms" + (
        f" at {len(steps)} steps" * (len(steps) < len(trace))
    )
    return Check(r"\log P(D)", against, trace.log_likelihood[steps], want, 1e-12)


def m_steps(trace: "Bernoullis") -> tuple[Check, ...]:
    """Next means and weights against a numeric maximiser of F that sees values of F only."""
    q = trace.responsibility[: len(trace) - 1]
    if len(trace.responsibility) < len(trace):
        return ()
    ones, N = np.swapaxes(q, 1, 2) @ trace.X, q.sum(1)
    zeros = np.swapaxes(q, 1, 2) @ (1 - trace.X)
    got, floor = trace.means[1:].ravel(), trace.params.floor
    learnt = np.flatnonzero((ones + zeros).ravel() > NOTHING)
    some = learnt[_some(len(learnt), MAXIMISED)]
    best = _argmax(ones.ravel()[some], zeros.ravel()[some], floor)
    n = len(trace.X)
    share = _argmax(N, n - N if len(N[0]) > 1 else np.zeros_like(N))
    by_values = "numeric maximisation"
    return (
        Check(r"\hat p^{(k)}_d", _at(by_values, len(some), len(learnt)), got[some], best, 1e-9),
        Check(r"\hat\pi_k", by_values, trace.weights[1:], share, 1e-9),
    )


def _argmax(yes: np.ndarray, no: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """The p in [floor, 1 - floor] that maximises yes log p + no log(1 - p).

    It is sought over s = log(p / (1 - p)), where the function is as smooth near 0 and 1 as between;
    being concave, it is highest on the interval where that is closest to its peak.
    """
    no = no / (yes + no)
    s = maximiser(lambda s: -np.logaddexp(0, -s) - no * s, -40.0, 40.0)  # log p and log(1 - p)
    return (1 / (1 + np.exp(-s))).clip(floor, 1 - floor)


def theorems(trace: "Bernoullis") -> tuple[Check, ...]:
    """(11): nothing falls; rows of shares and weights add up to 1; (12): the mean of the data."""
    L, F = trace.log_likelihood, trace.bound
    size = np.maximum(1.0, abs(L[:-1]))
    checks = [
        _not_negative(r"\log P^{t+1} - \log P^t", np.diff(L) / size),
        _not_negative(r"F - \log P^t", (F[1:] - L[:-1]) / size),
        _not_negative(r"\log P^{t+1} - F", (L[1:] - F[1:]) / size),
        Check(r"\sum_k \eta_{ik}", "the sum 1", trace.responsibility.sum(-1), 1.0, 1e-12),
        Check(r"\sum_k \pi_k", "the sum 1", trace.weights.sum(-1), 1.0, 1e-12),
    ]
    if trace.params.floor == 0:
        mixed = (trace.weights[1:, None] @ trace.means[1:])[:, 0]
        means = np.broadcast_to(trace.X.mean(0), mixed.shape)
        name = r"\sum_k \hat\pi_k\,\hat p^{(k)}_d"
        checks.append(Check(name, "the mean of the data", mixed, means, 1e-12))
    return tuple(checks)


def _width(trace: "Bernoullis") -> float:
    """1e-12, widened for long rows: their log odds are sums of D logarithms, rounded each."""
    return 1e-12 * max(1.0, trace.X.shape[1] / 10)


def _not_negative(name: str, gap: np.ndarray) -> Check:
    return Check(name, EM_THEOREM, gap, np.maximum(gap, 0), 1e-10)


def _at(method: str, some: int, every: int) -> str:
    return method if some == every else f"{method} at {some:,} of {every:,} places"


def _some(count: int, most: int) -> np.ndarray:
    """At most ``most`` of ``count`` places, drawn with a seed, the last always among them."""
    if count <= most:
        return np.arange(count)
    drawn = np.random.default_rng(0).choice(count - 1, most - 1, replace=False)
    return np.sort(np.append(drawn, count - 1))
