"""One E-step and one M-step for a mixture of Bernoullis, for any number of starts at once.

Equal rows are computed once and counted; columns that never change leave the products. Written
once for NumPy and torch (``engine.device``). The tags are those of ``engine.mixtures.bernoulli``.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.device import namespace, send
from engine.mixtures import em
from engine.numerics import xlogy

NOTHING = 1e-250  # a component that expects fewer rows has nothing to learn from
ALMOST_NOTHING = 1e-300  # stands for a chance of 0 under a logarithm
NEVER = -1e9  # stands for the logarithm of 0 within a product
ROUNDING = 1e-12  # closer to 1 than this, N - S is mostly rounding


class Expected(NamedTuple):
    """What the E-step leaves to the M-step, for each start and component: N_k (starts, K), and
    the ones and zeros it expects in each column (starts, K, D)."""

    counts: Any
    ones: Any
    zeros: Any


@dataclass(frozen=True, eq=False)
class Distinct:
    """Rows (N, D) as M distinct ones: ``rows`` (M, V + 1) in the V columns that vary and a last
    one of ones, how often each occurs, ``counted`` the rows so often, and ``fixed`` what the other
    columns hold. ``inverse`` says which of them each of the N is.

    ``order`` sorts columns into varying and fixed; means travel in that order inside.
    """

    xp: Any
    device: str
    rows: Any
    times: Any
    counted: Any
    fixed: Any
    order: np.ndarray
    inverse: np.ndarray
    total: int

    def inside(self, means: np.ndarray) -> Any:
        """Means (starts, K, D) in our order, on our device."""
        return send(np.ascontiguousarray(means[..., self.order]), self.device)

    def outside(self, means: np.ndarray) -> np.ndarray:
        """Means in our order, back in the order of the data."""
        return means[..., np.argsort(self.order)]


def distinct(X: np.ndarray, device: str = "cpu") -> Distinct:
    """Collapse equal rows; the result of EM depends on these only.

    >>> distinct(np.array([[1.0, 0, 1], [0, 0, 1], [1, 0, 1]])).times
    array([1., 2.])
    """
    packed = np.packbits(X.astype(bool), axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, inverse, times = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    steady = X.min(0) == X.max(0)
    order = np.argsort(steady, kind="stable")
    vary = order[: len(steady) - int(steady.sum())]
    rows = np.concatenate([X[first][:, vary], np.ones((len(first), 1))], axis=1)
    return Distinct(
        namespace(device),
        device,
        send(rows, device),
        send(times.astype(float), device),
        send(rows * times[:, None], device),
        send(X[0, order[len(vary) :]], device),
        order,
        inverse.ravel(),
        len(X),
    )


def log_joint(data: Distinct, weights: Any, means: Any) -> Any:
    """log of pi_k p(x_i | p_k), (starts, K, M): (1), as one product of the rows with log odds.

    A chance of exactly 0 or 1 has no odds; it makes impossible what it forbids.
    """
    xp, M, V = data.xp, len(data.rows), data.rows.shape[1] - 1
    some = means[..., :V]
    none, sure = some == 0, some == 1
    odd = none | sure
    safe = xp.where(odd, 0.5 * xp.ones_like(some), some)
    log, log_not = xp.log(safe), xp.log(1 - safe)
    odds = log - log_not  # 0 where odd
    if bool(none.any()):
        odds = xp.where(none, NEVER * xp.ones_like(odds), odds)
    base = xp.where(odd, xp.zeros_like(log_not), log_not).sum(-1) + _log(xp, weights)
    kept = data.fixed * means[..., V:] + (1 - data.fixed) * (1 - means[..., V:])
    base = base + _log(xp, kept).sum(-1)
    S, K = base.shape
    odds = xp.concatenate([odds, base[..., None]], -1)
    joint = (odds.reshape(S * K, V + 1) @ data.rows.T).reshape(S, K, M)
    at = sure.reshape(S * K, V).any(0)
    if bool(at.any()):
        joint += (NEVER * xp.ones_like(some)[..., at] * sure[..., at]) @ (
            1 - data.rows[:, :V][:, at]
        ).T
    return joint


def shares(data: Distinct, weights: Any, means: Any) -> tuple[Any, Any]:
    """Responsibilities (5) as (starts, M, K), and log P(D) (3), (starts,)."""
    joint = log_joint(data, weights, means)
    q, each = em.responsibilities(data.xp, joint.swapaxes(-1, -2))
    if bool((each < NEVER / 2).any()):
        each = data.xp.where(each < NEVER / 2, data.xp.full_like(each, -np.inf), each)
    return q, each @ data.times


def expected(data: Distinct, q: Any) -> Expected:
    """N_k and the expected ones and zeros of each column."""
    xp, (S, M, K), V = data.xp, q.shape, data.rows.shape[1] - 1
    flat = q.swapaxes(-1, -2).reshape(S * K, M)
    sums = (flat @ data.counted).reshape(S, K, V + 1)
    ones, counts = sums[..., :V], sums[..., V]
    zeros = counts[..., None] - ones
    near = zeros <= ROUNDING * counts[..., None]
    at = near.reshape(S * K, V).any(0)
    if bool(at.any()):
        others = data.times[:, None] - data.counted[:, :V][:, at]
        exact = (flat @ others).reshape(S, K, -1)
        zeros[..., at] = xp.where(near[..., at], exact, zeros[..., at])
    fixed = counts[..., None] * data.fixed
    ones = xp.concatenate([ones, fixed], -1)
    return Expected(counts, ones, xp.concatenate([zeros, counts[..., None] - fixed], -1))


def chances(data: Distinct, found: Expected, old: Any, floor: float) -> Any:
    """The means of the M-step (9): expected ones over expected rows, kept off 0 and 1."""
    xp, total = data.xp, found.ones + found.zeros
    some = total > NOTHING
    new = xp.where(some, found.ones / xp.where(some, total, xp.ones_like(total)), old)
    return xp.clip(new, floor, 1 - floor)


def lower_bound(counts: Any, ones: Any, zeros: Any, weights: Any, means: Any) -> Any:
    """Q of (6) from expected counts, in NumPy; any leading axes."""
    # A chance rounded to 0 may still meet an expected count above 0; the product is almost nothing.
    pi, p, no = (np.where(v == 0, ALMOST_NOTHING, v) for v in (weights, means, 1 - means))
    bits = xlogy(ones, p) + xlogy(zeros, no)
    return xlogy(counts, pi).sum(-1) + bits.sum((-2, -1))


def _log(xp: Any, chance: Any) -> Any:
    """log, and minus infinity at 0 without a warning."""
    some = chance > 0
    logs = xp.log(xp.where(some, chance, xp.ones_like(chance)))
    return xp.where(some, logs, xp.full_like(logs, -np.inf))
