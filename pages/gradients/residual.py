"""Residual block: what does the skip carry back?"""

import streamlit as st

from engine.gradients import residual
from engine.params import Bound
from pages.charts import residual as charts
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.network import network
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import matrix, numbers
from pages.ui.working import working

MATRIX, VECTOR = "n by n, like 0.5, -0.3; 0.2, 0.8", "n numbers, like 0.1, -0.2"


def unit(page: Lesson) -> int:
    """The unit whose numbers are put in."""
    return min(page.state.get("unit", 0), len(page.trace.x) - 1)


page = Lesson(
    residual,
    data={
        "W": f"weights of the first layer: {MATRIX}",
        "b": f"bias of the first layer: {VECTOR}",
        "V": f"weights of the second layer: {MATRIX}",
        "c": f"bias of the second layer: {VECTOR}",
        "x": f"what goes in: {VECTOR}",
        "t": f"the target: {VECTOR}",
    },
    views={
        "table": Field("routes", Bound(choices=("routes", "gradients"))),
        "unit": Field(0, Bound(0, 7)),
    },
    ask=lambda page: residual.questions(page.trace, unit(page)),
    split=(66, 34),
    folded=("W", "b", "V", "c", "t", "around", "depth"),
)
trace = page.run(residual.run, matrix, numbers, matrix, numbers, numbers, numbers)
shown = page.slipped()
wrong = residual.wrong_cells(trace, page.slip) if page.slip else {}
asked, i = page.question, unit(page)
blank = (asked.name, *asked.conceals) if asked else ()

with page.stage():
    network(page.key("graph"), charts.graph(shown, wrong, blank, i))
    page.chart("Length left by depth", charts.stack, shown, wrong)

page.transport(charts.captions(shown))

lines = residual.working(shown, page.slip, i)
with page.working():
    page.view("table")
    if page.state.get("table") == "routes":
        table(page.key("table"), charts.routes(shown, wrong, blank, i))
    else:
        table(page.key("table"), charts.gradients(shown, wrong, blank))
    if len(trace.x) > 1 and not page.projecting:
        st.segmented_control(
            "unit", range(len(trace.x)), format_func=lambda k: f"{'unit ' * (k == 0)}{k + 1}",
            key=page.state.key("unit"), required=True, label_visibility="collapsed",
        )  # fmt: skip
    marks = dict.fromkeys(charts.places(wrong), True)
    working(page.key("working"), lines, marks, asked.name if asked else "")

page.finish(
    Handout(
        lines=[line for group in lines[:20] for line in group],
        data={name: getattr(trace, name).tolist() for name in ("W", "b", "V", "c", "x", "t")},
        shown={
            f"trace.{name}": getattr(trace, name).tolist()
            for name in ("y", "dW", "db", "dV", "dc", "dx")
        },
    )
)
