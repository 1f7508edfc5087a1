"""Quantise: how few colours make a picture?"""

import streamlit as st

from engine.clusters import quantise
from engine.params import Bound
from pages.charts import quantise as charts
from pages.charts import quantise_curves as curves
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.split import split
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.upload import compiling, upload
from pages.ui.working import working

PLACE, BESIDE = ("row", "col"), "original beside"
WHICH = "of the pixel that is worked, or a click on it; 0 for one above and right of the middle"
page = Lesson(
    quantise,
    views={
        "show": Field(BESIDE, Bound(choices=(BESIDE, "k = 2, 4, 8"))),
        "row": Field(0, Bound(0, 50_000, WHICH), "row"),
        "col": Field(0, Bound(0, 50_000, WHICH), "column"),
    },
    ask=lambda page: quantise.questions(page.trace, page.step, *place()),
    split=(66, 34),
    folded=("steps", "seed", "empty"),
)


def place() -> tuple[int, int]:
    """Row and column of the pixel that is worked, counted from 0."""
    return quantise.picked(page.trace, *(page.state.get(name) for name in PLACE))


with page.stage():
    mine = page.state.get("picture") == quantise.UPLOAD
    own = upload(page, quantise.uploaded) if mine else None
    with compiling(quantise.cold(page.state.get("norm"), page.state.get("space"))):
        trace = page.run(quantise.run, picture=own)
shown, at, ghost = page.slipped(), place(), trace if page.slip else None
wrong = cached(quantise.wrong_cells, trace, page.slip) if page.slip else {}
blank = (asked.name, *asked.conceals) if (asked := page.question) else ()
page.hold({name: index + 1 for name, index in zip(PLACE, at, strict=True)})

with page.stage():
    page.view("show")
    if page.state.get("show") == BESIDE:
        left, right = st.columns(2)
        with left:
            split(page.key("picture"), cached(charts.picture, [shown], at, blank), page)
        with right:
            page.chart("Values and palette", curves.values, shown)
            page.chart("Distortion by step", curves.descent, shown, ghost)
    else:
        runs = [cached(quantise.run, params, picture=own) for params in charts.counts(trace)]
        drawn = [cached(quantise.slipped, run, page.slip) if page.slip else run for run in runs]
        split(page.key("picture"), cached(charts.picture, drawn, at, blank), page)
        for run, column in zip(drawn, st.columns(3), strict=True):
            with column:
                page.chart(f"Values at k {run.k}", curves.values, run)
page.transport(charts.captions(shown))

lines, true = quantise.working(shown, page.slip, *at), quantise.working(trace, None, *at)
with page.working():
    table(page.key("table"), charts.table(shown, wrong, blank))
    working(page.key("working"), lines, charts.wrong_lines(true, lines), blank)
    page.numbers(*PLACE)
    if not page.projecting:
        file, says = cached(charts.download, shown, page.step)
        name = f"PNG with {shown.k} colours"
        st.download_button(name, file, "quantised.png", "image/png", on_click="ignore")
        st.caption(says)

told = {f"trace.{name}": getattr(trace, name).tolist() for name in ("distortion", "ssim")}
page.finish(Handout(lines=lines, data=charts.given(trace), shown=told))
