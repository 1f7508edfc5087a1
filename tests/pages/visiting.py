"""Open pages as a visitor does, in this process and without a browser."""

import importlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from engine.certificate import Certificate
from engine.predict import Question
from engine.preset import Preset
from pages.catalog import LESSONS, Lesson, host
from pages.ui import lesson as anatomy
from pages.ui.component import plain, unpacked
from pages.ui.handout import Handout

# A mistake is an exception in a test, and not the sentence that a visitor reads instead.
config.set_option("client.showErrorDetails", "full")

SHELL = Path(__file__).parents[2] / "pages" / "shell.py"
BUILT = [mode for entry in LESSONS if entry.built for mode in entry.all_modes]
OUTPUTS = ("title", "markdown", "caption", "error", "warning", "info", "success", "code", "html")


def built(test: Callable) -> Callable:
    """Once for each lesson that is built."""
    return pytest.mark.parametrize("entry", BUILT, ids=lambda entry: entry.slug)(test)


def module_of(entry: Lesson) -> ModuleType:
    return importlib.import_module(entry.module)


def ran(entry: Lesson, case: Preset) -> Any:
    """The trace of a preset; what takes a minute to train ships with the project."""
    module = module_of(entry)
    return getattr(module, "recorded", module.run)(**case.data, params=case.params)


def questions_of(entry: Lesson, trace: Any, step: int) -> Sequence[Question]:
    """Some lessons ask about one step, some about the whole trace."""
    ask = module_of(entry).questions
    by_step = "step" in inspect.signature(ask).parameters
    return ask(trace, step) if by_step else ask(trace)


def may_be_empty(entry: Lesson) -> set[str]:
    """Typed lines that a preset leaves empty: then the lesson draws what they would hold."""
    presets = module_of(entry).PRESETS.values()
    return {name for case in presets for name, value in case.data.items() if value == []}


def named(kind: str) -> list:
    """(lesson, name) for each preset or each slip of each lesson that is built."""
    return [
        pytest.param(entry, name, id=f"{entry.slug}-{name}")
        for entry in BUILT
        for name in getattr(module_of(entry), kind)
    ]


_registry: Any = None


def _app() -> AppTest:
    """The home page. All visits share one registry of components: looking for installed
    ones takes ten times as long as a page."""
    global _registry
    app = AppTest.from_file(SHELL, default_timeout=120)
    app._bidi_component_manager = _registry
    app.run()
    _registry = app._bidi_component_manager
    return app


def visit(entry: Lesson | None = None, query: Mapping[str, str] | None = None) -> AppTest:
    """The home page, or a lesson entered from there, by a link if ``query`` is given."""
    app = _app()
    if entry is not None:
        page = host(entry.slug)
        if page.modes:
            app.session_state[f"{page.slug}.mode"] = entry.slug
        app.switch_page(f"{page.chapter}/{page.slug}.py")
        app.query_params = dict(query or {})
        app.run()
    return app


def preset(entry: Lesson, name: str, **settings: Any) -> AppTest:
    """A lesson on one of its presets, with further settings like ``section="Data"``."""
    app = visit(entry)
    app.pills(key=f"{entry.slug}.preset").set_value(name).run()
    return put(app, entry, **settings) if settings else app


def put(app: AppTest, entry: Lesson, **settings: Any) -> AppTest:
    """Set the session's values by their names within a lesson, then run."""
    for name, value in settings.items():
        app.session_state[f"{entry.slug}.{name}"] = value
    return app.run()


def sent(app: AppTest) -> dict[str, Any]:
    """What each of our own components was given, by its key; its arrays as lists."""
    return {c.key: plain(unpacked(c.proto.bytes)) for c in app.get("bidi_component")}


def specs(app: AppTest) -> list[Any]:
    """The specs of the charts drawn."""
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def certified(app: AppTest) -> bool:
    """What the page says; it must say either, once."""
    good = [box for box in app.success if box.value.startswith("**Certified.**")]
    bad = [box for box in app.error if box.value.startswith("**Not certified.**")]
    assert len(good) + len(bad) == 1
    return bool(good)


def words(app: AppTest) -> list[str]:
    """All text that the page itself writes, without what stands in input fields."""
    return [str(element.value) for kind in OUTPUTS for element in app.get(kind)]


class Taken:
    """What ``hand_out`` was called with, and what ``make`` makes of it while the page runs."""

    def __init__(self, patch: pytest.MonkeyPatch, make: Callable[..., Any]) -> None:
        self.made: Any = None
        original = anatomy.hand_out

        def hand_out(page: anatomy.Lesson, content: Handout, certificate: Certificate) -> None:
            self.content, self.certificate = content, certificate
            self.trace, self.shown, self.captions = page.trace, page.slipped(), page.captions
            values = page.state.values()
            self.step, self.settings = page.step, {n: values[n] for n in page.state.knobs}
            self.made = make(page, content, certificate)
            original(page, content, certificate)

        patch.setattr(anatomy, "hand_out", hand_out)
