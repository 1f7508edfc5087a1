"""Formulas with their numbers for a mixture of Bernoullis. The tags are those of
``engine.mixtures.bernoulli``."""

from typing import TYPE_CHECKING

import numpy as np

from engine.numerics import xlogy
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Bernoullis

FEW = 6  # up to so many chances all factors are written out
NOTHING = 1e-250


def following(trace: "Bernoullis", slip: Slip | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The weights and means that follow each state: the trace's own, and one more M-step."""
    q, X = trace.responsibility[-1], trace.X
    ones, zeros = q.T @ X, q.T @ (1 - X)
    total = ones + zeros
    last = np.divide(ones, total, out=trace.means[-1].copy(), where=total > NOTHING)
    last = last.clip(trace.params.floor, 1 - trace.params.floor)
    if slip and slip.name == "eq12":
        last = np.broadcast_to(last.mean(-1, keepdims=True), last.shape)
    weights = q.sum(0) / len(X)
    return np.concatenate([trace.weights[1:], weights[None]]), np.concatenate(
        [trace.means[1:], last[None]]
    )


def gradient(trace: "Bernoullis", step: int, means: np.ndarray | None = None) -> np.ndarray:
    """(8) with the responsibilities of a step, (K, D): at its means, or at others."""
    q, P = trace.responsibility[step], trace.means[step] if means is None else means
    with np.errstate(divide="ignore", invalid="ignore"):
        return (q.T @ trace.X) / P - (q.T @ (1 - trace.X)) / (1 - P)


def joint(trace: "Bernoullis", i: int) -> np.ndarray:
    """log of pi_k P(x_i | p_k) at every step, (T + 1, K): factor by factor."""
    x = trace.X[i]
    bits = xlogy(x, trace.means) + xlogy(1 - x, 1 - trace.means)
    return bits.sum(-1) + xlogy(np.ones(1), trace.weights)


def working(
    trace: "Bernoullis", slip: Slip | None = None, row: int = 0, component: int = 0, column: int = 0
) -> tuple[Line, ...]:
    """One responsibility, and what all of them make of one component, at every step.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    i, k, d = row, component, column
    mistake, n = slip.name if slip else "", len(trace.X)
    q = np.broadcast_to(trace.responsibility, (len(trace), *trace.responsibility.shape[1:]))
    N, ones = q[:, :, k].sum(1), q[:, :, k] @ trace.X[:, d]
    weights, means = following(trace, slip)
    a, K1, D1 = joint(trace, i), k + 1, d + 1
    top = a.max(-1)
    one = top + np.log(np.exp(a - top[:, None]).sum(-1))
    lines = [_share(trace, mistake, i, k, a, one)]
    lines.append(Line(f"N_{{{K1}}}", rf"\sum_i \eta_{{i,{K1}}}", "", N, {}, 9, "N"))
    formula, filled = (
        rf"\frac{{\sum_i \eta_{{i,{K1}}}\,x^{{(i)}}_{{{D1}}}}}{{N_{{{K1}}}}}",
        (r"\frac{@ones@}{@N@}"),
    )
    numbers: dict[str, float | np.ndarray] = {"ones": ones, "N": N, "D": float(trace.X.shape[1])}
    if mistake == "eq12":
        numbers["ones"] = (q[:, :, k] @ trace.X).sum(-1)
        formula = rf"\frac{{\sum_d \sum_i \eta_{{i,{K1}}}\,x^{{(i)}}_d}}{{D\,N_{{{K1}}}}}"
        filled = r"\frac{@ones@}{@D@ \cdot @N@}"
    p = f"p^{{({K1})}}_{{{D1}}}"
    lines.append(
        Line(rf"\hat {p}", formula, filled, means[:, k, d], numbers, 9, "mean", mistake == "eq12")
    )
    if mistake == "eq12":
        lines += _summed(trace, q[:, :, k], means[:, k], k, d)
    lines.append(
        Line(rf"\hat\pi_{{{K1}}}", rf"\frac{{N_{{{K1}}}}}{{n}}", r"\frac{@N@}{@n@}",
             weights[:, k], {"N": N, "n": float(n)}, 10, "weight")
    )  # fmt: skip
    formula = r"\sum_i \log \sum_k \pi_k\,P(x^{(i)} \mid p^{(k)})"
    numbers = {"one": one, "others": trace.log_likelihood - one}
    lines.append(
        Line(r"\log P(D)", formula, "@one@ + @others@", trace.log_likelihood, numbers, 3,
             "log_likelihood")
    )  # fmt: skip
    return tuple(lines)


def _share(
    trace: "Bernoullis", mistake: str, i: int, k: int, a: np.ndarray, one: np.ndarray
) -> Line:
    """(5): as a ratio with all its factors where they are few, else by its logarithms."""
    K, D = trace.means.shape[1:]
    symbol, value = rf"\eta_{{{i + 1},{k + 1}}}", trace.responsibility[:, i, k]
    if len(value) < len(trace):
        value = np.broadcast_to(value, len(trace))
    if mistake:
        count = {"eq6": len(trace.X), "eq6-middle": K}.get(mistake)
        if count:
            name = "n" if mistake == "eq6" else "K"
            return Line(symbol, rf"\frac{{1}}{{{name}}}", r"\frac{1}{@count@}", value,
                        {"count": float(count)}, 5, "responsibility", True)  # fmt: skip
    if D * K > FEW:
        formula = r"\exp\left(\log \pi_k P(x \mid p^{(k)}) - \log P(x)\right)"
        numbers: dict[str, float | np.ndarray] = {"joint": a[:, k], "all": one}
        return Line(
            symbol,
            formula,
            r"\exp\left(@joint@ - @all@\right)",
            value,
            numbers,
            5,
            "responsibility",
        )
    numbers, products = {}, []
    for j in range(K):
        numbers[f"w{j}"] = trace.weights[:, j]
        for d in range(D):
            p = trace.means[:, j, d]
            numbers[f"f{j}x{d}"] = p if trace.X[i, d] else 1 - p
        products.append(r" \cdot ".join([f"@w{j}@", *(f"@f{j}x{d}@" for d in range(D))]))
    formula = (
        rf"\frac{{\pi_{k + 1}\,P(x^{{({i + 1})}} \mid p^{{({k + 1})}})}}"
        rf"{{\sum_j \pi_j\,P(x^{{({i + 1})}} \mid p^{{(j)}})}}"
    )
    filled = rf"\frac{{{products[k]}}}{{{' + '.join(products)}}}"
    return Line(symbol, formula, filled, value, numbers, 5, "responsibility")


def _summed(trace: "Bernoullis", q: np.ndarray, P: np.ndarray, k: int, d: int) -> list[Line]:
    """With the slip of eq. 12: the sum over d is 0, and the gradient is not."""
    ones, zeros = q @ trace.X, q @ (1 - trace.X)
    with np.errstate(divide="ignore", invalid="ignore"):  # a mean of 0 that expects no ones
        up, down = (np.where(s == 0, 0.0, s / v) for s, v in ((ones, P), (zeros, 1 - P)))
    p = f"p^{{({k + 1})}}"
    sums = {"up": up.sum(-1), "down": down.sum(-1)}
    total = sums["up"] - sums["down"]
    total = np.where(abs(total) <= 1e-9 * np.maximum(1, sums["up"]), 0.0, total)
    one = {"up": up[:, d], "down": down[:, d]}
    return [
        Line(rf"\sum_d \frac{{\partial Q}}{{\partial {p}_d}}", r"0", "@up@ - @down@", total, sums,
             8, "summed", True),
        Line(rf"\frac{{\partial Q}}{{\partial {p}_{{{d + 1}}}}}",
             rf"\frac{{\sum_i \eta_{{i,{k + 1}}}\,x_{{{d + 1}}}}}{{{p}_{{{d + 1}}}}} - \cdots",
             "@up@ - @down@", up[:, d] - down[:, d], one, 8, "gradient"),
    ]  # fmt: skip


def picked(
    trace: "Bernoullis",
    row: int | None = None,
    component: int | None = None,
    column: int | None = None,
) -> tuple[int, int, int]:
    """What is worked, counted from 0: places counted from 1 that may be past the end. 0 stands for
    the component that takes most of the row in the end, and for the least decided column."""
    (n, D), K = trace.X.shape, trace.weights.shape[1]
    i, k, d = min(max(row or 1, 1), n) - 1, (component or 0) - 1, (column or 0) - 1
    if k < 0:
        k = int(np.argmax(trace.responsibility[-1, i]))
    if d < 0:
        d = int(np.argmin(abs(trace.X.mean(0) - 0.5)))
    return i, min(k, K - 1), min(d, D - 1)
