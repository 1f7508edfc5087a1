"""The sizes and counts of each layer: formula, substituted, value.

The tags are those of ``engine.gradients.shapes``.
"""

import math
from typing import TYPE_CHECKING

from engine.gradients.shapes_layers import Conv, Flatten, Layer, Linear, Pool, Side
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.shapes import Shapes


def working(trace: "Shapes", slip: Slip | None = None) -> tuple[tuple[Line, ...], ...]:
    """For each step what its layer makes: height, width, what is cut off, channels, parameters.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    name = slip.name if slip else ""
    groups = [_given(trace)]
    groups += [_layer(trace, i, layer, name) for i, layer in enumerate(trace.layers, 1)]
    groups[-1] = (*groups[-1], _total(trace))
    return tuple(groups)


def _given(trace: "Shapes") -> tuple[Line, ...]:
    shape = trace.rows[0].shape
    factors = {f"n{k}": float(n) for k, n in enumerate(shape)}
    filled = r" \cdot ".join(f"@{name}@" for name in factors)
    formula = "H_0 W_0 C_0" if len(shape) == 3 else "n"
    return (Line("n_0", formula, filled, float(math.prod(shape)), factors, 6, "numbers0"),)


def _layer(trace: "Shapes", i: int, layer: Layer, slip: str) -> tuple[Line, ...]:
    if isinstance(layer, Flatten):
        return (_numbers(trace, i),)
    if isinstance(layer, Linear):
        n, m = math.prod(trace.rows[i - 1].shape), layer.out
        sizes = {"m": float(m), "n": float(n)}
        weights = Line(
            _text("weights", i), f"m_{{{i}}}\\, n_{{{i - 1}}}", r"@m@ \cdot @n@",
            float(m * n), sizes, 6, f"weights{i}",
        )  # fmt: skip
        return weights, _parameters(trace, i, 6)
    return _sizes(trace, i, layer, slip) + (
        _channels(trace, i, layer, slip) if isinstance(layer, Conv) else ()
    )


def _numbers(trace: "Shapes", i: int) -> Line:
    shape = trace.rows[i - 1].shape
    factors = {f"n{k}": float(n) for k, n in enumerate(shape)}
    filled = r" \cdot ".join(f"@{name}@" for name in factors)
    j = i - 1
    formula = f"H_{{{j}}} W_{{{j}}} C_{{{j}}}" if len(shape) == 3 else f"n_{{{j}}}"
    value = float(math.prod(shape))
    return Line(f"n_{{{i}}}", formula, filled, value, factors, 6, f"numbers{i}")


def _sizes(trace: "Shapes", i: int, layer: Conv | Pool, slip: str) -> tuple[Line, ...]:
    """Height and width, each with what is left over; in one where the two are alike."""
    before, row = trace.rows[i - 1].shape, trace.rows[i]
    sides = layer.sides(before[0], before[1])
    lines, ends = [], (f"{i}", f"_width{i}")
    for axis, (name, letter) in enumerate((("height", "H"), ("width", "W"))):
        if axis and sides[0] == sides[1]:
            break
        alike = sides[0] == sides[1]
        symbol = f"H_{{{i}}} = W_{{{i}}}" if alike else f"{letter}_{{{i}}}"
        lines.append(_size(sides[axis], symbol, letter, i, row.shape[axis], name, slip))
        side = sides[axis]
        if row.over[axis] and slip != "rounded-up":
            lines.append(_over(side, letter, i, row.over[axis], ends[axis]))
        elif side.rounding == "floor":
            lines.append(_rest(side, letter, i, row.discarded[axis], ends[axis], slip))
    return tuple(lines)


def _moves(side: Side, letter: str, i: int) -> tuple[str, str, dict[str, float]]:
    """How far the window moves: formula, substituted, numbers."""
    formula = f"{letter}_{{{i - 1}}} + 2p - d(k - 1) - 1"
    filled = r"@n@ + 2 \cdot @p@ - @d@\,(@k@ - 1) - 1"
    names = {"n": side.size, "p": side.padding, "d": side.dilation, "k": side.kernel}
    return formula, filled, {n: float(value) for n, value in (names | {"s": side.stride}).items()}


def _size(side: Side, symbol: str, letter: str, i: int, value: int, name: str, slip: str) -> Line:
    formula, filled, numbers = _moves(side, letter, i)
    up = slip == "rounded-up" or side.rounding == "ceil"
    kind = "ceil" if up else "floor"

    def rounded(above: str, below: str) -> str:
        return rf"\left\l{kind} \frac{{{above}}}{{{below}}} \right\r{kind} + 1"

    # One place less where the last window of a ceil pooling would start behind the last cell.
    less = side.rounding == "ceil" and -(-side.room // side.stride) + 1 > value
    last = " - 1" if less and slip != "rounded-up" else ""
    return Line(
        symbol, rounded(formula, "s") + last, rounded(filled, "@s@") + last, float(value), numbers,
        4 if up else 2, f"{name}{i}", slip == "rounded-up" and side.rounding == "floor",
    )  # fmt: skip


def _rest(side: Side, letter: str, i: int, value: int, end: str, slip: str) -> Line:
    formula, filled, numbers = _moves(side, letter, i)
    symbol, name = ("r", "r_W")[letter == "W"], f"rest{end}"
    if slip == "rounded-up":
        nothing = r"\text{nothing is cut off}"
        return Line(symbol, nothing, "", float(value), {}, 3, name, True)
    return Line(
        symbol, rf"({formula}) \bmod s", rf"({filled}) \bmod @s@", float(value), numbers, 3, name,
    )  # fmt: skip


def _over(side: Side, letter: str, i: int, value: int, end: str) -> Line:
    numbers = {"n": side.out, "s": side.stride, "k": side.span, "m": side.padded}
    formula = rf"({letter}_{{{i}}} - 1)\,s + k - {letter}_{{{i - 1}}}"
    formula += " - 2p" if side.padding else ""
    return Line(
        r"\text{over}", formula, r"(@n@ - 1) \cdot @s@ + @k@ - @m@", float(value),
        {name: float(number) for name, number in numbers.items()}, 4, f"over{end}",
    )  # fmt: skip


def _channels(trace: "Shapes", i: int, layer: Conv, slip: str) -> tuple[Line, ...]:
    row, depth = trace.rows[i], trace.rows[i - 1].shape[2]
    numbers = {
        "f": float(row.shape[2]), "c": float(depth), "a": float(layer.kernel[0]),
        "b": float(layer.kernel[1]), "asked": float(layer.channels),
    }  # fmt: skip
    divided, rounded = slip == "filters", r"\text{rounded }"
    channels = Line(
        f"C_{{{i}}}",
        rounded + rf"\frac{{C'}}{{C_{{{i - 1}}}}}" if divided else r"\text{filters}",
        rounded + r"\frac{@asked@}{@c@}" if divided else "",
        numbers["f"], numbers, 5, f"channels{i}", divided,
    )  # fmt: skip
    weights = Line(
        _text("weights", i), rf"C_{{{i}}}\, C_{{{i - 1}}}\, k_h k_w",
        r"@f@ \cdot @c@ \cdot @a@ \cdot @b@", float(row.weights), numbers, 5, f"weights{i}",
    )  # fmt: skip
    return channels, weights, _parameters(trace, i, 5)


def _parameters(trace: "Shapes", i: int, tag: int) -> Line:
    row = trace.rows[i]
    numbers = {"w": float(row.weights), "b": float(row.biases)}
    return Line(
        f"P_{{{i}}}", r"\text{weights} + \text{biases}", "@w@ + @b@",
        float(row.weights + row.biases), numbers, tag, f"parameters{i}",
    )  # fmt: skip


def _total(trace: "Shapes") -> Line:
    learnt = {f"p{i}": float(r.weights + r.biases) for i, r in enumerate(trace.rows) if r.weights}
    filled = " + ".join(f"@{name}@" for name in learnt) if len(learnt) <= 5 else ""
    return Line(
        r"P_{\text{all}}", r"\sum_i P_i", filled, float(trace.parameters), learnt, None, "total"
    )


def _text(word: str, i: int) -> str:
    return rf"\text{{{word}}}_{{{i}}}"
