"""A hundred stumps on the digits: our exact search against scikit-learn's AdaBoostClassifier.

    python tests/benchmarks/bench_samme.py

1,797 × 64 pixels, ten classes, one thread, CPU seconds, medians of interleaved rounds. The two
choose stumps by different measures (ours by the weighted error, scikit-learn by Gini), so first
its own trees are counted as given votes: errors and alphas agree up to the ratio (K - 1) / K.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.boosting import samme
from engine.digits import digits

ROUNDS, AIM = 100, 1.0


def main() -> int:
    """Print the figures; fail if ours is the slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    repeats = parser.parse_args().rounds
    X, y = digits()[0].reshape(-1, 64).astype(float), digits()[1].astype(int)
    params = samme.Params(rounds=ROUNDS)

    def ours() -> samme.Samme:
        return samme.run(X, y, params)

    def theirs() -> AdaBoostClassifier:
        stump = DecisionTreeClassifier(max_depth=1, random_state=0)
        return AdaBoostClassifier(stump, n_estimators=ROUNDS, random_state=0).fit(X, y)

    seconds: list[list[float]] = [[], []]
    with threadpool_limits(1):
        mine, peer = ours(), theirs()  # compiled and warm
        votes = np.array([tree.predict(X) for tree in peer.estimators_]).astype(int)
        same = samme.from_votes(votes, y, 10)
        np.testing.assert_allclose(same.error, peer.estimator_errors_, rtol=1e-9)
        np.testing.assert_allclose(same.alpha_samme, peer.estimator_weights_, rtol=1e-9)
        for _ in range(repeats):
            for took, call in zip(seconds, (ours, theirs), strict=True):
                begin = time.process_time()
                call()
                took.append(time.process_time() - begin)
    a, b = map(statistics.median, seconds)
    print(f"{ROUNDS} stumps on 1,797 × 64: {1000 * a:.0f} ms, scikit-learn {1000 * b:.0f} ms, "
          f"ratio {b / a:.1f}, aim {AIM:g}")  # fmt: skip
    print(f"first error {mine.error[0]:.4f} (Gini's stump {same.error[0]:.4f}), "
          f"at the end {mine.training_error[-1]:.4f} ({same.training_error[-1]:.4f})")  # fmt: skip
    return int(b / a < AIM)


if __name__ == "__main__":
    sys.exit(main())
