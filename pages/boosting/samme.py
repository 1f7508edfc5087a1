"""Multiclass AdaBoost: how do weak votes add up?"""

import streamlit as st

from engine.boosting import samme
from engine.params import Bound
from pages.charts import samme as charts
from pages.charts import samme_curves as curves
from pages.charts import samme_votes as votes
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import matrix, numbers, typed_or_drawn
from pages.ui.working import working

page = Lesson(
    samme,
    data={
        "X": "points, one row each, like 0, 0; 1, 0.5; 4, 3; empty for the digits",
        "y": "the class of each point, whole numbers like 1, 1, 2; empty for the digits",
        "votes": "given votes instead of points: a row for each round, a class for each point",
    },
    views={
        "show": Field("rounds", Bound(choices=("rounds", "shares"))),
        "point": Field(0, Bound(0, 100_000, "the point worked; 0 for the heaviest"), "point"),
    },
    ask=lambda page: samme.questions(page.trace, page.step, chosen()),
    folded=("X", "y", "votes", "digits"),
    turned=typed_or_drawn(X=("digits",), y=("digits",), votes=("digits",)),
)


def chosen() -> int:
    """The point that is worked, counted from 0."""
    return samme.picked(page.trace, page.state.get("point"))


trace = page.run(samme.explore, matrix, numbers, matrix)
shown, i, asked = page.slipped(), chosen(), page.question
wrong = cached(samme.wrong_cells, trace, page.slip) if page.slip else {}
blank = {asked.name, *asked.conceals} if asked else set()
page.hold({"point": i + 1})
with page.stage():
    left, right = st.columns([56, 44])
    with left:
        page.view("show")
        if page.state.get("show") == "shares":
            page.chart("Shares of the say", votes.shares, shown, i, tall=True)
        elif trace.X.shape[1]:
            page.chart("Points and cuts", charts.scene, shown, i, tall=True)
        else:
            page.chart("The ballot", votes.ballot, shown, i, tall=True)
    with right:
        hidden = bool(blank & {"alpha", "ratio"})
        page.chart("The loss along the new vote", curves.along, shown, bool(page.slip), hidden)
        page.chart("Loss and error by round", curves.falling, shown, trace if page.slip else None)

page.transport(charts.captions(shown))
if trace.X.shape[1]:
    page.sheet = lambda: charts.sheet(trace)
lines = samme.working(shown, page.slip, i)
with page.working():
    place = asked.step if asked else 0
    table(page.key("table"), charts.table(shown, wrong, blank, place), page.opening)
    working(page.key("working"), lines, charts.wrong_lines(wrong, i), blank)
    page.numbers("point")

last = {f"trace.{name}[-1]": getattr(trace, name)[-1].tolist() for name in charts.TOLD}
page.finish(Handout(lines=lines[page.step], data=charts.given(trace), shown=last))
