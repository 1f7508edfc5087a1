"""What the lesson on the LSTM cell says: its numbers, the slip, formulas, questions, cases.

The tags are those of ``engine.gradients.lstm``.
"""

from typing import TYPE_CHECKING

from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.lstm import Lstm, Params

EXERCISE_X = ((0, 1, 0, 3), (1, 0, 1, -2), (1, 1, 1, 4), (0, 1, 1, 0))
EXERCISE_X8 = (*EXERCISE_X, (0, 1, 0, 2), (0, 0, 1, -4), (1, 1, 1, 1), (1, 0, 1, 2))
# Rows z, input, forget, output gate; the last column is the bias.
EXERCISE = ((0, 0, 0, 1, 0), (100, 100, 0, 0, -10), (-100, -100, 0, 0, 110), (0, 0, 100, 0, -10))

SLIPS = Slips(
    Slip(
        "label",
        "004-1, the hint table",
        "f(zᵢ) for f(z_f)",
        "The row below z_f is labelled f(zᵢ): whoever reads on uses the input gate as forget gate.",
        "It hides where both gates say the same: in the exercise with 0/1 gates at 1, 2 and 4.",
    ),
)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    four = {"x": EXERCISE_X, "weights": EXERCISE}
    eight = {"x": EXERCISE_X8, "weights": EXERCISE}
    return {
        "exercise": Preset(
            "The exercise", params(), "At step 3 the cell forgets all it held.", four, step=3
        ),
        "hand": Preset(
            "By hand",
            params(gates="step"),
            "Gates of 0 and 1: the whole table in your head, y = 0, 1, 4, 4.",
            four,
            step=4,
        ),
        "eight": Preset(
            "Eight steps",
            params(),
            "Step 6 shuts the input out; step 7 wipes the cell.",
            eight,
            step=6,
        ),
        "soft": Preset(
            "Soft gates",
            params(sharpness=0.1),
            "A tenth as sharp: every gate leaks a little of everything.",
            four,
            step=4,
        ),
        "null": Preset(
            "Null direction",
            params(shift=2.0),
            "x moves along (1, −1, 0, 0), and nothing else does.",
            four,
            step=4,
        ),
    }


ROWS = (("z", ""), ("z_i", "i"), ("z_f", "f"), ("z_o", "o"))
GATES = (("fi", "z_i"), ("ff", "z_f"), ("fo", "z_o"))


def working(trace: "Lstm", slip: Slip | None = None) -> tuple[tuple[Line, ...], ...]:
    """At step 0 what moving the input does to each row, then each step's row of the table.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the printed form.
    """
    steps = range(len(trace.z))
    return (_moved(trace), *(_row(trace, t, slip.name if slip else "") for t in steps))


def _moved(trace: "Lstm") -> tuple[Line, ...]:
    """(6): the change of each row, whatever the input."""
    s, lines = trace.params.shift, []
    for (symbol, low), row in zip(ROWS, trace.weights, strict=True):
        one, two = (f"w_{{{low}{i}}}" for i in "12")
        numbers = {"s": s, "a": float(row[0]), "b": float(row[1])}
        value = s * (numbers["a"] - numbers["b"])
        formula = rf"s\,({one} - {two})"
        lines.append(
            Line(rf"\Delta {symbol}", formula, r"@s@ \cdot (@a@ - @b@)", value, numbers, 6)
        )
    return tuple(lines)


def _row(trace: "Lstm", t: int, slip: str) -> tuple[Line, ...]:
    """The lines of step t + 1: candidate, three gates, cell, output."""
    terms, numbers = _sum(trace, 0, t)
    lines = [Line("z", r"w \cdot x + b", terms, float(trace.z[t]), numbers, 1, "z")]
    for row, (name, _) in enumerate(GATES, 1):
        lines.append(_gate(trace, row, t, printed=bool(slip) and name == "ff"))
    numbers = {name: float(getattr(trace, name)[t]) for name in ("z", "fi", "ff", "fo", "c", "y")}
    numbers["before"] = float(trace.before[t])
    cell, out = f"c_{{{t + 1}}}", f"y_{{{t + 1}}}"
    formula = rf"f(z_i)\,z + f(z_f)\,c_{{{t}}}"
    filled = r"@fi@ \cdot @z@ + @ff@ \cdot @before@"
    return (
        *lines,
        Line(cell, formula, filled, numbers["c"], numbers, 3, "c"),
        Line(out, rf"f(z_o)\,{cell}", r"@fo@ \cdot @c@", numbers["y"], numbers, 4, "y"),
    )


