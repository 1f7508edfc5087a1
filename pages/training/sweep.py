"""Channel sweep: what does width buy?"""

import streamlit as st

from engine.params import Bound
from engine.training import sweep
from pages.charts import sweep as charts
from pages.charts import sweep_words as words
from pages.ui import jobs
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import numbers
from pages.ui.working import working

page = Lesson(
    sweep,
    data={"widths": "channels, like 1, 2, 4, 64"},
    views={
        "shown": Field("loss", Bound(choices=("loss", "log", "error"))),
        "aside": Field("gap", Bound(choices=("gap", "layers", *sweep.BESIDE))),
        "smooth": Field(False, Bound(help="each point the mean of nine"), "smooth"),
        "row": Field(0, Bound(0, 5)),
    },
    ask=lambda page: sweep.questions(page.trace, page.step, chosen(page.trace)),
    folded=("skip", "norm", "evaluation", "protocol", "ragged", "batch"),
    split=(66, 34),
)


def chosen(trace: sweep.Curves) -> int:
    """The width whose numbers are put in."""
    return min(page.state.get("row", 0), len(trace.widths) - 1)


def known(widths: tuple[int, ...], params: sweep.Params) -> sweep.Curves:
    """What is trained here, or else what ships with the project."""
    return jobs.held(
        sweep.specs(widths, params),
        lambda runs: sweep.trained(runs, widths, params),
        lambda: cached(sweep.recorded, list(widths), params),
    )


asked = page.run(sweep.recorded, numbers)
trace = page.instead(known(asked.widths, asked.params))
curves, ghost = page.slipped(), trace if page.slip else None
blank = page.question.name if page.question else ""
shown, aside = page.state.get("shown"), page.state.get("aside")
look = shown, page.state.get("smooth")

with page.stage():
    jobs.follow(page, sweep.specs(trace.widths, trace.params), words.origin(trace))
    left, right = st.columns(2)
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            page.view("shown")
            page.view("smooth")
        page.chart("Curves by step", charts.curves, curves, ghost, *look, tall=True)
    with right:
        page.view("aside")
        if aside in sweep.BESIDE:
            other = known(trace.widths, sweep.beside(trace.params, aside))
            page.chart("The other sweep", charts.curves, other, trace, *look, tall=True)
        elif aside == "layers":
            table(page.key("layers"), cached(words.layers, trace, page.slip, chosen(trace)))
        else:
            page.chart("Gap by width", charts.gap, curves, shown, tall=True)

page.transport(words.captions(curves))

with page.working():
    content = words.table(curves, page.slip, blank, chosen(trace))
    page.choose("row", table(page.key("table"), content, page.opening, chosen(trace)))
    lines = sweep.working(curves, chosen(trace), page.slip)
    working(page.key("working"), lines, words.wrong_lines(page.slip), blank)

page.finish(Handout(lines, [list(trace.widths)], words.last(trace), sweep.verb(trace)))
