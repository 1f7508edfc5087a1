r"""Why the mean, why the median, exercise 002-1.

$N$ points $x_n \in \mathbb{R}^D$, each in one of $K$ clusters: $r_{nk} = 1$ if point $n$ is in
cluster $k$, else 0. Which centres $\mu_k$ make the distances smallest?

$$D_2 = \sum_n \sum_k r_{nk} \sum_d (x_{nd} - \mu_{kd})^2, \qquad
D_1 = \sum_n \sum_k r_{nk} \sum_d |x_{nd} - \mu_{kd}| \tag{1}$$

**One line at a time.** Both are sums over clusters and coordinates, and $\mu_{kd}$ is in one term
only. So each coordinate of each cluster is a problem of its own, with points $x_1, \dots, x_N$ on a
line.

$$D_p = \sum_k \sum_d D_{kd}(\mu_{kd}), \qquad
D_{kd}(\mu) = \sum_{n:\,r_{nk} = 1} |x_{nd} - \mu|^p \tag{2}$$

**Squares: the mean.** The gradient on the line, and for all centres at once, with $M$ of shape
$(K, D)$, $R$ of shape $(N, K)$ and the sizes $N_k$ on a diagonal:

$$\frac{d D_2}{d\mu} = -2 \sum_n (x_n - \mu) = 2\,\left(N\mu - \sum_n x_n\right) \tag{3}$$
$$\nabla_M D_2 = 2\,\big(\operatorname{diag}(N_1, \dots, N_K)\,M - R^\top X\big) \tag{4}$$

It is 0 at the mean and nowhere else; the second derivative $2N$ is positive, so this is the one
minimum. (An empty cluster has no centre: $N_k = 0$ leaves $0 = 0$.)

$$\bar x = \frac{1}{N} \sum_n x_n \tag{5}$$
$$D_2(\mu) = D_2(\bar x) + N\,(\mu - \bar x)^2 \tag{6}$$

**Absolute values: the median.** Written without the bars,

$$|x - \mu| = 1_{x > \mu}\,(x - \mu) + 1_{x \le \mu}\,(\mu - x) \tag{7}$$
$$D_1(\mu) = \sum_{x_n > \mu} (x_n - \mu) + \sum_{x_n \le \mu} (\mu - x_n) \tag{8}$$

With $L$ points left of $\mu$, $A$ at it and $R$ right of it, every point on the left pulls the
slope up by 1, every one on the right down by 1. A point at $\mu$ has a kink there: all slopes from
$-1$ to $1$ support it. So $D_1$ is convex, with the subdifferential

$$\partial D_1(\mu) = [\,L - R - A,\; L - R + A\,] \tag{9}$$
$$\mu \text{ is a minimum} \iff 0 \in \partial D_1(\mu) \iff |L - R| \le A \tag{10}$$

That is any median of the sorted points $x_{(1)} \le \dots \le x_{(N)}$: one point for odd $N$, the
whole interval between the two in the middle for even $N$.

$$\tilde x \in \big[\,x_{(\lceil N/2 \rceil)},\; x_{(\lfloor N/2 \rfloor + 1)}\,\big] \tag{11}$$

How far the outermost point lies does not enter (9): it is counted, not measured. In (3) it is
measured.

**Downhill.** The gradient fades on the way to the mean, so a fixed rate $\eta$ lands softly. A
slope of $D_1$ is a whole number and does not fade: the steps have to. $s_t$ is the number of
$\partial D_1(\mu_t)$ nearest to 0, $w$ the width of the line.

$$\mu_{t+1} = \mu_t - \frac{\eta}{2N}\,\frac{dD_2}{d\mu}(\mu_t), \qquad
\mu_{t+1} = \mu_t - \frac{\eta\,w}{t + 1}\,\operatorname{sign}(s_t) \tag{12}$$

**The clusters too.** With few points every partition can be tried; each group $C_k$ takes its own
mean or its own medians, and the smallest total is the global optimum.

$$\min_{C_1, \dots, C_K} \sum_k \min_{\mu_k}
\sum_{n \in C_k} \lVert x_n - \mu_k \rVert_p^p \tag{13}$$
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import data
from engine.certificate import Certificate
from engine.clusters.centres_certificate import search_certificate, walk_certificate
from engine.clusters.centres_lesson import SLIPS, presets, questions
from engine.clusters.centres_search import Search, SearchStop, search
from engine.clusters.centres_walk import Walk, WalkStop, absolutes, span, squares, walk
from engine.clusters.centres_working import working
from engine.data import DataError
from engine.params import Knobs, knob
from engine.slips import Slip

__all__ = [
    "MOST_SEARCHED", "PRESETS", "SLIPS", "Curves", "Params", "Search", "SearchStop", "Walk",
    "WalkStop", "certify", "curves", "questions", "run", "slipped", "span", "working",
    "wrong_cells",
]  # fmt: skip

MOST_POINTS, MOST_SEARCHED = 60, 10


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """One cluster on a line, or the search over all partitions into several."""

    clusters: int = knob(
        1,
        1,
        3,
        "1: a candidate walks along one line; 2 or 3: every partition is tried",
        label="$K$",
    )
    axis: int = knob(1, 1, 2, "the coordinate that the line shows", label="$d$")
    walk: str = knob(
        "across",
        help="across: from left to right; downhill: steps against the slope",
        label="walk",
        choices=("across", "downhill"),
    )
    steps: int = knob(40, 2, 120, "how many steps, those on the points not counted", label="steps")
    start: float = knob(0.0, -1e6, 1e6, "where downhill begins", label=r"$\mu_0$", step=1)
    rate: float = knob(
        0.2, 0, 2, "how far one step downhill goes", label=r"$\eta$", exclusive=True, step=0.05
    )


DEFAULT = Params()
PRESETS = presets(Params)


def run(points: Any, params: Params = DEFAULT) -> Walk | Search:
    """A walk along the line for one cluster, the search over all partitions for more.

    ``points`` is (N,) on a line or (N, 2) in the plane.
    """
    X = _points(points, params)
    return walk(X, params) if params.clusters == 1 else search(X, params)


def _points(points: Any, params: Params) -> np.ndarray:
    nested = isinstance(points, (list, tuple)) and any(isinstance(p, (list, tuple)) for p in points)
    ndim = 2 if nested or (isinstance(points, np.ndarray) and points.ndim == 2) else 1
    X = data.array("points", points, ndim=ndim, low=-1e6, high=1e6, most=2 * MOST_POINTS)
    X = X.reshape(len(X), -1)
    N, D = X.shape
    if D > 2:
        raise DataError(f"points must have one or two coordinates, got {D}.")
    if N > MOST_POINTS:
        raise DataError(f"points may be at most {MOST_POINTS}, got {N}.")
    if params.axis > D:
        raise DataError("points must have a second coordinate when d is 2.")
    if params.clusters > 1 and not params.clusters <= N <= MOST_SEARCHED:
        raise DataError(
            f"points must be {params.clusters} to {MOST_SEARCHED} when every partition into "
            f"{params.clusters} clusters is tried, got {N}."
        )
    return X


def slipped(trace: Walk | Search, slip: Slip) -> Walk | Search:
    """The same run with one printed mistake in it."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    again = walk if isinstance(trace, Walk) else search
    return again(trace.points, trace.params, slip.name)


