"""What a start of PPCA costs: in the batch of ``restarts``, alone in ``run``, in a plain loop.

    python tests/benchmarks/bench_ppca.py

500 points in three columns, 1,000 starts, 50 steps, σ² learnt; one thread for all. Every way is
timed once per round and the rounds repeat, so that a slow moment hits all ways alike; shown are
the medians. ``run`` keeps the whole history, the plain loop over the data does nothing but EM.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.mixtures import ppca

POINTS, STARTS, STEPS, ALONE = 500, 1000, 50, 20
AIM = 40


def data(seed: int = 0) -> np.ndarray:
    """A cloud with standard deviations 2, 1.2 and 0.6, turned."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return rng.normal(size=(POINTS, 3)) * (2, 1.2, 0.6) @ turn


def plain(X: np.ndarray, u: np.ndarray, noise: float) -> tuple[np.ndarray, float]:
    """EM over the data, as one writes it first; |X|² is summed once."""
    N, J = X.shape
    square = float((X * X).sum())
    for _ in range(STEPS):
        c = noise + u @ u
        m = X @ u / c
        s = noise / c + m * m
        pull = m @ X
        u = pull / s.sum()
        noise = (square - u @ pull) / (N * J)
    return u, noise


def main() -> int:
    """Print the table; fail if a start in the batch is not 40 times cheaper than a plain loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    X, params = data(), ppca.Params(noise=1.0, steps=STEPS)
    found = ppca.restarts(X, params, STARTS, device="cpu")
    for i in range(0, STARTS, 111):
        u, noise = plain(X, found.starts[i], params.noise)
        np.testing.assert_allclose(found.limits[i], u, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.noise[i], noise, rtol=0, atol=1e-9)
    alone = found.starts[:ALONE]

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "restarts": (STARTS, lambda: ppca.restarts(X, params, STARTS, device="cpu")),
        "run": (ALONE, lambda: [ppca.run(X, params, start) for start in alone]),
        "plain NumPy loop over the data": (ALONE, lambda: [plain(X, u, 1.0) for u in alone]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with threadpool_limits(1):
        for _ in range(rounds + 1):
            for name, (starts, call) in ways.items():
                begin = time.perf_counter()
                call()
                seconds[name].append((time.perf_counter() - begin) / starts)
    each = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    print(f"{POINTS} points, J = 3, {STARTS:,} starts, {STEPS} steps; ", end="")
    print(f"medians of {rounds} interleaved rounds, one thread")
    base = each["plain NumPy loop over the data"]
    for name, value in each.items():
        print(f"{name:34}{1e6 * value:10.1f} µs a start{base / value:10.1f}×")
    print(f"restarts are {base / each['restarts']:.0f}× cheaper a start (at least {AIM}×)")
    return 0 if base / each["restarts"] >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
