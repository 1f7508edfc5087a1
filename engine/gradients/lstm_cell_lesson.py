"""What the lesson on the full cell says: its states, its known mistakes, its formulas.

The tags are those of ``engine.gradients.lstm_cell``.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.lstm_cell import Cell

GATES = ("i", "f", "g", "o")
BENT = {"i": r"\sigma", "f": r"\sigma", "g": r"\tanh", "o": r"\sigma"}


@dataclass(frozen=True)
class State:
    """One computation: ``kind`` is given, forward, loss, backward or sum; ``t`` its time."""

    kind: str
    t: int


def states(T: int) -> tuple[State, ...]:
    """Out from 1 to T, the loss, home from T to 1, and the sum."""
    out = [State("given", 0), *(State("forward", t) for t in range(1, T + 1)), State("loss", T)]
    return (*out, *(State("backward", t) for t in range(T, 0, -1)), State("sum", 0))


SLIPS = Slips(
    Slip(
        "carousel",
        "004-1, the way back",
        "Only along the cell",
        "Before the last step the error runs along c alone, as Hochreiter and Schmidhuber (1997) "
        "cut it on purpose.",
        "It hides when W_hh = 0 and when T = 1.",
    ),
    Slip(
        "early",
        "004-1, the way back",
        "f of the same step",
        "Going back to step t, the error passes f of step t; it must pass that of t + 1.",
        "It hides when T = 1 and where the forget gate is the same at all steps.",
    ),
    Slip(
        "slope",
        "004-1, the way back",
        "No slope of tanh(c)",
        "From the output the error steps back onto the cell without 1 - tanh²(c).",
        "It hides where the cell is empty, c = 0.",
    ),
)


def working(trace: "Cell", slip: Slip | None = None, unit: int = 0) -> tuple[tuple[Line, ...], ...]:
    """For each state the lines that compute it for one unit.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    mistake = slip.name if slip else ""
    makes = {
        "given": lambda t: _bias(trace, unit),
        "forward": lambda t: _out(trace, t, unit),
        "loss": lambda t: _loss(trace, unit),
        "backward": lambda t: _home(trace, t, unit, mistake),
        "sum": lambda t: _sum(trace, unit),
    }
    return tuple(makes[state.kind](state.t) for state in states(len(trace.x)))


def by(symbol: str) -> str:
    """dL by something, in LaTeX."""
    return rf"\partial L / \partial {symbol}"


def _bias(trace: "Cell", u: int) -> tuple[Line, ...]:
    """How far each gate stands open before anything arrives."""
    n, lines = len(trace.target), []
    for k, gate in enumerate(GATES):
        b = float(trace.b[k * n + u])
        value = _bend(gate, b)
        symbol = rf"{gate}(0)"
        formula, filled = rf"{BENT[gate]}(b^{gate})", rf"{BENT[gate]}(@b@)"
        lines.append(Line(symbol, formula, filled, value, {"b": b}, 2))
    return tuple(lines)


def _bend(gate: str, a: float) -> float:
    return math.tanh(a) if gate == "g" else 1 / (1 + math.exp(-a))


def _out(trace: "Cell", t: int, u: int) -> tuple[Line, ...]:
    """The row of step t: four gates, cell, output."""
    n, lines = len(trace.target), []
    values = dict(zip(GATES, trace.gates[t - 1, :, u].tolist(), strict=True))
    for k, gate in enumerate(GATES):
        r = k * n + u
        numbers = {
            "x": float(trace.W_ih[r] @ trace.x[t - 1]),
            "h": float(trace.W_hh[r] @ trace.h[t - 1]),
            "b": float(trace.b[r]),
        }
        formula = rf"{BENT[gate]}(W_{{ih}} x_{{{t}}} + W_{{hh}} h_{{{t - 1}}} + b)^{gate}"
        filled = rf"{BENT[gate]}(@x@ + @h@ + @b@)"
        lines.append(
            Line(f"{gate}_{{{t}}}", formula, filled, values[gate], numbers, 2, f"{gate}{t}")
        )
    c, h = f"c_{{{t}}}", f"h_{{{t}}}"
    before, now = float(trace.c[t - 1, u]), float(trace.c[t, u])
    formula = rf"f_{{{t}}}\,c_{{{t - 1}}} + i_{{{t}}}\,g_{{{t}}}"
    filled = r"@f@ \cdot @before@ + @i@ \cdot @g@"
    lines.append(Line(c, formula, filled, now, values | {"before": before}, 3, f"c{t}"))
    numbers = {"o": values["o"], "c": now}
    formula, filled = rf"o_{{{t}}} \tanh({c})", r"@o@ \cdot \tanh(@c@)"
    return (*lines, Line(h, formula, filled, float(trace.h[t, u]), numbers, 4, f"h{t}"))


def _loss(trace: "Cell", u: int) -> tuple[Line, ...]:
    T = len(trace.x)
    pairs = list(zip(trace.h[T].tolist(), trace.target.tolist(), strict=True))
    numbers = {f"h{k}": h for k, (h, _) in enumerate(pairs)}
    numbers |= {f"y{k}": y for k, (_, y) in enumerate(pairs)}
    filled = " + ".join(f"(@h{k}@ - @y{k}@)^2" for k in range(len(pairs)))
    formula = rf"\tfrac{{1}}{{2}} \sum (h_{{{T}}} - y)^2"
    h, y = pairs[u]
    return (
        Line("L", formula, rf"\tfrac{{1}}{{2}} \cdot ({filled})", trace.loss, numbers, 5, "loss"),
        Line(
            by(f"h_{{{T}}}"), rf"h_{{{T}}} - y", "@h@ - @y@", h - y, {"h": h, "y": y}, 6, f"dh{T}"
        ),
    )


