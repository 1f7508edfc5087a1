"""One E-step and one M-step of many Gaussian mixtures at once, in NumPy or torch.

The log-density of a Gaussian is linear in the features 1, x_d and x_d x_e of a point (13). So the
E-step of all starts is one matrix product and a softmax, and the M-step is the same product the
other way round, both over pieces of the points that stay in the cache. The points are centred
first: far from 0 their squares would swallow what differs. A narrow component is reckoned from its
Cholesky factor and its own centre instead; ``precise`` does so for all.
The tags are those of ``engine.mixtures.gaussian``.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from engine.device import namespace, send
from engine.mixtures import em
from engine.mixtures.gaussian_covariances import LEAST, Model, family, settled, total_of

CACHE = 60_000  # numbers in a piece: beyond, new memory costs more than the arithmetic
GPU_CHUNK = 4_000_000
NARROW = 1e5  # squared width of the data over that of a component: beyond, features lose digits
ALMOST_NOTHING = 1e-300  # stands for a weight of 0 under a logarithm
MISTAKES = ("no-weight", "no-determinant")  # slips of the E-step; "old-mean" is one of the M-step


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points (D, N) about their mean, ``shift``, and their features (F, N), on a device.

    ``pairs`` says which features the D x D products are; ``reach`` (D,) are the largest squares.
    """

    xp: Any
    points: Any
    features: Any
    pairs: Any
    shift: np.ndarray
    reach: Any
    device: str


def cloud(X: np.ndarray, device: str, precise: bool = False) -> Cloud:
    """The points as the batched steps need them; ``precise`` ones need no features."""
    shift = X[0] + (X - X[0]).mean(axis=0)  # the mean of equal points is that point
    x = (X - shift).T
    a, b = np.triu_indices(len(x))
    features = x if precise else np.concatenate([np.ones((1, len(X))), x, x[a] * x[b]])
    pairs = np.zeros((len(x), len(x)), int)
    pairs[a, b] = pairs[b, a] = 1 + len(x) + np.arange(len(a))
    sent = (send(v, device) for v in (x, features, pairs.ravel(), (x * x).max(axis=1)))
    points, features, pairs, reach = sent
    return Cloud(namespace(device), points, features, pairs, shift, reach, device)


@dataclass(eq=False)
class Expected:
    """What the M-step needs: sums over the points, weighed with the responsibilities, of 1, of
    x - ``about`` and of its products; or the responsibilities themselves, (S, K, N)."""

    counts: Any
    first: Any
    second: Any
    about: Any
    q: Any = None


@dataclass(frozen=True, eq=False)
class Density:
    """log of pi_k N(x_i; mu_k, Sigma_k), made ready for many points."""

    constant: Any
    coefficients: Any
    narrow: Any
    means: Any
    root: Any

    def at(self, data: Cloud, piece: slice) -> tuple[Any, Any]:
        """(S, K, points), and of the narrow components the gaps x - mu, (pairs, D, points)."""
        xp, gaps = data.xp, None
        if self.coefficients is None:
            joint = self.constant[..., None] + xp.zeros_like(data.points[0])
        else:
            joint = (self.coefficients @ data.features[:, piece]).reshape(*self.narrow.shape, -1)
        if self.means is not None:
            gaps = data.points[None, :, piece] - self.means[..., None]
            white = self.root @ gaps
            joint[self.narrow] = self.constant[self.narrow][:, None] - 0.5 * (white * white).sum(1)
        return joint, gaps


def density(data: Cloud, model: Model, theta: em.Theta) -> Density:
    """The log-densities (2) with the weights, as features or about each centre."""
    xp, (weights, means, _, root, half_log) = data.xp, theta
    D = means.shape[-1]
    constant = xp.zeros_like(half_log) - 0.5 * D * math.log(2 * math.pi)
    if model.slip != "no-determinant":
        constant = constant - half_log
    if model.slip != "no-weight":
        constant = constant + xp.log(xp.clip(weights, ALMOST_NOTHING, None))
    coefficients = None
    narrow = (_against(xp, root, data.reach) > NARROW) | model.precise
    if not model.precise:
        precision = xp.swapaxes(root, -1, -2) @ root
        pull = (precision @ means[..., None])[..., 0]
        columns = [(constant - 0.5 * total_of(xp, pull * means, 1))[..., None], pull]
        for a in range(D):
            columns += [-0.5 * precision[..., a, a, None], -precision[..., a, a + 1 :]]
        coefficients = xp.concatenate(columns, -1).reshape(-1, len(data.features))
    if not bool(narrow.any()):
        return Density(constant, coefficients, narrow, None, None)
    return Density(constant, coefficients, narrow, means[narrow], root[narrow])


