"""What the lesson on colours says: known mistakes, questions, cases.

The tags are those of ``engine.clusters.quantise``.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from engine.clusters.quantise_working import around, picked, working
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.clusters.quantise import Painted, Params

SLIPS = Slips(
    Slip(
        "all-pixels",
        "000-3",
        "Divided by all pixels",
        "Each sum is divided by all pixels, not by its own: every entry is pulled towards black.",
        "It hides at the start, for medians, and where one entry paints the whole picture.",
    ),
    Slip(
        "old-labels",
        "000-3",
        "Painted with the old labels",
        "The palette has moved, the labels have not: some pixels miss the nearest colour.",
        "It hides at the start, and again once no pixel changes its entry.",
    ),
)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    return {
        "eight": Preset(
            "Eight colours",
            params(),
            "Scrub back to the start: eight greys turn into the eight colours of the picture.",
            step=10,
        ),
        "stuck": Preset(
            "Stuck",
            params(picture="moon", k=2, space="grey"),
            "The run settles far above the best two greys: a local optimum.",
            step=8,
        ),
        "dead": Preset(
            "A dead colour",
            params(picture="sixteen", k=8, space="grey"),
            "Entry 5 paints no pixel, so it never moves. Set empty to reseed, under More.",
            step=2,
        ),
        "start": Preset(
            "A better start",
            params(start="best"),
            "The best of twenty quick tries beats the even start before its first step.",
        ),
        "five": Preset(
            "Five greys",
            params(picture="camera", k=5, space="grey", steps=25),
            "An even start ends 18 percent above the optimum, and takes 23 steps to do so.",
        ),
        "eye": Preset(
            "As an eye sees",
            params(picture="coffee", k=12, space="lab", start="best"),
            "Distances between Lab colours are closer to what an eye tells apart.",
        ),
        "medians": Preset(
            "Medians",
            params(picture="cat", k=6, norm="l1"),
            "Under absolute distance each entry is a median: few bright pixels pull it less.",
            step=10,
        ),
    }


def questions(trace: "Painted", step: int, row: int = -1, col: int = -1) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give."""
    row, col = (row, col) if row >= 0 else picked(trace, 0, 0)
    x, labels, d = around(trace, row, col)
    r, gaps = int(labels[step]), x - trace.centres[step, labels[step]]
    squared, absolute = float(gaps @ gaps), float(np.abs(gaps).sum())
    right = float(d[step, r])
    lines = {line.name: line for line in working(trace, None, row, col)}
    moved = float(np.asarray(lines["move"].value)[step])
    C = 1 if trace.params.space == "grey" else 3
    second = int(np.argsort(d[step], kind="stable")[min(1, trace.k - 1)])
    found = [
        Question(
            "distance",
            r"d(x, \mu_r)",
            right,
            {
                "You took the root: the squared distance is asked.": math.sqrt(squared),
                "That is the sum of the absolute differences.": absolute,
                "That is the sum of the squares.": squared,
                "You took the mean over the channels.": right / C,
            },
            step,
        ),
        Question(
            "label",
            "r",
            r + 1.0,
            {
                "That is the second nearest.": second + 1.0,
                "You counted from 0; the palette counts from 1.": float(r),
            },
            step,
            exact=True,
        ),
        Question(
            "move",
            lines["move"].symbol,
            moved,
            {
                "That is where the entry is now.": float(trace.centres[step, r, 0]),
                "You divided by all pixels.": moved * float(trace.shares[step, r]),
                "That is the pixel itself.": float(x[0]),
            },
            step,
        ),
        Question(
            "bits",
            r"\text{bits}",
            trace.bits,
            {
                "That is what the picture takes without a palette.": 8.0 * C,
                "You left out the palette.": float(math.ceil(math.log2(trace.k))),
                "A label has whole bits: round up.": math.log2(trace.k),
                "That is the number of colours.": float(trace.k),
            },
            step,
        ),
    ]
    return tuple(found)
