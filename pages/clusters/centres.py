"""Centres: why the mean, why the median?"""

import streamlit as st

from engine.clusters import centres
from pages.charts import centres as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.line import line
from pages.ui.table import table
from pages.ui.typed import matrix, numbers, spelled
from pages.ui.working import working


def places(text: str) -> list:
    """Points on a line, or rows of two coordinates between semicolons."""
    return matrix(text) if ";" in text else numbers(text)


def moved(point: int, place: float) -> None:
    """A point was dropped elsewhere: that is as good as typed."""
    page.state.put("points", spelled(charts.moved(trace, point, place)))


page = Lesson(
    centres,
    data={"points": "points on a line, like 1, 2, 8; or in the plane, like 1, 2; 2, 8"},
    ask=lambda page: centres.questions(page.trace, page.step),
    split=(66, 34),
    folded=("steps", "start", "rate"),
)
trace = page.run(centres.run, places)
shown = page.slipped()
wrong = cached(centres.wrong_cells, trace, page.slip) if page.slip else {}
blank = (asked.name, *asked.conceals) if (asked := page.question) else ()
walks = isinstance(trace, centres.Walk)

with page.stage():
    if walks:
        drawing = cached(charts.line, shown, trace, page.slip, wrong, blank)
        line(page.key("line"), drawing, page, moved)
    else:
        for norm, column in enumerate(st.columns(2)):
            with column:
                says = charts.NORMS[norm]
                page.chart(
                    f"Clusters by {says}", charts.plane, shown, norm, charts.off(wrong, norm)
                )
                page.chart(f"Every partition by {says}", charts.tries, shown, norm)

page.transport(charts.captions(shown))

lines = centres.working(shown, page.slip)
with page.working():
    content = charts.walk_table if walks else charts.search_table
    table(page.key("table"), content(shown, wrong, blank))
    working(page.key("working"), lines, charts.wrong_lines(trace, wrong), blank)

page.finish(
    Handout(
        lines=lines,
        data=[trace.points.tolist()],
        shown={f"trace.{name}": getattr(trace, name).tolist() for name in charts.taken(trace)},
    )
)
