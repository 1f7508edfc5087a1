"""Backpropagation: where does the error go?"""

from engine.gradients import mlp
from engine.params import Bound
from pages.charts import mlp as charts
from pages.ui.cache import cached
from pages.ui.handout import Handout
from pages.ui.lesson import Lesson
from pages.ui.mesh import PICK, mesh
from pages.ui.state import Field
from pages.ui.table import table
from pages.ui.tiles import tiles
from pages.ui.typed import layers, matrix, typed_or_drawn
from pages.ui.working import working

page = Lesson(
    mlp,
    data={
        "network": "a matrix for each layer, between bars |, its first row the bias; or empty",
        "X": "examples, one row each, like 0.5, -1; 2, 0.3; or empty, and they are drawn",
        "y": "targets from 0 to 1, a row for each example; or empty",
    },
    views={
        "show": Field("network", Bound(choices=("network", "matrices"))),
        "layer": Field(1, Bound(1, 8, "layer of the weight that is worked"), "layer"),
        "row": Field(0, Bound(0, 784, "the unit it comes from; 0 for the largest"), "from"),
        "col": Field(0, Bound(0, 32, "the unit it leads to; 0 for the largest"), "to"),
        "term": Field(0, Bound(0, charts.SHOWN - 1)),
        "example": Field(1, Bound(1, 64, "the example on the units"), "$n$"),
    },
    ask=lambda page: mlp.questions(page.trace, *chosen()),
    split=(64, 36),
    folded=("network", "X", "y", "digits", "inputs", "outputs", "rate", "seed"),
    turned=typed_or_drawn(
        network=("layers", "width", "scale", "inputs", "outputs"),
        X=("examples", "inputs"),
        y=("examples", "inputs", "outputs"),
    ),
)


def chosen() -> tuple[tuple[int, int, int], int]:
    """The weight that is worked and the example on the units, counted from 0."""
    weight = mlp.picked(page.trace, *(page.state.get(name) for name in PICK))
    return weight, min(page.state.get("example") or 1, len(page.trace.X)) - 1


trace = page.run(mlp.run, layers, matrix, matrix)
shown = page.slipped()
wrong = cached(mlp.wrong_cells, trace, page.slip) if page.slip else {}
blank = (asked.name, *asked.conceals) if (asked := page.question) else ()
weight, example = chosen()
page.hold({name: index + 1 for name, index in zip(PICK, weight, strict=True)})
why = cached(mlp.explained, trace, *weight, charts.SHOWN)

with page.stage():
    page.view("show")
    if page.state.get("show") == "network":
        mesh(page.key("graph"), charts.network(shown, why, example, wrong, blank), page)
    else:
        tiles(page.key("matrices"), charts.matrices(shown, weight, example, wrong, blank), page)

page.sheet = lambda: charts.sheet(trace)
page.transport(charts.captions(shown))
lines = mlp.working(shown, page.slip, weight, example)
with page.working():
    working(page.key("working"), lines, charts.wrong_lines(wrong), asked.name if asked else "")
    paths, at = charts.paths(shown, why, wrong, blank), page.state.get("term", 0)
    page.choose("term", table(page.key("table"), paths, page.opening, at))
    working(page.key("term"), charts.term(why, at, blank))
    page.numbers(*PICK, "example")

page.finish(
    Handout(
        lines=[line for group in lines for line in group] + [term.line for term in why.terms],
        data=dict(zip(page.state.data, trace.given, strict=True)),
        shown={"trace.loss": trace.loss}
        | {f"trace.dbiases[{k}]": db.tolist() for k, db in enumerate(trace.dbiases)},
    )
)
