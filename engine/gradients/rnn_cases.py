"""What the lesson on time asks and shows: questions with likely mistakes, and its cases.

The tags are those of ``engine.gradients.rnn``.
"""

from typing import TYPE_CHECKING, Any

from engine.gradients.rnn_lesson import by_weight
from engine.predict import Question
from engine.preset import Preset

if TYPE_CHECKING:
    from engine.gradients.rnn import Params, Recurrent


def questions(trace: "Recurrent", into: str = "Wi") -> tuple[Question, ...]:
    """What to predict, with the values that typical mistakes give."""
    T, t = len(trace.xs), trace
    h, w, last = float(t.h[T, 0]), float(t.Wo[0, 0]), float(t.a[T - 1, 0])
    asked = [
        Question(
            "delta",
            r"\delta",
            t.delta,
            {
                "That is ŷ; subtract the target.": t.yhat,
                "That is the slope of σ; with this loss it cancels.": t.yhat * (1 - t.yhat),
                "That is the derivative by ŷ; go on to the inside of σ.": _ratio(
                    t.delta, t.yhat * (1 - t.yhat)
                ),
            },
            T + 1,
        ),
        Question(
            f"a{T}[1]",
            rf"a_{{{T},1}}",
            last,
            {
                "You left out ŷ - y.": (1 - h * h) * w,
                "You left out the slope 1 - h².": w * t.delta,
                "You left out Wₒ.": (1 - h * h) * t.delta,
                "The slope of tanh is 1 - h², not h (1 - h).": h * (1 - h) * w * t.delta,
            },
            T + 2,
        ),
    ]
    if T > 1:
        slope, later = 1 - float(t.h[T - 1, 0]) ** 2, t.a[T - 1]
        carried = float(t.Wh[:, 0] @ later)
        mistakes = {
            "You used Wₕ, not its transpose.": slope * float(t.Wh[0] @ later),
            "You left out the slope 1 - h².": carried,
            "You took the slope of the later step.": (1 - h * h) * carried,
        }
        symbol = rf"a_{{{T - 1},1}}"
        asked.append(Question(f"a{T - 1}[1]", symbol, slope * carried, mistakes, T + 3))
    terms = getattr(t.paths, into)[:, 0, 0]
    mistakes = {"That is the last step's path alone; add the others.": float(terms[-1])}
    if into == "Wi":
        first = (1 - h * h) * w * float(t.xs[-1, 0])
        early = "You left ŷ - y off the last step's path."
        mistakes[early] = float(terms[:-1].sum()) + first
    else:
        late = "You paired a_t with h_t; the weight saw the state before."
        mistakes[late] = float(t.a[:, 0] @ t.h[1:, 0])
    mistakes["You left out the last step's path."] = float(terms[:-1].sum())
    value = float((t.dWi if into == "Wi" else t.dWh)[0, 0])
    asked.append(Question(f"d{into}[1,1]", by_weight(into[1], 1, 1), value, mistakes, 2 * T + 2))
    return tuple(asked)


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else float("inf")


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    exercise: dict[str, Any] = {
        "Wi": [[0.5, -0.2], [0.3, 0.8]],
        "Wh": [[0.1, 0.4], [-0.6, 0.2]],
        "Wo": [[1.2, -0.7]],
        "xs": [[1, -1], [0.5, 2]],
        "target": [1],
    }
    whisper = exercise | {"xs": [[0.0001, -0.0001]]}
    return {
        "vanishing": Preset(
            "Vanishing",
            params(steps=30, radius=0.9),
            "After thirty steps hardly anything arrives: the slopes of tanh shrink it further.",
            exercise,
            62,
        ),
        "exploding": Preset(
            "Exploding",
            params(steps=30, radius=1.3),
            "Inputs so small that no slope bends: each step back multiplies by 1.3.",
            whisper,
            62,
        ),
        "exercise": Preset(
            "The exercise",
            params(),
            "Two steps, two paths into each matrix; h₀ = 0 hides one of them.",
            exercise,
            6,
        ),
        "start": Preset(
            "h₀ not zero",
            params(start=0.5),
            "Now the first step's path into Wₕ counts as well.",
            exercise,
            6,
        ),
        "edge": Preset(
            "On the edge",
            params(steps=50, radius=1.0),
            "A turning Wₕ of radius 1: the gradient lives on, as long as no slope bends.",
            whisper | {"Wh": [[0.8, -0.6], [0.6, 0.8]]},
            102,
        ),
    }
