"""The layers of a chain: what each asks for, and what a window does along one side.

The tags are those of ``engine.gradients.shapes``.
"""

from dataclasses import dataclass
from typing import Any

from engine.data import DataError

LARGEST = 100_000


@dataclass(frozen=True)
class Side:
    """A window along one side: ``size`` cells, and kernel, stride, padding and dilation.

    ``rounding`` is "floor", "ceil" as torch's pooling has it, or "up", which no layer does.
    """

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int = 1
    rounding: str = "floor"

    @property
    def span(self) -> int:
        """From the first tap of the kernel to the last."""
        return self.dilation * (self.kernel - 1) + 1  # (1)

    @property
    def padded(self) -> int:
        return self.size + 2 * self.padding

    @property
    def room(self) -> int:
        """How far the window can move; negative if it is longer than the side."""
        return self.padded - self.span

    @property
    def out(self) -> int:
        """How many places the window takes; none if it does not fit."""
        if self.rounding == "floor":
            return self.room // self.stride + 1  # (2)
        places = -(-self.room // self.stride) + 1  # (4)
        beyond = (places - 1) * self.stride >= self.size + self.padding
        return places - (self.rounding == "ceil" and beyond)

    @property
    def rest(self) -> int:
        """Cells behind the last window, padding included."""
        return max(0, self.padded - self._end)  # (3)

    @property
    def over(self) -> int:
        """Cells by which the last window hangs over the border."""
        return max(0, self._end - self.padded)

    @property
    def _end(self) -> int:
        return (self.out - 1) * self.stride + self.span


@dataclass(frozen=True)
class Conv:
    """``channels`` filters. Kernel, stride, padding, dilation: one number, or (height, width)."""

    channels: Any
    kernel: Any
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1

    def __post_init__(self) -> None:
        _put(self, channels=whole("channels", self.channels))
        _put(self, **{n: pair(n, getattr(self, n)) for n in ("kernel", "stride", "dilation")})
        _put(self, padding=pair("padding", self.padding, 0))

    def sides(self, height: int, width: int, rounding: str = "") -> tuple[Side, Side]:
        """What happens along the height and along the width."""
        given = zip(
            (height, width), self.kernel, self.stride, self.padding, self.dilation, strict=True
        )
        first, second = (Side(*numbers, rounding or "floor") for numbers in given)
        return first, second


@dataclass(frozen=True)
class Pool:
    """The largest of each window, channel by channel. Without a stride the windows tile."""

    kernel: Any
    stride: Any = None
    ceil: bool = False
    padding: Any = 0

    def __post_init__(self) -> None:
        _put(self, kernel=pair("kernel", self.kernel))
        _put(self, stride=self.kernel if self.stride is None else pair("stride", self.stride))
        _put(self, padding=pair("padding", self.padding, 0))
        if any(2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise DataError("layers must not pad a pooling by more than half its kernel.")

    def sides(self, height: int, width: int, rounding: str = "") -> tuple[Side, Side]:
        """What happens along the height and along the width."""
        given = zip((height, width), self.kernel, self.stride, self.padding, strict=True)
        usual = "ceil" if self.ceil else "floor"
        first, second = (Side(*numbers, 1, rounding or usual) for numbers in given)
        return first, second


@dataclass(frozen=True)
class Flatten:
    """All numbers of a volume in one row."""


@dataclass(frozen=True)
class Linear:
    """``out`` numbers, each a weighted sum of all that comes in; a volume is flattened first."""

    out: Any

    def __post_init__(self) -> None:
        _put(self, out=whole("linear", self.out))


Layer = Conv | Pool | Flatten | Linear


def whole(name: str, value: Any, low: int = 1) -> int:
    """A whole number in [low, 100,000], or a DataError."""
    try:
        number = low - 1 if isinstance(value, (bool, str)) else int(value)
    except (TypeError, ValueError, OverflowError):
        number = low - 1
    if number == value and low <= number <= LARGEST:
        return number
    raise DataError(f"layers must have whole numbers in [{low}, {LARGEST:,}] as {name}.")


def pair(name: str, value: Any, low: int = 1) -> tuple[int, int]:
    """(height, width) of one number or of two."""
    items = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(items) != 2:
        raise DataError(f"layers must have one or two numbers as {name}, got {len(items)}.")
    return whole(name, items[0], low), whole(name, items[1], low)


def _put(layer: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(layer, name, value)
