"""Formula, substituted formula, value for a walk along the line and for a search.

The tags are those of ``engine.clusters.centres``.
"""

from typing import TYPE_CHECKING

import numpy as np

from engine.clusters.centres_walk import Walk
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.clusters.centres_search import Search

SHORT = 4  # a sum of more points is shown by its first two and its last


def working(trace: "Walk | Search", slip: Slip | None = None) -> tuple[Line, ...]:
    """The same lines at every step; with a ``slip``, ``trace`` is the slipped one and its lines
    show the printed form."""
    mistake = slip.name if slip else ""
    if isinstance(trace, Walk):
        whole_2, slope, mean = _squares(trace, mistake)
        whole_1, lower, upper, *medians = _absolutes(trace, mistake)
        return (slope, lower, upper, mean, *medians, whole_2, whole_1)
    return _search(trace)


def _squares(trace: Walk, mistake: str) -> tuple[Line, Line, Line]:
    N, total = len(trace.x), float(trace.x.sum())
    numbers = {"N": float(N), "sum": total, "mu": trace.mu[:, 0]} | _named(trace.x)
    put, formula = r"2\,(@N@ \cdot @mu@ - @sum@)", r"2\,\left(N\mu - \sum_n x_n\right)"
    if mistake == "sign":
        put, formula = r"2\,(@sum@ - @N@ \cdot @mu@)", r"2 \sum_n (x_n - \mu)"
    terms = _ends([f"(@x{n}@ - @mu@)^2" for n in range(N)])
    put_in, value = r" \allowbreak + ".join(terms), trace.value[:, 0]
    slope = Line(
        r"\frac{dD_2}{d\mu}", formula, put, trace.gradient, numbers, 3, "gradient",
        mistake == "sign",
    )  # fmt: skip
    return (
        Line("D_2", r"\sum_n (x_n - \mu)^2", put_in, value, numbers, 1, "value_2"),
        slope,
        Line(
            r"\bar x", r"\frac{1}{N} \sum_n x_n", r"\frac{@sum@}{@N@}", trace.mean, numbers, 5,
            "mean",
        ),
    )  # fmt: skip


def _absolutes(trace: Walk, mistake: str) -> tuple[Line, ...]:
    gap = trace.x - trace.mu[:, 1:]
    over, under = np.maximum(gap, 0).sum(axis=1), np.maximum(-gap, 0).sum(axis=1)
    left, at, right = trace.counts.T
    numbers = {"over": over, "under": under, "L": left, "A": at, "R": right}
    identity, turned = mistake == "identity", mistake == "l1-sign"
    sign = "-" if identity else "+"
    whole = Line(
        "D_1",
        rf"\sum_{{x_n > \mu}} (x_n - \mu) {sign} \sum_{{x_n \le \mu}} (\mu - x_n)",
        f"@over@ {sign} @under@",
        trace.value[:, 1], numbers, 8, "value_1", identity,
    )  # fmt: skip
    lower, upper = (("L - R - A", "@L@ - @R@ - @A@"), ("L - R + A", "@L@ - @R@ + @A@"))
    if turned:
        lower = upper = ("R - L - A", "@R@ - @L@ - @A@")
    if identity:
        numbers |= {"N": float(len(trace.x))}
        lower = upper = ("-N", "-@N@")
    slopes = [
        Line(
            rf"\partial^{mark} D_1", *form, trace.interval[:, i], numbers, 9, name,
            identity or turned,
        )
        for i, (mark, name, form) in enumerate((("-", "lower", lower), ("+", "upper", upper)))
    ]  # fmt: skip
    return (whole, *slopes, *_medians(trace, mistake))


def _medians(trace: Walk, mistake: str) -> list[Line]:
    N = len(trace.x)
    places = dict.fromkeys(((N + 1) // 2, N // 2 + 1))
    symbols = [r"\tilde x"] if len(places) == 1 else [r"\tilde x_{\min}", r"\tilde x_{\max}"]
    lines = []
    for i, (place, symbol) in enumerate(zip(places, symbols, strict=True)):
        value, formula, printed = float(trace.median[i]), f"x_{{({place})}}", False
        if np.isnan(value):
            form = "R = L + A" if mistake == "condition" else r"\partial D_1 = -N"
            formula, printed = rf"{form}\text{{ : no solution}}", True
        name = ("median", "median_high")[i]
        lines.append(Line(symbol, formula, "", value, {}, 11, name, printed))
    return lines


def _named(x: np.ndarray) -> dict[str, float]:
    return {f"x{n}": float(value) for n, value in enumerate(x)}


def _ends(terms: list[str]) -> list[str]:
    return terms if len(terms) <= SHORT else [*terms[:2], r"\cdots", terms[-1]]


def _search(trace: "Search") -> tuple[Line, ...]:
    N, K = len(trace.points), trace.params.clusters
    count = {2: r"2^{N-1} - 1", 3: r"\tfrac{1}{2}\,(3^{N-1} - 2^N + 1)"}[K]
    put = {2: rf"2^{{{N - 1}}} - 1", 3: rf"\tfrac{{1}}{{2}}\,(3^{{{N - 1}}} - 2^{{{N}}} + 1)"}[K]
    lines = [Line(r"\text{partitions}", count, put, float(len(trace.costs)), {}, 13, "count")]
    forms = (r"\sum_k \sum_{n \in C_k} \lVert x_n - \bar x_k \rVert_2^2",
             r"\sum_k \sum_{n \in C_k} \lVert x_n - \tilde x_k \rVert_1")  # fmt: skip
    for i, formula in enumerate(forms):
        numbers = {f"p{k}": trace.parts[:, i, k] for k in range(K)}
        put = " + ".join(f"@p{k}@" for k in range(K))
        name = f"best_{2 - i}"
        lines.append(Line(f"D_{2 - i}", formula, put, trace.best[:, i], numbers, 13, name))
    return tuple(lines)