def certify(trace: Walk | Search, slip: Slip | None = None) -> Certificate:
    """Objectives and slopes against exact fractions, centres against numeric minimisation, the
    search against all labellings."""
    shown = slipped(trace, slip) if slip else trace
    return walk_certificate(shown) if isinstance(shown, Walk) else search_certificate(shown)


def wrong_cells(trace: Walk | Search, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown = slipped(trace, slip)
    fields = (
        ("mu", "value", "gradient", "interval", "optimal", "median", "crossed")
        if isinstance(trace, Walk)
        else ("best", "labels", "centres", "parts", "costs")
    )
    pairs = {name: (getattr(trace, name), getattr(shown, name)) for name in fields}
    return {name: ~(np.abs(1.0 * a - 1.0 * b) <= 1e-9) for name, (a, b) in pairs.items()}


@dataclass(frozen=True, eq=False)
class Curves:
    """Both objectives and their slopes over the line: for drawing. ``stairs`` is the graph of the
    subdifferential as a polygon, a riser at every point."""

    squares: np.ndarray
    gradient: np.ndarray
    absolutes: np.ndarray
    stairs: np.ndarray


def curves(trace: Walk, slip: Slip | None = None, grid: int = 81) -> Curves:
    """Each curve as rows of (mu, value); with a slip, the printed form."""
    name = slip.name if slip else ""
    low, high = span(trace.x, trace.params)
    even = np.linspace(low, high, grid)
    kinks = np.unique(np.concatenate([[low], trace.x, [high]]))
    value, gradient = squares(trace.x, even, name)
    bent = absolutes(trace.x, kinks, name)[0]
    level = absolutes(trace.x, (kinks[1:] + kinks[:-1]) / 2, name)[1][:, 0]  # between two points
    treads = np.stack([np.repeat(kinks, 2)[1:-1], np.repeat(level, 2)], axis=1)
    return Curves(
        np.stack([even, value], axis=1),
        np.stack([even, gradient], axis=1),
        np.stack([kinks, bent], axis=1),
        treads,
    )
