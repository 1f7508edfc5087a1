"""What centres are judged by: exact fractions, one-sided differences, numeric minimisation, all
labellings. The tags are those of ``engine.clusters.centres``."""

import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check

if TYPE_CHECKING:
    from engine.clusters.centres_search import Search
    from engine.clusters.centres_walk import Walk

MOST_EXACT = 2_500  # distances, of which each judged state needs one for each point
EXACT = "exact fractions"
ONE_SIDED = "one-sided differences in exact fractions"
Exact = Callable[[Fraction], Fraction]


def objectives(x: np.ndarray) -> tuple[Exact, Exact]:
    """D_2 and D_1 of points on a line, without rounding."""
    points = [Fraction(value) for value in x.tolist()]

    def squares(mu: Fraction) -> Fraction:
        return sum(((p - mu) ** 2 for p in points), Fraction(0))

    def absolutes(mu: Fraction) -> Fraction:
        return sum((abs(p - mu) for p in points), Fraction(0))

    return squares, absolutes


def walk_certificate(trace: "Walk") -> Certificate:
    """All checks of one walk; of a long one, states spread over it."""
    states = max(2, min(len(trace), MOST_EXACT // len(trace.x)))
    at = np.unique(np.linspace(0, len(trace) - 1, states).round().astype(int))
    squares, absolutes = objectives(trace.x)
    allowed = 1e-12 * max(1.0, float(np.abs(trace.x).sum()))
    first = [Fraction(mu) for mu in trace.mu[at, 0].tolist()]
    second = [Fraction(mu) for mu in trace.mu[at, 1].tolist()]
    values = [(float(squares(a)), float(absolutes(b))) for a, b in zip(first, second, strict=True)]
    # A difference quotient of a parabola, taken to both sides, is its slope for any h.
    slopes = [float((squares(mu + 1) - squares(mu - 1)) / 2) for mu in first]
    sides = [one_sided(absolutes, trace.x, mu) for mu in second]
    least = min(absolutes(Fraction(p)) for p in trace.x.tolist())
    lowest = [float(absolutes(mu) == least) for mu in second]
    checks = [
        Check("D_2, D_1", EXACT, trace.value[at], values, 1e-12),
        Check("dD_2/d\\mu", "differences in exact fractions", trace.gradient[at], slopes, allowed),
        Check(r"\partial D_1", ONE_SIDED, trace.interval[at], sides, 1e-12),
        Check(r"0 \in \partial D_1", "the least value", trace.optimal[at], lowest, 0),
        Check(r"\bar x", "50-digit minimisation", trace.mean, minimiser(trace.x), allowed),
        Check("D_p(\\bar x), D_p(\\tilde x)", EXACT, trace.crossed, _crossed(trace.x), allowed),
        Check(r"\tilde x", "bisection", trace.median, ends_of_minimum(trace.x, least), allowed),
    ]
    if trace.params.walk == "downhill":
        checks.append(_steps(trace, squares, absolutes, allowed))
    return Certificate(tuple(checks))


def _crossed(x: np.ndarray) -> list[list[float]]:
    """Both objectives at the mean and in the middle of the medians, centres by the library."""
    at = statistics.fmean(x.tolist()), statistics.median(x.tolist())
    return [[float(f(Fraction(mu))) for mu in at] for f in objectives(x)]


def one_sided(f: Exact, x: np.ndarray, mu: Fraction) -> tuple[float, float]:
    """The slopes of f just left and just right of mu; f is straight up to the next point."""
    gaps = [abs(Fraction(p) - mu) for p in x.tolist()]
    h = min((gap for gap in gaps if gap), default=Fraction(1)) / 2
    return float((f(mu) - f(mu - h)) / h), float((f(mu + h) - f(mu)) / h)


def _steps(trace: "Walk", squares: Exact, absolutes: Exact, allowed: float) -> Check:
    """Each step downhill against the slopes that differences give."""
    p, x, want = trace.params, trace.x, []
    width = max(x.max(), p.start) - min(x.min(), p.start)
    at = range(min(len(trace) - 1, max(1, MOST_EXACT // len(x))))
    for t in at:
        a, b = (Fraction(mu) for mu in trace.mu[t].tolist())
        slope = float((squares(a + 1) - squares(a - 1)) / 2)
        low, high = one_sided(absolutes, x, b)
        nearest = 0.0 if low <= 0 <= high else min(low, high, key=abs)
        step = p.rate * width / (t + 1) * np.sign(nearest)
        want.append((float(a) - p.rate / (2 * len(x)) * slope, float(b) - step))
    got = trace.mu[1 : len(want) + 1]
    return Check(r"\mu_{t+1}", "steps by these differences", got, want, allowed)


def minimiser(x: np.ndarray, rounds: int = 110) -> float:
    """Where D_2 is least, by golden section in 50 digits: by values alone."""
    import mpmath

    with mpmath.workdps(50):
        points = [mpmath.mpf(value) for value in x.tolist()]

        def f(mu: Any) -> Any:
            return mpmath.fsum((p - mu) ** 2 for p in points)

        a, b, golden = min(points) - 1, max(points) + 1, (mpmath.sqrt(5) - 1) / 2
        c, d = b - golden * (b - a), a + golden * (b - a)
        at_c, at_d = f(c), f(d)
        for _ in range(rounds):
            if at_c < at_d:
                b, d, at_d = d, c, at_c
                c = b - golden * (b - a)
                at_c = f(c)
            else:
                a, c, at_c = c, d, at_d
                d = a + golden * (b - a)
                at_d = f(d)
        return float((a + b) / 2)


def ends_of_minimum(x: np.ndarray, least: Fraction, rounds: int = 80) -> tuple[float, float]:
    """Where D_1 leaves its least value, on the left and on the right, by bisection."""
    _, f = objectives(x)
    inside = next(Fraction(p) for p in x.tolist() if f(Fraction(p)) == least)
    ends = []
    for outside in (Fraction(float(x.min())) - 1, Fraction(float(x.max())) + 1):
        good, bad = inside, outside
        for _ in range(rounds):
            middle = (good + bad) / 2
            good, bad = (middle, bad) if f(middle) == least else (good, middle)
        ends.append(float((good + bad) / 2))
    return ends[0], ends[1]


def search_certificate(trace: "Search") -> Certificate:
    """Costs without any centre, and the optimum over all K^N labellings, empty clusters too."""
    from engine.clusters.centres_search import members

    N, K = len(trace.points), trace.params.clusters
    price = np.array([without_centres(trace.points, group) for group in range(2**N)])
    labellings = np.stack(np.unravel_index(np.arange(K**N), (K,) * N), axis=1)
    least = price[members(labellings, K)].sum(axis=1).min(axis=0)
    known = price[members(trace.partitions, K)]
    best = np.stack([np.minimum.accumulate(known.sum(axis=1)[:, norm]) for norm in (0, 1)], axis=1)
    allowed = 1e-12 * max(1.0, float(np.abs(trace.points).max()))
    own = np.stack([price[members(trace.labels[:, norm], K)][..., norm] for norm in (0, 1)], axis=1)
    apart = "pairs and ordered halves, without centres"
    return Certificate(
        (
            Check("D_2, D_1", apart, trace.costs, known.sum(axis=1), allowed),
            Check(r"D_2^*, D_1^*", apart, trace.best, best[trace.tried - 1], allowed),
            Check(r"\text{by cluster}", apart, trace.parts, own, allowed),
            Check(
                r"\min D_2, \min D_1", f"all {K**N:,} labellings", trace.best[-1], least, allowed
            ),
            Check(r"\mu_k", "distances to them", _paid(trace), trace.parts, allowed),
        )
    )


def without_centres(points: np.ndarray, group: int) -> tuple[float, float]:
    """What a group costs: squares by its pairs, absolute values as upper half minus lower half."""
    own = points[(group >> np.arange(len(points))) & 1 == 1]
    n = len(own)
    if n == 0:
        return 0.0, 0.0
    pairs = ((own[:, None] - own[None]) ** 2).sum() / (2 * n)
    ordered = np.sort(own, axis=0)
    return float(pairs), float(ordered[(n + 1) // 2 :].sum() - ordered[: n // 2].sum())


def _paid(trace: "Search") -> np.ndarray:
    """The distances of the points to the centres shown, summed by cluster."""
    gap = np.abs(trace.points[None, None, :, None] - trace.centres[:, :, None])
    paid = np.stack([(gap[:, 0] ** 2).sum(axis=-1), gap[:, 1].sum(axis=-1)], axis=1)
    own = trace.labels[..., None] == np.arange(trace.params.clusters)
    return np.where(own, paid, 0).sum(axis=2)
