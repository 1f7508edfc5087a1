r"""Lloyd's algorithm on points with weights, exercises 000-3 and 002-1.

* $x_n \in \mathbb{R}^D$ with weight $w_n \ge 0$, shape $(N, D)$ and $(N,)$. A point that occurs
  seven times is one point of weight seven.
* $\mu_k \in \mathbb{R}^D$: the centres. $r_n \in \{0, \dots, K - 1\}$: the centre of point $n$.

**The distortion**, by squared distance (k-means) or by absolute distance (k-medians):

$$D(r, \mu) = \sum_n w_n \lVert x_n - \mu_{r_n} \rVert_2^2 \quad\text{or}\quad
D(r, \mu) = \sum_n w_n \lVert x_n - \mu_{r_n} \rVert_1 \tag{1}$$

**Assign.** With the centres held, every point takes the nearest one, the lower index at a tie.

$$r_n = \arg\min_k \lVert x_n - \mu_k \rVert \tag{2}$$

**Move.** With the points held, each centre takes the mean, or the median coordinate by coordinate:
the middle of the interval of medians where there is one.

$$\mu_k = \frac{\sum_{n: r_n = k} w_n x_n}{\sum_{n: r_n = k} w_n} \quad\text{or}\quad
\mu_{kd} = \operatorname{median}_w \{x_{nd} : r_n = k\} \tag{3}$$

Neither can raise the distortion, so it never rises. It may stop anywhere: the start decides.
A centre that no point takes is dead. It keeps its place, or is reseeded as scikit-learn does it: it
moves to the point farthest from its centre, which that point's cluster then gives up. That cannot
raise the distortion either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from engine.clusters.lloyd_params import Params
from engine.clusters.octree import Octree, grown
from engine.clusters.starts import draw
from engine.data import DataError, array, same_length
from engine.trace import Stop, Trace, along_steps

__all__ = ["Lloyd", "LloydStop", "Params", "descend", "distances", "nearest", "plain", "run"]

MOST_KEPT = 400_000_000  # labels: points times states
MOST_NUMBERS = 60_000_000
WORTH_A_TREE = 1000  # points; fewer are quick enough without machine code
DEFAULT = Params()

State = tuple[np.ndarray, np.ndarray, float, np.ndarray]
Look = Callable[[np.ndarray], State]


class LloydStop(Stop):
    """Why the centres end where they are."""

    SETTLED = "No point changes its centre any more."
    STEPS = "All steps were taken and points still change their centres."


@dataclass(frozen=True, eq=False)
class Lloyd(Trace):
    """A run of Lloyd's algorithm: T + 1 states of K centres and N points.

    ``labels[t]`` is the assignment (2) to ``centres[t]``, ``distortion[t]`` is (1) of both and
    ``sizes[t]`` the weight that each centre holds. ``reseeded[t]`` marks the centres that came to
    ``centres[t]`` not by (3) but because they had been dead. A run that settles ends early.
    """

    params: Params
    points: Float[np.ndarray, "points dims"]
    weights: Float[np.ndarray, " points"]
    stop: Stop
    centres: Float[np.ndarray, "states k dims"] = along_steps()
    labels: UInt8[np.ndarray, "states points"] = along_steps()
    sizes: Float[np.ndarray, "states k"] = along_steps()
    distortion: Float[np.ndarray, " states"] = along_steps()
    reseeded: Bool[np.ndarray, "states k"] = along_steps()

    @property
    def dead(self) -> np.ndarray:
        """(T + 1, K): True where no point takes a centre."""
        return self.sizes == 0


def run(points: Any, params: Params = DEFAULT, weights: Any = None, centres: Any = None) -> Lloyd:
    """Lloyd's algorithm: points (N, D), weights (N,), from ``centres`` (K, D) or a drawn start."""
    x = array("points", points, ndim=2, most=MOST_NUMBERS)
    w = np.ones(len(x)) if weights is None else array("weights", weights, low=0, most=MOST_NUMBERS)
    same_length(points=x, weights=w)
    if w.sum() == 0:
        raise DataError("weights are all 0; at least one point must count.")
    if centres is None:
        first = draw(x, w, params.k, params.start, params.norm, params.seed)
    else:
        first = array("centres", centres, ndim=2)
        if first.shape != (params.k, x.shape[1]):
            raise DataError(
                f"centres must have the shape {(params.k, x.shape[1])}, got {first.shape}."
            )
    tree = grown(x, w) if len(x) >= WORTH_A_TREE and x.shape[1] <= 3 else None
    return descend(x, w, first, params, tree)


