r"""How few colours make a picture, exercise 000-3.

* $x_n$: the different colours of a picture, as red, green and blue, as L\*a\*b\*, or as one grey
  value; $w_n$ pixels have colour $n$. In all there are $P = \sum_n w_n$ pixels of $C$ channels.
* $\mu_k$: the palette, $K$ colours. $r_n \in \{1, \dots, K\}$: the entry that colour $n$ is
  painted with.

**Two steps, in turn.** With the palette held, each colour takes the nearest entry, the lower
number at a tie. With the labels held, each entry takes the mean of what it paints, or under
absolute distance the median of each channel. Counts make this the same as with every pixel.

$$r_n = \arg\min_k d(x_n, \mu_k), \qquad
d(x, \mu) = \sum_c (x_c - \mu_c)^2 \text{ or } \sum_c |x_c - \mu_c| \tag{1}$$
$$\mu_k = \frac{1}{N_k} \sum_{n:\,r_n = k} w_n x_n, \qquad N_k = \sum_{n:\,r_n = k} w_n \tag{2}$$

Neither can raise the distortion, so it never rises, and the run settles.

$$D = \sum_n w_n\, d(x_n, \mu_{r_n}) \tag{3}$$

**Where it settles depends on the start.** For grey the best palette of all is known: its clusters
are intervals of the sorted values, so dynamic programming over where the last one begins finds
$D^*$, with $c(m, i)$ the distortion of the values $m, \dots, i$ about their own mean. Lloyd's
algorithm cannot get below it, and may stay above.

$$E_j(i) = \min_{m \le i} \big( E_{j-1}(m - 1) + c(m, i) \big), \qquad D^* = E_K(N) \tag{4}$$

An entry that paints nothing is dead: (2) divides by $N_k = 0$. It keeps its colour, or is put on
the colour farthest from its own entry.

**What it costs**, labels and palette; **what it keeps**, pixel by pixel, and window by window as
an eye compares: means $m$, variances $s^2$ and covariance $s_{xy}$ of the grey values.

$$\text{bits per pixel} = \lceil \log_2 K \rceil + \frac{8 C K}{P} \tag{5}$$
$$\mathrm{PSNR} = 10 \log_{10} \frac{255^2}{\mathrm{MSE}} \tag{6}$$
$$\mathrm{SSIM} = \operatorname{mean}
\frac{(2 m_x m_y + c_1)(2 s_{xy} + c_2)}{(m_x^2 + m_y^2 + c_1)(s_x^2 + s_y^2 + c_2)} \tag{7}$$
"""

import dataclasses
import functools
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from engine.certificate import Certificate
from engine.clusters import images, lloyd, optimal
from engine.clusters.pictures import NAMES, UPLOAD, Picture, colours_of, shipped, uploaded
from engine.clusters.quantise_certificate import certificate
from engine.clusters.quantise_lesson import SLIPS, presets, questions
from engine.clusters.quantise_working import picked, working
from engine.clusters.ssim import ssim
from engine.data import DataError
from engine.device import spared
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "MOST_MEASURED", "PRESETS", "SLIPS", "UPLOAD", "Painted", "Params", "Picture", "certify",
    "cold", "picked", "questions", "run", "slipped", "uploaded", "warm", "whole_png", "working",
    "wrong_cells",
]  # fmt: skip

MOST_MEASURED = 2_000_000  # pixels; the files of larger pictures take seconds to make
MOST_COMPARED = 60_000_000  # pixels times states; beyond, SSIM looks at some rows of windows only
SHOWN = ("centres", "palette", "shares", "distortion", "psnr", "ssim")


@dataclass(frozen=True, kw_only=True)
class Chosen(Knobs):
    """Which picture is painted."""

    picture: str = knob(
        "astronaut",
        help="one of scikit-image's, the sixteen pixels of the exercise, or your own",
        label="picture",
        choices=NAMES,
    )


@dataclass(frozen=True, kw_only=True)
class Params(images.Params, Chosen):
    """A picture, and what ``images.Params`` asks; fewer steps, because all of them are shown."""

    steps: int = knob(10, 0, 50, "how many times the palette moves at most", label="steps")


DEFAULT = Params()
PRESETS = presets(Params)


@dataclass(frozen=True, eq=False)
class Painted(Trace):
    """A picture's palette at every step, and what it looks like painted with it.

    ``shares`` are the parts of the picture that each entry paints. ``optimum`` is $D^*$ of (4),
    NaN where it is not known: for colours, and for medians.
    """

    params: Params
    picture: Picture
    made: images.Quantised
    stop: Stop
    bits: float
    optimum: float
    centres: Float[np.ndarray, "states k dims"] = along_steps()
    palette: UInt8[np.ndarray, "states k 3"] = along_steps()
    shares: Float[np.ndarray, "states k"] = along_steps()
    distortion: Float[np.ndarray, " states"] = along_steps()
    psnr: Float[np.ndarray, " states"] = along_steps()
    ssim: Float[np.ndarray, " states"] = along_steps()

    @property
    def k(self) -> int:
        """How many entries there are: fewer than asked for where the picture has fewer colours."""
        return self.made.trace.params.k

    @property
    def pixels(self) -> int:
        return len(self.made.colours.index)


