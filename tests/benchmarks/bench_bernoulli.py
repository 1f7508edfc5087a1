"""What twenty starts on the 1,797 binary digits cost: ``restarts`` against a plain NumPy loop.

    python tests/benchmarks/bench_bernoulli.py

1,797 x 64 bits, K = 10, 20 starts, 10 steps, one thread for both. The plain loop takes the starts
one by one with two products, a log-sum-exp and one more product a step. Both are timed once per
round and the rounds repeat, so that a slow moment hits both alike; shown are the medians.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.mixtures import bernoulli
from engine.mixtures.bernoulli_rows import black_and_white, noise

ROWS, COMPONENTS, STARTS, STEPS, AIM = 1797, 10, 20, 10, 2.0
PARAMS = bernoulli.Params(components=COMPONENTS, steps=STEPS)


def plain(X: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, float]:
    """EM from one start, as one writes it: means and log-likelihood after all steps."""
    Y, pi, tiny = 1 - X, np.full(len(P), 1 / len(P)), 1e-300
    for step in range(STEPS + 1):
        joint = X @ np.log(P.clip(tiny)).T + Y @ np.log((1 - P).clip(tiny)).T + np.log(pi)
        top = joint.max(axis=1, keepdims=True)
        q = np.exp(joint - top)
        total = q.sum(axis=1, keepdims=True)
        if step == STEPS:
            break
        q /= total
        N = q.sum(axis=0)
        P, pi = q.T @ X / N[:, None], N / len(X)
    return P, float((np.log(total) + top).sum())


def ways(X: np.ndarray) -> dict[str, Callable[[], list[tuple[np.ndarray, float]]]]:
    """Name -> all starts, each with its end."""
    starts = np.stack([noise(seed, COMPONENTS, X.shape[1]) for seed in range(STARTS)])

    def batch() -> list[tuple[np.ndarray, float]]:
        return ends(bernoulli.restarts(X, PARAMS, STARTS, device="cpu"))

    def and_best() -> list[tuple[np.ndarray, float]]:
        found = bernoulli.restarts(X, PARAMS, STARTS, device="cpu")
        assert len(found.best) == STEPS + 1
        return ends(found)

    return {
        "plain NumPy loop": lambda: [plain(X, start) for start in starts],
        "restarts": batch,
        "restarts, and the best step by step": and_best,
    }


def ends(found: bernoulli.Restarts) -> list[tuple[np.ndarray, float]]:
    """Means and log-likelihood of each start."""
    return list(zip(found.means, found.log_likelihood, strict=True))


def agree(X: np.ndarray) -> None:
    """All ways must end at the same place, or the comparison means nothing."""
    want, *others = (way() for way in ways(X).values())
    for other in others:
        for (P, L), (mine, likelihood) in zip(want, other, strict=True):
            np.testing.assert_allclose(likelihood, L, rtol=1e-9)
            np.testing.assert_allclose(mine, P, rtol=0, atol=1e-7)


def main() -> int:
    """Print the table; fail if the batch is not twice as fast as the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds, X = parser.parse_args().rounds, black_and_white(ROWS)
    seconds: dict[str, list[float]] = {}
    with threadpool_limits(1):
        agree(X)
        for _ in range(rounds):
            for name, way in ways(X).items():
                begin = time.perf_counter()
                way()
                seconds.setdefault(name, []).append(time.perf_counter() - begin)
    each = {name: statistics.median(values) for name, values in seconds.items()}
    base = each["plain NumPy loop"]
    print(f"{ROWS} x {X.shape[1]}, K = {COMPONENTS}, {STARTS} starts, {STEPS} steps", end="; ")
    print(f"medians of {rounds} interleaved rounds, one thread of {os.cpu_count()} cores")
    print(f"{'':38}{'ms':>8}{'loop ÷ this':>14}")
    for name, value in each.items():
        print(f"{name:38}{1000 * value:8.0f}{base / value:14.2f}")
    return 0 if base / each["restarts"] >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
