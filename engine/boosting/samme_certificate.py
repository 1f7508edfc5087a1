"""What else can tell of a run of boosting: Zhu's own algorithm, numeric minima, autograd, every
stump. The tags are those of ``engine.boosting.samme``."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.boosting.samme_trees import Tree, votes_of
from engine.certificate import Certificate, Check, autograd, maximiser

if TYPE_CHECKING:
    from engine.boosting.samme import Samme

MOST_SEEN = 400  # points whose scores autograd gets
MOST_STUMPS = 150_000_000  # products of stumps, points, rounds and classes that are tried
ROUNDS_SEEN = 24


def certificate(trace: "Samme") -> Certificate:
    """All checks of a run; of a large one a seeded sample of points and rounds."""
    checks = [*_recounted(trace)]
    T = len(trace.alpha)
    if T:
        some = _some(T, ROUNDS_SEEN)
        checks += [*_zhu(trace), *_minima(trace), _slopes(trace, some)]
        if len(trace.feature):
            checks += _trees(trace, some)
    return Certificate(tuple(checks))


def _some(count: int, most: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.sort(rng.permutation(count)[:most])


def _recounted(trace: "Samme") -> list[Check]:
    """(1) to (4) and (13) counted anew from all votes, in the log domain."""
    T, (N, K) = len(trace.alpha), trace.scores.shape[1:]
    cast = np.zeros((T + 1, N, K))
    cast[1:] = trace.alpha[:, None, None] * (trace.votes[..., None] == np.arange(K))
    g = np.cumsum(cast, axis=0)
    own = np.take_along_axis(g, trace.y[None, :, None], 2)[..., 0]
    power = (g.sum(2) - own) / max(K - 1, 1) - own
    top = power.max(axis=1, keepdims=True)
    mass = np.exp(power - top)
    D = mass / mass.sum(axis=1, keepdims=True)
    log_loss = top[:, 0] + np.log(mass.sum(axis=1))
    wrong = trace.votes != trace.y
    with np.errstate(divide="ignore"):
        got = np.log(np.maximum(trace.loss, 1e-300))
    seen = "all votes counted anew"
    return [
        Check("D_t", seen, trace.weights, D, 1e-9),
        Check(r"\log L", seen, got, np.maximum(log_loss, np.log(1e-300)), 1e-9),
        Check("g", seen, trace.scores, g, 1e-9),
        Check(r"\epsilon_t", seen, trace.error, (D[:-1] * wrong).sum(1), 1e-9),
    ]


def _zhu(trace: "Samme") -> list[Check]:
    """Zhu's algorithm as published: wrong points times exp(alpha), then normalised."""
    T, (N, K) = len(trace.alpha), trace.scores.shape[1:]
    w, says, seen, scores = np.full(N, 1 / N), [], [], np.zeros((N, K))
    ahead = np.empty((T, N), int)
    for t in range(T):
        wrong = trace.votes[t] != trace.y
        error = w[wrong].sum() / w.sum()
        say = K / (K - 1) * (trace.alpha[:t].sum() + 1)  # one that never errs decides alone
        if error > 0:
            say = np.log((1 - error) / error) + np.log(K - 1)
        says.append(say)
        w = w * np.exp(say * wrong)
        w /= w.sum()
        seen.append(w)
        scores[np.arange(N), trace.votes[t]] += say
        ahead[t] = scores.argmax(axis=1)
    judge = "SAMME as published"
    taken = np.take_along_axis(trace.scores[1:], ahead[..., None], 2)[..., 0]
    return [
        Check(r"\alpha_t^S", judge, trace.alpha_samme, says, 1e-8),
        Check(r"\tfrac{K}{K-1} \alpha_t", judge, K / (K - 1) * trace.alpha, says, 1e-8),
        Check("D_{t+1}", judge, trace.weights[1:], seen, 1e-8),
        # Ties may fall either way, so the score that its winner has here is the judge.
        Check("g^h", judge, trace.scores[1:].max(2), taken, 1e-8),
    ]


def _minima(trace: "Samme") -> list[Check]:
    """(7) and (8) against the minimum of (6) that is found by values alone."""
    K, inner = len(trace.labels), trace.error > 0
    e = trace.error[inner]
    if not len(e):
        return []
    reach = float(abs(trace.alpha).max()) + 3

    def falls(a: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return -np.logaddexp(np.log(e) + a / (K - 1), np.log1p(-np.minimum(e, 1 - 1e-16)) - a)

    best = maximiser(falls, -reach, reach)
    judge = "the minimum of Z(α), found by values alone"
    return [
        Check(r"\alpha_t", judge, trace.alpha[inner], best, 1e-7),
        Check("Z_{t+1}/Z_t", judge, trace.ratio[inner], np.exp(-falls(best)), 1e-10),
    ]


def _slopes(trace: "Samme", some: np.ndarray) -> Check:
    """(5) against autograd, which is given (1) and (2) only."""
    K, seen = len(trace.labels), _some(len(trace.y), MOST_SEEN)
    whole = len(seen) == len(trace.y)
    y = np.eye(K)[trace.y]
    cast = np.eye(K)[trace.votes[some]]

    def loss(alpha: Any) -> Any:
        import torch

        g = torch.from_numpy(trace.scores[:-1][some].copy()) + alpha[:, None, None] * (
            torch.from_numpy(cast)
        )
        own = torch.from_numpy(y)
        power = (g * (1 - own)).sum(2) / (K - 1) - (g * own).sum(2)
        return power.exp().sum()

    assert whole or len(y)
    found = autograd(loss, alpha=np.zeros(len(some)))["alpha"]
    return Check(r"\partial L/\partial\alpha|_0", "autograd", trace.slope[some], found, 1e-8)


def _trees(trace: "Samme", some: np.ndarray) -> list[Check]:
    """The kept trees vote as they did; a stump errs no more than the best of all stumps."""
    trees = zip(trace.feature[some], trace.threshold[some], trace.leaf[some], strict=True)
    again = [votes_of(Tree(*tree), trace.X) for tree in trees]
    checks = [Check("f_t(x_i)", "the kept trees", trace.votes[some], again, 0)]
    if trace.params.depth == 1:
        N, K = trace.scores.shape[1:]
        most = max(1, int(MOST_STUMPS / (max(1, trace.X.size) * N * K)))
        seen = some[:most] if most < len(some) else some
        want = least_error(trace.X, trace.y, trace.weights[seen], K)
        checks.append(Check(r"\min_f \epsilon_t", "every stump", trace.error[seen], want, 1e-9))
    return checks


def least_error(X: np.ndarray, y: np.ndarray, weights: np.ndarray, K: int) -> np.ndarray:
    """The least weighted error of all stumps under each row of weights, by trying each cut."""
    heaps = (weights[..., None] * np.eye(K)[y]).transpose(1, 0, 2)  # (N, rounds, K)
    total = heaps.sum(axis=0)
    flat = heaps.reshape(len(y), -1)
    best = 1 - total.max(axis=1)
    for column in X.T:
        left = (column <= np.unique(column)[:, None]).astype(float) @ flat
        side = left.reshape(-1, *total.shape)
        kept = side.max(axis=2) + (total - side).max(axis=2)
        best = np.minimum(best, 1 - kept.max(axis=0))
    return best
