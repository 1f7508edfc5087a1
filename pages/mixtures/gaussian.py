"""A mixture of Gaussians: whose point is it?"""

import streamlit as st

from engine.mixtures import gaussian
from engine.params import Bound
from pages.charts import climb
from pages.charts import gaussian as charts
from pages.charts import gaussian_points as points
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.typed import layers, matrix, numbers, typed_or_drawn
from pages.ui.working import working

DRAWN_BY = ("components", "seed")
PLACE = ("point", "component", "column")
page = Lesson(
    gaussian,
    data={
        "X": "points, one row each, like 0, 0; 1, 0.5; 4, 3",
        "weights": "the first weights, one a component; empty for equal ones",
        "means": "the first means, a row for each component; empty for points of the data",
        "covariances": "the first covariances, matrices between bars |; empty for that of X",
    },
    views={
        "show": Field("mixture", Bound(choices=("mixture", "starts"))),
        "point": Field(0, Bound(0, 100_000, "the point worked; 0 for the least decided"), "point"),
        "component": Field(0, Bound(0, 20, "the one worked; 0 for the point's own"), "component"),
        "column": Field(1, Bound(1, 64, "the coordinate that is worked"), "coordinate"),
    },
    ask=lambda page: gaussian.questions(page.trace, page.step, *place()),
    split=(64, 36),
    folded=("X", "weights", "means", "covariances", "floor", "held"),
    turned=typed_or_drawn(weights=DRAWN_BY, means=DRAWN_BY, covariances=DRAWN_BY),
)


def place() -> tuple[int, int, int]:
    """Point, component and column that are worked, counted from 0."""
    return gaussian.picked(page.trace, *(page.state.get(name) for name in PLACE))


trace = page.run(gaussian.explore, matrix, numbers, matrix, layers)
shown, at = page.slipped(), place()
wrong = cached(gaussian.wrong_cells, trace, page.slip) if page.slip else {}
ghost = trace if page.slip else None
blank = page.question.name if page.question else ""
page.hold({name: index + 1 for name, index in zip(PLACE, at, strict=True)})
with page.stage():
    left, right = st.columns([54, 46])
    with left:
        page.view("show")
    if page.state.get("show") == "mixture":
        with left:
            page.chart("The mixture", points.scene, shown, ghost, at[0], tall=True)
        with right:
            cut = cached(gaussian.slice_at, shown, page.slip, states=climb.states(shown))
            page.chart("The bound touches the likelihood", charts.tangent, cut)
            page.chart("Log-likelihood by step", charts.ascent, shown, ghost)
    else:
        starts = cached(gaussian.race, trace)
        with left:
            last = climb.states(shown) - 1
            page.chart("The race of the starts", charts.race, starts, trace, last, tall=True)
        with right:
            page.table("ends", *charts.ends(starts, trace))

page.transport(charts.captions(shown))
page.sheet = lambda: charts.sheet(trace)
lines = gaussian.working(shown, page.slip, *at)
with page.working():
    page.table("table", *charts.table(shown, page.slip, wrong, blank, at))
    working(page.key("working"), lines, charts.wrong_lines(wrong, at), blank)
    page.numbers(*PLACE)

last = {f"trace.{name}[-1]": getattr(trace, name)[-1].tolist() for name in charts.TOLD}
page.finish(Handout(lines=lines, data=charts.given(trace), shown=last))
