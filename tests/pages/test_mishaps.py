"""A page that breaks off: one sentence, the last good picture, and no trace."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import BUILT, built, certified, module_of, preset, put, sent, specs, visit, words

import app as server
from engine import device
from engine.clusters import quantise
from pages.catalog import Lesson
from pages.ui import cache, mishap

Arm = Callable[..., None]
NO_ROOM = np._core._exceptions._ArrayMemoryError((10**12,), np.dtype(float))  # type: ignore[attr-defined]
QUANTISE = next(entry for entry in BUILT if entry.slug == "quantise")


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    """``arm(n)``: the n-th computation from now on gets no memory; ``arm(1, ever=True)``: none."""
    real, left = cache._computed, {"calls": -1, "ever": False}

    def computed(*asked: Any) -> Any:
        left["calls"] -= 1
        if left["calls"] == 0 or (left["ever"] and left["calls"] < 0):
            raise NO_ROOM
        return real(*asked)

    def set_up(calls: int, ever: bool = False) -> None:
        left["calls"], left["ever"] = calls, ever

    monkeypatch.setattr(cache, "_computed", computed)
    yield set_up
    set_up(-1)


def seen(app: AppTest, entry: Lesson) -> tuple[Any, ...]:
    """What is drawn and, in the transport's link, what is set."""
    drawn = sent(app)
    for given in drawn.values():
        given.pop("opening", None)
    return drawn, specs(app), certified(app)


