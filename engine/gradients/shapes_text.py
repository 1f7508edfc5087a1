"""Chains and shapes as a person types them: "conv 5x5 20; pool 2; linear 10" and "28x28x1"."""

import re
from collections.abc import Sequence
from typing import Any

from engine.data import DataError
from engine.gradients.shapes_layers import LARGEST, Conv, Flatten, Layer, Linear, Pool

MOST_LAYERS = 24
OPTIONS = {
    "stride": "stride", "s": "stride", "pad": "padding", "padding": "padding", "p": "padding",
    "dilation": "dilation", "d": "dilation",
}  # fmt: skip
LIKE = {
    "conv": "conv 5x5 20",
    "pool": "pool 2",
    "linear": "linear 10",
}
_SIZE = re.compile(r"\d{1,7}(x\d{1,7})?")
_PLAIN = re.compile(r"[A-Za-z0-9.+-]{1,20}")  # a visitor's text stays out of what is drawn


def layers_of(given: Any) -> tuple[Layer, ...]:
    """The layers of a typed chain, or of a list of layers; DataError in one sentence."""
    if isinstance(given, str):
        parts = [part for part in re.split(r";|\n|->|→", given) if part.strip()]
        layers = [_layer(part, place) for place, part in enumerate(parts[: MOST_LAYERS + 1], 1)]
    else:
        layers = list(given) if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(layer, (Conv, Pool, Flatten, Linear)) for layer in layers):
            raise DataError("layers must be Conv, Pool, Flatten and Linear, or a text.")
    if not layers:
        raise DataError("layers must hold at least one layer, like conv 5x5 20.")
    if len(layers) > MOST_LAYERS:
        raise DataError(f"layers must be at most {MOST_LAYERS}.")
    return tuple(layers)


def shape_of(name: str, given: Any, lengths: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    """(height, width, channels), or one number for a vector; two numbers mean one channel."""
    like = "like 28x28x1" if name == "input_shape" else "like 4x4x50"
    if isinstance(given, str):
        words = re.split(r"[x,\s]+", given.lower().replace("×", "x").strip())
        if not all(re.fullmatch(r"\d{1,7}", word) for word in words):
            raise DataError(f"{name} must be height x width x channels, {like}.")
        items: Sequence = [int(word) for word in words]
    else:
        items = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(items) not in lengths:
        raise DataError(f"{name} must be height x width x channels, {like}.")
    try:
        sizes = [int(item) for item in items]
        good = all(1 <= size <= LARGEST for size in sizes) and sizes == list(items)
    except (TypeError, ValueError, OverflowError):
        good, sizes = False, []
    if not good:
        raise DataError(f"{name} must be whole numbers in [1, {LARGEST:,}], {like}.")
    return (*sizes, 1) if len(sizes) == 2 else tuple(sizes)


def spell(layer: Layer) -> str:
    """A layer as ``layers_of`` reads it; what is usual is left out.

    >>> spell(Conv(6, 5, padding=2))
    'conv 5x5 6 pad 2'
    """
    if isinstance(layer, Linear):
        return f"linear {layer.out}"
    if isinstance(layer, Flatten):
        return "flatten"
    if isinstance(layer, Conv):
        words, usual = [f"conv {by(layer.kernel)} {layer.channels}"], (1, 1)
    else:
        words, usual = [f"pool {_short(layer.kernel)}"], layer.kernel
    if layer.stride != usual:
        words.append(f"stride {_short(layer.stride)}")
    if layer.padding != (0, 0):
        words.append(f"pad {_short(layer.padding)}")
    if isinstance(layer, Conv) and layer.dilation != (1, 1):
        words.append(f"dilation {_short(layer.dilation)}")
    if isinstance(layer, Pool) and layer.ceil:
        words.append("ceil")
    return " ".join(words)


def by(sizes: Sequence[int], sign: str = "x") -> str:
    """Sizes with a sign between them: 5x5, or 28×28×1."""
    return sign.join(str(size) for size in sizes)


def _short(sizes: tuple[int, int]) -> str:
    return str(sizes[0]) if sizes[0] == sizes[1] else by(sizes)


def _layer(text: str, place: int) -> Layer:
    words = re.sub(r"[=,:()]", " ", text.lower().replace("×", "x")).split()
    kind, rest = (words[0] if words else ""), words[1:]
    if kind == "flatten" and not rest:
        return Flatten()
    if kind not in LIKE:
        raise DataError(
            "layers must each begin with conv, pool, flatten or linear, "
            f"got {_shown(kind)} at layer {place}."
        )
    sizes = []
    while rest and _SIZE.fullmatch(rest[0]):
        sizes.append(_size(rest.pop(0)))
    wanted = 2 if kind == "conv" else 1
    if len(sizes) != wanted or (kind != "pool" and isinstance(sizes[-1], tuple)):
        raise DataError(f"layers must be spelled like {LIKE[kind]}; layer {place} is not.")
    options = _options(kind, rest, place)
    if kind == "linear":
        return Linear(sizes[0])
    return Conv(sizes[1], sizes[0], **options) if kind == "conv" else Pool(sizes[0], **options)


def _options(kind: str, words: list[str], place: int) -> dict[str, Any]:
    """stride 2 pad 1x0 dilation 2 ceil."""
    found: dict[str, Any] = {}
    allowed = {"conv": ("stride", "padding", "dilation"), "pool": ("stride", "padding")}
    while words:
        word = words.pop(0)
        if word == "ceil" and kind == "pool":
            found["ceil"] = True
            continue
        name = OPTIONS.get(word, "")
        if name not in allowed.get(kind, ()):
            raise DataError(f"layers must not hold {_shown(word)} in layer {place}, {kind}.")
        if not words or not _SIZE.fullmatch(words[0]):
            raise DataError(f"layers must have a number after {word} in layer {place}, {kind}.")
        found[name] = _size(words.pop(0))
    return found


def _size(word: str) -> int | tuple[int, int]:
    sizes = tuple(int(part) for part in word.split("x"))
    return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


def _shown(word: str) -> str:
    return f"“{word}”" if _PLAIN.fullmatch(word) else "something else"
