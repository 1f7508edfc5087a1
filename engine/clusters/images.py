r"""A picture painted with k colours, exercise 000-3.

Every pixel takes the nearest of k colours, and the colours are the centres that Lloyd's algorithm
finds (``engine.clusters.lloyd``). The pixels may be compared by red, green and blue, by
L\*a\*b\*, where distances are closer to what an eye sees, or by their grey value alone.

What it costs and what it keeps, for P pixels of C channels:

$$\text{bits per pixel} = \lceil \log_2 k \rceil + \frac{8 C k}{P}, \qquad
\mathrm{PSNR} = 10 \log_{10} \frac{255^2}{\mathrm{MSE}} \tag{1}$$
"""

import functools
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.clusters import lab, lloyd
from engine.clusters.best_start import best_start
from engine.clusters.collapse import Colours, collapse
from engine.clusters.collapse_kernels import label_pixels, paint, squares
from engine.clusters.loading import ImageError, declared, load
from engine.clusters.on_device import looker
from engine.clusters.starts import draw, spread
from engine.data import DataError, array
from engine.device import pick
from engine.params import Knobs, knob

__all__ = [
    "Colours", "ImageError", "Params", "Quantised", "collapse", "decibels", "declared", "load",
    "quantise",
]  # fmt: skip

CORNERS = {
    "rgb": (np.zeros(3), np.full(3, 255.0)),
    "grey": (np.zeros(1), np.full(1, 255.0)),
    "lab": (np.zeros(3), np.array([100.0, 0.0, 0.0])),
}


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many colours, compared how, found from where."""

    k: int = knob(8, 1, 256, "how many colours", label="$k$")
    steps: int = knob(10, 0, 200, "how many times the centres move at most", label="steps")
    norm: str = knob(
        "l2",
        help="l2: squared distance, centres are means; l1: absolute distance, centres are medians",
        label="norm",
        choices=("l2", "l1"),
    )
    start: str = knob(
        "spread",
        help="spread: from black to white; plusplus: far apart by chance; random: colours of the "
        "picture; best: the best of twenty on a coarse picture",
        label="start",
        choices=("spread", "plusplus", "random", "best"),
    )
    seed: int = knob(0, 0, 2**32 - 1, "what the random starts draw from", label="seed")
    space: str = knob(
        "rgb",
        help="what is compared: red, green and blue; L*a*b*; or the grey value",
        label="colours",
        choices=("rgb", "lab", "grey"),
    )
    empty: str = knob(
        "keep",
        help="a centre without pixels: keep it, or reseed it at the farthest colour",
        label="empty",
        choices=("keep", "reseed"),
    )


DEFAULT = Params()


@dataclass(frozen=True, eq=False)
class Quantised:
    """A picture's colours and the run of Lloyd's algorithm on them.

    ``clamped``: the picture has fewer colours than asked for, so ``trace.params.k`` is smaller.
    """

    params: Params
    colours: Colours
    trace: lloyd.Lloyd
    device: str = "cpu"

    @property
    def clamped(self) -> bool:
        return self.trace.params.k < self.params.k

    def palette(self, step: int = -1) -> np.ndarray:
        """The centres as bytes, uint8 (k, 3)."""
        centres = self.trace.at(step).centres
        if self.params.space == "lab":
            return lab.to_rgb(centres)
        return np.broadcast_to(np.round(centres).astype(np.uint8), (len(centres), 3)).copy()

    def shares(self, step: int = -1) -> np.ndarray:
        """How much of the picture each colour of the palette covers; they sum to 1."""
        sizes = self.trace.at(step).sizes
        return sizes / sizes.sum()

    def labels(self, step: int = -1) -> np.ndarray:
        """The palette entry of every pixel, uint8 (H, W)."""
        out = np.empty(len(self.colours.index), np.uint8)
        label_pixels(self.colours.index, self.trace.at(step).labels, out)
        return out.reshape(self.colours.shape[:2])

    def recovered(self, step: int = -1) -> np.ndarray:
        """The picture in the palette's colours, of the picture's own shape."""
        shape = self.colours.shape
        out = np.empty((len(self.colours.index), 3 if len(shape) == 3 else 1), np.uint8)
        paint(self.colours.index, self.trace.at(step).labels, self.palette(step), out)
        return out.reshape(shape)

    @functools.cached_property
    def histogram(self) -> np.ndarray:
        """How many pixels have each value: (1, 256) for grey, else (3, 256)."""
        channels = self.colours.rgb[:, : 1 if self.params.space == "grey" else 3].T
        return np.stack([np.bincount(c, self.colours.weights, 256) for c in channels]).astype(int)

    def psnr(self, step: int = -1) -> float:
        """Of the recovered picture, whole-numbered as it is; infinite if nothing is lost.

        In the grey space the picture's grey values are what is to be recovered.
        """
        colours, labels = self.colours, self.trace.at(step).labels
        error = squares(colours.rgb, colours.counts, labels, self.palette(step))
        return decibels(float(error) / (3 * len(self.colours.index)))

    @property
    def bits_per_pixel(self) -> float:
        """Equation (1): the labels and the palette."""
        k, channels = self.trace.params.k, 1 if self.params.space == "grey" else 3
        return math.ceil(math.log2(k)) + 8 * channels * k / len(self.colours.index)

    def png(self, step: int = -1) -> bytes:
        """The recovered picture as a palette PNG, with no more bits per pixel than k needs."""
        from PIL import Image

        picture = Image.fromarray(self.labels(step))
        picture.putpalette(self.palette(step).tobytes())
        bits = next(b for b in (1, 2, 4, 8) if 1 << b >= self.trace.params.k)
        out = io.BytesIO()
        picture.save(out, "PNG", bits=bits)
        return out.getvalue()


def decibels(mse: float) -> float:
    """The PSNR (1) of a mean squared error of bytes.

    >>> decibels(255.0**2)
    0.0
    """
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)


def quantise(
    picture: Any,
    params: Params = DEFAULT,
    centres: Any = None,
    device: str = "cpu",
    bent: Callable[[lloyd.Look], lloyd.Look] | None = None,
) -> Quantised:
    """Lloyd's algorithm on a uint8 picture, or on its ``Colours`` where they are made already.

    ``device`` assigns the colours, ``bent`` may change what a step does.
    """
    colours = picture if isinstance(picture, Colours) else collapse(picture, params.space)
    if colours.space != params.space:
        raise DataError(f"the colours are in {colours.space}, the parameters ask {params.space}.")
    k = params.k if centres is not None else min(params.k, len(colours.points))
    asked = lloyd.Params(
        k=k, norm=params.norm, steps=params.steps, seed=params.seed, empty=params.empty
    )
    if centres is not None:
        first = array("centres", centres, ndim=2)
        if first.shape != (k, colours.points.shape[1]):
            raise DataError(
                f"centres must have the shape {(k, colours.points.shape[1])}, got {first.shape}."
            )
    elif params.start == "best":
        first = best_start(colours, asked)
    elif params.start == "spread":
        low, high = CORNERS[params.space]
        first = spread(low, high, k)
    else:
        first = draw(colours.points, colours.weights, k, params.start, params.norm, params.seed)
    points, weights, device = colours.points, colours.weights, pick(device)
    if device == "cpu":
        look = colours.tree.looker(params.norm)
    else:
        look = looker(points, weights, params.norm, device)
    trace = lloyd.descend(points, weights, first, asked, look=bent(look) if bent else look)
    return Quantised(params, colours, trace, device)