def descend(
    x: np.ndarray,
    w: np.ndarray,
    first: np.ndarray,
    params: Params,
    tree: Octree | None = None,
    look: Look | None = None,
) -> Lloyd:
    """All steps from the centres ``first``; with the points' ``tree`` much faster, and the same.

    ``look`` takes the place of the assignment and the move.
    """
    T, (K, D), N = params.steps, first.shape, len(x)
    if N * (T + 1) > MOST_KEPT:
        raise DataError(
            f"{N:,} different points may take at most {MOST_KEPT // N - 1:,} steps, got {T:,}."
        )
    look = look or (tree.looker(params.norm) if tree else plain(x, w, params.norm))
    centres, labels = np.empty((T + 1, K, D)), np.empty((T + 1, N), np.uint8)
    sizes, distortion = np.empty((T + 1, K)), np.empty(T + 1)
    reseeded, stop = np.zeros((T + 1, K), bool), LloydStop.STEPS
    centres[0], t, taken = first, 0, False
    while True:
        labels[t], sizes[t], distortion[t], moved = look(centres[t])
        if params.empty == "reseed":
            taken, moved = _reseed(x, w, centres[t], labels[t], moved, params)
        if np.array_equal(moved, centres[t]):
            stop = LloydStop.SETTLED
            break
        if t == T:
            break
        t += 1
        centres[t], reseeded[t] = moved, taken
    kept = [centres, labels, sizes, distortion, reseeded]
    if t < T:
        kept = [values[: t + 1].copy() for values in kept]
    for values in kept:
        values.setflags(write=False)
    return Lloyd(params, x, w, stop, *kept)


def distances(x: np.ndarray, centre: np.ndarray, norm: str) -> np.ndarray:
    """Of every point to one centre, or each to its own, squared for l2; summed left to right."""
    total = np.zeros(len(x))
    for d in range(x.shape[1]):
        gap = x[:, d] - centre[..., d]
        total += gap * gap if norm == "l2" else np.abs(gap)
    return total


def nearest(x: np.ndarray, centres: np.ndarray, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centre (2) of every point, the lower index at a tie, and the distance to it."""
    labels, least = np.zeros(len(x), np.uint8), distances(x, centres[0], norm)
    for k, centre in enumerate(centres[1:], 1):
        d = distances(x, centre, norm)
        closer = d < least
        labels[closer], least[closer] = k, d[closer]
    return labels, least


def plain(x: np.ndarray, w: np.ndarray, norm: str) -> Look:
    """One assignment and one move, as written above: what every faster way must agree with."""

    def look(centres: np.ndarray) -> State:
        labels, least = nearest(x, centres, norm)
        sizes = np.bincount(labels, w, len(centres))
        moved = centres.copy()
        for k in np.flatnonzero(sizes):
            moved[k] = middle(x[labels == k], w[labels == k], norm)
        return labels, sizes, float(w @ least), moved

    return look


def middle(x: np.ndarray, w: np.ndarray, norm: str) -> np.ndarray:
    """The centre (3) of the points of one cluster.

    >>> middle(np.array([[1.0], [3.0], [4.0], [9.0]]), np.ones(4), "l1")
    array([3.5])
    """
    if norm == "l2":
        return w @ x / w.sum()
    x, w = x[w > 0], w[w > 0]
    order = np.argsort(x, axis=0, kind="stable")
    ends = np.cumsum(w[order], axis=0)
    half = ends[-1] / 2
    low, high = (ends < half).sum(axis=0), (ends <= half).sum(axis=0)
    ordered = np.take_along_axis(x, order, axis=0)
    each = np.arange(x.shape[1])
    return (ordered[low, each] + ordered[high, each]) / 2


def _reseed(
    x: np.ndarray,
    w: np.ndarray,
    centres: np.ndarray,
    labels: np.ndarray,
    moved: np.ndarray,
    params: Params,
) -> tuple[np.ndarray, np.ndarray]:
    """Dead centres move to the farthest points, which leave the clusters they were in."""
    dead = np.flatnonzero(np.bincount(labels, w, len(centres)) == 0)
    taken = np.zeros(len(centres), bool)
    if len(dead) == 0:
        return taken, moved
    far = distances(x, centres[labels], params.norm) * (w > 0)
    left, moved = labels.astype(int), moved.copy()
    order = np.argsort(-far, kind="stable")
    for k in dead:
        for n in order:
            if far[n] > 0 and left[n] == labels[n] and w[left == labels[n]].sum() > w[n]:
                left[n], taken[k] = k, True
                break
    for k in np.unique(np.concatenate([left[left != labels], labels[left != labels]])):
        moved[k] = middle(x[left == k], w[left == k], params.norm)
    return taken, moved
