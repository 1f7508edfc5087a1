"""What EM for a mixture of Gaussians is judged by: Bayes' rule in 50 digits, densities by another
factorisation, numeric maximisers, and the theorems that hold over a whole run. The tags are those
of ``engine.mixtures.gaussian``."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check, maximiser

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Gaussian

EXACT = 60  # densities computed in 50 digits
REACHED = 400_000  # densities computed by eigenvectors
MAXIMISED = 30_000  # points times numbers whose maximum is sought by values
BY_VALUES = "numeric maximisation"
EM_THEOREM = "the theorem that EM never descends"
NOTHING = 1e-200


def certificate(trace: "Gaussian") -> Certificate:
    """All checks of one run; where it is large, of places spread over it, and it says of how
    many."""
    with np.errstate(all="ignore"):  # a slip may leave no covariance at all
        return Certificate((*e_steps(trace), *m_steps(trace), *theorems(trace)))


# -- E ---------------------------------------------------------------------------------------------


def e_steps(trace: "Gaussian") -> tuple[Check, ...]:
    """Responsibilities in 50 digits at some places, and everywhere by eigenvectors."""
    return *in_50_digits(trace), *by_eigenvectors(trace)


def in_50_digits(trace: "Gaussian") -> tuple[Check, ...]:
    """(5) as it stands, with determinants and inverses by elimination, at places spread over all
    steps and points."""
    import mpmath

    (T, N, K), D = trace.responsibility.shape, trace.X.shape[1]
    late = len(trace) - T
    cost = max(1, K * D * D // 4)
    steps = _spread(T, max(1, min(3, EXACT // cost)))
    some = _spread(N, max(1, EXACT // (cost * len(steps))))
    want = np.empty((len(steps), len(some), K))
    with mpmath.workdps(50):
        for a, t in enumerate(steps):
            ready = [_inverse(trace.covariances[late + t, k].tolist()) for k in range(K)]
            for b, i in enumerate(some):
                terms = [
                    mpmath.mpf(float(trace.weights[late + t, k]))
                    * _density(trace.X[i], trace.means[late + t, k], *ready[k])
                    for k in range(K)
                ]
                total = sum(terms) or 1
                want[a, b] = [float(term / total) for term in terms]
    got = trace.responsibility[np.ix_(steps, some)]
    against = "Bayes' rule in 50 digits"
    if want.size < trace.responsibility.size:
        against += f" at {want.size} places"
    return (Check(r"\delta_{ik}", against, got, want, tolerance(trace)),)


def _inverse(matrix: list[list[float]]) -> tuple[Any, Any]:
    """Inverse and determinant by Gauss-Jordan elimination; a positive matrix needs no pivoting."""
    import mpmath

    D = len(matrix)
    a = [[mpmath.mpf(v) for v in row] + [mpmath.mpf(i == j) for j in range(D)]
         for i, row in enumerate(matrix)]  # fmt: skip
    determinant = mpmath.mpf(1)
    for j in range(D):
        pivot = a[j][j]
        determinant *= pivot
        if pivot == 0:
            return None, determinant
        a[j] = [v / pivot for v in a[j]]
        for i in range(D):
            if i != j:
                factor = a[i][j]
                a[i] = [v - factor * w for v, w in zip(a[i], a[j], strict=True)]
    return [row[D:] for row in a], determinant


def _density(x: np.ndarray, mu: np.ndarray, inverse: Any, determinant: Any) -> Any:
    """(2) without the powers of 2 pi, which cancel in (5)."""
    import mpmath

    if inverse is None or determinant <= 0:
        return mpmath.nan
    gap = [mpmath.mpf(a) - mpmath.mpf(b) for a, b in zip(x.tolist(), mu.tolist(), strict=True)]
    form = sum(g * mpmath.fdot(row, gap) for g, row in zip(gap, inverse, strict=True))
    return mpmath.exp(-form / 2) / mpmath.sqrt(determinant)


def by_eigenvectors(trace: "Gaussian") -> tuple[Check, ...]:
    """(5) and (3) by the principal axes of each covariance: no Cholesky factor, no features."""
    T, N, K = trace.responsibility.shape
    late, D = len(trace) - T, trace.X.shape[1]
    steps = _spread(len(trace), max(1, REACHED // (N * K * D)))
    likelihood, q = [], {}
    for t in steps:
        values, vectors = np.linalg.eigh(np.nan_to_num(trace.covariances[t]))
        along = np.einsum("nkd,kde->nke", trace.X[:, None] - trace.means[t], vectors)
        log = -0.5 * (along**2 / values + np.log(2 * np.pi * values)).sum(-1)
        log = log + np.log(np.maximum(trace.weights[t], 1e-300))
        total = np.logaddexp.reduce(log, axis=1)
        likelihood.append(total.sum())
        if t >= late:
            q[t - late] = np.exp(log - total[:, None])
    against = "densities along the principal axes"
    if len(steps) < len(trace):
        against += f" at {len(steps)} steps"
    kept, loose = sorted(q), 100 * tolerance(trace)
    shares = np.stack([q[t] for t in kept])
    return (
        Check(r"\delta_{ik}", against, trace.responsibility[kept], shares, loose),
        Check(r"\log L", against, trace.log_likelihood[steps], np.array(likelihood), loose),
    )


def tolerance(trace: "Gaussian") -> float:
    """1e-12, widened as the digits of a narrow ellipse are: its exponent is a difference of numbers
    as large as its longest axis, or its distance, over its shortest."""
    values = np.linalg.eigvalsh(np.nan_to_num(trace.covariances))
    least = np.maximum(values[..., 0], NOTHING)
    far = np.maximum(values[..., -1], np.square(trace.X).max())
    return float(min(1e-6, 1e-12 * max(1.0, float(np.sqrt(far / least).max()) / 100)))


# -- M ---------------------------------------------------------------------------------------------


def m_steps(trace: "Gaussian") -> tuple[Check, ...]:
    """Each next number against a numeric maximiser that sees values of (6) only."""
    if len(trace) == 1 or len(trace.responsibility) < len(trace):
        return ()
    (_, N, K), D = trace.responsibility.shape, trace.X.shape[1]
    steps = _spread(len(trace) - 1, max(1, MAXIMISED // (N * K * D)))
    Q, new = trace.responsibility[steps], [t + 1 for t in steps]
    counts = Q.sum(axis=1)
    some = ~(counts <= NOTHING)  # a component without points has nothing to maximise
    more = f" at {len(steps)} steps" if len(steps) < len(trace) - 1 else ""
    mean = _best_means(trace.X, Q)
    check = [
        Check(r"\hat\pi_k", BY_VALUES + more, trace.weights[new], _best_shares(counts, N), 1e-9),
        Check(r"\hat\mu_k", BY_VALUES + more, _over(trace, trace.means[new])[some],
              _over(trace, mean)[some], 1e-8),
    ]  # fmt: skip
    scatter = np.stack([
        np.stack([np.cov(trace.X.T, aweights=q[:, k], ddof=0).reshape(D, D)
                  if ok[k] else np.full((D, D), np.nan) for k in range(K)])
        for q, ok in zip(Q, some, strict=True)
    ])  # fmt: skip
    best, got = _best_covariances(trace, scatter, counts), trace.covariances[new]
    least = 1e-20 * max(_spread_of(trace) ** 2, NOTHING)
    scale = np.maximum(np.einsum("...dd->...d", best).max(axis=-1), least)[..., None, None]
    check.append(
        Check(r"\hat\Sigma_k", BY_VALUES + more, (got / scale)[some], (best / scale)[some], 1e-8)
    )
    return tuple(check)


def _best_shares(counts: np.ndarray, N: int) -> np.ndarray:
    """Of N_k log p + (N - N_k) log(1 - p), by the log odds of p."""
    yes, no = counts / N, 1 - counts / N
    s = maximiser(lambda s: -yes * np.logaddexp(0, -s) - no * np.logaddexp(0, s), -40.0, 40.0)
    return np.where(no <= 1e-15, 1.0, 1 / (1 + np.exp(-s)))


def _best_means(X: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """The centre m for which the sum of delta (x_d - m)^2 is least, coordinate by coordinate; as a
    share of the way from the least to the largest x_d."""
    low, span = X.min(axis=0), np.maximum(np.ptp(X, axis=0), NOTHING)
    u, share = (X - low) / span, Q / Q.sum(axis=1, keepdims=True)

    def value(m: np.ndarray) -> np.ndarray:
        gap = u[None, :, None] - np.broadcast_to(m, (len(Q), Q.shape[2], X.shape[1]))[:, None]
        return -np.einsum("tnk,tnkd->tkd", share, gap * gap)

    return low + span * maximiser(value, -0.25, 1.25, 36)


def _over(trace: "Gaussian", means: np.ndarray) -> np.ndarray:
    return (means - trace.X.mean(axis=0)) / max(_spread_of(trace), NOTHING)


def _spread_of(trace: "Gaussian") -> float:
    return float(np.ptp(trace.X, axis=0).max())


def _best_covariances(trace: "Gaussian", scatter: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of -log|Sigma| - tr(Sigma^-1 S): along the principal axes of S, where the best Sigma has its
    own, each variance is sought by values, not below the floor."""
    p, D = trace.params, scatter.shape[-1]
    one = np.eye(D)
    if p.held:
        return np.broadcast_to(p.held * one, scatter.shape)
    if p.covariance == "tied":
        share = (counts / counts.sum(axis=1, keepdims=True))[..., None, None]
        pooled = np.where(share > 0, share * np.nan_to_num(scatter), 0).sum(axis=1, keepdims=True)
        scatter = np.broadcast_to(pooled, scatter.shape)
    scatter = np.nan_to_num(scatter)
    values, vectors = np.linalg.eigh(scatter)
    if p.covariance == "diag":
        values, vectors = np.einsum("...dd->...d", scatter), np.broadcast_to(one, scatter.shape)
    if p.covariance == "spherical":
        values = np.broadcast_to(values.mean(axis=-1, keepdims=True), values.shape)
        vectors = np.broadcast_to(one, scatter.shape)
    unit = max(_spread_of(trace) ** 2, NOTHING)
    s = np.maximum(values / unit, 0)
    u = maximiser(lambda u: -u - s * np.exp(-u), -60.0, 10.0)  # u = log of the variance
    best = np.maximum(unit * np.exp(u) * (s > 1e-25), p.floor)
    return np.einsum("...ab,...b,...cb->...ac", vectors, best, vectors)


