"""Quantise: original and recovered, the counts, the table, the words and the file to take away."""

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from engine.clusters import quantise
from engine.clusters.quantise import Painted
from engine.working import Line
from pages.ui import split
from pages.ui.split import Panel, Split
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
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
