"""Through time: how far back does a gradient reach?"""

import streamlit as st

from engine.gradients import rnn
from engine.params import Bound
from pages.charts import rnn as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.network import network
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import matrix, numbers
from pages.ui.working import working

page = Lesson(
    rnn,
    data={
        "Wi": "weights of the input, one row a unit, like 0.5, -0.2; 0.3, 0.8",
        "Wh": "weights of the state before, as many rows as columns",
        "Wo": "weights of the output, one row",
        "xs": "inputs, one row a step",
        "target": "what the output should have been, 0 to 1",
    },
    views={"paths": Field("W_i", Bound(choices=("W_i", "W_h")))},
    ask=lambda page: rnn.questions(page.trace, into()),
    split=(58, 42),
    folded=("Wi", "Wh", "Wo", "xs", "target"),
)


def into() -> str:
    """The matrix whose paths are worked."""
    return page.state.get("paths", "W_i").replace("_", "")


trace = page.run(rnn.explore, matrix, matrix, matrix, matrix, numbers)
shown = page.slipped()
wrong = cached(rnn.wrong_cells, trace, page.slip) if page.slip else {}
ghost = trace if page.slip else None
asked = page.question
blank = (asked.name, *asked.conceals) if asked else ()

with page.stage():
    small = charts.short(shown)
    left, right = st.columns((70, 30)) if small else (st.container(), st.container())
    with left:
        network(page.key("graph"), charts.graph(shown, wrong, blank))
    with right:
        page.chart("Length of the gradient by step", charts.lengths, shown, ghost)

name = asked.name if asked else ""
lines = rnn.working(shown, page.slip, into(), name)
with page.working():
    page.view("paths")
    table(page.key("table"), charts.table(shown, wrong, blank, into()))
    marks = charts.wrong_lines(shown, wrong, into())
    working(page.key("working"), lines, marks, name)

page.transport(charts.captions(shown))
page.finish(
    Handout(
        lines=[*lines[0], *lines[-1]],
        data=dict(zip(page.state.data, trace.given, strict=True)),
        shown={f"trace.{n}": getattr(trace, n).tolist() for n in ("dWi", "dWh", "dWo")}
        | {"trace.loss": trace.loss},
    )
)
