"""Two coins: which coin made which tosses?"""

import streamlit as st

from engine.mixtures import coins
from engine.params import Bound
from pages.charts import coins as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.typed import numbers, one_or_many
from pages.ui.working import working

page = Lesson(
    coins,
    data={
        "heads": "heads in each set, like 5, 9, 8",
        "tosses": "tosses in each set, or one number for all",
    },
    views={
        "map": Field("likelihood", Bound(choices=("likelihood", "basins"))),
        "set": Field(0, Bound(0, 100_000)),
    },
    ask=lambda page: coins.questions(page.trace, page.step, chosen(page.trace)),
)


def chosen(trace: coins.Coins) -> int:
    """The set whose numbers are put in."""
    return min(page.state.get("set", 0), len(trace.heads) - 1)


trace = page.run(coins.run, numbers, one_or_many)
shown = page.slipped()
wrong = cached(coins.wrong_cells, trace, page.slip) if page.slip else {}
ghost = trace if page.slip else None
blank = page.question.name if page.question else ""

with page.stage():
    left, right = st.columns(2)
    with left:
        page.view("map")
        basins = page.state.get("map") == "basins"
        if basins:
            image = cached(charts.basin_image, trace.heads, trace.tosses, trace.params.mixing)
        else:
            weight = float(trace.mixing[-1, 0])
            image = cached(charts.likelihood_image, trace.heads, trace.tosses, weight)
        page.chart("EM over the square", charts.landscape, shown, ghost, image, basins, tall=True)
    with right:
        cut = cached(coins.slice_at, shown)
        page.chart(
            "The bound touches the likelihood", charts.tangent, cut, shown, blank == "theta_A"
        )
        page.chart("Log-likelihood by step", charts.ascent, shown, ghost)

page.transport(charts.captions(shown))

with page.working():
    content = charts.table(shown, page.slip, wrong, blank, chosen(trace))
    page.choose("set", table(page.key("table"), content, page.opening, chosen(trace)))
    lines = coins.working(shown, chosen(trace), page.slip)
    working(page.key("working"), lines, charts.wrong_lines(wrong, chosen(trace)), blank)

page.finish(
    Handout(
        lines=lines,
        data=[trace.heads.tolist(), trace.tosses.tolist()],
        shown={
            f"trace.{n}[-1]": getattr(trace, n)[-1].tolist() for n in ("theta", "log_likelihood")
        },
    )
)
