"""Shapes: what size comes out?"""

from engine.gradients import shapes
from engine.params import Bound
from pages.charts import shapes as charts
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.volumes import volumes
from pages.ui.working import working

page = Lesson(
    shapes,
    data={
        "layers": "layers apart by semicolons: conv 5x5 20 stride 2 pad 1 dilation 2 (5 by 5, "
        "20 filters); pool 2; pool 3 stride 2 ceil; flatten; linear 10",
        "input_shape": "height x width x channels, or one number",
        "target": "what solve is to reach: height x width x channels",
    },
    views={"table": Field("layers", Bound(choices=("layers", "solve")))},
    split=(62, 38),
    folded=("pool", "padding"),
)
trace = page.run(shapes.explore, str, str, str)
shown = page.slipped()
wrong = shapes.wrong_cells(trace, page.slip) if page.slip else {}
asked = page.question
blank = (asked.name, *asked.conceals) if asked else ()

with page.stage():
    chain, layers = charts.chain(shown, wrong, asked), charts.layers(shown, wrong, asked)
    volumes(page.key("volumes"), "The volumes and the window of one layer", chain, layers)

lines = shapes.working(shown, page.slip)
with page.working():
    page.view("table")
    if page.state.get("table") == "solve":
        table(page.key("table"), charts.solutions(shown, asked))
    else:
        table(page.key("table"), charts.ledger(shown, wrong, asked))
    working(page.key("working"), lines, charts.wrong_lines(wrong), blank)

page.transport(charts.captions(shown, asked))
page.finish(
    Handout(
        lines=[line for group in lines for line in group],
        data={
            "layers": "; ".join(shapes.spell(layer) for layer in trace.layers),
            "input_shape": shapes.by(trace.rows[0].shape),
            "target": shapes.by(trace.target),
        },
        shown={f"trace.{name}": getattr(trace, name).tolist()
               for name in ("height", "width", "channels", "weights", "biases", "discarded")},
    )
)  # fmt: skip
