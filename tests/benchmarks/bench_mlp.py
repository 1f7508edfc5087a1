"""Backpropagation by hand against torch's autograd, and what a click on a weight costs.

    python tests/benchmarks/bench_mlp.py

784-256-256-10, 1,024 examples, float64, as many threads for either. Both compute the loss and the
gradient by every weight, bias and input. Medians of interleaved rounds.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.gradients import mlp
from engine.gradients.mlp_cases import drawn_layers

SIZES, EXAMPLES, AIM = (784, 256, 256, 10), 1024, 2.0
CLICK = (20, 20, 20, 20, 20, 1)
CLICK_AIM = 0.2


def by_torch(
    leaves: list[torch.Tensor], X: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """Forward and backward with autograd, summed BCE."""
    a = X
    for W, b in zip(leaves[0::2], leaves[1::2], strict=True):
        z = a @ W + b
        a = torch.sigmoid(z)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
    return float(loss.detach()), list(torch.autograd.grad(loss, [*leaves, X]))


def measure(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main() -> int:
    """Print the table; fail if the ratio or the click misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    X = rng.normal(size=(EXAMPLES, SIZES[0]))
    y = (rng.random((EXAMPLES, SIZES[-1])) < 0.5).astype(float)
    network = mlp.Network(*drawn_layers(SIZES, 0.05, 0))
    pairs = zip(network.weights, network.biases, strict=True)
    leaves = [torch.tensor(p, requires_grad=True) for pair in pairs for p in pair]
    there = torch.tensor(X, requires_grad=True), torch.tensor(y)

    trace = mlp.run(network, X, y)
    loss, found = by_torch(leaves, *there)
    np.testing.assert_allclose(trace.loss, loss, rtol=1e-12)
    for k in range(len(network)):
        np.testing.assert_allclose(trace.dweights[k], found[2 * k].numpy(), atol=1e-10)
    np.testing.assert_allclose(trace.dX, found[-1].numpy(), atol=1e-10)

    small = mlp.run(
        mlp.Network(*drawn_layers(CLICK, 0.35, 0)),
        rng.normal(size=(16, CLICK[0])),
        (rng.random((16, 1)) < 0.5).astype(float),
    )
    ways = {
        "mlp.run": lambda: mlp.run(network, X, y),
        "torch autograd": lambda: by_torch(leaves, *there),
        "a click: 4 largest of 128,000 paths": lambda: mlp.explained(small, 0, 3, 4, most=4),
    }
    took = measure(ways, rounds)
    ratio = took["mlp.run"] / took["torch autograd"]
    print(f"{'-'.join(map(str, SIZES))}, N = {EXAMPLES:,}; medians of {rounds} interleaved rounds, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    for name, seconds in took.items():
        print(f"{name:38}{1000 * seconds:10.1f} ms")
    print(f"mlp.run ÷ torch autograd: {ratio:.2f} (at most {AIM:g})")
    return 0 if ratio <= AIM and took["a click: 4 largest of 128,000 paths"] <= CLICK_AIM else 1


if __name__ == "__main__":
    sys.exit(main())
