"""A step of the channel sweep, by hand in machine code, beside the plain torch loop.

    python tests/benchmarks/bench_resnet.py [--rounds 7] [--steps 1000] [--full]

One thread each, the starter protocol with its logging, no DataLoader. CPU time, medians of
interleaved rounds. Then the default sweep (4 widths × 8 seeds × 4,000 steps) from these, or with
``--full`` as it is; the largest difference of losses and errors in float64; and the floor.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.training.resnet import Spec, Training, train
from engine.training.resnet_reference import plain

AIMS = {1: 40.0, 2: 40.0, 4: 25.0, 64: 4.5}
SWEEP_AIM, AGREEMENT = 60.0, 1e-10
AT_ONCE = {1: 2000, 2: 2000, 4: 1000, 64: 50}
SEEDS, STEPS, BATCH, TESTED, EVERY = 8, 4000, 128, 899, 25


def spent(call: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def measured(width: int, rounds: int) -> tuple[float, float]:
    """Microseconds of a step, by hand and by the plain loop."""
    by_hand, by_torch = [], []
    points = plain(Spec(width=width, steps=10**6))
    run = Training(Spec(width=width, steps=10**6))
    run.advance(EVERY)
    next(points)
    for _ in range(rounds):
        by_torch.append(spent(lambda: next(points)) / EVERY)
        until = run.step + AT_ONCE[width]
        by_hand.append(spent(lambda until=until: run.advance(until)) / AT_ONCE[width])
    return 1e6 * statistics.median(by_hand), 1e6 * statistics.median(by_torch)


def floor(C: int) -> tuple[float, float]:
    """Multiplications with additions of a step (its share of a test included), and bytes.

    The first convolution once forward and once for its weights, the nine products of each of the
    block's once forward and twice back; each array of the pass is written once and read once.
    """
    stem, block, last = 16 * 9 * C, 2 * 9 * C * C, 10 * C
    forward = stem + block + last
    sums = BATCH * (forward + stem + 2 * (block + last)) + TESTED / EVERY * forward
    numbers = C * (5 * 4 + 4 * 9) + 3 * 10 + 81
    moved = 4 * (2 * (BATCH + TESTED / EVERY) * numbers + 6 * (18 * C * C + 25 * C + 10))
    return sums, moved


def peak() -> tuple[float, float]:
    """What one thread reaches here: sums per second in a large product, bytes per second copied."""
    a = torch.rand(768, 768)
    room = torch.zeros(1 << 18), torch.rand(1 << 18)
    product = min(spent(lambda: a @ a) for _ in range(20))
    copied = min(spent(lambda: [room[0].copy_(room[1]) for _ in range(20)]) for _ in range(20))
    return 768**3 / product, 20 * 8 * (1 << 18) / copied


def agreement(width: int, steps: int) -> float:
    """The largest difference of any loss or error between the two in float64."""
    spec = Spec(width=width, steps=steps, dtype="float64")
    found, wanted = ([astuple(p) for p in points] for points in (train(spec, "cpu"), plain(spec)))
    return float(np.abs(np.subtract(found, wanted)).max())


def whole_sweep() -> float:
    """CPU seconds of the default sweep, really run."""
    specs = [Spec(width=width, seed=seed) for width in AIMS for seed in range(SEEDS)]
    return sum(spent(lambda spec=spec: Training(spec).advance(STEPS)) for spec in specs)


def main() -> int:
    """Print the tables; fail if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1000, help="steps of the float64 comparison")
    parser.add_argument("--full", action="store_true", help="run the default sweep")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.perf_counter()
    Training(Spec(steps=EVERY)).advance(EVERY)
    print(f"first call {time.perf_counter() - begin:.1f} s (some seconds if it compiles)")
    rate, stream = peak()
    print(f"one thread reaches {2 * rate / 1e9:.0f} GFLOP/s and copies {stream / 1e9:.0f} GB/s")
    print(
        "\n  C   by hand   plain torch   ratio   aim    floor: FLOP, bytes, time    losses differ"
    )
    good, total = True, 0.0
    for width, aim in AIMS.items():
        by_hand, by_torch = measured(width, asked.rounds)
        sums, moved = floor(width)
        least = 1e6 * max(sums / rate, moved / stream)
        off = agreement(width, asked.steps)
        ratio = by_torch / by_hand
        total += by_hand * STEPS * SEEDS / 1e6
        good &= ratio >= aim and off <= AGREEMENT
        print(
            f"{width:3} {by_hand:7.1f} µs {by_torch:9.0f} µs {ratio:8.1f} {aim:6.1f}"
            f" {2 * sums / 1e6:9.2f} M {moved / 1e6:6.2f} MB {least:7.1f} µs {off:14.0e}",
            flush=True,
        )
    for width in (3, 8):
        off = agreement(width, asked.steps)
        good &= off <= AGREEMENT
        print(f"{width:3} {off:87.0e}")
    took = whole_sweep() if asked.full else total
    how = "measured" if asked.full else "from the steps above"
    print(f"\ndefault sweep, {how}: {took:.1f} s of CPU (aim {SWEEP_AIM:g})")
    return 0 if good and took <= SWEEP_AIM else 1


if __name__ == "__main__":
    sys.exit(main())
