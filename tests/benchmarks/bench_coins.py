"""What a start of two-coin EM costs: in the batch of ``basins``, alone in ``run``, in plain loops.

    python tests/benchmarks/bench_coins.py

500 sets of ten tosses, 200 x 200 starts, 300 steps. Every way is timed once per round and the
rounds repeat, so that a slow moment hits all ways alike; shown are the medians. ``run`` keeps the
whole history, the others only the end. The plain loops do nothing but EM.
"""

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.mixtures import coins, coins_maps
from engine.mixtures.coins_sets import Distinct, distinct

GRID, SETS, TOSSES, STEPS = 200, 500, 10, 300
AIM = 30


def data(seed: int = 0) -> np.ndarray:
    """Heads of 500 sets, half of them made with a coin of 0.8, half with one of 0.45."""
    rng = np.random.default_rng(seed)
    return rng.binomial(TOSSES, np.where(rng.random(SETS) < 0.5, 0.8, 0.45)).astype(float)


def plain_python(heads: list[float], a: float, b: float) -> tuple[float, float]:
    """EM as one writes it first: no arrays."""
    for _ in range(STEPS):
        heads_a = tosses_a = heads_b = tosses_b = 0.0
        for x in heads:
            p = a**x * (1 - a) ** (TOSSES - x)
            q = p / (p + b**x * (1 - b) ** (TOSSES - x))
            heads_a += q * x
            tosses_a += q * TOSSES
            heads_b += (1 - q) * x
            tosses_b += (1 - q) * TOSSES
        a, b = heads_a / tosses_a, heads_b / tosses_b
    return a, b


def plain_numpy(x: np.ndarray, times: np.ndarray, a: float, b: float) -> tuple[float, float]:
    """EM with one array over the sets, or over the distinct sets with their counts."""
    for _ in range(STEPS):
        p, r = a**x * (1 - a) ** (TOSSES - x), b**x * (1 - b) ** (TOSSES - x)
        q = times * p / (p + r)
        a, b = q @ x / (TOSSES * q.sum()), (times - q) @ x / (TOSSES * (times - q).sum())
    return a, b


def whole_square(sets: Distinct) -> np.ndarray:
    """All starts for all steps: nothing mirrored, none leaves early."""
    at = coins_maps.centres(GRID)
    starts = np.stack(np.meshgrid(at, at, indexing="ij")).reshape(2, -1)
    return without_leaving(lambda: coins_maps.climb(sets, starts, STEPS, False, "cpu"))


def without_leaving(call: Callable[[], np.ndarray]) -> np.ndarray:
    """``call`` while no start may leave the batch before the last step."""
    usual, coins_maps.LOOK = coins_maps.LOOK, STEPS + 1
    try:
        return call()
    finally:
        coins_maps.LOOK = usual


def ways() -> dict[str, tuple[int, Callable[[], object]]]:
    """Name -> how many starts a call computes, and the call."""
    x = data()
    sets, one = distinct(x, np.full(SETS, float(TOSSES))), np.ones(SETS)
    params = coins.Params(steps=STEPS)

    def basins() -> np.ndarray:
        return coins.basins(x, TOSSES, GRID, STEPS, device="cpu").limit

    return {
        "basins": (GRID**2, basins),
        "basins, none leaves early": (GRID**2, lambda: without_leaving(basins)),
        "and nothing mirrored": (GRID**2, lambda: whole_square(sets)),
        "run": (1, lambda: coins.run(x, TOSSES, params)),
        "plain NumPy loop, distinct sets": (
            1,
            lambda: plain_numpy(sets.heads, sets.times, 0.6, 0.5),
        ),
        "plain NumPy loop, all sets": (1, lambda: plain_numpy(x, one, 0.6, 0.5)),
        "plain Python loop": (1, lambda: plain_python(x.tolist(), 0.6, 0.5)),
    }


def agree() -> None:
    """All ways must end at the same place, or the comparison means nothing."""
    x = data()
    want = coins.run(x, TOSSES, coins.Params(steps=STEPS)).theta[-1]
    sets = distinct(x, np.full(SETS, float(TOSSES)))
    mirrored = coins.basins(x, TOSSES, GRID, STEPS, device="cpu").limit[150, 50]
    whole = whole_square(sets)[:2].reshape(2, GRID, GRID)[:, 150, 50]
    others = (
        mirrored,
        whole,
        plain_numpy(sets.heads, sets.times, 0.6, 0.5),
        plain_numpy(x, np.ones(SETS), 0.6, 0.5),
        plain_python(x.tolist(), 0.6, 0.5),
    )
    for other in others:
        np.testing.assert_allclose(other, want, rtol=0, atol=1e-9)


def measure(rounds: int) -> dict[str, float]:
    """Median seconds per start of each way."""
    seconds: dict[str, list[float]] = {}
    todo = ways()
    for _ in range(rounds):
        for name, (starts, call) in todo.items():
            begin = time.perf_counter()
            call()
            seconds.setdefault(name, []).append((time.perf_counter() - begin) / starts)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> int:
    """Print the table; fail if ``basins`` is not 30 times cheaper per start than ``run``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    agree()
    each = measure(rounds)
    cores = os.cpu_count()
    print(f"{SETS} sets of {TOSSES} tosses, {GRID}x{GRID} starts, {STEPS} steps", end="; ")
    print(f"medians of {rounds} interleaved rounds, {cores} cores")
    print(f"{'':34}{'per start':>12}{'run ÷ this':>12}")
    for name, seconds in each.items():
        print(f"{name:34}{_time(seconds):>12}{_factor(each['run'] / seconds):>12}")
    return 0 if each["run"] / each["basins, none leaves early"] >= AIM else 1


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _time(seconds: float) -> str:
    power = min(2, max(0, math.floor(-math.log10(seconds) / 3 + 1)))
    return f"{seconds * 1000**power:.3g} {('s', 'ms', 'µs')[power]}"


if __name__ == "__main__":
    sys.exit(main())
