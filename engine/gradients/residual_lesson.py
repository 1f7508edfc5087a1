"""What the lesson on the residual block says: its steps, known mistakes, questions, cases.

The tags are those of ``engine.gradients.residual``; its lines of working stand in
``engine.gradients.residual_working``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.gradients.residual_working import working
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.gradients.residual import Params, Residual

__all__ = ["SLIPS", "STEPS", "Step", "presets", "questions", "working"]


@dataclass(frozen=True)
class Step:
    """One vector or matrix computed, or one route walked; ``reuses`` are the values kept."""

    name: str
    says: str
    tag: int
    reuses: tuple[str, ...] = ()
    arrives: tuple[str, ...] = ()

    @property
    def backward(self) -> bool:
        return self.name.startswith(("d", "route", "sum"))


# fmt: off
STEPS = (
    Step("given", "the weights, x and the target t are given", 2),
    Step("z", "forward: z = Wx + b", 1),
    Step("h", "forward: h = φ(z), and the skip adds x", 1),
    Step("r", "forward: r = Vh + c", 2),
    Step("y", "forward: y = φ(r), and the skip adds h", 2),
    Step("loss", "forward: half the squared distance from y to t", 3),
    Step("dy", "backward: ȳ = ∂ℓ/∂y = y - t", 4, ("y",)),
    Step("dr", "backward: ȳ passes the slope at r", 5, ("r",), ("dy",)),
    Step("dV", "backward: V̄ = r̄ hᵀ, every r̄ with every h", 6, ("h",), ("dr",)),
    Step("dc", "backward: c̄ = r̄", 6, (), ("dr",)),
    Step("dh", "backward: h̄ = ȳ by the skip, plus Vᵀ r̄", 7, (), ("dy", "dr")),
    Step("dz", "backward: h̄ passes the slope at z", 8, ("z",), ("dh",)),
    Step("dW", "backward: W̄ = z̄ xᵀ, every z̄ with every x", 9, ("x",), ("dz",)),
    Step("db", "backward: b̄ = z̄", 9, (), ("dz",)),
    Step("dx", "backward: x̄ = h̄ by the skip, plus Wᵀ z̄", 10, (), ("dh", "dz")),
    Step("route1", "route ①: both skips bring ȳ back as it is", 11),
    Step("route2", "route ②: back through V, then the skip", 11),
    Step("route3", "route ③: the skip, then back through W", 11),
    Step("route4", "route ④: back through V and W, no skip at all", 11),
    Step("sum", "the four routes add up to x̄", 11),
)
# fmt: on

SLIPS = Slips(
    Slip(
        "printed-order",
        "003-2, W and b",
        "φ′(z) before the bracket",
        "φ′(z) stands left of the bracket, so it meets ȳ; it has to act last, on h̄.",
        "It hides when n = 1, when V is diagonal, and where all φ′(z) are equal.",
        "exercise",
    ),
    Slip(
        "dV-transposed",
        "003-2, V",
        "V̄ without a transpose",
        "ȳ φ′(r) h is an outer product: read as h r̄ᵀ, it is the transpose of V̄ = r̄ hᵀ.",
        "It hides when n = 1, and where V̄ is symmetric.",
        "exercise",
    ),
    Slip(
        "V-untransposed",
        "003-2, W and b",
        "V instead of Vᵀ",
        "Read for columns, the bracket needs Vᵀ: r̄ goes back along the edges on which h came.",
        "It hides when n = 1, when V is symmetric, and where r̄ = 0.",
        "exercise",
    ),
    Slip(
        "phi-x",
        "003-2, b",
        "φ′(x) for φ′(r)",
        "The bracket of ∂ℓ/∂b prints the slope at x; the second layer was entered with r.",
        "It hides where φ′(x) = φ′(r), as among open ReLUs; n = 1 does not hide it.",
        "scalar",
    ),
)


def questions(trace: "Residual", unit: int = 0) -> tuple[Question, ...]:
    """What to predict of one unit, with the values that typical mistakes give."""
    t, i = trace, unit
    at = {step.name: k for k, step in enumerate(STEPS)}
    first, second = t.params.skips
    n = i + 1
    early = SLIPS["printed-order"]
    from engine.gradients.residual import phi, slipped

    slope_x = phi(t.params.phi, t.x)[1][i]
    slope_z = phi(t.params.phi, t.z)[1][i]
    asked = (
        Question(
            f"dh.{i}",
            rf"\bar h_{{{n}}}",
            float(t.dh[i]),
            {
                "You left out the skip: ȳ comes back too.": float((t.V.T @ t.dr)[i]),
                "You left out the way through V.": float(second * t.dy[i]),
                "That is V r̄; the way back needs Vᵀ.": float(second * t.dy[i] + (t.V @ t.dr)[i]),
                "You left out φ′(r).": float(second * t.dy[i] + (t.V.T @ t.dy)[i]),
            },
            at["dh"],
        ),
        Question(
            f"dr.{i}",
            rf"\bar r_{{{n}}}",
            float(t.dr[i]),
            {
                "You left out φ′(r).": float(t.dy[i]),
                "That is the slope at x, not at r.": float(t.dy[i] * slope_x),
                "That is the slope at z, not at r.": float(t.dy[i] * slope_z),
            },
            at["dr"],
        ),
        Question(
            f"db.{i}",
            rf"\bar b_{{{n}}}",
            float(t.db[i]),
            {
                "You left out φ′(z).": float(t.dh[i]),
                "You let φ′(z) act before the bracket.": float(slipped(t, early).dz[i]),
                "You left out the skip: ȳ comes back too.": float(slope_z * (t.V.T @ t.dr)[i]),
            },
            at["db"],
            (f"dz.{i}",),
        ),
        Question(
            f"dx.{i}",
            rf"\bar x_{{{n}}}",
            float(t.dx[i]),
            {
                "You left out the skip: h̄ comes back too.": float((t.W.T @ t.dz)[i]),
                "You left out the way through W.": float(first * t.dh[i]),
                "That is W z̄; the way back needs Wᵀ.": float(first * t.dh[i] + (t.W @ t.dz)[i]),
                "Four routes lead back; that is the plain skip alone.": float(
                    first * second * t.dy[i]
                ),
            },
            at["dx"],
        ),
    )
    return asked


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    exercise = {
        "W": [[0.5, -0.3], [0.2, 0.8]],
        "b": [0.1, -0.2],
        "V": [[-0.6, 0.4], [0.9, 0.3]],
        "c": [0.05, 0.15],
        "x": [1.0, -0.5],
        "t": [0.2, 0.7],
    }
    dead = exercise | {"b": [-2.0, -1.5], "c": [-1.0, -1.2]}
    scalar = {
        "W": [[0.7]],
        "b": [0.1],
        "V": [[0.6]],
        "c": [0.3],
        "x": [0.8],
        "t": [0.1],
    }
    three = {
        "W": [[0.9, -0.7, 0.2], [0.3, 0.5, -1.1], [-0.8, 0.4, 0.6]],
        "b": [0.2, -0.4, 0.1],
        "V": [[0.4, 1.2, -0.9], [-0.6, 0.3, 0.8], [1.1, -0.5, 0.2]],
        "c": [0.1, -0.3, 0.2],
        "x": [0.6, -1.2, 0.9],
        "t": [0.5, -0.5, 1.0],
    }
    draw = np.random.default_rng(134)
    eight = {
        name: np.round(draw.normal(0, spread, shape), 2).tolist()
        for name, shape, spread in (
            ("W", (8, 8), 0.35), ("b", 8, 0.2), ("V", (8, 8), 0.35), ("c", 8, 0.2),
            ("x", 8, 1.0), ("t", 8, 1.0),
        )
    }  # fmt: skip
    last = len(STEPS) - 1
    return {
        "exercise": Preset(
            "Exercise", params(), "One of the four routes carries ȳ unchanged.", exercise, last
        ),
        "dead": Preset(
            "Dead ReLUs",
            params(phi="relu"),
            "All units are shut: W and V learn nothing, and still x̄ = ȳ.",
            dead,
            last,
        ),
        "none": Preset(
            "No skips",
            params(skip=False),
            "Route ④ alone is left: after a few blocks nothing arrives.",
            exercise,
            last + 6,
        ),
        "scalar": Preset(
            "n = 1",
            params(),
            "One unit: of the four slips only φ′(x) for φ′(r) can show.",
            scalar,
            last,
        ),
        "three": Preset(
            "n = 3",
            params(),
            "Matrices do not commute: the wider, the more it matters.",
            three,
            11,
        ),
        "eight": Preset(
            "n = 8",
            params(phi="sigmoid", depth=20),
            "A sigmoid passes a quarter at most; the skips bring the rest.",
            eight,
            last,
        ),
    }
