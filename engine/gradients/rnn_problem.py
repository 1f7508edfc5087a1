"""The problem of the lesson on time: typed arrays checked, a matrix scaled, a sequence drawn on."""

from typing import Any

import numpy as np

from engine.data import DataError, array

LONGEST = 50


def checked(Wi: Any, Wh: Any, Wo: Any, xs: Any, target: Any) -> tuple[Any, ...]:
    """All five as float64 arrays whose shapes fit, or a DataError that names the one that does
    not; the number of units is that of ``Wh``."""
    Wh, Wi, Wo, xs = (
        _matrix(name, value) for name, value in (("Wh", Wh), ("Wi", Wi), ("Wo", Wo), ("xs", xs))
    )
    n = len(Wh)
    if Wh.shape != (n, n):
        raise DataError(f"Wh must be square, got {n} by {Wh.shape[1]}.")
    if len(Wi) != n:
        raise DataError(f"Wi must have {n} rows, as Wh has, got {len(Wi)}.")
    if Wo.shape != (1, n):
        raise DataError(f"Wo must be one row of {n}, got {Wo.shape[0]} by {Wo.shape[1]}.")
    if xs.shape[1] != Wi.shape[1]:
        raise DataError(f"xs must have {Wi.shape[1]} columns, as Wi has, got {xs.shape[1]}.")
    several = isinstance(target, (list, tuple)) or getattr(target, "ndim", 0)
    y = array("target", target if several else [target], low=0, high=1)
    if y.size != 1:
        raise DataError(f"target must be one number, got {y.size}.")
    return Wi, Wh, Wo, xs, float(y[0])


def _matrix(name: str, value: Any) -> np.ndarray:
    rows = [value] if isinstance(value, (list, tuple)) and not value else value
    return array(name, rows, ndim=2, low=-1e3, high=1e3)


def radius_of(W: np.ndarray) -> float:
    """The spectral radius: the largest size of an eigenvalue."""
    return float(np.abs(np.linalg.eigvals(W)).max())


def scaled(Wh: np.ndarray, radius: float) -> np.ndarray:
    """``Wh`` times the number that gives it this spectral radius; as it is for 0."""
    if not radius:
        return Wh
    if radius_of(Wh) < 1e-9:
        raise DataError("Wh must have an eigenvalue other than 0 to be scaled to a radius.")
    return Wh * (radius / radius_of(Wh))


def lengthened(xs: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """The first ``steps`` inputs. Those beyond the typed ones are drawn with the size of the typed
    ones; a longer run begins like a shorter one."""
    drawn = np.random.default_rng(seed).normal(size=(max(LONGEST, steps), xs.shape[1]))
    drawn *= np.sqrt(np.mean(xs**2))
    return np.concatenate([xs, drawn[len(xs) :]])[:steps]
