"""Two layers: which settings learn?"""

import streamlit as st

from engine.params import Bound
from engine.training import mnist, two_layer
from pages.charts import two_layer as charts
from pages.charts import two_layer_pictures as pictures
from pages.ui import jobs
from pages.ui.cache import cached
from pages.ui.fetch import offered
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.tiles import tiles
from pages.ui.typed import numbers
from pages.ui.working import working

DRAWN = {"slopes": pictures.slopes, "matrix": pictures.confusion}
SHEETS = {"wrong": pictures.wrong, "units": pictures.units}

page = Lesson(
    two_layer,
    data={"values": "up to six settings, like 0.03, 0.001, 0.0001"},
    views={
        "shown": Field("error", Bound(choices=("loss", "error", "rate", "reach"))),
        "aside": Field("slopes", Bound(choices=(*DRAWN, *SHEETS))),
        "row": Field(0, Bound(0, 5)),
    },
    ask=lambda page: two_layer.questions(page.trace, page.step, chosen(page.trace)),
    folded=("init_scale", "init", "hidden", "batch", "epochs", "seed", "dtype", "data"),
    split=(66, 34),
)


def chosen(race: two_layer.Race) -> int:
    """The setting whose numbers are put in."""
    return min(page.state.get("row", 0), len(race.values) - 1)


def known(race: two_layer.Race) -> two_layer.Race:
    """With what is trained here in the place of what ships with the project."""
    return jobs.held(
        two_layer.specs(race),
        lambda runs: two_layer.trained(race, runs, jobs.arrays(runs)),
        lambda: race,
    )


trace = page.instead(known(page.run(two_layer.recorded, numbers)))
race = known(page.slipped()) if page.slip else trace
blank = page.question.name if page.question else ""
aside, row = page.state.get("aside"), chosen(trace)

with page.stage():
    mnist_button = offered("MNIST, 12 MB", mnist.here, mnist.download)
    jobs.follow(page, two_layer.specs(race), charts.origin(race), race, mnist_button)
    left, right = st.columns(2)
    with left:
        page.view("shown")
        page.chart("Race by epoch", charts.race, race, page.state.get("shown"), row, tall=True)
    with right:
        page.view("aside")
        if aside in DRAWN:
            page.chart("One setting", DRAWN[aside], race, row, tall=True)
        elif sheet := cached(SHEETS[aside], race, row):
            tiles(page.key(aside), sheet, page)
            st.caption(sheet.label)
        else:
            st.caption(charts.empty(race, row))

page.transport(charts.captions(race))

with page.working():
    picks = [{"row": i} for i in range(len(race.values))]
    page.table("table", charts.table(race, row, blank), row, picks)
    lines = two_layer.working(race, row)
    working(page.key("working"), lines, charts.wrong_lines(page.slip, race, row), blank)

page.finish(Handout(lines, [list(trace.values)], charts.last(trace), two_layer.verb(trace)))
