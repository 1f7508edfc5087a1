"""What the lesson on time says: its states, its known mistakes, its formulas.

The tags are those of ``engine.gradients.rnn``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.rnn import Recurrent

SPELLED_OUT = 3  # sums of up to so many products are written out


@dataclass(frozen=True)
class State:
    """One computation: ``kind`` is given, forward, loss, backward or sum; ``t`` its time."""

    kind: str
    t: int


def states(T: int) -> tuple[State, ...]:
    """Out from 1 to T, the loss, home from T to 1, and the sum of the paths."""
    out = [State("given", 0), *(State("forward", t) for t in range(1, T + 1))]
    home = [State("backward", t) for t in range(T, 0, -1)]
    return (*out, State("loss", T), *home, State("sum", 1))


SLIPS = Slips(
    Slip(
        "swapped",
        "004-2, the order of the product",
        "Diagonals swapped",
        "The slopes stand in the opposite order, D₂ Wₕᵀ D₁ Wₒᵀ for D₁ Wₕᵀ D₂ Wₒᵀ.",
        "It hides when n = 1, where numbers commute, and when T = 1.",
    ),
    Slip(
        "bracket",
        "004-2, ∂L/∂Wᵢ as printed",
        "ŷ - y inside the bracket",
        "The printed bracket closes too early: ŷ - y multiplies every path but that of the last "
        "step.",
        "It hides only when the last input is 0.",
    ),
    Slip(
        "last-only",
        "004-2, the public solution of 2021",
        "Only the last input",
        "Only the last step's path into Wᵢ is counted, as if the earlier states did not depend "
        "on Wᵢ.",
        "It hides when T = 1, and when all earlier inputs are 0.",
    ),
    Slip(
        "no-start",
        "004-2, ∂L/∂Wₕ",
        "No path from h₀",
        "The first step's path into Wₕ, a₁ h₀ᵀ, is left out.",
        "It hides when h₀ = 0, as in the exercise.",
        "start",
    ),
)


def by_weight(weight: str, i: int, j: int) -> str:
    """The symbol of dL/dW, one entry."""
    return rf"\frac{{\partial L}}{{\partial W_{{{weight},{i}{j}}}}}"


def working(
    trace: "Recurrent", slip: Slip | None = None, into: str = "Wi", blank: str = ""
) -> tuple[tuple[Line, ...], ...]:
    """For each state the lines that compute it; ``into`` says which matrix's paths are worked.
    A line that would give ``blank`` away is left out.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    mistake = slip.name if slip else ""
    makes = {
        "given": lambda t: _loss(trace)[:1],
        "forward": lambda t: _state(trace, t),
        "loss": lambda t: _loss(trace)[1:],
        "backward": lambda t: (
            *_back(trace, t, mistake),
            *(() if blank == f"a{t}[1]" else (_path(trace, t, mistake, into),)),
        ),
        "sum": lambda t: _sum(trace, mistake, into),
    }
    return tuple(makes[state.kind](state.t) for state in states(len(trace.xs)))


def rows_shown(trace: "Recurrent") -> int:
    """So many rows of a matrix are worked: two, and one where many paths meet."""
    return min(len(trace.Wh), 2 if len(trace.xs) <= 2 * SPELLED_OUT else 1)


def _product(w: np.ndarray, v: np.ndarray, name: str) -> tuple[str, dict[str, float]]:
    """w . v written out, or as one number where it is long."""
    if len(w) > SPELLED_OUT:
        return f"@{name}@", {name: float(w @ v)}
    text = " + ".join(rf"@{name}w{k}@ \cdot @{name}v{k}@" for k in range(len(w)))
    numbers = {f"{name}w{k}": float(w[k]) for k in range(len(w))}
    return text, numbers | {f"{name}v{k}": float(v[k]) for k in range(len(w))}


def _state(trace: "Recurrent", t: int) -> tuple[Line, ...]:
    """The first entry of h_t: what the input brings, what the state before brings, both bent."""
    x, xs = _product(trace.Wi[0], trace.xs[t - 1], "x")
    h, hs = _product(trace.Wh[0], trace.h[t - 1], "h")
    given, kept = float(trace.Wi[0] @ trace.xs[t - 1]), float(trace.Wh[0] @ trace.h[t - 1])
    inner, before = rf"\left(W_i x_{{{t}}}\right)_1", rf"\left(W_h h_{{{t - 1}}}\right)_1"
    both = {"x": given, "h": kept}
    return (
        Line(inner, r"\sum_j W_{i,1j}\,x_j", x, given, xs, 1),
        Line(before, r"\sum_k W_{h,1k}\,h_k", h, kept, hs, 1),
        Line(
            rf"h_{{{t},1}}", rf"\tanh(W_i x_{{{t}}} + W_h h_{{{t - 1}}})_1", r"\tanh(@x@ + @h@)",
            float(trace.h[t, 0]), both, 1, f"h{t}[1]",
        ),
    )  # fmt: skip


def _loss(trace: "Recurrent") -> tuple[Line, ...]:
    z, numbers = _product(trace.Wo[0], trace.h[-1], "z")
    y, yhat = trace.target, trace.yhat
    chance = {"y": y, "o": yhat}
    loss = r"-y \log(\hat y) - (1 - y) \log(1 - \hat y)"
    filled = {1.0: r"-\log(@o@)", 0.0: r"-\log(1 - @o@)"}.get(y, "")
    T = len(trace.xs)
    return (
        Line("L", loss, filled, trace.loss, chance, 3, "loss"),
        Line(r"\hat y", rf"\sigma(W_o h_{{{T}}})", rf"\sigma({z})", yhat, numbers, 2, "yhat"),
        Line("L", loss, filled, trace.loss, chance, 3, "loss"),
        Line(r"\delta", r"\hat y - y", "@o@ - @y@", trace.delta, chance, 4, "delta"),
    )


