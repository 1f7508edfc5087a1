"""What the lesson on the full cell asks and shows: questions with likely mistakes, and its cases.

The tags are those of ``engine.gradients.lstm_cell``.
"""

from typing import TYPE_CHECKING

import numpy as np

from engine.gradients.lstm_cell_lesson import by
from engine.predict import Question
from engine.preset import Preset

if TYPE_CHECKING:
    from engine.gradients.lstm_cell import Cell, Params


def questions(trace: "Cell", unit: int = 0) -> tuple[Question, ...]:
    """What to predict of one unit, with the values that typical mistakes give."""
    T, u = len(trace.x), unit
    i, f, g, o = trace.gates[T - 1, :, u].tolist()
    c, before, h = (float(v) for v in (trace.c[T, u], trace.c[T - 1, u], trace.h[T, u]))
    dh, dc, y = float(trace.dh[T, u]), float(trace.dc[T, u]), float(trace.target[u])
    bent = float(np.tanh(c))
    asked = [
        Question(
            f"c{T}",
            f"c_{{{T}}}",
            c,
            {
                "You left out what the cell held.": i * g,
                "You let nothing in.": f * before,
                "You let everything in.": f * before + g,
                "You let nothing be forgotten.": before + i * g,
                "You swapped the gates: i is for what comes in.": i * before + f * g,
            },
            T,
            (f"h{T}",),
        ),
        Question(
            f"h{T}",
            f"h_{{{T}}}",
            h,
            {
                "You left out tanh.": o * c,
                "You left out the output gate.": bent,
                "That is the gate; it multiplies tanh(c).": o,
            },
            T,
        ),
        Question(
            f"dc{T}",
            by(f"c_{{{T}}}"),
            dc,
            {
                "You left out the slope of tanh(c).": dh * o,
                "You left out the output gate.": dh * (1 - bent**2),
                "That is the error at h.": dh,
                "The slope of tanh is 1 - tanh², not 1 - tanh.": dh * o * (1 - bent),
                "The error is h - y, not h.": h * o * (1 - bent**2),
                "The error is h - y, not y.": -y * o * (1 - bent**2),
            },
            T + 2,
            tuple(f"{gate}'{T}" for gate in "ifg"),
        ),
    ]
    if T > 1:
        earlier = float(trace.dc[T - 1, u])
        f_before, o_before = trace.gates[T - 2, (1, 3), u].tolist()
        from_h = float(trace.dh[T - 1, u]) * o_before * (1 - np.tanh(before) ** 2)
        asked.append(
            Question(
                f"dc{T - 1}",
                by(f"c_{{{T - 1}}}"),
                earlier,
                {
                    "You left out the way through the recurrent weights.": f * dc,
                    "You left out the way along the cell.": float(from_h),
                    f"You took f of step {T - 1}; the way led through that of step {T}.": float(
                        from_h + f_before * dc
                    ),
                    "You let nothing be forgotten.": float(from_h + dc),
                },
                T + 3,
                tuple(f"{gate}'{T - 1}" for gate in "ifg"),
            )
        )
    return tuple(asked)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    return {
        "remembers": Preset(
            "Remembers",
            params(),
            "Forget bias +5: twenty steps back the error is still all there.",
            step=41,
        ),
        "forgets": Preset(
            "Forgets",
            params(forget=-2.0),
            "Forget bias −2: the gates shut the road, and the error fades.",
            step=41,
        ),
        "latch": Preset(
            "Latch",
            params(weights="latch", units=1, forget=10.0),
            "What was stored at step 4 is kept; the error goes back so far.",
            step=41,
        ),
        "carousel": Preset(
            "Carousel alone",
            params(recurrent=0.0, forget=1.0),
            "No recurrent weights: the error meets forget gates, nothing else.",
            step=41,
        ),
        "one": Preset(
            "Half open",
            params(forget=0.0, steps=6),
            "Forget bias 0: about half is lost at each step.",
            step=7,
        ),
    }
