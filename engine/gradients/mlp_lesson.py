"""What the lesson on backpropagation says: its steps, known mistakes, questions.

The tags are those of ``engine.gradients.mlp``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.gradients.mlp_paths import pair, picked
from engine.predict import Question
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.gradients.mlp import Backprop


@dataclass(frozen=True)
class Step:
    """``kind`` is given, forward, loss, delta, gradient, input or update."""

    kind: str
    layer: int = 0

    @property
    def backward(self) -> bool:
        return self.kind in ("delta", "gradient", "input", "update")


def steps(depth: int) -> tuple[Step, ...]:
    """Out layer by layer, then back."""
    out = [Step("forward", k) for k in range(1, depth + 1)]
    home = [Step(kind, k) for k in range(depth, 0, -1) for kind in ("delta", "gradient")]
    return (Step("given"), *out, Step("loss", depth), *home, Step("input", 1), Step("update"))


def when(depth: int, kind: str, layer: int = 0) -> int:
    """At which step it is computed."""
    places = steps(depth)
    return next(i for i, s in enumerate(places) if s.kind == kind and layer in (0, s.layer))


SLIPS = Slips(
    Slip(
        "sum-too-early",
        "000-1, eq. 4 to 16",
        "Sum closed too early",
        "The sum over the examples stops at ∂L/∂f; every other factor is the last example's alone.",
        "It hides with one example.",
    ),
    Slip(
        "layer-too-many",
        "000-1, eq. 16",
        "One layer too many",
        "The sum runs over one more hidden layer than there is; here the last hidden layer is "
        "passed twice.",
        "It hides without a hidden layer; where that layer is not square it cannot even be formed.",
    ),
    Slip(
        "flipped-sign",
        "002-2",
        "Sign of ∂L/∂a flipped",
        "With (y − a) above the line each gradient turns round, and a step down makes the loss "
        "rise.",
        "It hides only where the error is 0.",
    ),
    Slip(
        "bias-column",
        "002-2",
        "Column of ones missing",
        "Only X got its column of ones: each hidden A is a column short, and later biases have no "
        "gradient.",
        "It hides without a hidden layer.",
    ),
    Slip(
        "parenthesis",
        "002-2",
        "Parenthesis moved",
        "A₀ᵀ is multiplied in before the first layer's slopes: (d + 1) × h entries meet n × h.",
        "The shapes fit only for n = d + 1; then it is wrong without a word.",
        "course",
    ),
    Slip(
        "unfused",
        "000-1, eq. 3",
        "a (1 − a) not cancelled",
        "On paper a (1 − a) cancels; in floats it leaves ∞ · 0 = NaN once a rounds to 1.",
        "It hides until an output rounds to 0 or 1.",
        "saturated",
    ),
)


def questions(
    trace: "Backprop", weight: tuple[int, int, int] | None = None, example: int = 0
) -> tuple[Question, ...]:
    """The error at the output, the error signal above the weight, its gradient, its bias's."""
    k, i, j = weight or picked(trace)
    depth, n = len(trace.network), example
    a, y = trace.activations, trace.y
    top = trace.deltas[-1][n, 0]
    asked = [
        Question(
            f"delta.{depth}.{n}.0",
            rf"\delta_{{{depth},1}}^{{({n + 1})}}",
            float(top),
            {
                "You kept the denominator a(1 − a).": _safe(top, a[-1][n, 0] * (1 - a[-1][n, 0])),
                "That is the output; take the target away.": float(a[-1][n, 0]),
            },
            when(depth, "delta", depth),
        )
    ]
    if k + 1 < depth:
        up, slopes = trace.deltas[k + 1][n], trace.slope(k + 1)[n, j]
        W = trace.network.weights[k + 1]
        asked.append(
            Question(
                f"delta.{k + 1}.{n}.{j}",
                rf"\delta_{{{k + 1},{j + 1}}}^{{({n + 1})}}",
                float(trace.deltas[k][n, j]),
                {
                    "You left out the slope of the unit.": float(W[j] @ up),
                    "You took one of the ways up only.": float(W[j, 0] * up[0] * slopes),
                },
                when(depth, "delta", k + 1),
            )
        )
    each = a[k][:, i] * trace.deltas[k][:, j]
    wrong = {
        "That is the last example alone; add them all.": float(each[-1]),
        "That is the first example alone; add them all.": float(each[0]),
        "You divided by N: that is the gradient of the mean.": float(each.mean()),
        "You left out what comes in through the weight.": float(trace.deltas[k][:, j].sum()),
    }
    asked.append(
        Question(
            f"dW.{k + 1}.{i}.{j}",
            rf"\partial\mathcal L/\partial w^{{({k + 1})}}_{{{pair(i, j)}}}",
            float(trace.dweights[k][i, j]),
            {words: value for words, value in wrong.items() if len(y) > 1},
            when(depth, "gradient", k + 1),
        )
    )
    asked.append(
        Question(
            f"db.{k + 1}.{j}",
            rf"\partial\mathcal L/\partial b_{{{k + 1},{j + 1}}}",
            float(trace.dbiases[k][j]),
            {"A bias has the input 1: no activation belongs here.": float(trace.dweights[k][i, j])},
            when(depth, "gradient", k + 1),
        )
    )
    return tuple({q.name: q for q in asked}.values())


def _safe(a: float, b: float) -> float:
    return float(a / b) if b else float("inf")
