"""What the lesson on min and max says: known mistakes, formulas with numbers, questions, cases.

The tags are those of ``engine.gradients.minmax``.
"""

from typing import TYPE_CHECKING

import numpy as np

from engine.gradients.minmax_weights import POINTS, V3, V4, V5, W3, W4, W5, must_pair
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.minmax import MinMax, Params

SLIPS = Slips(
    Slip(
        "incoming",
        "003-1, the lists of weights",
        "Lists read as incoming",
        "The printed lists are outgoing weights; read as incoming, [-1, 1] turns R(x₁ - x₂) into "
        "R(x₂ - x₁).",
        "It hides on ties, x₁ = x₂, with five or three units: there that unit is 0 either way.",
    ),
    Slip(
        "one-sign",
        "003-1, reading x = R(x) - R(-x)",
        "Second sign dropped",
        "R(x) alone passes only what is positive; the second unit, -R(-x), brings the rest.",
        "It hides while x₁, x₂ ≥ 0 (with four units x₁ + x₂ ≥ 0), and always with three.",
    ),
    Slip(
        "beyond",
        "003-1, three units",
        "Three units beyond the box",
        "Three units with bias B are right in the box only; outside, one is cut off too early.",
        "It hides while every |x₁|, |x₂| ≤ B.",
    ),
)


def along(w: np.ndarray, b: float = 0.0) -> str:
    """What a unit sees, in LaTeX: x_1 - x_2, or 2x_1 + 4.

    >>> along(np.array([1.0, -1.0]))
    'x_1 - x_2'
    """
    text = ""
    for factor, name in ((w[0], "x_1"), (w[1], "x_2"), (b, "")):
        if factor == 0:
            continue
        size = f"{abs(factor):.4g}"
        size = "" if size == "1" and name else size
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += sign + size + name
    return text or "0"


