"""What EM for probabilistic PCA is judged by: quadrature in 50 digits, the inverse of C, numeric
maximisers, power iteration, the closed form, and the theorems that hold over a whole run. The tags
are those of ``engine.mixtures.ppca``."""

from typing import TYPE_CHECKING

import numpy as np

from engine.certificate import Certificate, Check, maximiser
from engine.mixtures.ppca_cloud import axes, closed_form, longest, power_iteration

if TYPE_CHECKING:
    from engine.mixtures.ppca import Ppca

PLACES, DENSE = 16, 61  # integrals taken in 50 digits; steps at which C is inverted
MOST_INVERTED = 2_000_000  # numbers of m computed by the inverse of C
BY_VALUES = "numeric maximisation"
EM_THEOREM = "the theorem that EM never descends"


def certificate(trace: "Ppca") -> Certificate:
    """All checks of one run."""
    checks = (*e_steps(trace), *m_steps(trace), *turning(trace), *theorems(trace), *ends(trace))
    return Certificate(checks)


def tolerance(trace: "Ppca") -> float:
    """1e-12, widened where the noise is small: rounding in C counts by tr S / σ²."""
    worst = float(trace.eigenvalues.sum() / trace.noise.min())
    return max(1e-12, 1e-13 * worst)


def _invertible(trace: "Ppca") -> list[int]:
    """Steps spread over the run at which floats can invert C; a slip may make u endless."""
    most = max(1, min(DENSE, MOST_INVERTED // trace.X.size))
    long = (trace.direction**2).sum(axis=1) > 1e10 * trace.noise
    return [t for t in _spread(len(trace), most) if not long[t]]


def e_steps(trace: "Ppca") -> tuple[Check, ...]:
    """m and s by integration at some places, and with log L by the inverse of C at many steps."""
    places = _places(trace)
    want = np.array([_integrated(trace, t, i) for t, i in places])
    m = np.array([trace.mean_z[t, i] for t, i in places])
    s = np.array([trace.mean_z2[t, i] for t, i in places])
    far = max(1.0, float(abs(want).max()))
    against = f"quadrature in 50 digits at {len(places)} places"
    steps = _invertible(trace)
    mean, likelihood = _inverted(trace, steps)
    by_inverse = "the inverse of C" + (f" at {len(steps)} steps" if len(steps) < len(trace) else "")
    big = max(1.0, float(abs(mean).max(initial=0.0)))
    return (
        Check("m_i", against, m / far, want[:, 0] / far, 1e-12),
        Check("s_i", against, s / far, want[:, 1] / far, 1e-12),
        Check("m_i", by_inverse, trace.mean_z[steps] / big, mean / big, tolerance(trace)),
        Check(r"\log L", by_inverse, trace.log_likelihood[steps], likelihood, tolerance(trace)),
    )


def _places(trace: "Ppca") -> list[tuple[int, int]]:
    """(step, point) pairs, drawn once for each shape of a run."""
    T, N = trace.mean_z.shape
    rng = np.random.default_rng(T * N)
    count = min(PLACES, T * N)
    flat = rng.choice(T * N, count, replace=False) if T * N < 10**7 else rng.integers(0, T * N, 16)
    return [(int(k) // N, int(k) % N) for k in flat]


def _integrated(trace: "Ppca", t: int, i: int) -> tuple[float, float]:
    """E[z | x] and E[z² | x] from values of p(x | z) p(z) alone, by the trapezoidal rule.

    Where the integrand stands is found from three values, as it is the exponential of a parabola.
    """
    import mpmath

    with mpmath.workdps(50):
        u, x = ([mpmath.mpf(v) for v in row.tolist()] for row in (trace.direction[t], trace.X[i]))
        noise = mpmath.mpf(float(trace.noise[t]))

        def log_joint(z):
            gap = mpmath.fsum((b - a * z) ** 2 for a, b in zip(u, x, strict=True))
            return -z * z / 2 - gap / (2 * noise)

        low, mid, high = (log_joint(mpmath.mpf(z)) for z in (-1, 0, 1))
        bend = low + high - 2 * mid
        middle, wide = (low - high) / (2 * bend), 1 / mpmath.sqrt(-bend)
        z = [middle + wide * k / 2 for k in range(-24, 25)]  # 12 deviations: 1e-31 is left out
        top = log_joint(middle)
        weight = [mpmath.exp(log_joint(at) - top) for at in z]
        total = mpmath.fsum(weight)
        mean = mpmath.fdot(weight, z) / total
        return float(mean), float(mpmath.fdot(weight, [at * at for at in z]) / total)


def _inverted(trace: "Ppca", steps: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """u'C⁻¹x, which is E[z | x] as z and x are jointly normal, and log L by the Cholesky factor."""
    u, noise, X = trace.direction[steps], trace.noise[steps], trace.X
    N, J = X.shape
    C = u[:, :, None] * u[:, None] + noise[:, None, None] * np.eye(J)
    factor = np.linalg.cholesky(C)
    white = np.linalg.solve(factor, np.broadcast_to(X.T, (len(steps), J, N)))
    along = np.linalg.solve(factor, u[:, :, None])
    logs = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    density = -0.5 * (N * (J * np.log(2 * np.pi) + logs) + (white**2).sum(axis=(1, 2)))
    return (white * along).sum(axis=1), density


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` indices, at least the last, evenly spread."""
    return sorted({round(i) for i in np.linspace(count - 1, 0, max(1, min(count, most))).tolist()})


def m_steps(trace: "Ppca") -> tuple[Check, ...]:
    """The next u, entry by entry, and the next σ² against maximisers that see values of Q only.

    Sums run over the points, not over the axes, and all is measured in units of the data.
    """
    X, m, s = trace.X, trace.mean_z[:-1], trace.mean_z2[:-1]
    unit, J = float((X**2).mean()), X.shape[1]
    pull, second = m @ X / len(X), s.mean(axis=1)[:, None]
    some = (second > 0)[:, 0]  # a slip may leave nothing to maximise
    size = np.sqrt(second[some] * (X**2).mean(axis=0))  # by Cauchy-Schwarz |m x| is no larger
    slope = np.divide(pull[some], size, out=np.zeros_like(size), where=size > 0)
    best = maximiser(lambda a: 2 * slope * a - a * a, -1.5, 1.5) * size / second[some]
    scale = max(1.0, float(np.abs(best).max(initial=0.0)) / unit**0.5) * unit**0.5
    new = trace.direction[1:]
    checks = [Check(r"\hat u", BY_VALUES, new[some] / scale, best / scale, 1e-9)]
    if trace.params.learn_noise:
        gap = np.array([((X - np.outer(a, b)) ** 2).sum() for a, b in zip(m, new, strict=True)])
        doubt = (s - m**2).sum(axis=1) * (new**2).sum(axis=1)
        left = np.maximum(gap + doubt, 0) / (X.size * unit)
        best = maximiser(lambda a: -a - left * np.exp(-a), -45.0, 10.0)
        best = np.maximum(np.exp(best), trace.params.floor)
        checks.append(
            Check(r"\hat\sigma^2", BY_VALUES, trace.noise[1:] / unit, best, 1e-9 * max(1, J / 8))
        )
    return tuple(checks)


def turning(trace: "Ppca") -> tuple[Check, ...]:
    """(10): each step turns u as S does, and the whole run as power iteration does.

    Near a right angle to q_1 the last bits of a number decide how soon it is left: the whole run
    is allowed more there, and closer than 1e-9 only the single steps are compared.
    """
    X, u = trace.X, trace.direction
    size = np.linalg.norm(u, axis=1)
    there = size > 1e-150 * np.sqrt((X**2).mean())
    if not there[0]:
        return ()
    unit = u[there] / size[there, None]
    stepped = unit[:-1] @ X.T @ X
    stepped /= np.linalg.norm(stepped, axis=1, keepdims=True)
    checks = [Check(r"u^{t+1} / \|u^{t+1}\|", "the direction of S u", unit[1:], stepped, 1e-12)]
    values, along = axes(X)
    towards = float(np.linalg.norm(unit[0] @ along[:, : longest(values)]))
    if towards > 1e-9 or not towards:
        power = power_iteration(X, u[0], len(u) - 1)[there]
        allowed = max(1e-12, 1e-15 / towards) if towards else 1e-12
        checks.append(Check(r"u^t / \|u^t\|", "power iteration", unit, power, allowed))
    return tuple(checks)


def theorems(trace: "Ppca") -> tuple[Check, ...]:
    """(9): nothing falls; (11), (12): nothing rises above the closed form."""
    L, F = trace.log_likelihood, trace.bound
    size = np.maximum(1.0, abs(L[:-1]))
    top = _summit(trace).log_likelihood
    above = (top - L) / np.maximum(1.0, abs(L)) if np.isfinite(top) else np.zeros(0)
    return (
        _not_negative(r"\log L^{t+1} - \log L^t", EM_THEOREM, np.diff(L) / size),
        _not_negative(r"F - \log L^t", EM_THEOREM, (F[1:] - L[:-1]) / size),
        _not_negative(r"\log L^{t+1} - F", EM_THEOREM, (L[1:] - F[1:]) / size),
        _not_negative(r"\log L_{ML} - \log L^t", "the summit in closed form", above),
    )


def _summit(trace: "Ppca"):
    return closed_form(trace.X, None if trace.params.learn_noise else float(trace.noise[0]))


def ends(trace: "Ppca") -> tuple[Check, ...]:
    """Where nothing moves any more, u is an eigenvector, as long as (11) or (12) says."""
    values, along = axes(trace.X)
    u, noise = trace.direction[-1], float(trace.noise[-1])
    if trace.settled == len(trace) - 1 or len(values) == 1 or not u.any():
        return ()
    k = int(abs(u @ along).argmax())
    want = values[k] - noise
    if trace.params.learn_noise:
        rest = np.delete(values, k).mean()
        want = values[k] - max(rest, trace.params.floor * values.mean())
    unit, against = values.mean(), "the closed form"
    if u @ u < 1e-6 * unit < want:
        return ()  # beside 0, where u rests for long before it grows
    slow = max(1e-7, 1e-11 * float(values[0]) / noise)  # little noise, small steps
    return (
        Check(r"\|u\|^2", against, u @ u / unit, max(want, 0) / unit, slow),
        Check("S u", against, u @ trace.X.T @ trace.X / len(trace.X) / unit**1.5,
              u * values[k] / unit**1.5, 1e-7),
    )  # fmt: skip


def _not_negative(name: str, against: str, gap: np.ndarray) -> Check:
    return Check(name, against, gap, np.maximum(gap, 0), 1e-10)