def _back(trace: "Recurrent", t: int, mistake: str) -> tuple[Line, ...]:
    """The first entry of a_t, and of the derivative by h_t that it comes from."""
    T, h, value = len(trace.xs), float(trace.h[t, 0]), float(trace.a[t - 1, 0])
    symbol, name, slope = rf"a_{{{t},1}}", f"a{t}[1]", rf"(1 - h_{{{t},1}}^2)"
    if t == T:
        numbers = {"s": h, "w": float(trace.Wo[0, 0]), "d": trace.delta}
        filled = r"(1 - (@s@)^2) \cdot @w@ \cdot @d@"
        return (Line(symbol, slope + r"\,W_{o,1}\,\delta", filled, value, numbers, 5, name),)
    if mistake == "swapped":
        middle = r" \cdots " if T - t > 1 else " "
        product = rf"D_{{{T}}} W_h^\top{middle}D_{{{t}}} W_o^\top"
        formula = rf"\left({product}\right)_1\,\delta"
        return (Line(symbol, formula, "", value, {}, 6, name, True),)
    arrived = float(trace.Wh[:, 0] @ trace.a[t])
    inner, numbers = _product(trace.Wh[:, 0], trace.a[t], "a")
    carried = rf"\left(W_h^\top a_{{{t + 1}}}\right)_1"
    by_h = rf"\frac{{\partial L}}{{\partial h_{{{t},1}}}}"
    filled = r"(1 - (@s@)^2) \cdot @d@"
    return (
        Line(by_h, carried, inner, arrived, numbers, 6, f"dh{t}[1]"),
        Line(symbol, slope + r"\," + by_h, filled, value, {"s": h, "d": arrived}, 6, name),
    )


def _path(trace: "Recurrent", t: int, mistake: str, into: str) -> Line:
    """The first entry of the term of one step."""
    terms = getattr(trace.paths, into)
    value, left = float(terms[t - 1, 0, 0]), float(trace.a[t - 1, 0])
    right = trace.xs[t - 1] if into == "Wi" else trace.h[t - 1]
    factor = rf"x_{{{t},1}}" if into == "Wi" else rf"h_{{{t - 1},1}}"
    symbol = rf"\left(a_{{{t}}} {'x' if into == 'Wi' else 'h'}"
    symbol += rf"_{{{t if into == 'Wi' else t - 1}}}^\top\right)_{{11}}"
    formula, filled = rf"a_{{{t},1}}\,{factor}", r"@l@ \cdot @r@"
    numbers = {"l": left, "r": float(right[0])}
    T, tag = len(trace.xs), 7 if into == "Wi" else 8
    early = mistake == "bracket" and into == "Wi" and t == T
    if early:
        formula = rf"(1 - h_{{{T},1}}^2)\,W_{{o,1}}\,{factor}"
        filled = r"(1 - (@s@)^2) \cdot @w@ \cdot @r@"
        numbers |= {"s": float(trace.h[T, 0]), "w": float(trace.Wo[0, 0])}
    left_out = mistake == "last-only" and into == "Wi" and t < T
    left_out |= mistake == "no-start" and into == "Wh" and t == 1
    if left_out:
        formula, filled = r"\text{left out}", ""
    printed = early or left_out
    return Line(symbol, formula, filled, value, numbers, tag, f"path{t}", printed)


def _sum(trace: "Recurrent", mistake: str, into: str) -> tuple[Line, ...]:
    terms, T = getattr(trace.paths, into), len(trace.xs)
    total, lines = trace.dWi if into == "Wi" else trace.dWh, []
    for i in range(rows_shown(trace)):
        for j in range(min(2, total.shape[1])):
            v = rf"x_{{t,{j + 1}}}" if into == "Wi" else rf"h_{{t-1,{j + 1}}}"
            formula = right = rf"\sum_t a_{{t,{i + 1}}}\,{v}"
            if mistake == "bracket" and into == "Wi":
                formula = rf"\sum_{{t<{T}}} a_{{t,{i + 1}}}\,{v}"
                formula += rf" + (D_{{{T}}} W_o^\top x_{{{T}}}^\top)_{{{i + 1}{j + 1}}}"
            elif mistake == "last-only" and into == "Wi":
                formula = rf"a_{{{T},{i + 1}}}\,x_{{{T},{j + 1}}}"
            elif mistake == "no-start" and into == "Wh":
                formula = rf"\sum_{{t>1}} a_{{t,{i + 1}}}\,{v}"
            column = terms[::-1, i, j]
            shown = list(column) if T <= SPELLED_OUT else [*column[:2], column[2:].sum()]
            numbers = {f"p{k}": float(value) for k, value in enumerate(shown)}
            filled = " + ".join(f"@{name}@" for name in numbers)
            symbol, name = by_weight(into[1], i + 1, j + 1), f"d{into}[{i + 1},{j + 1}]"
            tag = 7 if into == "Wi" else 8
            value, printed = float(total[i, j]), formula != right
            lines.append(Line(symbol, formula, filled, value, numbers, tag, name, printed))
    return tuple(lines)
