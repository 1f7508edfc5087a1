"""Charts are values: valid, pure, and all moved by one parameter."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import altair as alt
import pytest
from visiting import BUILT, module_of, named, preset, put, sent, specs, visit

from pages.catalog import Lesson, host
from pages.charts import quick
from pages.ui import vega

Drawn = list[tuple[Callable[..., Any], tuple, dict[str, Any]]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Each chart that a page draws from here on: the function and what it was given."""
    calls: Drawn = []
    wired = vega.sendable

    def sendable(draw: Callable[..., Any], *args: Any) -> dict[str, Any]:
        calls.append((draw, args, vega.drawn(draw, *args)))
        return wired(draw, *args)

    monkeypatch.setattr("pages.ui.lesson.sendable", sendable)
    return calls


def check(calls: Drawn, plainly: bool = False) -> None:
    """``plainly``: drawn by Altair as it is, and against Vega-Lite's schema."""
    for draw, args, spec in calls:
        name = draw.__name__
        with quick.plain() if plainly else nullcontext():
            again = draw(*args)
            assert isinstance(again, alt.TopLevelMixin), name
            assert again.to_dict(validate=plainly) == spec, f"{name} is not the same drawn again"
        step = [param for param in spec["params"] if param["name"] == "step"]
        assert len(step) == 1, name
        bind, start = step[0]["bind"], step[0]["value"]
        assert (bind["input"], bind["min"], bind["step"]) == ("range", 0, 1), name
        assert 0 <= start <= bind["max"], name
        assert all(param.get("name") for param in spec["params"]), f"{name}: a nameless param"


CASES = named("PRESETS")
CHARTED = [e for e in BUILT if "page.chart(" in host(e.slug).page.read_text(encoding="utf-8")]


@pytest.mark.parametrize(("entry", "name"), [c for c in CASES if c.values[0] in CHARTED])
def test_the_charts_of_a_preset(entry: Lesson, name: str, drawn: Drawn) -> None:
    app = preset(entry, name)
    drawn.clear()
    app.run()
    assert not app.exception
    assert len(drawn) == len(specs(app))
    assert drawn or entry not in SLIPPED, "no chart at all"
    check(drawn, plainly=True)
    # A figure that ends before the transport does would stand still under it.
    last = len(sent(app)[f"{entry.slug}-transport"]["captions"]) - 1
    for spec in specs(app):
        (step,) = (param for param in spec["params"] if param["name"] == "step")
        assert step["bind"]["max"] == max(last, 1)


# Centres draws its slips on the line, which is a component; its charts show the partitions.
SLIPPED = [entry for entry in CHARTED if entry.slug != "centres"]


@pytest.mark.parametrize("entry", SLIPPED, ids=lambda entry: entry.slug)
def test_the_charts_with_a_slip(entry: Lesson, drawn: Drawn) -> None:
    app = visit(entry)
    right = specs(app)
    drawn.clear()
    for slip in module_of(entry).SLIPS:
        put(app, entry, slip=slip)
    check(drawn)
    put(app, entry, slip=next(iter(module_of(entry).SLIPS)))
    assert specs(app) != right


@pytest.mark.parametrize("entry", CHARTED, ids=lambda entry: entry.slug)
def test_drawing_leaves_the_shared_chart_as_it_is(entry: Lesson) -> None:
    assert specs(visit(entry)) == specs(visit(entry)) == specs(visit(entry).run())
