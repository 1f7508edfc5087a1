"""Which kernel and stride reach a target: the tags are those of ``engine.gradients.shapes``."""

from dataclasses import dataclass
from typing import Any

from engine.gradients.shapes_layers import Conv, Pool
from engine.gradients.shapes_text import shape_of
from engine.params import ParamError

MOST_ANSWERS = 500


@dataclass(frozen=True)
class Answer:
    """A square kernel and its stride. ``between`` is what the convolution makes of the height and
    the width; ``conv_cut`` and ``pool_cut`` are the rows and columns that floor discards."""

    kernel: int
    stride: int
    padding: int
    between: tuple[int, int]
    conv_cut: tuple[int, int]
    pool_cut: tuple[int, int]
    filters: int
    depth: int

    @property
    def exact(self) -> bool:
        """Nothing is discarded."""
        return self.conv_cut == self.pool_cut == (0, 0)

    @property
    def weights(self) -> int:
        return self.filters * self.depth * self.kernel**2  # (5)


def solve(
    input_shape: Any, target_shape: Any, pool: int = 1, padding: int = 0
) -> tuple[Answer, ...]:
    """Every square kernel and stride, no longer than the kernel, that lead to the target: by one
    convolution, padded by at most ``padding``, and a pooling of window and stride ``pool``.

    Exact ones first, then by size; at most 500, those with the least padding and stride.

    >>> [(a.kernel, a.stride, a.exact) for a in solve((12, 12, 20), (4, 4, 50), pool=2)]
    [(5, 1, True), (4, 1, False)]
    """
    height, width, depth = shape_of("input_shape", input_shape, (2, 3))
    target = shape_of("target", target_shape, (2, 3))
    for name, value, low in (("pool", pool, 1), ("padding", padding, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= 1000:
            raise ParamError(f"{name} must be a whole number in [{low}, 1000].")
    found: list[Answer] = []
    for p in range(padding + 1):
        sizes = height + 2 * p, width + 2 * p
        for stride in range(1, min(sizes) + 1):
            low, high = stride, min(sizes)
            for size, goal in zip(sizes, target, strict=False):
                low = max(low, size - stride * (pool * goal + pool - 1) + 1)  # (8)
                high = min(high, size - stride * (pool * goal - 1))
            if high < stride:
                break  # a longer stride only leaves less
            for kernel in range(high, max(low, p + 1) - 1, -1):
                found.append(_answer(kernel, stride, p, pool, (height, width, depth), target[2]))
                if len(found) == MOST_ANSWERS:
                    return _exact_first(found)
    return _exact_first(found)


def _answer(
    kernel: int, stride: int, padding: int, pool: int, given: tuple[int, ...], filters: int
) -> Answer:
    sides = Conv(filters, kernel, stride, padding).sides(given[0], given[1])
    between = sides[0].out, sides[1].out
    pooled = Pool(pool).sides(*between)
    conv_cut, pool_cut = ((height.rest, width.rest) for height, width in (sides, pooled))
    return Answer(kernel, stride, padding, between, conv_cut, pool_cut, filters, given[2])


def _exact_first(found: list[Answer]) -> tuple[Answer, ...]:
    return tuple(sorted(found, key=lambda a: (not a.exact, a.kernel, a.stride)))
