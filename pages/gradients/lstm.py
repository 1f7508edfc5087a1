"""LSTM cell: what does the cell remember?"""

from engine.gradients import lstm
from pages.charts import lstm as charts
from pages.gradients import lstm_cell
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.modes import open_mode
from pages.ui.table import table
from pages.ui.typed import matrix
from pages.ui.working import working


def gate_table() -> None:
    """The exercise: gates that see the input only, one number in the cell."""
    page = Lesson(
        lstm,
        data={
            "x": "four numbers a step, steps apart by semicolons",
            "weights": "rows z, input, forget, output gate: four weights and the bias",
        },
        ask=lambda page: lstm.questions(page.trace, page.step),
        split=(68, 32),
        folded=("weights",),
    )
    trace = page.run(lstm.table, matrix, matrix)
    shown = page.slipped()
    wrong = lstm.wrong_cells(trace, page.slip) if page.slip else {}
    other = cached(lstm.beside, trace)
    asked = page.question

    with page.stage():
        table(page.key("table"), charts.gate_table(shown, other, wrong, asked))
        right, known = trace if page.slip else None, charts.known(trace, asked)
        page.chart("What the cell remembers", charts.memory, shown, right, known)

    lines = lstm.working(shown, page.slip)
    with page.working():
        marks, name = charts.marks(wrong), asked.name if asked else ""
        working(page.key("working"), charts.unconcealed(lines, asked), marks, name)

    page.transport(charts.captions(shown, asked))
    page.finish(
        Handout(
            lines=lines[page.step],
            data={"x": trace.x.tolist(), "weights": trace.weights.tolist()},
            shown={f"trace.{name}": getattr(trace, name).tolist() for name in ("c", "y")},
        )
    )


if open_mode("lstm") == "lstm":
    gate_table()
else:
    lstm_cell.draw()
