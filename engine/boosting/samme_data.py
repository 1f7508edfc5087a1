"""Points, classes and given votes: checked at the door; and why a run of rounds ends."""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data import DataError, array
from engine.digits import digits
from engine.params import ParamError
from engine.trace import Stop

if TYPE_CHECKING:
    from engine.boosting.samme import Params, Samme

FARTHEST = 1e30
MOST_NUMBERS, MOST_COLUMNS, MOST_CLASSES = 2_000_000, 1_000, 60
MOST_KEPT = 40_000_000
HIGHEST = 999_999


class BoostingStop(Stop):
    """Why no further vote is taken."""

    PERFECT = (
        "This classifier makes no mistake: its best α is infinite, so it gets 1 more than all "
        "others together and decides alone."
    )
    GUESS = "The next classifier is no better than guessing, so it would get no say."
    ONE = "All points are of one class, so there is nothing to vote on."
    ROUNDS = "All rounds were taken."
    COUNTED = "All given votes are counted."


class Points(NamedTuple):
    """X (N, D), y (N,) counted from 0, the classes' names, and whether they are the digits."""

    X: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    drawn: bool


def left_empty(value: Any) -> bool:
    """Not given, or an empty line of a page."""
    return value is None or (isinstance(value, (list, tuple)) and not value)


def begin(X: Any, y: Any, votes: Any, params: "Params") -> tuple[Points, np.ndarray | None]:
    """What is boosted: points, or points under given votes."""
    if not left_empty(votes):
        if not left_empty(X):
            raise DataError("votes and X cannot both be given; empty one of the two.")
        cast, classes = _votes(votes), _classes(y)
        labels = np.unique(np.concatenate([classes, cast.ravel()]))
        _together("votes", cast.shape[1], classes)
        few = min(params.rounds, len(cast))
        _affordable("votes", few, len(classes), len(labels))
        points = Points(
            np.zeros((len(classes), 0)), np.searchsorted(labels, classes), labels, False
        )
        return points, np.searchsorted(labels, cast)
    if left_empty(X) and left_empty(y):
        points = Points(*_pictures(params.digits), drawn=True)
    else:
        x, classes = _points(X), _classes(y)
        _together("X", len(x), classes)
        labels = np.unique(classes)
        points = Points(x, np.searchsorted(labels, classes), labels, False)
    _affordable("X", params.rounds, len(points.y), len(points.labels))
    return points, None


def given_votes(votes: Any, y: Any, classes: Any) -> tuple[Points, np.ndarray]:
    """Votes and classes that are counted from 0 already."""
    if isinstance(classes, bool) or not isinstance(classes, (int, np.integer)):
        raise ParamError(f"classes must be a whole number, got {str(classes)[:40]}.")
    if not 1 <= classes <= MOST_CLASSES:
        raise ParamError(f"classes must lie in [1, {MOST_CLASSES}], got {classes}.")
    cast = array("votes", votes, ndim=2, low=0, high=classes - 1, whole=True, most=MOST_NUMBERS)
    own = array("y", y, low=0, high=classes - 1, whole=True)
    _together("votes", cast.shape[1], own)
    if len(cast) > 500:
        raise DataError(f"votes may have at most 500 rounds, got {len(cast):,}.")
    _affordable("votes", len(cast), len(own), int(classes))
    points = Points(np.zeros((len(own), 0)), own.astype(int), np.arange(classes), False)
    return points, cast.astype(int)


def _points(X: Any) -> np.ndarray:
    x = array("X", X, ndim=2, low=-FARTHEST, high=FARTHEST, most=MOST_NUMBERS)
    if x.shape[1] > MOST_COLUMNS:
        raise DataError(f"X may have at most {MOST_COLUMNS:,} columns, got {x.shape[1]:,}.")
    return x


def _classes(y: Any) -> np.ndarray:
    classes = array("y", y, low=0, high=HIGHEST, whole=True).astype(int)
    if (found := len(np.unique(classes))) > MOST_CLASSES:
        raise DataError(f"y may have at most {MOST_CLASSES} different classes, got {found:,}.")
    return classes


def _votes(votes: Any) -> np.ndarray:
    cast = array("votes", votes, ndim=2, low=0, high=HIGHEST, whole=True, most=MOST_NUMBERS)
    if (found := len(np.unique(cast))) > MOST_CLASSES:
        raise DataError(f"votes may name at most {MOST_CLASSES} classes, got {found:,}.")
    return cast.astype(int)


def _together(name: str, count: int, y: np.ndarray) -> None:
    if count != len(y):
        raise DataError(
            f"{name} must have a class in y for each point, got {count:,} points and "
            f"{len(y):,} classes."
        )


def _affordable(name: str, rounds: int, points: int, classes: int) -> None:
    """The scores of every round are kept."""
    most = MOST_KEPT // ((rounds + 1) * classes)
    if points > most:
        raise DataError(
            f"{name} may have at most {most:,} points at {rounds} rounds and {classes} classes, "
            f"got {points:,}."
        )


@cache
def _components() -> np.ndarray:
    """The digits along their first two principal components, signs fixed."""
    flat = digits()[0].reshape(-1, 64).astype(float)
    centred = flat - flat.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    two = axes[:, [-1, -2]]
    two = two * np.sign(two[abs(two).argmax(axis=0), [0, 1]])
    return np.round(centred @ two, 3)


def _pictures(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``count`` of them, spread evenly over the collection."""
    taken = np.arange(count) * len(digits()[1]) // count
    labels, y = np.unique(digits()[1][taken].astype(int), return_inverse=True)
    return _components()[taken], y, labels


def picked(trace: "Samme", point: Any) -> int:
    """The point that is worked, counted from 0; 0 asks for the one that weighs most in all."""
    i = min(int(point or 0), len(trace.y)) - 1
    return int(trace.weights.sum(axis=0).argmax()) if i < 0 else i
