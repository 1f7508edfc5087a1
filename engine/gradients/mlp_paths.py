"""One weight's gradient as a sum over examples and paths, (9) of ``engine.gradients.mlp``.

There may be millions of paths. The largest are found without walking them all: among the paths
that begin at a unit, the k largest begin with a k-largest of some unit above it, so k candidates a
unit and layer are enough.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.mlp import Backprop

BUDGET = 30_000_000  # candidates looked at; beyond that the terms are examples, not paths


@dataclass(frozen=True)
class Term:
    """One summand of (9): the example, the units passed from the weight's own up, the factors."""

    symbol: str
    formula: str
    substituted: str
    value: float
    example: int
    path: tuple[int, ...]
    numbers: dict[str, float]

    @property
    def line(self) -> Line:
        return Line(self.symbol, self.formula, self.substituted, self.value, self.numbers, 9)


@dataclass(frozen=True)
class Derivation:
    """``value`` is the matrix product's; ``terms`` are the largest, ``rest`` is what the other
    ``left_out`` bring. ``products`` is what the recursion multiplies for one example."""

    layer: int
    row: int
    col: int
    terms: tuple[Term, ...]
    value: float
    rest: float
    count: int
    products: int
    by_path: bool

    @property
    def left_out(self) -> int:
        return self.count - len(self.terms)


def picked(
    trace: "Backprop", layer: int | None = 1, row: int | None = 0, col: int | None = 0
) -> tuple[int, int, int]:
    """The weight a person means, counted from 1, as indices from 0; a row or column of 0 or None
    is the one with the largest gradient."""
    row, col = row or 0, col or 0
    k = min(max(layer or 1, 1), len(trace.network)) - 1
    size = np.nan_to_num(np.abs(trace.dweights[k]))
    rows, cols = size.shape
    if not (row and col):
        part = size[row - 1 : row] if 0 < row <= rows else size
        part = part[:, col - 1 : col] if 0 < col <= cols else part
        i, j = (int(v) for v in np.unravel_index(part.argmax(), part.shape))
        return k, row - 1 if 0 < row <= rows else i, col - 1 if 0 < col <= cols else j
    return k, min(row, rows) - 1, min(col, cols) - 1


def pair(i: int, j: int) -> str:
    """Two indices counted from 1, with a comma where they would run together."""
    return f"{i + 1}{j + 1}" if max(i, j) < 9 else f"{i + 1},{j + 1}"


def strongest(trace: "Backprop", layer: int, row: int, col: int, most: int) -> Derivation:
    """The ``most`` largest terms of dL/dW[layer][row, col], largest first."""
    sizes, N = trace.network.sizes, len(trace.X)
    paths = math.prod(sizes[layer + 2 :])
    above = [a * b for a, b in pairwise(sizes[layer + 1 :])]
    products, widest = sum(above), max(above, default=1)
    value = float(trace.dweights[layer][row, col])
    keep = min(most, paths)
    by_path = N * widest * keep <= BUDGET
    if by_path:
        examples = _leading(trace, layer, row, col, most) if paths > 1 else np.arange(N)
        terms = _paths(trace, layer, row, col, examples, keep)
    else:
        terms = _examples(trace, layer, row, col)
    terms = sorted(terms, key=lambda term: -abs(term.value))[:most]
    rest = value - sum(term.value for term in terms)
    count = paths * N if by_path else N
    return Derivation(layer, row, col, tuple(terms), value, rest, count, products, by_path)


