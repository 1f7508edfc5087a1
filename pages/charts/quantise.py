"""Quantise: original and recovered, the values with the palette on them, distortion by step."""

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from PIL import Image

from engine.clusters import quantise
from engine.clusters.quantise import Painted
from engine.working import Line
from pages.charts.climb import Figure, by_step, now
from pages.charts.theme import (
    QUIET,
    TEXT,
    WRONG,
    A,
    B,
    at_step,
    packed,
    rows,
    step_param,
    title,
)
from pages.ui import split
from pages.ui.split import Panel, Split
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
CHANNELS = (("red", "#d1495b"), ("green", "#3a9d5d"), ("blue", "#3f7fd0"))
LONGEST, SHORTEST, MOST_SENT = 512, 96, 900_000
COUNTS = (2, 4, 8)


# -- the picture ---------------------------------------------------------------------------------


def picture(traces: Sequence[Painted], at: tuple[int, int], blank: Collection[str]) -> Split:
    """What is sent to the browser: at most 512 pixels a side, and fewer where that is much."""
    longest = LONGEST
    while True:
        drawing = _drawn(traces, at, blank, 3 * longest // 4 if len(traces) > 1 else longest)
        sent = sum(len(p.planes) for p in drawing.panels) + len(drawing.original)
        if sent <= MOST_SENT or longest <= SHORTEST:
            return drawing
        longest = max(SHORTEST, int(longest * min(0.85, math.sqrt(MOST_SENT / sent))))


def _drawn(
    traces: Sequence[Painted], at: tuple[int, int], blank: Collection[str], longest: int
) -> Split:
    main = traces[-1]
    whole = main.picture.pixels.shape[:2]
    scale = min(1.0, longest / max(whole))
    size = [max(1, round(n * scale)) for n in whole]
    places = [((np.arange(m) + 0.5) * n / m).astype(int) for n, m in zip(whole, size, strict=True)]
    index = main.made.colours.index.reshape(whole)
    kept = main.made.colours.rgb[index]
    index = index[np.ix_(*places)]
    if scale < 1:
        shown = Image.fromarray(kept).resize(size[::-1], Image.Resampling.LANCZOS)
        kept = np.asarray(shown)
    original = split.pictured(kept, lossless=max(size) <= 64) if len(traces) == 1 else ""
    row, col = at
    entry = main.made.trace.labels[:, main.made.colours.index[row * whole[1] + col]]
    hidden = len(traces) > 1 or "label" in blank
    height, width = size
    reduced = f"Shown at {width} × {height}; the numbers are of all {whole[1]} × {whole[0]} pixels."
    return Split(
        f"{main.picture.name} and the same in {main.k} colours",
        original,
        whole,
        (height, width),
        [_panel(trace, index) for trace in traces],
        at,
        [-1] if hidden else entry.tolist(),
        reduced if scale < 1 else "",
    )


def _panel(trace: Painted, index: np.ndarray) -> Panel:
    labels = trace.made.trace.labels
    planes = np.stack([label[index] for label in labels])
    words = "greys" if trace.params.space == "grey" else "colours"
    bits = "1 bit" if round(trace.bits, 2) == 1 else f"{trace.bits:.3g} bits"
    lossless = ["nothing lost" if math.isinf(p) else f"PSNR {p:.1f} dB" for p in trace.psnr]
    return Panel(
        split.packed(planes),
        split.base64.b64encode(trace.palette.tobytes()).decode(),
        trace.shares.round(5).tolist(),
        [f"k = {trace.k}: {bits}, {p}" for p in lossless],
        f"{trace.k} {words}",
    )


def counts(trace: Painted) -> list[quantise.Params]:
    """The exercise's three palettes, all else as it is set."""
    return [dataclasses.replace(trace.params, k=k) for k in COUNTS]


# -- the values ----------------------------------------------------------------------------------


def values(trace: Painted, start: int) -> Figure:
    """How many pixels have each value, and where the palette stands on them."""
    grey = trace.params.space == "grey"
    histogram = trace.made.histogram
    wide = 4 if histogram.sum() > 4096 else 1
    binned = histogram.reshape(len(histogram), -1, wide).sum(axis=2)
    names = (("grey", QUIET),) if grey else CHANNELS
    scale = alt.Scale(domain=[0, 255], nice=False, padding=4)
    axis = alt.Axis(grid=False, tickCount=5, titlePadding=4, values=[0, 50, 100, 150, 200])
    x = alt.X("v:Q", title="value", scale=scale, axis=axis)
    layers: list[Any] = []
    room = alt.Scale(domain=[-0.1, len(names)], nice=False)
    side = None if grey else alt.Axis(
        values=[0.4, 1.4, 2.4], labelExpr="['blue', 'green', 'red'][floor(datum.value)]",
        ticks=False, domain=False, grid=False, title=None, minExtent=46, labelPadding=2,
    )  # fmt: skip
    y = alt.Y("y:Q", scale=room, axis=side)
    inks = [" ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in ink) for ink in _by_entry(trace)]
    for c, (name, colour) in enumerate(names):
        base = len(names) - 1 - c
        # The square root lets rare values be seen beside one tall peak.
        tall = 0.86 * np.sqrt(binned[c] / binned[c].max())
        data = rows(
            v=(np.arange(len(tall)) + 0.5) * wide - 0.5, y=base + tall, low=[base] * len(tall)
        )
        area = alt.Chart(data).mark_area(color=colour, opacity=0.5, interpolate="step")
        at = trace.centres[:, :, 0] if grey else trace.palette[:, :, c].astype(float)
        places = rows(
            k=np.arange(1, trace.k + 1),
            places=packed(at),
            shares=packed(trace.shares, 4),
            inks=inks,
        )
        spots = alt.Chart(places).transform_calculate(
            v=at_step("places"), share=at_step("shares"), ink="split(datum.inks, ' ')[step]",
            y=f"{base}", top=f"{base + 0.88}",
        )  # fmt: skip
        dead = alt.condition("datum.share == 0", alt.value(WRONG), alt.value(TEXT))
        tooltip = [
            alt.Tooltip("k:Q", title="entry"),
            alt.Tooltip("v:Q", title=name, format=".4~f"),
            alt.Tooltip("share:Q", title="share", format=".2%"),
        ]
        ink = alt.Fill("ink:N", scale=None)
        layers += [
            area.encode(x=x, y=y, y2="low:Q"),
            spots.mark_rule(strokeWidth=2).encode(x=x, y=y, y2="top:Q", color=dead),
            spots.mark_point(size=130, opacity=1, strokeWidth=2).encode(
                x=x, y=y, fill=ink, stroke=dead, tooltip=tooltip
            ),
        ]
    words = "Greys and palette" if grey else "Values and palette"
    return (
        alt.layer(*layers)
        .add_params(step_param(len(trace) - 1, min(start, len(trace) - 1)))
        .properties(height="container", title=title(words))
    )


def _by_entry(trace: Painted) -> list[list[list[int]]]:
    return np.swapaxes(trace.palette, 0, 1).tolist()


# -- the distortion ------------------------------------------------------------------------------


def descent(trace: Painted, ghost: Painted | None, start: int) -> Figure:
    """Distortion a pixel by step; dashed below it the least there is, where that is known."""
    name = "D / P"
    lines = [t.distortion / t.pixels for t in (trace, ghost) if t is not None]
    least = trace.optimum / trace.pixels
    ends = np.concatenate([*lines, [least]])
    ends = ends[np.isfinite(ends) & (ends > 0)]
    log = bool(len(ends)) and ends.max() > 4 * ends.min()
    scale = alt.Scale(zero=False)
    if log:  # room below for the name of the lowest line
        depth = (ends.max() / ends.min()) ** 0.3
        scale = alt.Scale(type="log", domain=[ends.min() / depth, 1.25 * ends.max()], nice=False)
    elif len(ends):
        depth = 0.3 * (ends.max() - ends.min()) or 1.0
        scale = alt.Scale(domain=[ends.min() - depth, ends.max() + depth / 4], nice=False)
    axis = alt.Axis(grid=False, tickCount=4, titlePadding=6, format="~s")
    x, y = by_step(), alt.Y("d:Q", title=name, scale=scale, axis=axis)
    data = rows(i=np.arange(len(trace)), d=_positive(lines[0], log))
    base = alt.Chart(data).encode(x=x, y=y)
    colour = WRONG if ghost is not None else A
    layers: list[Any] = [now()]
    if ghost is not None:
        right = rows(i=np.arange(len(ghost)), d=_positive(lines[1], log))
        dashed = alt.Chart(right).mark_line(color=QUIET, strokeWidth=2, strokeDash=[5, 4])
        layers.append(dashed.encode(x=x, y=y))
    if np.isfinite(least):
        best = alt.Chart(rows(d=_positive(np.array([least]), log)))
        layers.append(best.mark_rule(color=B, strokeWidth=3, strokeDash=[7, 4]).encode(y=y))
        named = alt.Chart(rows(d=_positive(np.array([least]), log), name=["the k-means optimum"]))
        words = named.mark_text(align="left", dy=14, dx=4, fontSize=15, color=TEXT)
        layers.append(words.encode(x=alt.value(0), y=y, text="name:N"))
    tooltip = [alt.Tooltip("i:Q", title="step"), alt.Tooltip("d:Q", title=name, format=".8~g")]
    size = alt.condition("datum.i == step", alt.value(220), alt.value(40))
    layers += [
        base.mark_line(color=colour, strokeWidth=3),
        base.mark_point(filled=True, color=colour, opacity=1).encode(size=size, tooltip=tooltip),
    ]
    words = "Distortion of a pixel"
    if np.isfinite(least):
        gap = trace.distortion[-1] / trace.optimum - 1 if trace.optimum else 0.0
        words = "Ends at the optimum" if gap < 1e-9 else f"Ends {100 * gap:.2g} % above the optimum"
    return (
        alt.layer(*layers)
        .add_params(step_param(len(trace) - 1, min(start, len(trace) - 1)))
        .properties(height="container", title=title(words))
    )


def _positive(values: np.ndarray, log: bool) -> list[float | None]:
    return [float(v) if v > 0 or not log else None for v in values]


# -- the words -----------------------------------------------------------------------------------


def table(shown: Painted, wrong: Masks, blank: Collection[str]) -> Table:
    """What the picture costs and keeps at each step."""
    off = {name: wrong.get(name, False) for name in ("distortion", "psnr", "ssim")}
    body = [
        [Cell("D / P"), Cell(shown.distortion / shown.pixels, off["distortion"])],
        [Cell("PSNR in dB"), Cell(shown.psnr, off["psnr"])],
        [Cell("SSIM"), Cell(shown.ssim, off["ssim"])],
        [Cell("bits per pixel"), Cell(shown.bits, False, "bits" in blank)],
    ]
    head = f"{shown.picture.says}."
    if shown.picture.reduced:
        wide, high = shown.picture.declared
        height, width = shown.picture.pixels.shape[:2]
        head += f" Decoded at {width} × {height}, of the file's {wide} × {high}."
    return Table(head, [Column(r"\text{kept}"), Column(rf"k = {shown.k}")], body)


def wrong_lines(right: Sequence[Line], shown: Sequence[Line]) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong, at each step."""
    true = {line.name: line for line in right if line.name}
    out = {}
    for line in shown:
        if line.name in true:
            got = np.atleast_1d(line.value)
            want = np.atleast_1d(true[line.name].value)
            want = want[np.minimum(np.arange(len(got)), len(want) - 1)]
            out[line.name] = ~np.isclose(got, want, rtol=1e-9, atol=1e-9)
    return out


def captions(trace: Painted) -> list[str]:
    """What each step holds, in words, and at the end why it ends."""
    labels, weights = trace.made.trace.labels, trace.made.trace.weights
    said = [f"the start: {trace.k} {_words(trace)}, D / P {_short(trace, 0)}"]
    for t in range(1, len(trace)):
        share = weights @ (labels[t] != labels[t - 1]) / trace.pixels
        moved = "no pixel changes its entry" if share == 0 else f"{share:.2%} of the pixels change"
        said.append(f"{moved}, D / P {_short(trace, t)}")
    if trace.k < trace.params.k:
        said[0] += f" (the picture has no more, {trace.params.k} were asked)"
    device = "the graphics card" if trace.made.device != "cpu" else "the processor"
    return [*said[:-1], f"{said[-1]} · {trace.stop} Computed on {device}."]


def _words(trace: Painted) -> str:
    return "greys" if trace.params.space == "grey" else "colours"


def _short(trace: Painted, t: int) -> str:
    return f"{trace.distortion[t] / trace.pixels:.4g}"


class AsFile:
    """Stands for an upload in a notebook: the code that reads the same file."""

    def __repr__(self) -> str:
        return "open('the-file-you-uploaded', 'rb').read()"


def given(trace: Painted) -> dict[str, Any]:
    """What the notebook passes beside the parameters: an upload is not in it, but named."""
    return {"picture": AsFile()} if trace.picture.name == quantise.UPLOAD else {}


def download(trace: Painted, step: int) -> tuple[bytes | Callable[[], bytes], str]:
    """The palette PNG of a step, and its size beside the original's.

    Of a large picture it is made when it is asked for.
    """
    step = min(step, len(trace) - 1)
    own = trace.picture.size if trace.picture.name == quantise.UPLOAD else 0
    file = [f"{_bytes(own)} as the file you uploaded"] if own else []
    if trace.pixels > quantise.MOST_MEASURED:
        return lambda: trace.made.png(step), "; ".join(file)
    png = trace.made.png(step)
    words = [f"{_bytes(len(png))}", f"{_bytes(quantise.whole_png(trace))} without a palette"]
    return png, "; ".join([*words, *file])


def _bytes(count: int) -> str:
    return f"{count:,} bytes" if count < 10_000 else f"{count / 1000:,.0f} kB"
