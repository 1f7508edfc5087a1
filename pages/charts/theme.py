"""One palette, one step parameter, one way to paint a map: what all charts share.

Colours are mid-tones that stand out on white and on dark, differ in lightness as well as in hue
(blue against orange survives every common colour blindness), and never carry a meaning alone.
"""

import base64
import io
from collections.abc import Sequence

import altair as alt
import numpy as np
from PIL import Image

from pages.charts import quick  # noqa: F401 (every chart module imports this one)

A = "#2b7fd4"  # the first of two; forward
B = "#d55e00"  # the second of two; backward
BOUND = "#9b59b6"  # a lower bound, always dashed
WRONG = "#c2187a"  # a slip's numbers
TEXT = "currentColor"  # the colour of the text around the figure, in either theme
QUIET = "#8a8f98"  # axes, ghosts, what is only for comparison
COLOURS = (A, B, "#159a77", "#cc6fa5", "#e0a100", "#4fb3e8", "#8a5a2b", "#6b7280")  # of several
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
# Sizes as Vega lays the text out, so that nothing overlaps or is cut; what a projector enlarges is
# the chart as a whole.
CONFIG = {
    "axis": {
        "labelFontSize": 15,
        "titleFontSize": 15,
        "titleFontWeight": "normal",
        "labelPadding": 5,
        "titlePadding": 6,
    },
    "legend": {"labelFontSize": 15, "titleFontSize": 15},
    "header": {"labelFontSize": 15, "titleFontSize": 15},
    "text": {"fontSize": 15},
    "title": {"fontSize": 15},
}
RAMP = ("#0b2240", "#14386b", "#1f5596", "#3574b8", "#5a94ce", "#86b3de", "#b2d0ec", "#d8e8f7")


def step_param(last: int, start: int) -> alt.Parameter:
    """The parameter that the transport moves. Every chart names it ``step``."""
    return alt.param(
        name="step", value=start, bind=alt.binding_range(min=0, max=max(last, 1), step=1)
    )


