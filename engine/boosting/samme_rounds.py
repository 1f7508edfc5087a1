"""The rounds of boosting, one after another. The tags are those of ``engine.boosting.samme``."""

from typing import NamedTuple

import numpy as np

from engine.boosting.samme_data import BoostingStop, Points
from engine.boosting.samme_trees import Tree, grow, presorted, votes_of

GUESSING = 1e-12  # an error this close to (K - 1) / K is no better than guessing


class Round(NamedTuple):
    """The numbers of one round, ``slope`` with the loss in it."""

    error: float
    alpha: float
    alpha_samme: float
    ratio: float
    slope: float


class Counted(NamedTuple):
    """Rounds (T) and the states between them (T + 1); ``refused`` is the error of a classifier
    that was not taken."""

    rounds: list[Round]
    votes: list[np.ndarray]
    trees: list[Tree]
    weights: list[np.ndarray]
    scores: list[np.ndarray]
    loss: list[float]
    stop: BoostingStop
    refused: float | None


def boosted(
    points: Points, rounds: int, depth: int, given: np.ndarray | None, slip: str = ""
) -> Counted:
    """Learn a tree each round, or count the ``given`` votes.

    With a ``slip`` all given votes are counted, whatever the mistake makes of them.
    """
    X, y, labels, _ = points
    N, K = len(y), len(labels)
    D, g, Z = np.full(N, 1 / N), np.zeros((N, K)), float(N)
    done = Counted([], [], [], [D], [g], [Z], _unless_stopped(K, rounds, given), None)
    order = presorted(X) if given is None else None
    for t in range(0 if K == 1 else rounds if given is None else min(rounds, len(given))):
        if order is not None:
            tree = grow(order, y, D, K, depth)
            f = votes_of(tree, X)
        else:
            assert given is not None
            tree, f = None, given[t]
        wrong = f != y
        error = float(D[wrong].sum())  # (4)
        if error >= (K - 1) / K - GUESSING and not slip:  # (9)
            return done._replace(stop=BoostingStop.GUESS, refused=error)
        alpha, samme = _say(error, K, sum(r.alpha for r in done.rounds), slip)
        factor = np.where(wrong, np.exp(alpha / (K - 1)), np.exp(-alpha))
        ratio = float(D @ factor)  # (6)
        slope = -(K - 2) / (K - 1) * error if slip == "indicator" else K / (K - 1) * error - 1
        done.rounds.append(Round(error, alpha, samme, ratio, Z * slope))  # (5)
        done.votes.append(f)
        if tree is not None:
            done.trees.append(tree)
        D, Z, g = D * factor / ratio, Z * ratio, g.copy()  # (10)
        g[np.arange(N), f] += alpha  # (1)
        done.weights.append(D)
        done.scores.append(g)
        done.loss.append(Z)
        if error == 0 and not slip:
            return done._replace(stop=BoostingStop.PERFECT)
    return done


def _unless_stopped(K: int, rounds: int, given: np.ndarray | None) -> BoostingStop:
    if K == 1:
        return BoostingStop.ONE
    counted = given is not None and len(given) <= rounds
    return BoostingStop.COUNTED if counted else BoostingStop.ROUNDS


def _say(error: float, K: int, before: float, slip: str) -> tuple[float, float]:
    """The course's alpha and SAMME's. One that never errs decides alone: it gets 1 more than all
    before it, where (7) has no number."""
    if error == 0:
        return before + 1, K / (K - 1) * (before + 1)
    right = max(1 - error, np.finfo(float).tiny)
    odds = float(np.log(right) - np.log(error))
    samme = odds + (0.0 if slip == "no-log" else float(np.log(K - 1)))  # (12)
    return (K - 1) / K * samme, samme  # (7)
