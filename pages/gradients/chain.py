"""One chain: what does the way back need?"""

from engine.gradients import chain
from pages.charts import chain as charts
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.network import network
from pages.ui.working import working

page = Lesson(chain, split=(69, 31), wide=True)
trace = page.run(chain.run)
shown = page.slipped()
wrong = chain.wrong_cells(trace, page.slip) if page.slip else set()
asked = page.question
blank = (asked.name, *asked.conceals) if asked else ()

with page.stage():
    network(page.key("graph"), charts.graph(shown, wrong, blank, page.slip))

lines = chain.working(shown, page.slip)
with page.working():
    marks = dict.fromkeys(wrong, True)
    working(page.key("working"), lines, marks, asked.name if asked else "")

page.transport(charts.captions(shown))
page.finish(
    Handout(
        lines=[main for main, *_ in lines],
        data=[],
        shown={f"trace.{name}": getattr(trace, name) for name in ("f", "dw1", "dw2", "dw3", "dx")},
    )
)