def working(
    trace: "MinMax", chosen: int = 0, slip: Slip | None = None
) -> tuple[tuple[Line, ...], ...]:
    """For each step the unit that is added, at point ``chosen``, and the sums so far; at the end
    the ranks that forbid three units on the plane.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    groups = [tuple(_start(trace, o) for o in (0, 1))]
    groups += [_unit(trace, chosen, k, slip) for k in range(1, len(trace.W) + 1)]
    groups[-1] = (*groups[-1], _ranks())
    return tuple(groups)


def _start(trace: "MinMax", o: int) -> Line:
    formula = f"c_{o + 1} = -B" if trace.c[o] else f"c_{o + 1}"
    name = f"{('min', 'max')[o]}0"
    return Line(rf"y_{o + 1}^{{(0)}}", formula, "", float(trace.c[o]), {}, 3, name)


def _unit(trace: "MinMax", chosen: int, k: int, slip: Slip | None) -> tuple[Line, ...]:
    (w1, w2), b, (x1, x2) = trace.W[k - 1], trace.b[k - 1], trace.x[chosen]
    h = float(trace.hidden[chosen, k - 1])
    numbers = {"w1": w1, "w2": w2, "b": b, "x1": x1, "x2": x2}
    numbers = {name: float(value) for name, value in numbers.items()}
    bias = (rf" + b_{k}", " + @b@") if b else ("", "")
    w = "v" if slip and slip.name == "incoming" else "w"
    first, second = (
        (f"{w}_{{1{k}}}", f"{w}_{{2{k}}}") if w == "v" else (f"w_{{{k}1}}", f"w_{{{k}2}}")
    )
    lines = [
        Line(
            f"h_{k}",
            rf"R({first} x_1 + {second} x_2{bias[0]})",
            rf"R(@w1@ \cdot @x1@ + @w2@ \cdot @x2@{bias[1]})",
            h,
            numbers,
            1,
            f"h{k}",
            slip is not None and slip.name in ("incoming", "beyond"),
        )
    ]
    dropped = slip is not None and slip.name == "one-sign" and not trace.V[:, k - 1].any()
    for o, output in enumerate(("min", "max")):
        before = float(trace.partial[k - 1, chosen, o])
        symbol = rf"y_{o + 1}^{{({k})}}"
        lines.append(
            Line(
                symbol,
                rf"y_{o + 1}^{{({k - 1})}} + v_{{{o + 1}{k}}} h_{k}",
                r"@before@ + @v@ \cdot @h@",
                float(trace.partial[k, chosen, o]),
                {"before": before, "v": float(trace.V[o, k - 1]), "h": h},
                3,
                f"{output}{k}",
                dropped,
            )
        )
    return tuple(lines)


def _ranks() -> Line:
    """The two matrices that a pair of units would have to make, one for each sign of the third
    unit, and the rank of both."""

    def matrix(sign: int) -> str:
        rows = r" \\ ".join(" & ".join(f"{v:g}" for v in row) for row in must_pair(sign))
        return rf"\operatorname{{rank}} \begin{{pmatrix}} {rows} \end{{pmatrix}}"

    rank = min(float(np.linalg.matrix_rank(must_pair(sign))) for sign in (1, -1))
    both = f"{matrix(1)} = {matrix(-1)}"
    return Line(r"\operatorname{rank} M_\pm", both, "", rank, {}, 8)


def questions(trace: "MinMax", chosen: int = 0) -> tuple[Question, ...]:
    """What to predict at one point, with the values that typical mistakes give."""
    from engine.gradients.minmax import slipped

    last, x = len(trace.W), trace.x[chosen]
    k = last - 1 if last < 5 else 3  # the unit along x1 - x2
    z, h = float(trace.W[k - 1] @ x + trace.b[k - 1]), float(trace.hidden[chosen, k - 1])
    incoming, one_sign = (slipped(trace, SLIPS[name]) for name in ("incoming", "one-sign"))
    asked = [
        Question(
            f"h{k}",
            f"h_{k}",
            h,
            {
                "You left out the ReLU: what is negative becomes 0.": z,
                "You turned the difference round.": max(0.0, -z),
                "You read the outgoing weights as incoming ones.": float(
                    incoming.hidden[chosen, k - 1]
                ),
                "You added the two numbers; the second weight is negative.": max(
                    0.0, float(abs(trace.W[k - 1]) @ x)
                ),
            },
            k,
            (f"min{k}", f"max{k}"),
        )
    ]
    for at, o in ((k, 1), (last, 0), (last, 1)):
        value, v = float(trace.partial[at, chosen, o]), float(trace.V[o, at - 1])
        before, unit = float(trace.partial[at - 1, chosen, o]), float(trace.hidden[chosen, at - 1])
        mistakes = {
            "That is the other output.": float(trace.partial[at, chosen, 1 - o]),
            "That is the sum before this unit.": before,
            "That is this unit's share alone; add what came before.": v * unit,
            "You left out the outgoing weight.": before + unit,
            "You took the outgoing weight with the wrong sign.": before - v * unit,
            "You left out the output's bias.": value - float(trace.c[o]),
            "You dropped the second sign: x = R(x) - R(-x).": float(
                one_sign.partial[at, chosen, o]
            ),
            "You read the outgoing weights as incoming ones.": float(
                incoming.partial[at, chosen, o]
            ),
        }
        name = f"{('min', 'max')[o]}{at}"
        asked.append(Question(name, rf"y_{o + 1}^{{({at})}}", value, mistakes, at))
    return tuple(asked)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""

    def net(W: np.ndarray, V: np.ndarray, x: list = POINTS) -> dict:
        return {"x": x, "W": W.tolist(), "V": V.tolist()}

    twice = np.array([2.0, 2.0, 0.5, 0.5])
    return {
        "exercise": Preset(
            "Five units",
            params(),
            "R(x₁ - x₂) creases both surfaces along the tie: min is done, max is half-way.",
            net(W5, V5),
            3,
        ),
        "four": Preset(
            "Four suffice",
            params(units="4"),
            "Half the sum, plus or minus half the distance: no fewer will do on the plane.",
            net(W4, V4),
            4,
        ),
        "boxed": Preset(
            "Three, boxed",
            params(units="3"),
            "Right in the box; the point (-2, -7) lies outside, and there it fails.",
            net(W3, V3),
            3,
        ),
        "positive": Preset(
            "All positive",
            params(),
            "Positive points never wake R(-x): dropping it would go unseen.",
            net(W5, V5, [[3, 1], [0.5, 4], [2, 2], [0, 3]]),
            5,
        ),
        "ties": Preset(
            "All ties",
            params(),
            "On ties the shared unit is silent: no tie can tell whether it is right.",
            net(W5, V5, [[3, 3], [-2, -2], [0, 0], [1.5, 1.5]]),
            3,
        ),
        "rescaled": Preset(
            "Other weights",
            params(units="4"),
            "Twice the weight in, half the weight out: another net, the same two surfaces.",
            net(W4 * twice[:, None], V4 / twice),
            4,
        ),
    }