def count_of(entry: Lesson, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many things the second preset asks for once they are there."""
    calls: list[str] = []
    real = cache._computed
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_computed", lambda *asked: (calls.append(asked[0]), real(*asked))[1])
        app = visit(entry)
        first, second = list(module_of(entry).PRESETS)[:2]
        for name in (second, first, second):
            calls.clear()
            put(app, entry, preset=name)
    return len(calls)


@built
def test_without_memory_the_last_picture_stays_and_says_why(
    entry: Lesson, arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run, a chart or the certificate: whatever it is that finds no room."""
    second, most = list(module_of(entry).PRESETS)[1], count_of(entry, monkeypatch)
    app = visit(entry)
    before = seen(app, entry)
    for call in sorted({1, 1 + 3 * BUILT.index(entry) % most}):  # all kinds come in turn
        arm(call)
        put(app, entry, preset=second)
        assert not app.exception, call
        assert [box.value for box in app.warning] == [mishap.MEMORY], call
        assert seen(app, entry) == before, call
    put(app, entry, preset=second)
    assert not app.warning
    assert app.pills(key=f"{entry.slug}.preset").value == second


def test_what_found_no_memory_is_not_lost(arm: Arm) -> None:
    """Typed data, numbers, a slip: one click sets all of it again."""
    entry = next(entry for entry in BUILT if entry.slug == "coins")
    slip = next(iter(module_of(entry).SLIPS))
    app = preset(entry, "classic")
    arm(1)
    put(app, entry, heads="1, 2, 3", tosses="7", steps=4, slip=slip)
    assert [box.value for box in app.warning] == [mishap.MEMORY]
    assert app.text_input(key="coins.heads").value != "1, 2, 3"
    app.button(key="coins.again").click().run()
    assert not app.warning
    assert not [button for button in app.button if button.key == "coins.again"]
    assert app.text_input(key="coins.heads").value == "1, 2, 3"
    assert app.text_input(key="coins.tosses").value == "7"
    assert app.number_input(key="coins.steps").value == 4
    assert app.pills(key="coins.slip").value == slip


def test_a_link_that_is_no_good_offers_nothing_to_try_again() -> None:
    app = visit(QUANTISE, {"v": "1", "unknown": "3"})
    assert app.warning
    assert not [button for button in app.button if str(button.key).endswith(".again")]


@pytest.mark.parametrize("slug", ["coins", "lstm_cell"])  # a page, and a further mode of one
def test_a_link_that_finds_no_memory_opens_the_lesson_as_usual(slug: str, arm: Arm) -> None:
    entry = next(entry for entry in BUILT if entry.slug == slug)
    last = preset(entry, list(module_of(entry).PRESETS)[-1])
    link = dict(parse_qsl(sent(last)[f"{entry.slug}-transport"]["query"], keep_blank_values=True))
    arm(1)
    app = visit(entry, link)
    assert not app.exception
    assert [box.value for box in app.warning] == [mishap.MEMORY]
    assert certified(app)
    assert app.pills(key=f"{entry.slug}.preset").value == next(iter(module_of(entry).PRESETS))


def test_where_nothing_at_all_can_be_drawn_a_sentence_is_left(arm: Arm) -> None:
    app = visit(QUANTISE)
    arm(1, ever=True)
    for _ in range(2):
        put(app, QUANTISE, preset="medians")
        assert not app.exception
        assert [box.value for box in app.error] == [mishap.MEMORY]
    arm(-1)
    put(app, QUANTISE, preset="medians")
    assert not app.error
    assert certified(app)


def test_a_graphics_card_that_is_gone_is_a_sentence_and_the_picture_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = visit(QUANTISE)
    before = seen(app, QUANTISE)

    real = quantise.run

    def run(params: quantise.Params, picture: Any = None) -> quantise.Painted:
        if params.k == 7:
            raise RuntimeError("CUDA error: unspecified launch failure\n/secret/place.cu:7")
        return real(params, picture)

    monkeypatch.setattr(quantise, "run", run)
    put(app, QUANTISE, k=7)
    assert not app.exception
    assert [box.value for box in app.warning] == [mishap.DEVICE]
    assert seen(app, QUANTISE) == before


def test_without_its_graphics_card_the_page_computes_on_the_processor_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_cuda", lambda: True)
    monkeypatch.setattr(device, "_torch_name", lambda _: "cuda:99")
    app = put(visit(QUANTISE), QUANTISE, k=9, seed=321)
    assert not app.exception
    assert not app.warning
    assert any(text.endswith("Computed on the processor.") for text in captions(app))


def captions(app: AppTest) -> list[str]:
    return sent(app)["quantise-transport"]["captions"]


SECRET = ValueError("![spy](https://spy.example/p.png) /secret/place.py")


def served(patch: pytest.MonkeyPatch) -> None:
    """As a visitor's server is, whatever the tests ask for."""
    patch.setattr(mishap.st, "get_option", lambda _: "none")


def test_a_mistake_of_ours_is_a_sentence_and_the_last_picture_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, real = visit(QUANTISE), quantise.run
    before = seen(app, QUANTISE)

    def run(params: quantise.Params, picture: Any = None) -> quantise.Painted:
        if params.k == 7:
            raise SECRET
        return real(params, picture)

    monkeypatch.setattr(quantise, "run", run)
    put(app, QUANTISE, k=7)
    assert [box.message for box in app.exception] == [str(SECRET)]  # `make dev` wants to know
    served(monkeypatch)
    app = put(visit(QUANTISE), QUANTISE, k=7)
    assert not app.exception
    assert [box.value for box in app.warning] == [mishap.OURS]
    assert seen(app, QUANTISE) == before
    assert not [text for text in words(app) if "spy.example" in text or "secret" in text]
    assert caplog.records[-1].exc_info


def broken() -> None:
    import streamlit as st
    from test_mishaps import SECRET

    from pages.ui.mishap import on_script_error

    st.title("before")
    if not on_script_error(SECRET):
        raise SECRET


def test_what_breaks_off_in_a_callback_is_a_sentence_without_trace_or_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert AppTest.from_function(broken).run().exception
    served(monkeypatch)
    app = AppTest.from_function(broken).run()
    assert not app.exception
    assert words(app) == ["before", mishap.OURS]


def test_the_server_says_so_of_whatever_nobody_catches() -> None:
    assert server.app._on_script_error is server.on_script_error
