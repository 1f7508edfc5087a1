r"""What size comes out of a chain of layers, exercise 001-2 (g) and (h).

A volume has height $H$, width $W$ and $C$ channels. A window has, along each side, $k$ taps,
stride $s$, padding $p$ at both ends and dilation $d$ (from one tap to the next).

**One side.** From first tap to last the window spans $d(k - 1) + 1$ cells. It starts at one end of
the $H + 2p$ padded cells and moves on by $s$ as long as it fits:

$$\text{span} = d(k - 1) + 1 \tag{1}$$
$$H' = \left\lfloor \frac{H + 2p - d(k - 1) - 1}{s} \right\rfloor + 1 \tag{2}$$

The width likewise. What floor drops are the last $r$ rows, which no window reaches:

$$r = (H + 2p - d(k - 1) - 1) \bmod s \tag{3}$$

A pooling may round up instead, so that the last window hangs over the border. The right side of
(4) is one too many if that window would start behind the last real cell:

$$H' = \left\lceil \frac{H + 2p - d(k - 1) - 1}{s} \right\rceil + 1 \tag{4}$$

**Channels.** A filter reaches through all $C$ channels that come in and makes *one* that goes out.
So $C'$ channels take $C'$ filters, each $k_h \times k_w \times C$, and one bias each:

$$\text{weights} = C'\, C\, k_h k_w, \qquad \text{biases} = C' \tag{5}$$

Pooling works on each channel alone: $C' = C$, nothing to learn.

**Vectors.** Flattening keeps every number; in a linear layer each of the $m$ numbers that go out
sees all $n$ that come in:

$$n = H\, W\, C, \qquad \text{weights} = m\, n, \qquad \text{biases} = m \tag{6}$$

**Exercise (g).** 28×28, 20 filters of 5×5, then 2×2 pooling:

$$\left\lfloor \frac{28 - 5}{1} \right\rfloor + 1 = 24, \qquad
\left\lfloor \frac{24 - 2}{2} \right\rfloor + 1 = 12 \tag{7}$$

**Exercise (h), backwards.** Which $k$ and $s$ lead, through a pooling of window and stride $q$, to
height $t$? The convolution must leave $qt$ to $qt + q - 1$ rows, so

$$H + 2p - s(qt + q - 1) < k \le H + 2p - s(qt - 1) \tag{8}$$

Here $12 - 9s < k \le 12 - 7s$: for $s = 1$ that is $3 < k \le 5$, and for $s \ge 2$ no $k$ is
left. $k = 5$ makes 8 rows, which the pooling tiles; $k = 4$ makes 9, of which it drops the last.
The channels need 50 filters of 5×5×20, with one bias each:

$$50 \cdot 20 \cdot 5 \cdot 5 + 50 = 25\,050 \tag{9}$$
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from engine.certificate import Certificate
from engine.data import DataError
from engine.gradients.shapes_certificate import certificate
from engine.gradients.shapes_layers import Conv, Flatten, Layer, Linear, Pool
from engine.gradients.shapes_lesson import SLIPS, presets, questions
from engine.gradients.shapes_solve import Answer, solve
from engine.gradients.shapes_text import by, layers_of, shape_of, spell
from engine.gradients.shapes_working import working
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "Answer", "Conv", "Flatten", "Linear", "Params", "Pool", "Row", "Shapes",
    "by", "certify", "explore", "questions", "run", "slipped", "solve", "spell", "working",
    "wrong_cells",
]  # fmt: skip

MOST_NUMBERS = 10**12


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How the target is to be reached: what stands around the unknown kernel."""

    pool: int = knob(
        2, 1, 100, "window and stride of the pooling behind the unknown kernel; 1 for none"
    )
    padding: int = knob(0, 0, 20, "the largest padding tried for the unknown kernel")


DEFAULT = Params()


@dataclass(frozen=True)
class Row:
    """A layer and what comes out of it. ``discarded`` are the rows and columns that floor drops,
    ``over`` those by which a ceil pooling hangs over the border."""

    layer: Layer | None
    shape: tuple[int, ...]
    weights: int = 0
    biases: int = 0
    discarded: tuple[int, int] = (0, 0)
    over: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Shapes(Trace):
    """Every volume of a chain, index 0 = what goes in. A vector counts as 1 by 1.

    ``answers`` holds, for each step, what reaches the target from the volume before that layer.
    """

    params: Params
    target: tuple[int, ...] | None
    rows: tuple[Row, ...]
    answers: tuple[tuple[Answer, ...], ...]
    height: Float64[np.ndarray, " steps"] = along_steps()
    width: Float64[np.ndarray, " steps"] = along_steps()
    channels: Float64[np.ndarray, " steps"] = along_steps()
    weights: Float64[np.ndarray, " steps"] = along_steps()
    biases: Float64[np.ndarray, " steps"] = along_steps()
    discarded: Float64[np.ndarray, "steps 2"] = along_steps()
    parameters_so_far: Float64[np.ndarray, " steps"] = along_steps()

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(row.layer for row in self.rows[1:] if row.layer is not None)

    @property
    def parameters(self) -> int:
        """All weights and biases of the chain."""
        return sum(row.weights + row.biases for row in self.rows)


