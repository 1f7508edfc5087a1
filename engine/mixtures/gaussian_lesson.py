"""What the lesson on Gaussian mixtures says: known mistakes, and questions with likely answers.

The tags are those of ``engine.mixtures.gaussian``.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.mixtures.gaussian_presets import presets
from engine.mixtures.gaussian_working import densities, following, lifted, picked
from engine.predict import Question
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Gaussian

__all__ = ["SLIPS", "presets", "questions"]

# The printed M-step of 004-4 is right and has no E-step. These are readers' slips.
SLIPS = Slips(
    Slip(
        "old-mean",
        "004-4, reading the covariance",
        "Old mean in the covariance",
        "The covariance is taken about the mean of before; each then has "
        "(new − old)(new − old)ᵀ too much.",
        "It hides while the means stand still, and where the covariance is held.",
    ),
    Slip(
        "no-determinant",
        "004-4, the E-step",
        "Determinant left out",
        "The density drops |Σ| below its root, so a wide component looks as dense as a narrow one.",
        "It hides while all components are equally large, as tied ones are.",
    ),
    Slip(
        "no-weight",
        "004-4, the E-step",
        "Mixing weight left out",
        "The E-step compares the densities alone and drops π.",
        "It hides while all weights are equal.",
    ),
)


def questions(
    trace: "Gaussian", step: int, i: int = -1, k: int = -1, d: int = 0
) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give."""
    i, k, d = picked(trace, i + 1, k + 1, d + 1)
    asked = [_share(trace, step, i, k), _weight(trace, step, k), _mean(trace, step, k, d)]
    if not trace.params.held and not lifted(trace, following(trace), k):
        asked.append(_variance(trace, step, k, d))
    return tuple(asked)


def _share(trace: "Gaussian", t: int, i: int, k: int) -> Question:
    log, half, _ = (part[t] for part in densities(trace, i))
    pi, value = trace.weights[t], float(trace.responsibility[t, i, k])
    p = np.exp(log)
    gap, alone = trace.X[i] - trace.means[t], pi * np.exp(-half)
    round_ = pi * np.exp(-0.5 * (gap * gap).sum(axis=1))
    mistakes = {
        "You forgot to divide by the sum over the components.": pi[k] * p[k],
        "That is the density; times the weight, over the sum.": p[k],
        "You left out the mixing weight.": _ratio(p[k], p.sum()),
        "You left out the determinant.": _ratio(alone[k], alone.sum()),
        "You used plain distances: they must be measured in widths, by Σ.": _ratio(
            round_[k], round_.sum()
        ),
        "You gave the whole point to the likeliest component.": float(np.argmax(pi * p) == k),
        "That is the share of all the others.": 1 - value,
    }  # fmt: skip
    symbol = rf"\delta_{{{i + 1},{k + 1}}}"
    return Question("responsibility", symbol, value, _floats(mistakes), t)


def _weight(trace: "Gaussian", t: int, k: int) -> Question:
    q = trace.responsibility[t]
    N, hard = len(q), q.argmax(axis=1)
    mistakes = {
        "That is N_k: divide by the number of points.": q[:, k].sum(),
        "You counted whole points.": float((hard == k).mean()),
        "That is the present weight; the next one is asked.": trace.weights[t, k],
        "You divided by the number of components.": q[:, k].sum() / q.shape[1],
    }
    value = float(q[:, k].sum() / N)
    return Question("weight", rf"\hat\pi_{{{k + 1}}}", value, _floats(mistakes), t)


def _mean(trace: "Gaussian", t: int, k: int, d: int) -> Question:
    q, x = trace.responsibility[t], trace.X[:, d]
    total, mine = float(q[:, k].sum()), q.argmax(axis=1) == k
    value = following(trace).means[t, k, d]
    mistakes = {
        "You divided by all points, not by N_k.": float(q[:, k] @ x) / len(x),
        "You forgot to divide by N_k.": float(q[:, k] @ x),
        "You took the points that are mostly its own, each in full.": _ratio(
            float(x[mine].sum()), float(mine.sum())
        ),
        "You left out δ: that is the mean of all points.": float(x.mean()),
        "That is the present mean; the next one is asked.": trace.means[t, k, d],
        "You divided by N_k - 1.": _ratio(float(q[:, k] @ x), total - 1),
    }
    return Question("mean", rf"\hat\mu_{{{k + 1},{d + 1}}}", float(value), _floats(mistakes), t)


def _variance(trace: "Gaussian", t: int, k: int, d: int) -> Question:
    q, x = trace.responsibility[t], trace.X[:, d]
    after = following(trace)
    new, old, total = after.means[t, k, d], trace.means[t, k, d], float(q[:, k].sum())
    value = float(after.covariances[t, k, d, d])
    own = float(q[:, k] @ (x - new) ** 2)
    mistakes = {
        "You took the old mean; the new one belongs here.": float(q[:, k] @ (x - old) ** 2)
        / max(total, 1e-300),
        "You divided by all points, not by N_k.": own / len(x),
        "You divided by N_k - 1.": _ratio(own, total - 1),
        "You forgot to divide by N_k.": own,
        "That is the width; its square is asked.": math.sqrt(max(value, 0)),
        "You left out the mean: that is the mean square.": float(q[:, k] @ x**2)
        / max(total, 1e-300),
        "That is the present variance; the next one is asked.": trace.covariances[t, k, d, d],
        "That is this component's own; the family shares or averages it.": own / max(total, 1e-300),
    }
    symbol = rf"\hat\Sigma_{{{k + 1},{d + 1}{d + 1}}}"
    return Question("variance", symbol, value, _floats(mistakes), t)


def _ratio(a: float, b: float) -> float:
    """a / b, or infinity, which no answer equals."""
    return a / b if b > 0 else math.inf


def _floats(mistakes: dict[str, Any]) -> dict[str, float]:
    return {sentence: float(value) for sentence, value in mistakes.items()}