@spared
def run(params: Params = DEFAULT, picture: Any = None, device: str = "auto") -> Painted:
    """Quantise the picture that ``params`` name, or another: an upload, pixels, or a file's bytes.

    A lesson set to an upload that is not there shows its default picture.
    """
    if isinstance(picture, bytes):
        picture = uploaded(picture)
    elif picture is not None and not isinstance(picture, Picture):
        pixels = np.asarray(picture)
        pixels = pixels if pixels.ndim != 2 else pixels[..., None].repeat(3, axis=2)
        if pixels.dtype != np.uint8 or pixels.shape[2:] != (3,) or pixels.size == 0:
            raise DataError(f"image must be uint8 (height, width, 3), got {pixels.shape}.")
        picture = Picture(UPLOAD, "Pixels", pixels)
    elif picture is None:
        picture = shipped(DEFAULT.picture if params.picture == UPLOAD else params.picture)
    colours = colours_of(picture, params.space)
    painted = _painted(params, picture, images.quantise(colours, params, device=device))
    _warmed.add((params.norm, params.space == "grey"))
    return painted


def _painted(params: Params, picture: Picture, made: images.Quantised) -> Painted:
    trace, colours, states = made.trace, made.colours, range(len(made.trace))
    palette = np.stack([made.palette(t) for t in states])
    height, width = colours.shape[:2]
    kept = _luma(colours.rgb)[colours.index].reshape(height, width)
    every = math.ceil(kept.size * len(trace) / MOST_COMPARED)
    every = 1 if every == 1 else 8 * every
    alike = [ssim(kept, _luma(palette[t])[made.labels(t)], every) for t in states]
    known = params.space == "grey" and params.norm == "l2"
    values = colours.points[:, 0]
    best = optimal.one_dimensional(values, trace.params.k, colours.weights) if known else None
    return Painted(
        params,
        picture,
        made,
        trace.stop,
        made.bits_per_pixel if trace.params.k > 1 else 8 * len(colours.points[0]) / kept.size,
        best.distortion if best else math.nan,
        trace.centres,
        palette,
        np.stack([made.shares(t) for t in states]),
        trace.distortion,
        np.array([made.psnr(t) for t in states]),
        np.array(alike),
    )


def _luma(rgb: np.ndarray) -> np.ndarray:
    return ((rgb.astype(int) @ [299, 587, 114] + 500) // 1000).astype(np.uint8)


def slipped(trace: Painted, slip: Slip) -> Painted:
    """The same run with one known mistake in it."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    made = trace.made
    if slip.name == "all-pixels":
        asked = dataclasses.replace(trace.params, k=trace.k)
        bent = _over_all if trace.params.norm == "l2" else None
        first = made.trace.centres[0]
        made = images.quantise(made.colours, asked, first, device=made.device, bent=bent)
    else:
        made = dataclasses.replace(made, trace=_late(made.trace))
    return _painted(trace.params, trace.picture, made)


def _over_all(look: lloyd.Look) -> lloyd.Look:
    """A step that divides each sum of (2) by all pixels."""

    def bent(centres: np.ndarray) -> lloyd.State:
        labels, sizes, distortion, moved = look(centres)
        share = (sizes / sizes.sum())[:, None]
        return labels, sizes, distortion, np.where(share > 0, moved * share, moved)

    return bent


def _late(trace: lloyd.Lloyd) -> lloyd.Lloyd:
    """Each state painted with the labels of the one before."""
    labels = np.concatenate([trace.labels[:1], trace.labels[:-1]])
    sizes, distortion = np.empty_like(trace.sizes), np.empty_like(trace.distortion)
    for t, label in enumerate(labels):
        sizes[t] = np.bincount(label, trace.weights, trace.params.k)
        away = lloyd.distances(trace.points, trace.centres[t, label], trace.params.norm)
        distortion[t] = trace.weights @ away
    return dataclasses.replace(trace, labels=labels, sizes=sizes, distortion=distortion)


def certify(trace: Painted, slip: Slip | None = None) -> Certificate:
    """Labels against all distances, centres and distortion against sums over all colours, the
    grey optimum against the run, and what is painted against the picture."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Painted, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name, as many states as the slipped run has: True where it is changed."""
    shown = slipped(trace, slip)
    at = np.minimum(np.arange(len(shown)), len(trace) - 1)
    pairs = {name: (getattr(shown, name), getattr(trace, name)[at]) for name in SHOWN}
    return {name: ~np.isclose(a, b, rtol=1e-9, atol=1e-9) for name, (a, b) in pairs.items()}


def whole_png(trace: Painted) -> int:
    """How many bytes the same pixels take as a PNG without a palette."""
    return _whole_png(trace.made.colours, trace.params.space == "grey")


@functools.lru_cache(maxsize=16)
def _whole_png(colours: images.Colours, grey: bool) -> int:
    from PIL import Image

    height, width = colours.shape[:2]
    kept = colours.rgb[colours.index].reshape(height, width, 3)
    out = io.BytesIO()
    Image.fromarray(kept[..., 0] if grey else kept).save(out, "PNG")
    return out.tell()


def warm() -> None:
    """Have the machine code ready: the first run ever compiles it, for some seconds."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for norm in ("l2", "l1"):
        for space in ("rgb", "lab", "grey"):
            run(Params(k=4, steps=2, norm=norm, space=space), picture, device="cpu")


def cold(norm: str, space: str) -> bool:
    """Is this the first run of its kind, which may have to compile?"""
    return (norm, space == "grey") not in _warmed


_warmed: set[tuple[str, bool]] = set()