def run(input_shape: Any, layers: Any, target: Any = None, params: Params = DEFAULT) -> Shapes:
    """The volumes of a chain. Shapes are (height, width, channels) or a text like "28x28x1",
    ``layers`` a list or a text like "conv 5x5 20 pad 2; pool 2; linear 10"."""
    given, chain = shape_of("input_shape", input_shape), layers_of(layers)
    goal = None if target is None else shape_of("target", target, (2, 3))
    return _walked(params, given, chain, goal)


def explore(layers: Any, input_shape: Any, target: Any, params: Params) -> Shapes:
    """``run``, as the page asks for it."""
    return run(input_shape, layers, target, params)


def _walked(
    params: Params, given: tuple[int, ...], chain: Sequence[Layer],
    target: tuple[int, ...] | None, slip: str = "",
) -> Shapes:  # fmt: skip
    rows = [Row(None, given)]
    for place, layer in enumerate(chain, 1):
        rows.append(_row(layer, rows[-1].shape, place, slip))
    answers = [_reaching(row.shape, target, params, slip) for row in (rows[0], *rows[:-1])]
    boxes = [row.shape if len(row.shape) == 3 else (1, 1, *row.shape) for row in rows]
    height, width, channels = np.array(boxes, dtype=float).T
    weights, biases = np.array([(row.weights, row.biases) for row in rows], dtype=float).T
    discarded = np.array([row.discarded for row in rows], dtype=float)
    return Shapes(
        params, target, tuple(rows), tuple(answers), height, width, channels, weights, biases,
        discarded, np.cumsum(weights + biases),
    )  # fmt: skip


def _row(layer: Layer, before: tuple[int, ...], place: int, slip: str) -> Row:
    """One layer, (1) to (6)."""
    numbers = math.prod(before)
    if isinstance(layer, Flatten):
        return Row(layer, (numbers,))
    if isinstance(layer, Linear):
        row = Row(layer, (layer.out,), layer.out * numbers, layer.out)  # (6)
    else:
        row = _window(layer, before, place, slip)
    if max(math.prod(row.shape), row.weights) > MOST_NUMBERS:
        raise DataError(f"layers must not need more than 10^12 numbers; layer {place} does.")
    return row


def _window(layer: Conv | Pool, before: tuple[int, ...], place: int, slip: str) -> Row:
    name = "conv" if isinstance(layer, Conv) else "pool"
    if len(before) == 1:
        raise DataError(f"layers must not have {name} behind a vector, as layer {place} has.")
    height, width, depth = before
    sides = layer.sides(height, width, "up" if slip == "rounded-up" else "")
    for side, which in zip(sides, ("rows", "columns"), strict=True):
        if side.out < 1:
            raise DataError(
                f"layers must fit: the kernel of layer {place}, {name} {by(layer.kernel)}, spans "
                f"{side.span:,} {which} and finds {side.padded:,}."
            )
    first, second = sides
    cut, over = (first.rest, second.rest), (first.over, second.over)
    if isinstance(layer, Pool):
        return Row(layer, (first.out, second.out, depth), 0, 0, cut, over)
    filters = divided(layer.channels, depth) if slip == "filters" else layer.channels
    weights = filters * depth * math.prod(layer.kernel)  # (5)
    return Row(layer, (first.out, second.out, filters), weights, filters, cut, over)


def divided(channels: int, depth: int) -> int:
    """The printed mistake, 50 / 20 = 2.5 ≈ 3 filters: rounded half up, one at least."""
    return max(1, (2 * channels + depth) // (2 * depth))


def _reaching(
    before: tuple[int, ...], target: tuple[int, ...] | None, params: Params, slip: str
) -> tuple[Answer, ...]:
    if target is None or len(before) == 1:
        return ()
    found = solve(before, target, params.pool, params.padding)
    if slip != "filters":
        return found
    filters = divided(target[2], before[2])
    return tuple(dataclasses.replace(answer, filters=filters) for answer in found)


def certify(trace: Shapes, slip: Slip | None = None) -> Certificate:
    """Every row against the torch layer itself, every answer of ``solve`` too."""
    return certificate(trace, slipped(trace, slip) if slip else trace)


def slipped(trace: Shapes, slip: Slip) -> Shapes:
    """The same chain with one mistake in it."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    return _walked(trace.params, trace.rows[0].shape, trace.layers, trace.target, slip.name)


def wrong_cells(trace: Shapes, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip's number differs."""
    shown = slipped(trace, slip)
    fields = [f.name for f in dataclasses.fields(trace) if f.metadata.get("steps")]
    return {name: getattr(shown, name) != getattr(trace, name) for name in fields}


PRESETS = presets(Params)
