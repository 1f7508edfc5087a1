"""Points and where a Gaussian mixture starts on them: checked at the door, or drawn by a seed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data import DataError, array
from engine.mixtures.gaussian_covariances import Model, family

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Params

FARTHEST = 1e30
MOST_NUMBERS = 5_000_000
MOST_COLUMNS = 64
Start = tuple[np.ndarray, np.ndarray, np.ndarray]  # weights, means, covariances


def points(X: Any) -> np.ndarray:
    """X (N, D), or a DataError."""
    x = array("X", X, ndim=2, low=-FARTHEST, high=FARTHEST, most=MOST_NUMBERS)
    if x.shape[1] > MOST_COLUMNS:
        raise DataError(f"X may have at most {MOST_COLUMNS} columns, got {x.shape[1]:,}.")
    return x


def left_empty(value: Any) -> bool:
    """Not given, or an empty line of a page."""
    return value is None or (isinstance(value, (list, tuple)) and not value)


def model_of(params: "Params", precise: bool = False, slip: str = "") -> Model:
    """What the M-step may choose; a held variance needs no floor."""
    floor = 0.0 if params.held else params.floor
    return Model(params.covariance, floor, params.held, precise, slip)


def drawn(X: np.ndarray, params: "Params", seeds: Iterable[int]) -> Start:
    """For each seed: means on points drawn without return, equal weights, and for every component
    the covariance of all points."""
    K, different = params.components, np.unique(X, axis=0)
    means = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(different))
        means.append(different[np.resize(order, K)])
    centred = X - X.mean(axis=0)
    everywhere = centred.T @ centred / len(X)
    S = len(means)
    covariances = np.broadcast_to(everywhere, (S, K, *everywhere.shape))
    return np.full((S, K), 1 / K), np.stack(means), covariances


def begin(X: np.ndarray, params: "Params", weights: Any, means: Any, covariances: Any) -> Start:
    """One start: what is given, and what is not given drawn. The family keeps of a covariance what
    it can: the diagonal, its mean, the mean over the components."""
    K, D = params.components, X.shape[1]
    start = [part[0] for part in drawn(X, params, [params.seed])]
    if not left_empty(weights):
        start[0] = _weights(weights, K)
    if not left_empty(means):
        start[1] = array("means", means, ndim=2, low=-FARTHEST, high=FARTHEST)
        _shaped("means", start[1], (K, D), "a row for each component and a column for each of X")
    if not left_empty(covariances):
        start[2] = array("covariances", covariances, ndim=3, low=-(FARTHEST**2), high=FARTHEST**2)
        _shaped("covariances", start[2], (K, D, D), "a square matrix for each component")
        if not np.allclose(start[2], np.swapaxes(start[2], 1, 2), rtol=1e-9, atol=0):
            raise DataError("covariances must be symmetric matrices.")
    pi, mu, sigma = start
    return pi, mu, family(np, model_of(params), pi[None], np.array(sigma)[None])[0]


def _weights(weights: Any, K: int) -> np.ndarray:
    pi = array("weights", weights, low=0, high=1)
    _shaped("weights", pi, (K,), "one for each component")
    if abs(pi.sum() - 1) > 1e-6:
        raise DataError(f"weights must sum to 1, got {pi.sum():.6g}.")
    return pi / pi.sum()


def _shaped(name: str, found: np.ndarray, wanted: tuple[int, ...], says: str) -> None:
    if found.shape != wanted:
        shapes = (" × ".join(map(str, shape)) for shape in (wanted, found.shape))
        want, got = shapes
        raise DataError(f"{name} must be {want}, {says}, got {got}.")
