"""Where the parameters of one width sit, and how large each layer's first gradient is."""

from dataclasses import dataclass

import numpy as np

from engine.training import resnet

# The arrays of the network that belong to each line of ``resnet.ledger``.
ARRAYS = (
    ("stem.weight",),
    ("norm.weight", "norm.bias"),
    (),
    ("block.conv1.weight",),
    ("block.norm1.weight", "block.norm1.bias"),
    ("block.conv2.weight",),
    ("block.norm2.weight", "block.norm2.bias"),
    (),
    (),
    ("linear.weight", "linear.bias"),
)
CONVOLUTIONS = (0, 3, 5)  # lines of the ledger
NORMS = (1, 4, 6)


@dataclass(frozen=True)
class Entry:
    """One line of the ledger."""

    layer: str
    shape: tuple[int, ...]
    parameters: int


def ledger(width: int, norm: bool = True, slip: str = "") -> list[Entry]:
    """Layer by layer; with the slip ``bias-counted`` every convolution has a bias too."""
    out = []
    for line, (layer, shape, count) in enumerate(resnet.ledger(width)):
        if slip == "bias-counted" and line in CONVOLUTIONS:
            count += width
        if not norm and line in NORMS:
            layer, count = layer.replace("norm", "no norm"), 0
        out.append(Entry(layer, shape, count))
    return out


def counted(width: int, norm: bool = True, slip: str = "") -> int:
    """All parameters of one width."""
    return sum(entry.parameters for entry in ledger(width, norm, slip))


def lengths(gradients: dict[str, np.ndarray]) -> list[float]:
    """The length of the gradient of each line of the ledger; 0 where there are no parameters."""
    return [
        float(np.sqrt(sum((gradients[name] ** 2).sum() for name in names if name in gradients)))
        for names in ARRAYS
    ]


def off(right: dict[str, np.ndarray], shown: dict[str, np.ndarray]) -> list[bool]:
    """Of each line of the ledger: is its gradient another one?"""
    return [
        any(name in right and not np.allclose(right[name], shown[name]) for name in names)
        for names in ARRAYS
    ]
