"""Min and max: how few ReLUs find the smaller?"""

import streamlit as st

from engine.gradients import minmax
from engine.params import Bound
from pages.charts import minmax as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.late import Values
from pages.ui.lesson import Lesson
from pages.ui.network import network
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import matrix, spelled
from pages.ui.working import working


def refit(before: Values, now: Values) -> Values:
    """Another number of units brings its exact weights: those of before fit no longer."""
    units = now["units"]
    if units in (None, before["units"]) or now["W"].count(";") + 1 == int(units):
        return {}
    W, V = (spelled(exact.tolist()) for exact in minmax.EXACT[units])
    return {"W": W, "V": V}


def chosen(trace: minmax.MinMax) -> int:
    """The point whose numbers are put in."""
    return min(page.state.get("point", 0), len(trace.x) - 1)


page = Lesson(
    minmax,
    data={
        "x": "points, two numbers each, like 3, -2; -1.5, 4",
        "W": "incoming weights, one row of two for each unit",
        "V": "outgoing weights, one row for min and one for max",
    },
    views={
        "show": Field("surface", Bound(choices=("surface", "error", "network"))),
        "point": Field(0, Bound(0, 100_000)),
    },
    ask=lambda page: minmax.questions(page.trace, chosen(page.trace)),
    folded=("W", "V"),
    turned=refit,
)
trace = page.run(minmax.run, matrix, matrix, matrix)
shown, at = page.slipped(), chosen(trace)
wrong = cached(minmax.wrong_cells, trace, page.slip) if page.slip else {}
blank = (asked.name, *asked.conceals) if (asked := page.question) else ()

with page.stage():
    page.view("show")
    if page.state.get("show") == "network":
        network(page.key("graph"), charts.graph(shown, wrong, at, blank))
    else:
        errors = page.state.get("show") == "error"
        painted = cached(charts.painting, shown, minmax.reach(trace), errors)
        box = charts.box(trace, page.slip)
        for output, column in enumerate(st.columns(2)):
            with column:
                says = f"{charts.NAMES[output]} over the square"
                page.chart(says, charts.surface, shown, painted, wrong, box, output, at, tall=True)

page.transport(charts.captions(shown))

lines = minmax.working(shown, at, page.slip)
with page.working():
    content = charts.table(shown, page.slip, wrong, at, blank)
    page.choose("point", table(page.key("table"), content, page.opening, at))
    working(page.key("working"), lines, charts.wrong_lines(wrong, at), blank)

page.finish(
    Handout(
        lines=[line for group in lines for line in group],
        data=[trace.x.tolist(), trace.W.tolist(), trace.V.tolist()],
        shown={f"trace.{name}": getattr(trace, name).tolist() for name in ("hidden", "y")},
    )
)
