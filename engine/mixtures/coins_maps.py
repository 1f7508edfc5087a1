"""EM for two coins from many starts at once, and the likelihood as a landscape.

What EM does to a set depends on its heads and tosses only, so the sets collapse to the distinct
ones: a start costs the same for 500 sets of ten tosses as for eleven. All starts climb in one
batched program, written once for NumPy and torch (``engine.device``), in chunks that stay in the
cache. A start that stands still leaves the batch.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import DataError
from engine.device import fetch, namespace, pick, send, spared
from engine.mixtures.coins_sets import (
    ALMOST_NOTHING,
    STILL,
    Distinct,
    distinct,
    log_binomial,
    sets,
)
from engine.params import Knobs, knob
from engine.trace import frozen

if TYPE_CHECKING:
    from engine.mixtures.coins import Coins, Params

MOST_CLIMBED = 50_000_000  # starts times distinct sets
MOST_SEEN = 500_000_000  # cells of a surface times distinct sets
CACHE = 12_000  # numbers in a chunk: below 128 kB an array costs no new pages
GPU_CHUNK = 4_000_000
LOOK = 8  # steps between two looks for starts that stand still


@dataclass(frozen=True, kw_only=True)
class Asked(Knobs):
    """What a map or a batch of restarts may ask for."""

    grid: int = knob(200, 2, 1000, "cells along each side")
    steps: int = knob(300, 1, 10_000, "steps of EM at most")
    count: int = knob(100, 1, 1_000_000, "random starts")
    weight: float = knob(0.5, 0, 1, "how often coin A is taken", exclusive=True)
    mixing: str = knob("fixed", help="fixed at one half, or learnt", choices=("fixed", "free"))


@dataclass(frozen=True, eq=False)
class Basins:
    """Where EM ends from the centre of every cell [a, b] of the (theta_A, theta_B) square.

    ``steps_needed`` is the first step after which nothing moves by more than 1e-12, or all steps.
    """

    limit: Float[np.ndarray, "grid grid 2"]
    mixing: Float[np.ndarray, "grid grid 2"]
    log_likelihood: Float[np.ndarray, "grid grid"]
    steps_needed: Int[np.ndarray, "grid grid"]
    device: str


@dataclass(frozen=True, eq=False)
class Restarts:
    """Many random starts: where each ends after the same steps, and the run of the best."""

    best: "Coins"
    starts: Float[np.ndarray, "count 2"]
    limits: Float[np.ndarray, "count 2"]
    log_likelihood: Float[np.ndarray, " count"]
    device: str


def centres(grid: int) -> np.ndarray:
    """The middles of ``grid`` equal cells of (0, 1).

    >>> centres(2)
    array([0.25, 0.75])
    """
    return (np.arange(grid) + 0.5) / grid


def surface(heads: Any, tosses: Any, grid: int = 200, mixing: float = 0.5) -> np.ndarray:
    """log L, equation (2), at the cell centres: [a, b] belongs to (theta_A, theta_B)."""
    asked = Asked(grid=grid, weight=mixing)
    data = _affordable(*sets(heads, tosses), asked.grid**2, MOST_SEEN)
    theta = centres(asked.grid)
    total = np.zeros((asked.grid, asked.grid))
    for x, n, times in zip(*data, strict=True):
        p = x * np.log(theta) + (n - x) * np.log1p(-theta)
        a, b = p + np.log(asked.weight), p + np.log1p(-asked.weight)
        total += times * np.logaddexp(a[:, None], b)
    return total + data.times @ log_binomial(data.heads, data.tosses)


@spared
def basins(
    heads: Any,
    tosses: Any,
    grid: int = 200,
    steps: int = 300,
    mixing: str = "fixed",
    device: str = "auto",
) -> Basins:
    """EM from every cell centre. Swapping the coins mirrors a run, so half the square is run."""
    asked = Asked(grid=grid, steps=steps, mixing=mixing)
    where = pick(device)
    data = _affordable(*sets(heads, tosses), asked.grid**2, MOST_CLIMBED)
    a, b = np.tril_indices(asked.grid)
    theta = centres(asked.grid)
    end = climb(data, np.stack([theta[a], theta[b]]), asked.steps, mixing == "free", where)
    out = np.empty((asked.grid, asked.grid, 6))
    out[b, a] = end[[1, 0, 3, 2, 4, 5]].T
    out[a, b] = end.T
    limit, weight = frozen(out[..., :2]), frozen(out[..., 2:4])
    return Basins(limit, weight, frozen(out[..., 5]), frozen(out[..., 4].astype(int)), where)


@spared
def restarts(
    heads: Any,
    tosses: Any,
    params: "Params",
    count: int,
    seed: int = 0,
    device: str = "auto",
) -> Restarts:
    """``count`` starts drawn evenly from the square, ``params.steps`` steps each, in one batch."""
    from engine.mixtures.coins import run  # coins offers this module's functions

    asked, where = Asked(count=count), pick(device)
    x, n = sets(heads, tosses)
    starts = np.random.default_rng(seed).uniform(0.001, 0.999, (asked.count, 2))
    data = _affordable(x, n, asked.count, MOST_CLIMBED)
    end = climb(data, starts.T, params.steps, params.mixing == "free", where)
    first = starts[int(np.argmax(end[5]))]
    best = run(x, n, dataclasses.replace(params, start=tuple(first.tolist())))
    return Restarts(best, frozen(starts), frozen(end[:2].T), frozen(end[5]), where)


def _affordable(x: np.ndarray, n: np.ndarray, places: int, most: int) -> Distinct:
    data = distinct(x, n)
    if len(data.heads) * places > most:
        raise DataError(
            f"heads and tosses may make at most {most // places:,} different sets "
            f"for {places:,} places, got {len(data.heads):,}."
        )
    return data


def climb(data: Distinct, starts: np.ndarray, steps: int, free: bool, device: str) -> np.ndarray:
    """EM from ``starts`` (2, S) on the distinct sets.

    Gives (6, S): theta_A, theta_B, pi_A, pi_B, steps needed, log-likelihood.
    """
    xp, S = namespace(device), starts.shape[1]
    pairs = np.stack([data.heads, data.tosses - data.heads], axis=1)
    sums = data.times * np.stack([data.heads, data.tosses - data.heads, np.ones(len(pairs))])
    pairs, sums = send(pairs, device), send(sums, device)
    size = max(64, (CACHE if device == "cpu" else GPU_CHUNK) // len(pairs))
    end = np.empty((6, S))
    for k in range(0, S, size):
        piece = slice(k, k + size)
        state = np.concatenate([starts[:, piece], np.full((2, len(starts[0, piece])), 0.5)])
        done, needed = _climb(xp, pairs, sums, send(state, device), steps, free, device)
        end[:4, piece], end[4, piece] = fetch(done), fetch(needed)
        end[5, piece] = fetch(_log_likelihood(xp, pairs, sums[2], done))
    end[5] += data.times @ log_binomial(data.heads, data.tosses)
    return end


def _climb(
    xp: Any, pairs: Any, sums: Any, state: Any, steps: int, free: bool, device: str
) -> tuple[Any, Any]:
    """All steps of one chunk. ``state`` (4, S) holds theta_A, theta_B, pi_A, pi_B."""
    S = state.shape[1]
    done, needed = xp.zeros_like(state), xp.zeros_like(state[0])
    left, last = send(np.arange(S), device), xp.zeros_like(state[0])
    for t in range(steps):
        new = _step(xp, pairs, sums, state, free)
        moves = xp.amax(xp.abs(new - state), 0) > STILL
        last = xp.where(moves, t + 1.0, last)
        state = new
        if (t + 1) % LOOK == 0:
            still = ~moves
            done[:, left[still]], needed[left[still]] = state[:, still], last[still]
            state, last, left = state[:, moves], last[moves], left[moves]
            if len(left) == 0:
                break
    done[:, left], needed[left] = state, last
    return done, needed


def _step(xp: Any, pairs: Any, sums: Any, state: Any, free: bool) -> Any:
    """One E-step (5) and one M-step (7), (8) for every start."""
    log, log_tail = _logs(xp, state[:2]), _logs(xp, 1 - state[:2])
    u = pairs @ xp.stack([log[0] - log[1], log_tail[0] - log_tail[1]])
    if free:
        weight = _logs(xp, state[2:])
        u = u + (weight[0] - weight[1])
    e = xp.exp(-xp.abs(u))
    likelier = 1 / (1 + e)
    other, up = e * likelier, u >= 0
    by_a, by_b = sums @ xp.where(up, likelier, other), sums @ xp.where(up, other, likelier)
    heads, tails = xp.stack([by_a[0], by_b[0]]), xp.stack([by_a[1], by_b[1]])
    tosses = heads + tails
    some = tosses > 0
    theta = xp.where(some, heads / xp.where(some, tosses, 1.0), state[:2])
    mixing = xp.stack([by_a[2], by_b[2]]) / (by_a[2] + by_b[2]) if free else state[2:]
    return xp.concatenate([theta, mixing])


def _log_likelihood(xp: Any, pairs: Any, times: Any, state: Any) -> Any:
    """(2) without the coefficients."""
    log, log_tail, weight = _logs(xp, state[:2]), _logs(xp, 1 - state[:2]), _logs(xp, state[2:])
    by = [pairs @ xp.stack([log[c], log_tail[c]]) + weight[c] for c in (0, 1)]
    return times @ xp.logaddexp(by[0], by[1])


def _logs(xp: Any, chance: Any) -> Any:
    return xp.log(xp.clip(chance, ALMOST_NOTHING, None))
