"""What the lesson on mixtures of Bernoullis says: printed mistakes, cases, questions.

The tags are those of ``engine.mixtures.bernoulli``.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.mixtures.bernoulli_working import following, picked
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.mixtures.bernoulli import Bernoullis, Params

SLIPS = Slips(
    Slip(
        "eq6",
        "001-1 b iv, eq. 6",
        "Eq. 6 as printed: 1/n",
        "The sum below runs over rows, with k for j: every share is 1/n, every component the mean.",
        "It hides when there are as many components as rows and all are alike.",
        "digits",
    ),
    Slip(
        "eq6-middle",
        "001-1 b iv, the middle of eq. 6",
        "The joint taken for P(x)",
        "The joint P(z=1) P(x | z=1) is called the evidence; every share becomes 1/K, whatever "
        "the row.",
        "It hides when all components are alike and equally heavy.",
        "digits",
    ),
    Slip(
        "eq12",
        "001-1 c i, eq. 12",
        "Eq. 12: the gradient summed over d",
        "Zero for the sum over d is one equation for D chances, so the means stay flat.",
        "It hides when D = 1, or when every column expects the same share of ones.",
        "digits",
    ),
)

ROWS = [[1, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0]]
PAIRS = [
    [1, 1, 0, 1], [1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0],
    [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1],
]  # fmt: skip
STUCK = [0.8, 0.0, 0.2, 0.3], [0.3, 0.7, 0.8, 0.6]
# Three signs of 3 x 3 pixels, L, T and a square with a hole, each drawn six times, a bit off.
SIGNS = (
    "100100111 100100111 100100110 100110111 000100111 100101111 "
    "111010010 111010010 111010000 111010011 110010010 111110010 "
    "111101111 111101111 111101011 110101111 111101110 111111111"
)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    signs = [[int(bit) for bit in row] for row in SIGNS.split()]

    def given(X: Any, weights: Any = (), means: Any = ()) -> dict[str, Any]:
        return {"X": X, "weights": list(weights), "means": list(means)}

    return {
        "digits": Preset(
            "Digits",
            params(components=10, steps=40, seed=6),
            "Ten components start as noise, and 300 digits tell them what to be: scrub.",
            given([]),
            12,
        ),
        "exercise": Preset(
            "Exercise",
            params(steps=10),
            "Five rows of three bits: the numbers of the exercise.",
            given(ROWS, (0.6, 0.4), ([0.2, 0.5, 0.9], [0.7, 0.4, 0.3])),
            0,
        ),
        "signs": Preset(
            "Signs",
            params(components=3, steps=25, seed=1),
            "Three signs drawn six times each, a bit off: the means put the strokes back.",
            given(signs),
            3,
        ),
        "alike": Preset(
            "Alike",
            params(steps=10),
            "Components that start alike share every row evenly and never part.",
            given(ROWS, (), ([0.3, 0.6, 0.5], [0.3, 0.6, 0.5])),
            1,
        ),
        "edge": Preset(
            "A mean of 0",
            params(steps=20),
            "A mean of 0 stays 0, and no row with a 1 there reaches it: half a group is lost.",
            given(PAIRS, (), STUCK),
            1,
        ),
        "floor": Preset(
            "Set free",
            params(steps=20, floor=0.02),
            "The same start on a floor of 0.02: the mean climbs away, and the groups are found.",
            given(PAIRS, (), STUCK),
            1,
        ),
    }


def questions(
    trace: "Bernoullis", step: int, at: tuple[int, int, int] | None = None
) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give; ``at`` is the row,
    component and column, those that ``picked`` picks unless told."""
    i, k, d = at or picked(trace)
    X, q = trace.X, trace.responsibility[step]
    weights, means = (found[step] for found in following(trace))
    pi, P = trace.weights[step], trace.means[step]
    bits = np.where(X[i] == 1, P, 1 - P)
    one = pi * bits.prod(-1)
    N, n = q.sum(0), len(X)
    alone, ones = bits.prod(-1), np.where(X[i] == 1, P, 1.0).prod(-1)
    hard = q.argmax(1) == k
    share = {
        "You forgot to divide by the sum over the components.": one[k],
        "You left out the weights.": _ratio(alone[k], alone.sum()),
        "You used the ones only; the zeros speak as well.": _ratio(
            pi[k] * ones[k], float(pi @ ones)
        ),
        "That is 1/n: the sum runs over the components, not over the rows.": 1 / n,
        "That is 1/K: the shares are equal only if the components are alike.": 1 / len(pi),
        "That is the weight: the row has not been asked.": pi[k],
        "You gave the whole row to the likeliest component.": float(hard[i]),
    }
    mean = {
        "You divided by all n rows, not by the rows expected of this component.": q[:, k]
        @ X[:, d]
        / n,
        "You left out the shares: that is the mean of the data.": X[:, d].mean(),
        "That is the present mean; the next one is asked.": P[k, d],
        "You gave each row wholly to its likeliest component.": _ratio(
            float(X[hard, d].sum()), float(hard.sum())
        ),
        "You summed over d: each column has an equation of its own.": means[k].mean(),
        "You counted the zeros.": 1 - means[k, d],
    }
    weight = {
        "That is N, the expected rows: divide by n.": N[k],
        "That is the present weight; the next one is asked.": pi[k],
        "You counted whole rows, each to its likeliest component.": hard.mean(),
        "That is 1/K: weights are learnt too.": 1 / len(pi),
    }
    p = rf"\hat p^{{({k + 1})}}_{{{d + 1}}}"
    return (
        Question("responsibility", rf"\eta_{{{i + 1},{k + 1}}}", float(q[i, k]), _floats(share),
                 step),
        Question("mean", p, float(means[k, d]), _floats(mean), step),
        Question("weight", rf"\hat\pi_{{{k + 1}}}", float(weights[k]), _floats(weight), step),
    )  # fmt: skip


def _ratio(a: float, b: float) -> float:
    """a / b, or infinity, which no answer equals."""
    return a / b if b > 0 else math.inf


def _floats(mistakes: dict[str, Any]) -> dict[str, float]:
    return {sentence: float(value) for sentence, value in mistakes.items()}