def _against(xp: Any, root: Any, squares: Any) -> Any:
    """Squares per coordinate against the widths of each component: what cancels, in digits."""
    return total_of(xp, root * root * squares[..., None, :], 2)


def shares(xp: Any, joint: Any) -> tuple[Any, Any]:
    """Responsibilities (S, K, points) in the place of ``joint``, and the log-likelihood (S,).

    The softmax of ``em.responsibilities`` with the components before the points and in place: a
    third of the time.
    """
    top = xp.amax(joint, 1)
    joint -= top[:, None]
    xp.exp(joint, out=joint)
    total = joint.sum(1)
    joint /= total[:, None]
    return joint, (xp.log(total) + top).sum(-1)


def e_step(data: Cloud, model: Model, theta: em.Theta) -> tuple[Expected, Any]:
    """Responsibilities (5), or what the M-step needs of them, and the log-likelihood (3), (S,)."""
    xp, ready = data.xp, density(data, replace(model, slip=""), theta)
    if model.precise:
        q, likelihood = shares(xp, ready.at(data, slice(None))[0])
        if model.slip in MISTAKES:
            q, _ = shares(xp, density(data, model, theta).at(data, slice(None))[0])
        return Expected(q.sum(-1), None, None, None, q), likelihood
    (S, K), (D, N) = ready.narrow.shape, data.points.shape
    size = max(1, (CACHE if data.device == "cpu" else GPU_CHUNK) // (S * K))
    sums, likelihood, near, near2 = (cast(Any, 0.0) for _ in range(4))
    for k in range(0, N, size):
        piece = slice(k, k + size)
        joint, gaps = ready.at(data, piece)
        q, logs = shares(xp, joint)
        likelihood = likelihood + logs
        sums = sums + q.reshape(S * K, -1) @ data.features[:, piece].T
        if gaps is not None:
            weighed = gaps * q[ready.narrow][:, None]
            near, near2 = near + weighed.sum(-1), near2 + weighed @ xp.swapaxes(gaps, -1, -2)
    sums = sums.reshape(S, K, -1)
    counts, first = sums[..., 0], sums[..., 1 : D + 1]
    second, about = sums[..., data.pairs].reshape(S, K, D, D), xp.zeros_like(first)
    if ready.means is not None:
        first, about[ready.narrow] = 1.0 * first, ready.means
        first[ready.narrow], second[ready.narrow] = near, near2
    return Expected(counts, first, second, about), likelihood


def m_step(data: Cloud, model: Model, found: Expected, theta: em.Theta) -> em.Theta:
    """Weights (7), means (8) and covariances (9); a component that expects no point keeps its
    mean and covariance."""
    xp, (_, means, covariances, _, _) = data.xp, theta
    counts = found.counts
    some = counts > LEAST
    safe, move = xp.where(some, counts, xp.ones_like(counts))[..., None], cast(Any, None)
    if found.q is not None:
        new = xp.where(some[..., None], found.q @ data.points.T / safe, means)
        gaps = data.points - (means if model.slip == "old-mean" else new)[..., None]
        weighed = gaps * found.q[..., None, :]
        scatter = weighed @ xp.swapaxes(gaps, -1, -2) / safe[..., None]
    else:
        move = found.first / safe
        new = xp.where(some[..., None], found.about + move, means)
        scatter = found.second / safe[..., None] - move[..., None] * move[..., None, :]
    fitting = family(xp, model, counts, scatter)
    fitting = xp.where(some[..., None, None], fitting, covariances)
    out = settled(data.xp, model, counts / data.points.shape[1], new, fitting)
    if found.q is None and not model.held:
        lost = ~(_against(xp, out[3], move * move) <= NARROW) & some & xp.isfinite(counts)
        if bool(lost.any()):
            return _again(data, model, lost.any(1), theta, out)
    return out


def _again(data: Cloud, model: Model, lost: Any, theta: em.Theta, out: em.Theta) -> em.Theta:
    """The step anew for the starts of which cancellation has left too few digits."""
    model, those = replace(model, precise=True), tuple(part[lost] for part in theta)
    better = m_step(data, model, e_step(data, model, those)[0], those)
    for whole, part in zip(out, better, strict=True):
        whole[lost] = part
    return out


def log_joint(data: Cloud, model: Model, theta: em.Theta) -> Any:
    """log of pi_k N(x_i; mu_k, Sigma_k), (S, K, N)."""
    return density(data, replace(model, slip=""), theta).at(data, slice(None))[0]
