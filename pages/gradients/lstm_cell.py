"""The full LSTM cell: what keeps the error alive? A mode of the page of the LSTM cell."""

import streamlit as st

from engine.gradients import lstm_cell
from engine.params import Bound
from pages.charts import lstm_cell as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.working import working


def unit(page: Lesson) -> int:
    """The unit whose numbers are shown."""
    return min(page.state.get("unit", 0), len(page.trace.target) - 1)


def draw() -> None:
    """The whole page in this mode."""
    page = Lesson(
        lstm_cell,
        views={"unit": Field(0, Bound(0, 3))},
        ask=lambda page: lstm_cell.questions(page.trace, unit(page)),
        split=(58, 42),
        folded=("inputs", "seed"),
    )
    trace = page.run(lstm_cell.run)
    shown, u, asked = page.slipped(), unit(page), page.question
    page.state.put("unit", u)  # a cell of fewer units may have come since
    wrong = cached(lstm_cell.wrong_cells, trace, page.slip) if page.slip else {}
    right, known = trace if page.slip else None, charts.known(trace, asked)

    with page.stage():
        table(page.key("table"), charts.gate_table(shown, wrong, asked, u))
        left, beside = st.columns(2)
        with left:
            page.chart("Gates and cell by step", charts.gates, shown, known, u)
        with beside:
            page.chart("Size of the error by step", charts.errors, shown, right, known)

    lines = lstm_cell.working(shown, page.slip, u)
    with page.working():
        if len(trace.target) > 1 and not page.projecting:
            st.segmented_control(
                "unit", range(len(trace.target)), format_func=charts.unit_name,
                key=page.state.key("unit"), required=True, label_visibility="collapsed",
            )  # fmt: skip
        told = charts.unconcealed(lines, asked)
        marks = charts.marks(wrong, u)
        working(page.key("working"), told, marks, asked.name if asked else "")

    page.transport(charts.captions(shown, asked))
    page.finish(
        Handout(
            lines=lines[page.step],
            data=[],
            shown={
                f"trace.{name}": getattr(trace, name).tolist()
                for name in ("c", "h", "dc", "dW_ih", "dW_hh", "db")
            },
        )
    )
