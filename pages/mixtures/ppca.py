"""Probabilistic PCA: which direction explains the cloud?"""

import streamlit as st

from engine.mixtures import ppca
from engine.params import Bound
from pages.charts import ppca as charts
from pages.charts import ppca_cloud as cloud
from pages.charts import ppca_curves as curves
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import matrix, numbers, typed_or_drawn
from pages.ui.working import working

page = Lesson(
    ppca,
    data={
        "X": "the points, one row each, like 2, 1; -1, 0.5; 3, 1.5",
        "direction": "u at the start, one number for each column; or empty, and it is drawn",
    },
    views={
        "show": Field("angle", Bound(choices=("angle", "bound", "starts"))),
        "point": Field(0, Bound(0, 100_000)),
    },
    ask=lambda page: ppca.questions(page.trace, page.step, chosen()),
    folded=("seed", "floor"),
    turned=typed_or_drawn(direction=("seed",)),
)


def chosen() -> int:
    """The point whose numbers are put in."""
    return min(page.state.get("point", 0), len(page.trace.X) - 1)


trace = page.run(ppca.run_from, matrix, numbers)
shown = page.slipped()
wrong = cached(ppca.wrong_cells, trace, page.slip) if page.slip else {}
ghost = trace if page.slip else None
blank = (asked.name, *asked.conceals) if (asked := page.question) else ()
top, slip = cached(ppca.summit, trace), page.slip is not None

with page.stage():
    left, right = st.columns(2)
    with left:
        page.view("show")
        show = page.state.get("show")
        if show == "starts":
            race = cached(ppca.race, trace.X, trace.params)
            page.chart("Many starts", curves.starts, race, shown, top, slip, tall=True)
        else:
            page.chart("The cloud", cloud.scene, shown, top, chosen(), slip, tall=True)
    with right:
        if show == "bound":
            cut = cached(ppca.slice_at, shown)
            page.chart("The bound touches the likelihood", curves.tangent, cut, shown)
        else:
            page.chart("The angle to the long axis by step", curves.angle, shown, slip)
        page.chart("Log-likelihood by step", curves.ascent, shown, ghost, top)

page.sheet = lambda: charts.sheet(trace)
page.transport(charts.captions(shown))

with page.working():
    content = charts.table(shown, page.slip, wrong, blank, chosen())
    page.choose("point", table(page.key("table"), content, page.opening, chosen()))
    lines = ppca.working(shown, chosen(), page.slip)
    working(page.key("working"), lines, charts.wrong_lines(wrong, chosen()), blank)

told = ("direction", "noise", "log_likelihood")
last = {f"trace.{name}[-1]": getattr(trace, name)[-1].tolist() for name in told}
given = {"X": trace.X.tolist(), "direction": list(trace.given)}
page.finish(Handout(lines=lines, data=given, shown=last))
