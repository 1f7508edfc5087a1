"""What the lesson on one chain says: its steps, known mistakes, formulas, questions, cases.

The tags are those of ``engine.gradients.chain``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.numerics import sigmoid_slope
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.chain import Chain, Params


@dataclass(frozen=True)
class Step:
    """One value computed: from which adjoint it comes and which kept values it reuses."""

    name: str
    symbol: str
    formula: str
    substituted: str
    tag: int
    reuses: tuple[str, ...] = ()
    arrives: str = ""

    @property
    def backward(self) -> bool:
        return self.name.startswith("d")


def _d(of: str) -> str:
    return rf"\frac{{\partial f}}{{\partial {of}}}"


# fmt: off
STEPS = (
    Step("given", "f", r"w_3\,\sigma(w_2\,\sigma(w_1 x))",
         r"@w3@\,\sigma(@w2@\,\sigma(@w1@ \cdot @x@))", 1),
    Step("x1", "x_1", r"w_1 x", r"@w1@ \cdot @x@", 2),
    Step("s1", "s_1", r"\sigma(x_1)", r"\sigma(@x1@)", 2),
    Step("x2", "x_2", r"w_2 s_1", r"@w2@ \cdot @s1@", 3),
    Step("s2", "s_2", r"\sigma(x_2)", r"\sigma(@x2@)", 3),
    Step("f", "f", r"w_3 s_2", r"@w3@ \cdot @s2@", 4),
    Step("dw3", _d("w_3"), "s_2", "", 6, ("s2",), "f"),
    Step("ds2", _d("s_2"), "w_3", "", 6, ("w3",), "f"),
    Step("dx2", _d("x_2"), _d("s_2") + r"\,s_2 (1 - s_2)",
         r"@ds2@ \cdot @s2@\,(1 - @s2@)", 7, ("s2",), "ds2"),
    Step("dw2", _d("w_2"), _d("x_2") + r"\,s_1", r"@dx2@ \cdot @s1@", 8, ("s1",), "dx2"),
    Step("ds1", _d("s_1"), _d("x_2") + r"\,w_2", r"@dx2@ \cdot @w2@", 8, ("w2",), "dx2"),
    Step("dx1", _d("x_1"), _d("s_1") + r"\,s_1 (1 - s_1)",
         r"@ds1@ \cdot @s1@\,(1 - @s1@)", 9, ("s1",), "ds1"),
    Step("dw1", _d("w_1"), _d("x_1") + r"\,x", r"@dx1@ \cdot @x@", 10, ("x",), "dx1"),
    Step("dx", _d("x"), _d("x_1") + r"\,w_1", r"@dx1@ \cdot @w1@", 10, ("w1",), "dx1"),
)
# fmt: on


SYMBOLS = {step.name: step.symbol for step in STEPS}

SLIPS = Slips(
    Slip(
        "eq23-first",
        "001-2 (f), eq. 23",
        "w₃ counted twice",
        "The first form of eq. 23 multiplies by w₃ although ∂f/∂s₂ = w₃ already holds it.",
        "It hides when w₃ = 1.",
    ),
    Slip(
        "eq23-second",
        "001-2 (f), eq. 23",
        "w₂ left out",
        "The second form of eq. 23 skips w₂ between x₂ and s₁: even the sign can flip.",
        "It hides when w₂ = 1.",
    ),
    Slip(
        "forward-derivatives",
        "001-2 (f), text",
        "Derivatives in the forward pass",
        "When x₁ is computed there is no s₂ yet, so the earlier weights get no derivative on the "
        "way out.",
        "Only ∂f/∂w₃ survives: it needs nothing but s₂.",
    ),
    Slip(
        "slope-in-u",
        "001-2 (b)",
        "σ′ written with e⁻ᵘ",
        "e⁻ᵘ/(1 + e⁻ᵘ)² is right on paper; in floats it is ∞/∞ = NaN once e⁻ᵘ overflows.",
        "It hides while u > -709.",
        "overflow",
    ),
)


_SLOPE_IN_U = r"\frac{e^{-%s}}{(1 + e^{-%s})^2}"
# The printed form of each value that a slip computes otherwise: formula, substituted, reused.
FORMS: dict[str, dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "eq23-first": {"dw1": (rf"w_3 {_d('x_1')}\,x", r"@w3@ \cdot @dx1@ \cdot @x@", ("w3", "x"))},
    "eq23-second": {"ds1": (_d("x_2"), "@dx2@", ())},
    "forward-derivatives": {
        name: (r"\text{needs what comes later}", "", ())
        for name in ("dx2", "dw2", "ds1", "dx1", "dw1", "dx")
    },
    "slope-in-u": {
        f"dx{unit}": (
            rf"{_d(f's_{unit}')}\,{_SLOPE_IN_U % (f'x_{unit}', f'x_{unit}')}",
            rf"@ds{unit}@ \cdot {_SLOPE_IN_U % (f'(@x{unit}@)', f'(@x{unit}@)')}",
            (f"x{unit}",),
        )
        for unit in "12"
    },
}


def working(trace: "Chain", slip: Slip | None = None) -> tuple[tuple[Line, ...], ...]:
    """For each step the line that computes its value; where a slope is taken, both its forms.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the printed form.
    """
    numbers = trace.values()
    printed = FORMS[slip.name] if slip else {}
    lines = []
    for step in STEPS:
        value = trace.f if step.name == "given" else numbers[step.name]
        formula, substituted, *_ = printed.get(step.name, (step.formula, step.substituted))
        line = Line(
            step.symbol,
            formula,
            substituted,
            value,
            numbers,
            step.tag,
            step.name,
            step.name in printed,
        )
        slope = {"dx2": ("2", trace.x2), "dx1": ("1", trace.x1)}.get(step.name)
        lines.append((line, *(_both_slopes(*slope, numbers) if slope else ())))
    return tuple(lines)


def _both_slopes(unit: str, u: float, numbers: dict[str, float]) -> tuple[Line, Line]:
    s = numbers["s" + unit]
    symbol = rf"\sigma'(x_{unit})"
    by_s = Line(
        symbol, rf"s_{unit}(1 - s_{unit})", rf"@s{unit}@\,(1 - @s{unit}@)", s * (1 - s), numbers, 5
    )
    by_u = Line(
        symbol, rf"\frac{{e^{{-x_{unit}}}}}{{(1 + e^{{-x_{unit}}})^2}}", "", sigmoid_slope(u), {}, 5
    )
    return by_s, by_u


def questions(trace: "Chain") -> tuple[Question, ...]:
    """What to predict, with the values that typical mistakes give."""
    p, t = trace.params, trace
    slope1, slope2 = t.s1 * (1 - t.s1), t.s2 * (1 - t.s2)
    asked = {
        "dw3": {"That is w₃; the derivative by w₃ is what multiplies it.": p.w3},
        "dx2": {
            "You left out 1 - s₂.": t.ds2 * t.s2,
            "You left out s₂.": t.ds2 * (1 - t.s2),
            "You left out w₃.": slope2,
            "Square s₂ only once: σ′ = s₂ - s₂².": t.ds2 * t.s2**2,
        },
        "dw2": {
            "You left out s₁.": t.dx2,
            "You left out the slope of the second unit.": p.w3 * t.s1,
            "That is ∂f/∂s₁: you multiplied by w₂, not by s₁.": t.ds1,
            "You left out 1 - s₂.": t.ds2 * t.s2 * t.s1,
        },
        "dw1": {
            "You left out w₂ (eq. 23, second form).": t.dx2 * slope1 * p.x,
            "You counted w₃ twice (eq. 23, first form).": t.dw1 * p.w3,
            "You left out x.": t.dx1,
            "You left out 1 - s₁.": t.ds1 * t.s1 * p.x,
            "You left out the slope of the first unit.": t.ds1 * p.x,
            "That is ∂f/∂x: you multiplied by w₁, not by x.": t.dx,
        },
    }
    return tuple(
        Question(
            step.name,
            step.symbol,
            getattr(t, step.name),
            asked[step.name],
            STEPS.index(step),
            {"dw2": ("dx2",), "dw1": ("dx2", "ds1", "dx1")}.get(step.name, ()),
        )
        for step in STEPS
        if step.name in asked
    )


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    return {
        "exercise": Preset(
            "The exercise",
            params(),
            "s₁ is kept once and used twice: for ∂f/∂w₂ and for the slope.",
            step=9,
        ),
        "vanishing": Preset(
            "Vanishing",
            params(w1=4.0, w2=-8.0, w3=2.0, x=1.5),
            "Both units are flat, so almost nothing reaches w₁.",
            step=12,
        ),
        "steepest": Preset(
            "Steepest",
            params(w1=0.0, w2=0.0, w3=4.0, x=1.0),
            "At u = 0 the slope is 1/4, the steepest there is; w₂ = 0 still stops it.",
            step=10,
        ),
        "overflow": Preset(
            "Overflow",
            params(w1=100.0, w2=1.0, w3=1.0, x=-8.0),
            "σ′(-800) is 0 with σ and NaN with e⁻ᵘ.",
            step=11,
        ),
    }
