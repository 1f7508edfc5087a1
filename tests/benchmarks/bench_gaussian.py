"""Starts of Gaussian mixtures: the batched climb of ``restarts`` against scikit-learn's own loop.

    python tests/benchmarks/bench_gaussian.py

Equal starts, equal steps, full covariances, no floor, one thread for either; scikit-learn fits one
start after another. Medians of interleaved rounds. The log-likelihoods are compared first: they
agree to 1e-9 (relative), and the starts that become singular are the same for both.
"""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.digits import digits
from engine.mixtures.gaussian import Params
from engine.mixtures.gaussian_restarts import climb
from engine.mixtures.gaussian_start import Start, drawn

Case = tuple[np.ndarray, int, int, int, float]  # X, components, starts, steps, aim


def cases() -> dict[str, Case]:
    """What the two are compared on, and how many times faster the climb is to be."""
    rng = np.random.default_rng(0)
    short = rng.multivariate_normal([2, 54], [[0.07, 0.4], [0.4, 34]], 97)
    long = rng.multivariate_normal([4.3, 80], [[0.17, 0.9], [0.9, 36]], 175)
    pictures = digits()[0].reshape(-1, 64).astype(float)
    pictures -= pictures.mean(axis=0)
    sixteen = pictures @ np.linalg.svd(pictures, full_matrices=False)[2][:16].T
    centres = 4 * rng.normal(size=(8, 3))
    blobs = np.concatenate([c + rng.normal(size=(6250, 3)) for c in centres])
    return {
        "150 x 4, K = 3, 100 starts": (load_iris().data, 3, 100, 50, 40),
        "272 x 2, K = 2, 200 starts": (np.concatenate([short, long]), 2, 200, 50, 40),
        "1,797 x 16, K = 10, 20 starts": (sixteen, 10, 20, 20, 4),
        "50,000 x 3, K = 8, 1 start": (blobs, 8, 1, 20, 4),
    }


def ours(X: np.ndarray, start: Start, params: Params) -> np.ndarray:
    """The log-likelihood where each start ends."""
    return climb(X, start, params, "cpu")[3][-1]


def theirs(X: np.ndarray, start: Start, params: Params) -> np.ndarray:
    """The same by scikit-learn, minus infinity where it gives up."""
    ends = []
    for weights, means, covariances in zip(*start, strict=True):
        peer = GaussianMixture(
            params.components, tol=0, max_iter=params.steps, reg_covar=params.floor,
            weights_init=weights, means_init=means, precisions_init=np.linalg.inv(covariances),
        )  # fmt: skip
        try:
            ends.append(peer.fit(X).score(X) * len(X))
        except ValueError:  # an ill-defined covariance
            ends.append(-np.inf)
    return np.array(ends)


def measure(ways: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each way."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for took, call in zip(seconds, ways, strict=True):
            begin = time.perf_counter()
            call()
            took.append(time.perf_counter() - begin)
    return [statistics.median(took) for took in seconds]


def main() -> int:
    """Print the table; fail if a ratio misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.filterwarnings("ignore", message="Best performing initialization did not converge")
    missed = False
    print(f"{'':32}{'climb':>12}{'scikit-learn':>14}{'ratio':>8}{'aim':>6}{'deviation':>12}")
    with threadpool_limits(1):
        for name, (X, components, count, steps, aim) in cases().items():
            params = Params(components=components, steps=steps, floor=0.0)
            start = drawn(X, params, range(count))
            mine, peers = ours(X, start, params), theirs(X, start, params)
            np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(peers))
            alive = np.isfinite(mine)
            np.testing.assert_allclose(mine[alive], peers[alive], rtol=1e-9, atol=0)
            off = float(abs(mine[alive] / peers[alive] - 1).max())
            each = [lambda s=start, p=params, X=X: ours(X, s, p),
                    lambda s=start, p=params, X=X: theirs(X, s, p)]  # fmt: skip
            a, b = measure(each, rounds)
            missed |= b / a < aim
            gone = f", {(~alive).sum()} singular" if not alive.all() else ""
            print(f"{name:32}{1000 * a:9.1f} ms{1000 * b:11.1f} ms{b / a:8.1f}{aim:6g}"
                  f"{off:12.0e}{gone}")  # fmt: skip
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
