"""What the lesson on centres says: known mistakes, questions, cases.

The tags are those of ``engine.clusters.centres``.
"""

from typing import TYPE_CHECKING

import numpy as np

from engine.clusters.centres_walk import Walk
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.clusters.centres import Params
    from engine.clusters.centres_search import Search

SLIPS = Slips(
    Slip(
        "sign",
        "002-1a",
        "Gradient without its minus",
        "The gradient is printed as +2 Σ(x - μ): the root stays, but each step downhill goes up.",
        "It hides where the gradient is 0: at the mean, and so in the search for clusters.",
    ),
    Slip(
        "identity",
        "002-1b",
        "Absolute value without its bars",
        "The printed 1(x > μ)(x - μ) - 1(x ≤ μ)(μ - x) is x - μ: slope -N, no minimum.",
        "It hides while μ stands left of all points.",
    ),
    Slip(
        "l1-sign",
        "002-1b",
        "Slope of D₁ turned round",
        "Right minus left: the sign is turned, and at a point the interval of slopes shrinks to "
        "one.",
        "It hides between the two medians of an even number, and in the search for clusters.",
    ),
    Slip(
        "condition",
        "002-1b",
        "As many right as not right",
        "For odd N no μ has #{x > μ} = #{x ≤ μ}, yet a median exists: 0 lies inside an interval.",
        "It hides for even N, except on the upper median and where both medians are one.",
    ),
)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    outlier = {"points": [1, 3, 5, 7, 24]}
    plane = {"points": [[1, 2], [2, 8], [4, 3], [10, 0.5], [3, 4]]}
    seven = {"points": [[0, 0], [1, 0], [0, 1], [8, 8], [9, 8], [8, 9], [40, 9]]}
    return {
        "outlier": Preset(
            "Outlier",
            params(),
            "The mean runs after the far point, the median stays. Drag a point.",
            outlier,
            11,
        ),
        "odd": Preset(
            "Odd",
            params(),
            "Five points: on the third the slope of D₁ jumps from -1 to 1, across 0.",
            plane,
            12,
        ),
        "even": Preset(
            "Even",
            params(),
            "Six points: between the two middle ones D₁ is flat, so all of [3, 4] is a median.",
            {"points": [1, 2, 3, 4, 10, 12]},
            11,
        ),
        "ties": Preset(
            "Ties",
            params(),
            "Four equal points make a tall riser: 0 lies deep inside, so nothing moves the median.",
            {"points": [3, 7, 3, 1, 12, 3, 3]},
            10,
        ),
        "downhill": Preset(
            "Downhill",
            params(walk="downhill", start=20.0, rate=0.25),
            "Towards the mean the slope fades; D₁ keeps its slope, so its steps have to shrink.",
            outlier,
            6,
        ),
        "seven": Preset(
            "Seven points",
            params(clusters=2),
            "Squares spend a whole cluster on the outlier, absolute values keep the two groups.",
            seven,
            62,
        ),
    }


def questions(trace: "Walk | Search", step: int) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give."""
    return _of_walk(trace, step) if isinstance(trace, Walk) else _of_search(trace)


def _of_walk(trace: Walk, step: int) -> tuple[Question, ...]:
    x, N = trace.x, len(trace.x)
    slope, (low, high) = float(trace.gradient[step]), trace.interval[step].tolist()
    left, at, right = trace.counts[step].tolist()
    middle = float(x[(N - 1) // 2])
    ordered = np.sort(x)
    symbol = r"\tilde x" if N % 2 else r"\tilde x_{\min}"
    return (
        Question(
            "mean",
            r"\bar x",
            trace.mean,
            {
                "That is the sum: divide by the number of points.": float(x.sum()),
                "That is a median; the outermost points pull the mean.": float(trace.median[0]),
                "That is the middle of the range, of two points only.": float(
                    (ordered[0] + ordered[-1]) / 2
                ),
            },
            step,
        ),
        Question(
            "median",
            symbol,
            float(trace.median[0]),
            {
                "That is the mean.": trace.mean,
                "Sort the points first.": middle,
                "That is the middle of the range.": float((ordered[0] + ordered[-1]) / 2),
                "That is the upper end; the lower one is asked.": float(trace.median[1]),
            },
            step,
        ),
        Question(
            "gradient",
            r"\frac{dD_2}{d\mu}",
            slope,
            {
                "That is the printed sign: the inner derivative is -1.": -slope,
                "You left out the 2.": slope / 2,
                "You divided by N: that is the slope of the mean square.": slope / N,
                "That is the slope of D₁.": left - right,
            },
            step,
        ),
        Question(
            "lower",
            r"\partial^- D_1",
            low,
            {
                "That is the upper end of the interval.": high,
                "You left out the points at μ.": left - right,
                "Right minus left: the sign is turned.": right - left - at,
                "You counted only one side.": left,
            },
            step,
            exact=True,
        ),
    )


def _of_search(trace: "Search") -> tuple[Question, ...]:
    count, last = len(trace.costs), len(trace) - 1
    N, K = len(trace.points), trace.params.clusters
    ends = np.flatnonzero((trace.partitions == trace.labels[-1, 0]).all(axis=1))[0]
    other = np.flatnonzero((trace.partitions == trace.labels[-1, 1]).all(axis=1))[0]
    return (
        Question(
            "count",
            r"\text{partitions}",
            float(count),
            {
                "You counted the names of the clusters too.": float(count * (2 if K == 2 else 6)),
                "You let clusters be empty.": float(K**N),
                "One of these has an empty cluster.": float(count + 1),
            },
            last,
            exact=True,
        ),
        Question(
            "best_2",
            "D_2^*",
            float(trace.best[-1, 0]),
            {
                "That is what the squares pay for the partition of D₁.": float(
                    trace.costs[other, 0]
                ),
                "That is the smallest D₁.": float(trace.best[-1, 1]),
            },
            last,
        ),
        Question(
            "best_1",
            "D_1^*",
            float(trace.best[-1, 1]),
            {
                "That is what absolute values pay for the partition of D₂.": float(
                    trace.costs[ends, 1]
                ),
                "That is the smallest D₂.": float(trace.best[-1, 0]),
            },
            last,
        ),
    )
