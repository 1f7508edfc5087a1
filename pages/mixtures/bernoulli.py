"""A mixture of Bernoullis: what do binary data have in common?"""

import streamlit as st

from engine.mixtures import bernoulli
from engine.params import Bound
from pages.charts import bernoulli as charts
from pages.charts import climb
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.tiles import tiles
from pages.ui.typed import matrix, numbers, typed_or_drawn
from pages.ui.working import working

START = ("components", "seed")
PLACE = ("row", "component", "column")
page = Lesson(
    bernoulli,
    data={
        "X": "rows of 0 and 1, like 1, 0, 1; 0, 1, 1; empty for the handwritten digits",
        "weights": "the first weights, one a component; empty for even ones",
        "means": "the first means, a row for each component; empty for noise",
    },
    views={
        "show": Field("means", Bound(choices=("means", "starts"))),
        "row": Field(1, Bound(1, 10_000, "the row whose shares are worked"), "row"),
        "component": Field(0, Bound(0, 30, "the one worked; 0 for the row's own"), "component"),
        "column": Field(0, Bound(0, 10_000, "the column; 0 for the least decided"), "column"),
    },
    ask=lambda page: bernoulli.questions(page.trace, page.step, place()),
    split=(66, 34),
    folded=("weights", "means", "floor"),
    turned=typed_or_drawn(X=("digits",), weights=START, means=START),
)


def place() -> tuple[int, int, int]:
    """Row, component and column that are worked, counted from 0."""
    return bernoulli.picked(page.trace, *(page.state.get(name) for name in PLACE))


trace = page.run(bernoulli.explore, matrix, numbers, matrix)
shown, at = page.slipped(), place()
wrong = cached(bernoulli.wrong_cells, trace, page.slip) if page.slip else {}
blank = page.question.name if page.question else ""
page.hold({name: index + 1 for name, index in zip(PLACE, at, strict=True)})
with page.stage():
    left, right = st.columns([56, 44])
    with left:
        page.view("show")
    if page.state.get("show") == "means":
        with left:
            tiles(page.key("means"), charts.components(shown, wrong, at, blank), page,
                  lambda pick: charts.meant(trace, pick))  # fmt: skip
        with right:
            cut = cached(bernoulli.slice_at, shown, page.slip, states=climb.states(shown))
            page.chart("The bound touches the likelihood", charts.tangent, cut)
            page.chart("Log-likelihood by step", charts.ascent, shown, trace if page.slip else None)
    else:
        starts, seed = cached(bernoulli.race, trace), trace.params.seed
        last = climb.states(shown) - 1
        with left:
            page.chart("The race of the starts", charts.race, starts, seed, last, tall=True)
        with right:
            page.table("ends", *charts.ends(starts, seed))

page.transport(charts.captions(shown))
page.sheet = lambda: charts.sheet(trace)
lines = bernoulli.working(shown, page.slip, *at)
with page.working():
    page.table("table", *charts.table(shown, page.slip, wrong, blank, at))
    working(page.key("working"), lines, charts.wrong_lines(wrong, at), blank)
    page.numbers(*PLACE)

last = {f"trace.{name}[-1]": getattr(trace, name)[-1].tolist() for name in charts.TOLD}
page.finish(Handout(lines=lines, data=charts.given(trace), shown=last))
