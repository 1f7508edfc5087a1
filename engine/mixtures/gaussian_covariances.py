"""Covariances of many components at once: their families, their floor, their inverse roots.

The parameters of a batch (``em.Theta``) are the weights (S, K), the means (S, K, D) about the
centre of the points, the covariances (S, K, D, D), the inverse of the Cholesky factor of each,
and half the log of its determinant, (S, K). The tags are those of ``engine.mixtures.gaussian``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.mixtures import em

SMALL = 8  # dimensions up to which a Cholesky factor is written out over the batch
LEAST = 1e-200  # a smaller variance counts as 0
FLAT = 1e-13  # a smaller share of a variance left over by the other coordinates counts as 0


@dataclass(frozen=True)
class Model:
    """What an M-step may choose: a family of covariances, none with a variance below ``floor``,
    or all ``held`` at one variance. ``slip`` names a mistake to make, none as a rule."""

    family: str
    floor: float
    held: float = 0.0
    precise: bool = False
    slip: str = ""


def settled(xp: Any, model: Model, weights: Any, means: Any, covariances: Any) -> em.Theta:
    """The parameters with the floor under their covariances (11) and the inverse roots beside."""
    root, half_log = inverse_root(xp, covariances)
    if model.floor > 0:
        trace = total_of(xp, root * root, 2)  # of the inverse: at least 1 / the least eigenvalue
        low = ~(trace * model.floor < 1)
        if bool(low.any()):
            covariances = 1.0 * covariances
            covariances[low] = _raised(xp, covariances[low], model.floor)
            root, half_log = inverse_root(xp, covariances)
    return weights, means, covariances, root, half_log


def _raised(xp: Any, covariances: Any, floor: float) -> Any:
    """Every eigenvalue below the floor lifted to it."""
    finite = xp.isfinite(covariances).all(-1).all(-1)[..., None, None]
    known = xp.where(finite, covariances, xp.zeros_like(covariances))
    values, vectors = xp.linalg.eigh(known)
    lifted = (vectors * xp.clip(values, floor, None)[..., None, :]) @ xp.swapaxes(vectors, -1, -2)
    return 0.5 * (lifted + xp.swapaxes(lifted, -1, -2))


def inverse_root(xp: Any, covariances: Any) -> tuple[Any, Any]:
    """R with R Sigma R^T = 1, lower triangular, and half of log |Sigma|; NaN if not positive."""
    root = xp.zeros_like(covariances)
    if covariances.shape[-1] <= SMALL:
        return root, _written_out(xp, covariances, root)
    low, half_log = xp.zeros_like(covariances), 0.0 * covariances[..., 0, 0]
    for j in range(covariances.shape[-1]):
        column = covariances[..., j:, j] - (low[..., j:, :j] @ low[..., j, :j, None])[..., 0]
        side = _side(xp, column[..., 0], covariances[..., j, j])
        low[..., j:, j] = column / side[..., None]
        half_log = half_log + xp.log(side)
        root[..., j, j] = 1 / side
        row = (low[..., None, j, :j] @ root[..., :j, :j])[..., 0, :]
        root[..., j, :j] = -row / side[..., None]
    return root, half_log


def _written_out(xp: Any, covariances: Any, root: Any) -> Any:
    """Fill ``root`` entry by entry: for small matrices much faster than a loop over the batch."""
    D = covariances.shape[-1]
    low, inv = ([[0.0] * D for _ in range(D)] for _ in range(2))
    half_log = 0.0
    for j in range(D):
        rest = covariances[..., j, j] - sum(low[j][m] * low[j][m] for m in range(j))
        side = _side(xp, rest, covariances[..., j, j])
        inv[j][j] = 1 / side
        half_log = half_log + xp.log(side)
        for i in range(j + 1, D):
            rest = covariances[..., i, j] - sum(low[i][m] * low[j][m] for m in range(j))
            low[i][j] = rest * inv[j][j]
        for m in range(j):
            inv[j][m] = -inv[j][j] * sum(low[j][k] * inv[k][m] for k in range(m, j))
        for m in range(j + 1):
            root[..., j, m] = inv[j][m]
    return half_log


def _side(xp: Any, rest: Any, variance: Any) -> Any:
    """The root of what the earlier coordinates leave of a variance; NaN if that is nothing."""
    return xp.sqrt(xp.where((rest > FLAT * variance) & (rest > LEAST), rest, np.nan))


def family(xp: Any, model: Model, counts: Any, scatter: Any) -> Any:
    """The covariances (10) that fit ``scatter``, the weighted covariances (S, K, D, D)."""
    D = scatter.shape[-1]
    one = xp.zeros_like(scatter)
    for d in range(D):
        one[..., d, d] = 1.0
    if model.held:
        return model.held * one
    if model.family == "diag":
        return scatter * one
    if model.family == "spherical":
        return (scatter * one).sum(-1).sum(-1)[..., None, None] / D * one
    if model.family == "tied":
        share = (counts / counts.sum(-1)[..., None])[..., None, None]
        return xp.zeros_like(scatter) + (share * scatter).sum(1)[:, None]
    return scatter


def total_of(xp: Any, values: Any, axes: int) -> Any:
    """The sum over the last axes: as a product, since sums over short axes are slow."""
    flat = values.reshape(*values.shape[:-axes], -1)
    return flat @ xp.ones_like(flat[(0,) * (flat.ndim - 1)])