def rows(**columns: Sequence | np.ndarray) -> alt.InlineData:
    """Columns to inline rows."""
    lists = {n: c.tolist() if isinstance(c, np.ndarray) else list(c) for n, c in columns.items()}
    names = list(lists)
    return alt.InlineData(
        values=[dict(zip(names, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    )


def title(words: str) -> alt.Title:
    """What a chart shows, in words, above it."""
    return alt.Title(words, anchor="start", fontSize=15, fontWeight="normal", offset=6)


def legend(*entries: tuple[str, str, Sequence[int]]) -> list[alt.Chart]:
    """Names of lines in the top left corner: (name, colour, dash), drawn as they look."""
    layers = []
    for i, (name, colour, dash) in enumerate(entries):
        spot = alt.Chart(rows(name=[name]))
        y = alt.value(10 + 21 * i)
        layers.append(
            spot.mark_rule(color=colour, strokeWidth=3.5, strokeDash=list(dash)).encode(
                x=alt.value(8), x2=alt.value(42), y=y
            )
        )
        layers.append(
            spot.mark_text(align="left", baseline="middle", fontSize=15).encode(
                x=alt.value(50), y=y, text="name:N"
            )
        )
    return layers


def level(height: float, y: alt.Y) -> alt.Chart:
    """A quiet dotted line for comparison, where guessing stands, say."""
    line = alt.Chart(rows(m=[height]))
    return line.mark_rule(color=QUIET, strokeWidth=2, strokeDash=[2, 4]).encode(y=y)


NAMED = alt.ExprRef("width - 62")  # where lines end, so that their names have room


def end_names(
    ends: Sequence[tuple[float, float, str, str]], scale: alt.Scale, x: alt.X
) -> list[alt.Chart]:
    """Names at the ends of lines, apart from their neighbours: (height, x, name, colour) each."""
    ordered = sorted((_up(height, scale), at, name, hue) for height, at, name, hue in ends)
    layers = []
    for spot, (_, at, name, hue) in zip(apart([e[0] for e in ordered]), ordered, strict=True):
        data = alt.Chart(rows(**{x.shorthand.partition(":")[0]: [at]}, name=[name]))
        text = data.mark_text(align="left", dx=9, fontSize=15, fontWeight="bold", color=hue)
        y = alt.value({"expr": f"height - {spot}"})
        layers.append(text.encode(x=x, y=y, text="name:N"))
    return layers


def _up(height: float, scale: alt.Scale) -> float:
    """How far up the axis, from 0 to 1."""
    low, high = scale.domain  # type: ignore[reportGeneralTypeIssues]
    if low == 0:
        return min(height / high, 1.0)
    return float(np.clip(np.log(height / low) / np.log(high / low), 0, 1))


def apart(shares: Sequence[float], least: int = 17) -> list[str]:
    """Heights in pixels, as Vega computes them: ascending, ``least`` apart, none above the top."""
    up: list[str] = []
    for share in shares:
        here = f"{share:.4f} * height"
        up.append(f"max({here}, {up[-1]} + {least})" if up else f"max({here}, 4)")
    down: list[str] = []
    for height in reversed(up):
        top = f"{down[-1]} - {least}" if down else "height - 4"
        down.append(f"min({height}, {top})")
    return down[::-1]


def packed(values: np.ndarray, digits: int = 6) -> list[str]:
    """[step, point] to one string a point: a whole trajectory travels once, and ``at_step`` picks.

    (Arrays do not survive the way to the browser, strings do.)
    """
    return [" ".join(f"{v:.{digits}g}" for v in column) for column in values.T]


def at_step(field: str) -> str:
    """The Vega expression that takes this step's number out of a packed field."""
    return f"toNumber(split(datum.{field}, ' ')[step])"


def bands(values: np.ndarray, finest: float = 0.05) -> np.ndarray:
    """Which contour band a value lies in, 0 = lowest: each band down from the top is twice as
    deep as the one before, so a peak keeps its rings and a cliff does not eat them."""
    depth = np.log2(1 + (values.max() - values) / finest)
    edges = np.linspace(0, min(depth.max(), 14), len(RAMP) + 1)[1:-1]
    return len(RAMP) - 1 - np.digitize(depth, edges)


def contour_png(values: np.ndarray, finest: float = 0.05) -> str:
    """A map [x, y] as a data URI: filled contours with thin lines between them."""
    return _painted(bands(values, finest), RAMP)


def band_png(values: np.ndarray, edges: Sequence[float], colours: Sequence[str]) -> str:
    """A map [x, y] as a data URI, one colour for each band between ``edges``."""
    return _painted(np.digitize(values, edges), colours)


def levels(low: float, high: float, most: int = 14) -> list[float]:
    """Round numbers, equally far apart, inside (low, high): the edges of bands."""
    rough = max((high - low) / most, 1e-300)
    digit = 10.0 ** np.floor(np.log10(rough))
    width = next(m * digit for m in (1, 2, 5, 10) if m * digit >= rough * (1 - 1e-9))
    first, last = int(np.floor(low / width)) + 1, int(np.ceil(high / width)) - 1
    return [float(f"{i * width:.12g}") for i in range(first, last + 1)]


def blend(ramp: Sequence[str], count: int) -> list[str]:
    """``count`` colours spread evenly over a ramp."""
    known = np.array([_rgb(c) for c in ramp], dtype=float)
    spots = np.linspace(0, len(ramp) - 1, count)
    mixed = [np.interp(spots, np.arange(len(ramp)), channel) for channel in known.T]
    return ["#" + "".join(f"{round(v):02x}" for v in rgb) for rgb in zip(*mixed, strict=True)]


def _painted(band: np.ndarray, ramp: Sequence[str]) -> str:
    """Each band in its colour, and darker at its rim; so few colours are a palette."""
    rim = (band != np.roll(band, 1, 0)) | (band != np.roll(band, 1, 1))
    rim[0], rim[:, 0] = False, False
    colours = np.array([_rgb(c) for c in ramp], dtype=float)
    image = Image.fromarray(_upright(band + len(ramp) * rim))
    image.putpalette(np.concatenate([colours, 0.82 * colours]).astype(np.uint8).tobytes())
    return _uri(image)


def basin_png(basin: np.ndarray, slowness: np.ndarray, colours: Sequence[str]) -> str:
    """A map [x, y] of which limit is reached (hue) and how slowly (shade)."""
    hue = np.array([_rgb(c) for c in colours], dtype=float)[basin]
    slow = np.log1p(slowness)
    low, high = np.quantile(slow, (0.02, 0.98))
    shade = np.clip((slow - low) / max(high - low, 1e-9), 0, 1)[..., None]
    return png(hue * (1 - 0.45 * shade) + (255 - hue) * 0.45 * (1 - shade))


def png(colours: np.ndarray) -> str:
    """[x, y, rgb] with y upwards, as a PNG in a data URI."""
    return _uri(Image.fromarray(_upright(np.clip(colours, 0, 255))).quantize(64))


def _upright(values: np.ndarray) -> np.ndarray:
    """[x, y] as rows from the top down."""
    return np.ascontiguousarray(np.swapaxes(values, 0, 1)[::-1], np.uint8)


def _uri(image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