def _candidates(
    trace: "Backprop", layer: int, col: int, examples: np.ndarray, keep: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """For the chosen examples the ``keep`` largest products from unit ``col`` to the outputs, and
    for each layer passed which candidate above each one continues."""
    best = trace.deltas[-1][examples][:, :, None]  # (n, unit, candidate)
    chosen: list[np.ndarray] = []
    for k in range(len(trace.network) - 1, layer, -1):
        W, slopes = trace.network.weights[k], trace.slope(k)[examples]
        units = [col] if k == layer + 1 else range(len(W))
        rows = []
        for u in units:
            products = (slopes[:, u, None, None] * W[u][:, None]) * best
            rows.append(products.reshape(len(examples), -1))
        products = np.stack(rows, axis=1)  # (n, unit, unit above x candidate)
        order = np.argsort(-np.abs(products), axis=-1, kind="stable")[..., :keep]
        chosen.append(np.stack([order // best.shape[-1], order % best.shape[-1]], axis=-1))
        best = np.take_along_axis(products, order, axis=-1)
    if not chosen:
        best = best[:, [col], :]
    return best, chosen


def _leading(trace: "Backprop", layer: int, row: int, col: int, most: int) -> np.ndarray:
    """The examples that can hold one of the ``most`` largest terms: those whose own largest is."""
    every = np.arange(len(trace.X))
    if len(every) <= most:
        return every
    best, _ = _candidates(trace, layer, col, every, 1)
    size = np.abs(best[:, 0, 0] * trace.activations[layer][:, row])
    return np.sort(np.argsort(-size, kind="stable")[:most])


def _paths(
    trace: "Backprop", layer: int, row: int, col: int, examples: np.ndarray, keep: int
) -> list[Term]:
    best, chosen = _candidates(trace, layer, col, examples, keep)
    entry = trace.activations[layer][examples, row]
    values = best[:, 0, :] * entry[:, None]
    flat = np.argsort(-np.abs(values), axis=None, kind="stable")
    out = []
    for n, rank in zip(*np.unravel_index(flat, values.shape), strict=True):
        path, unit, place = [col], 0, int(rank)
        for step in reversed(chosen):
            above, place = (int(v) for v in step[n, unit, place])
            path.append(above)
            unit = above
        out.append(_term(trace, layer, row, int(examples[n]), tuple(path), float(values[n, rank])))
        if len(out) == keep * len(examples):
            break
    return out


def _term(
    trace: "Backprop", layer: int, row: int, n: int, path: tuple[int, ...], value: float
) -> Term:
    """The factors of one product, from the input of the weight to the error at the output."""
    top, numbers = len(trace.network), {"a": float(trace.activations[layer][n, row])}
    formula = [rf"a_{{{layer},{row + 1}}}" if layer else rf"x_{{{row + 1}}}"]
    put = ["@a@"]
    for step, (here, above) in enumerate(pairwise(path)):
        at = layer + 1 + step
        numbers[f"s{step}"] = float(trace.slope(at)[n, here])
        numbers[f"w{step}"] = float(trace.network.weights[at][here, above])
        formula += [rf"\varphi'_{{{at},{here + 1}}}", rf"w^{{({at + 1})}}_{{{pair(here, above)}}}"]
        put += [f"@s{step}@", f"@w{step}@"]
    numbers["d"] = float(trace.deltas[-1][n, path[-1]])
    formula.append(rf"\delta_{{{top},{path[-1] + 1}}}")
    put.append("@d@")
    way = r" \to ".join(str(u + 1) for u in (row, *path))
    return Term(
        rf"({n + 1})\; {way}", _broken(formula, r"\,"), _broken(put, r" \cdot "), value, n, path,
        numbers,
    )  # fmt: skip


def _broken(factors: list[str], times: str) -> str:
    """A product that may go on in the next line after every third factor."""
    lines = [times.join(factors[i : i + 3]) for i in range(0, len(factors), 3)]
    return rf" \allowbreak{times}".join(lines)


def _examples(trace: "Backprop", layer: int, row: int, col: int) -> list[Term]:
    """One term an example: what came in times the error signal, (7)."""
    a, d = trace.activations[layer][:, row], trace.deltas[layer][:, col]
    formula = rf"a_{{{layer},{row + 1}}}\,\delta_{{{layer + 1},{col + 1}}}"
    return [
        Term(
            rf"({n + 1})", formula, r"@a@ \cdot @d@", float(a[n] * d[n]), n, (col,),
            {"a": float(a[n]), "d": float(d[n])},
        )
        for n in range(len(a))
    ]  # fmt: skip