def _sum(trace: "Lstm", row: int, t: int) -> tuple[str, dict[str, float]]:
    """w x + b with numbers, without the terms whose weight is 0; a minus stands as a minus."""
    *weights, bias = trace.weights[row].tolist()
    numbers, text = {}, ""
    for j, (weight, x) in enumerate(zip(weights, trace.seen[t].tolist(), strict=True)):
        if weight:
            text += _signed(text, weight, f"w{j}", numbers) + rf" \cdot @x{j}@"
            numbers[f"x{j}"] = x
    if bias or not text:
        text += _signed(text, bias, "b", numbers)
    return text, numbers


def _signed(text: str, value: float, name: str, numbers: dict[str, float]) -> str:
    """The slot of one more term, its sign taken out unless it comes first."""
    numbers[name] = abs(value) if text else value
    return (" - " if value < 0 else " + ") * bool(text) + f"@{name}@"


def _gate(trace: "Lstm", row: int, t: int, *, printed: bool) -> Line:
    name, symbol = GATES[row - 1]
    source = 1 if printed else row  # the mislabelled row takes z_i
    tex = GATES[source - 1][1]
    terms, numbers = _sum(trace, source, t)
    if trace.params.gates == "step":
        formula, filled = rf"[\,{tex} \ge 0\,]", rf"[\,{terms} \ge 0\,]"
    elif trace.params.sharpness == 1:
        formula, filled = rf"\sigma({tex})", rf"\sigma({terms})"
    else:
        formula, filled = rf"\sigma(k\,{tex})", rf"\sigma(@k@\,({terms}))"
        numbers["k"] = trace.params.sharpness
    value = float(getattr(trace, name)[t])
    return Line(f"f({symbol})", formula, filled, value, numbers, 2, name, printed)


def questions(trace: "Lstm", step: int) -> tuple[Question, ...]:
    """What to predict of the row that ``step`` fills, with the values that mistakes give."""
    step = max(1, step)
    t = step - 1
    z, c, y = (float(getattr(trace, name)[t]) for name in ("z", "c", "y"))
    fi, ff, fo = (float(getattr(trace, name)[t]) for name in ("fi", "ff", "fo"))
    before, hard = float(trace.before[t]), float(trace.zf[t] >= 0)
    asked = (
        (
            "ff",
            "f(z_f)",
            ff,
            {
                "That is f(zᵢ), as the hint table is labelled; this gate has its own z_f.": fi,
                "That is how much is forgotten: an open forget gate keeps.": 1 - ff,
                "That is z_f itself; the gate is its sigmoid.": trace.zf[t],
                "By hand, yes; these gates are sigmoids.": hard,
            },
        ),
        (
            "c",
            f"c_{{{step}}}",
            c,
            {
                "You used f(zᵢ) as forget gate, as the hint table is labelled.": fi * (z + before),
                "You left out what the cell held.": fi * z,
                "You let nothing be forgotten.": fi * z + before,
                "You let everything in.": z + ff * before,
                "You swapped the gates: f(zᵢ) is for what comes in.": ff * z + fi * before,
                "That is what the cell held before this step.": before,
            },
        ),
        (
            "y",
            f"y_{{{step}}}",
            y,
            {
                "That is the cell; the output gate stands before it.": c,
                "You put out the candidate; the gate lets the cell out.": fo * z,
                "That is the gate; it multiplies the cell.": fo,
                "You put out what the cell held before this step.": fo * before,
            },
        ),
    )
    return tuple(
        Question(
            name,
            symbol,
            value,
            {s: float(v) for s, v in mistakes.items()},
            step,
            {"ff": ("c", "y"), "c": ("y",)}.get(name, ()),
        )
        for name, symbol, value, mistakes in asked
    )