# -- over the run ----------------------------------------------------------------------------------


def theorems(trace: "Gaussian") -> tuple[Check, ...]:
    """(12): nothing falls. Shares sum to 1, and every M-step keeps the mean of the data."""
    L, F = trace.log_likelihood, trace.bound
    size = np.maximum(1.0, abs(L[:-1]))
    mean = (trace.weights[1:, :, None] * trace.means[1:]).sum(axis=1)
    want = np.broadcast_to(trace.X.mean(axis=0), mean.shape)
    unit, loose = max(_spread_of(trace), NOTHING), max(1e-10, 10 * tolerance(trace))
    one = np.ones(trace.responsibility.shape[:2])
    return (
        _not_negative(r"\log L^{t+1} - \log L^t", np.diff(L) / size, loose),
        _not_negative(r"F - \log L^t", (F[1:] - L[:-1]) / size, loose),
        _not_negative(r"\log L^{t+1} - F", (L[1:] - F[1:]) / size, loose),
        Check(r"\sum_k \delta_{ik}", "a whole of 1", trace.responsibility.sum(axis=2), one, 1e-12),
        Check(
            r"\sum_k \hat\pi_k \hat\mu_k", "the mean of the data", mean / unit, want / unit, 1e-9
        ),
    )


def _not_negative(name: str, gap: np.ndarray, tolerance: float) -> Check:
    return Check(name, EM_THEOREM, gap, np.maximum(gap, 0), tolerance)


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` indices, the last and if possible the first among them."""
    return sorted({round(i) for i in np.linspace(count - 1, 0, max(1, min(count, most))).tolist()})
