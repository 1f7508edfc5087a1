"""What judges the lesson on time: torch's autograd, and 50-digit differences where runs are short.

Nothing here knows the formulas of the way back: one forward pass is written for numbers of any
kind, with a place inside and a place behind each tanh where a small number may be added.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check, autograd, central_difference

if TYPE_CHECKING:
    from engine.gradients.rnn import Recurrent

MOST_PRODUCTS = 60_000  # of 50-digit numbers: about a tenth of a second
NAMES = {
    "dWi": r"\partial L / \partial W_i",
    "dWh": r"\partial L / \partial W_h",
    "dWo": r"\partial L / \partial W_o",
    "a": r"a_1 \dots a_T",
    "dh": r"\partial L / \partial h_t",
}


def certificate(right: "Recurrent", shown: "Recurrent") -> Certificate:
    """``shown`` against what torch and long arithmetic make of the problem of ``right``."""
    allowed, wanted = rounding(right), by_torch(right)
    checks = [
        Check(symbol, "torch autograd", getattr(shown, name), wanted[name], allowed)
        for name, symbol in NAMES.items()
    ]
    n, m, T = *right.Wi.shape, len(right.xs)
    entries = n * m + n * n + n
    if 2 * entries * T * n * (n + m) <= MOST_PRODUCTS:
        for name, want in by_difference(right).items():
            got = getattr(shown, name)
            checks.append(Check(NAMES[name], "50-digit differences", got, want, allowed))
    return Certificate(tuple(checks))


def rounding(trace: "Recurrent") -> float:
    """What rounding may do to an entry, by trial: how far all entries move when weights and states
    are nudged in their tenth digit tells what their last digit does."""
    from engine.gradients.rnn import home, run

    rng, nudge, moved = np.random.default_rng(0), 1e-10, 0.0

    def nudged(values: np.ndarray) -> np.ndarray:
        return values * (1 + nudge * rng.uniform(-1, 1, values.shape))

    def gap(other: np.ndarray, right: np.ndarray, weight: float = 1.0) -> float:
        return float((weight * np.abs(other - right) / np.maximum(1, np.abs(right))).max())

    given = max(1.0, float(np.abs(trace.xs).max()))
    for _ in range(3):
        Wi, Wh, Wo = nudged(trace.Wi), nudged(trace.Wh), nudged(trace.Wo)
        other = run(Wi, Wh, Wo, trace.xs, trace.target, trace.h[0])
        moved = max(moved, *(gap(getattr(other, name), getattr(trace, name)) for name in NAMES))
        # Flat places lose digits of 1 - h^2 and of yhat - y, which no nudge of a weight shows.
        a = home(nudged(trace.h), trace.Wh, trace.Wo, trace.delta + nudge)
        moved = max(moved, gap(a, trace.a, given))
    return max(1e-12, 1e-14 * len(trace.h) * moved / nudge)


def by_torch(trace: "Recurrent") -> dict[str, np.ndarray]:
    """The derivatives by reverse-mode differentiation of the forward pass."""
    import torch

    T, n = trace.a.shape
    y = trace.target
    xs = torch.tensor(trace.xs)

    def loss(Wi: Any, Wh: Any, Wo: Any, first: Any, inside: Any, behind: Any) -> Any:
        h = first
        for t in range(T):
            h = torch.tanh(Wi @ xs[t] + Wh @ h + inside[t]) + behind[t]
        z = (Wo @ h)[0]
        zero = torch.zeros_like(z)
        return y * torch.logaddexp(zero, -z) + (1 - y) * torch.logaddexp(zero, z)

    zeros = np.zeros((T, n))
    point = {"Wi": trace.Wi, "Wh": trace.Wh, "Wo": trace.Wo, "first": trace.h[0]}
    found = autograd(loss, **point, inside=zeros, behind=zeros)
    out = {"d" + name: found[name] for name in ("Wi", "Wh", "Wo")}
    return out | {"a": found["inside"], "dh": np.vstack([found["first"], found["behind"]])}


def by_difference(trace: "Recurrent") -> dict[str, np.ndarray]:
    """dL/dW by central differences in 50 digits, entry by entry."""
    import mpmath

    n, m = trace.Wi.shape
    point = {
        f"{name}_{i}_{j}": float(matrix[i, j])
        for name, matrix in (("Wi", trace.Wi), ("Wh", trace.Wh), ("Wo", trace.Wo))
        for i, j in np.ndindex(*matrix.shape)
    }
    xs, first = trace.xs.tolist(), trace.h[0].tolist()

    def softplus(u: Any) -> Any:
        return max(u, 0) + mpmath.log1p(mpmath.exp(-abs(u)))

    def loss(**w: Any) -> Any:
        h = first
        for x in xs:
            h = [
                mpmath.tanh(
                    sum(w[f"Wi_{i}_{j}"] * x[j] for j in range(m))
                    + sum(w[f"Wh_{i}_{k}"] * h[k] for k in range(n))
                )
                for i in range(n)
            ]
        z = sum(w[f"Wo_0_{k}"] * h[k] for k in range(n))
        return trace.target * softplus(-z) + (1 - trace.target) * softplus(z)

    slopes = central_difference(loss, 50, **point)
    shapes = {"Wi": (n, m), "Wh": (n, n), "Wo": (1, n)}
    return {
        "d" + name: np.array(
            [[slopes[f"{name}_{i}_{j}"] for j in range(shape[1])] for i in range(shape[0])]
        )
        for name, shape in shapes.items()
    }