def _home(trace: "Cell", t: int, u: int, mistake: str) -> tuple[Line, ...]:
    """Step t of the way home: the errors at h and c, then at the four gates."""
    T, lines = len(trace.x), []
    i, f, g, o = trace.gates[t - 1, :, u].tolist()
    c, before = float(trace.c[t, u]), float(trace.c[t - 1, u])
    dh, dc = float(trace.dh[t, u]), float(trace.dc[t, u])
    if t < T:
        cut = mistake == "carousel"
        formula = r"\text{left out}" if cut else rf"(W_{{hh}}^\top \delta_{{{t + 1}}})_{{{u + 1}}}"
        filled, numbers = _gates_of(trace, t, u)
        lines.append(
            Line(by(f"h_{{{t}}}"), formula, "" if cut else filled, dh, numbers, 6, f"dh{t}", cut)
        )  # fmt: skip
    numbers = {"dh": dh, "o": o, "c": c}
    formula, filled = rf"{by(f'h_{{{t}}}')} \cdot o_{{{t}}}", r"@dh@ \cdot @o@"
    if mistake != "slope":
        formula += rf"\,(1 - \tanh^2 c_{{{t}}})"
        filled += r" \cdot (1 - \tanh(@c@)^2)"
    by_c, bare = by(f"c_{{{t}}}"), mistake == "slope"
    if t == T:
        lines.append(Line(by_c, formula, filled, dc, numbers, 7, f"dc{t}", bare))
    else:
        by_h, early = rf"\text{{by }} h_{{{t}}}", mistake == "early"
        gate = t if early else t + 1
        f_, later = float(trace.gates[gate - 1, 1, u]), float(trace.dc[t + 1, u])
        part = dh * o * (1.0 if bare else 1 - math.tanh(c) ** 2)
        lines.append(Line(by_h, formula, filled, part, numbers, 7, "", bare))
        formula = rf"{by_h} + f_{{{gate}}} \cdot {by(f'c_{{{t + 1}}}')}"
        numbers = {"part": part, "f": f_, "dc": later}
        filled = r"@part@ + @f@ \cdot @dc@"
        lines.append(Line(by_c, formula, filled, dc, numbers, 7, f"dc{t}", early))
    numbers = {"i": i, "f": f, "g": g, "o": o, "c": c, "before": before, "dh": dh, "dc": dc}
    c_, h_ = by("c"), by("h")
    slopes = (
        (rf"{c_} \cdot g\,i\,(1 - i)", r"@dc@ \cdot @g@ \cdot @i@ \cdot (1 - @i@)"),
        (
            rf"{c_} \cdot c_{{{t - 1}}}\,f\,(1 - f)",
            r"@dc@ \cdot @before@ \cdot @f@ \cdot (1 - @f@)",
        ),
        (rf"{c_} \cdot i\,(1 - g^2)", r"@dc@ \cdot @i@ \cdot (1 - (@g@)^2)"),
        (
            rf"{h_} \cdot \tanh(c_{{{t}}})\,o\,(1 - o)",
            r"@dh@ \cdot \tanh(@c@) \cdot @o@ \cdot (1 - @o@)",
        ),
    )
    for k, (gate, (formula, filled)) in enumerate(zip(GATES, slopes, strict=True)):
        value = float(trace.delta[t - 1, k, u])
        lines.append(
            Line(rf"\delta^{gate}_{{{t}}}", formula, filled, value, numbers, 8, f"{gate}'{t}")
        )
    return tuple(lines)


def _gates_of(trace: "Cell", t: int, u: int) -> tuple[str, dict[str, float]]:
    """What each gate of step t + 1 sends back to unit u of h_t."""
    n = len(trace.target)
    parts = {
        gate: float(trace.W_hh[k * n : k * n + n, u] @ trace.delta[t, k])
        for k, gate in enumerate(GATES)
    }
    return " + ".join(f"@{gate}@" for gate in parts), parts


def _sum(trace: "Cell", u: int) -> tuple[Line, ...]:
    """Of each gate of the unit the gradient of its bias, of two also by their first weights."""
    n, lines = len(trace.target), []
    for k, gate in enumerate(GATES):
        value = float(trace.db[k * n + u])
        formula = rf"\sum_t \delta^{gate}_t"
        lines.append(Line(by(f"b^{gate}"), formula, "", value, {}, 9, f"db{gate}"))
    for k in (1, 2):
        r, gate = k * n + u, GATES[k]
        for weight, arrived, value in (
            ("W_{ih}", "x_{t,1}", trace.dW_ih[r, 0]),
            ("W_{hh}", "h_{t-1,1}", trace.dW_hh[r, 0]),
        ):
            formula = rf"\sum_t \delta^{gate}_t\,{arrived}"
            name = f"d{weight[3:5]}{gate}"
            symbol = by(weight.replace("{", "{" + f"{gate},"))
            lines.append(Line(symbol, formula, "", float(value), {}, 9, name))
    return tuple(lines)
