"""One transport moves everything, in the browser, and talks to the server only once it rests."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from screen import PATTERN, REST, Screen, each

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)
ANY = "coins"  # the buttons know nothing of the lesson they move


@lessons
def test_moving_sends_nothing_and_resting_sends_one_message(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.press("Home").rest()
    screen.page.wait_for_timeout(300)
    screen.page.evaluate(
        "() => { window.at = []; addEventListener('keydown', () => at.push(Date.now()), true); }"
    )
    screen.frames.clear()
    for i in range(20):
        screen.press("ArrowLeft" if i % 7 == 6 else "ArrowRight")
    sent = len(screen.frames)
    at = screen.page.evaluate("() => window.at")
    assert len(at) == 20
    rests = sum(b - a > REST for a, b in pairwise(at))  # a busy machine's, none on a calm one
    assert sent <= rests
    screen.rest()
    screen.page.wait_for_timeout(2 * REST)
    assert len(screen.frames) <= rests + 1
    assert screen.frames
    screen.frames.clear()
    screen.page.wait_for_timeout(2 * REST)
    assert screen.frames == []


@lessons
def test_a_step_back_to_where_it_stood_says_nothing(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.press("Home").rest()
    screen.frames.clear()
    screen.press("ArrowRight", "ArrowLeft")
    screen.page.wait_for_timeout(2 * REST)
    assert screen.frames == []


@lessons
def test_keys_move_and_stop_at_the_ends(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.press("Home")
    assert screen.step == 0
    screen.press("ArrowLeft")
    assert screen.step == 0
    screen.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert screen.step == 2
    screen.press("End")
    assert screen.step == screen.last > 5
    screen.press("ArrowRight")
    assert screen.step == screen.last
    screen.press("Control+ArrowLeft", "Alt+ArrowLeft")
    screen.settle()
    assert screen.step == screen.last


@lessons
def test_buttons_move_and_say_when_they_cannot(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.button("first").click()
    assert screen.step == 0
    for name, off in (("first", True), ("back", True), ("next", False), ("last", False)):
        assert screen.button(name).get_attribute("aria-disabled") == str(off).lower()
    screen.button("next").click()
    screen.button("next").click()
    assert screen.step == 2
    screen.button("back").click()
    assert screen.step == 1
    screen.button("last").click()
    assert screen.step == screen.last
    assert screen.button("next").get_attribute("aria-disabled") == "true"
    screen.button("next").click(force=True)
    assert screen.step == screen.last


@lessons
def test_the_slider_moves_by_mouse_and_says_where_it_stands(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    slider = screen.css(".transport input[type=range]")
    box = slider.bounding_box()
    assert box is not None
    screen.frames.clear()
    screen.page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
    screen.page.mouse.down()
    assert screen.step == 0
    for part in range(1, 11):
        screen.page.mouse.move(
            box["x"] + 14 + part * (box["width"] - 28) / 10, box["y"] + box["height"] / 2
        )
    assert screen.step == screen.last
    assert screen.frames == []
    screen.page.mouse.up()
    assert slider.get_attribute("aria-valuetext") == (
        f"step {screen.last} of {screen.last}: {screen.says}"
    )
    slider.focus()
    screen.press("ArrowLeft", "ArrowLeft")
    assert screen.step == screen.last - 2
    screen.press("Home")
    assert screen.step == 0


@pytest.fixture
def alone(visitor: Callable[..., Screen], server: str) -> Screen:
    return visitor(server, alone=True)


def paused(screen: Screen) -> Any:
    """The page's own time stands still until a test moves it."""
    screen.page.clock.install()
    screen.page.clock.pause_at(datetime.now() + timedelta(seconds=2))
    return screen.page.clock


def test_play_runs_to_the_end_and_stops_there(alone: Screen) -> None:
    alone.open(ANY).press("End", "ArrowLeft", "ArrowLeft", "ArrowLeft").rest()
    start = alone.step
    clock = paused(alone)
    alone.frames.clear()
    alone.page.mouse.click(5, 400)
    alone.press(" ")
    play = alone.button("play")
    assert play.get_attribute("aria-label") == "Pause"
    assert alone.step == start + 1
    clock.run_for(1_000)
    assert alone.step == start + 2
    assert play.get_attribute("aria-label") == "Pause"
    clock.run_for(900)
    assert alone.step == alone.last == start + 3
    assert play.get_attribute("aria-label") == "Play"
    assert alone.frames == []
    clock.run_for(10_000)
    assert alone.step == alone.last
    assert len(alone.frames) == 1


def test_space_pauses_and_a_step_stops_the_play(alone: Screen) -> None:
    alone.open(ANY)
    clock = paused(alone)
    play = alone.button("play")
    alone.page.mouse.click(5, 400)
    alone.press("Home", " ", " ")
    assert play.get_attribute("aria-label") == "Play"
    clock.run_for(5_000)
    assert alone.step == 1
    alone.press(" ", "ArrowRight")
    assert play.get_attribute("aria-label") == "Play"
    clock.run_for(5_000)
    assert alone.step == 3


def test_play_from_the_end_begins_anew(alone: Screen) -> None:
    alone.open(ANY).press("End")
    clock = paused(alone)
    alone.button("play").click()
    assert alone.step == 0
    clock.run_for(1_000)
    assert alone.step == 1


def test_the_speed_is_what_it_says(alone: Screen) -> None:
    alone.open(ANY)
    clock = paused(alone)
    for speed, pause in (("×1", 900), ("×2", 450), ("×4", 225), ("×0.5", 1800)):
        assert alone.css(".speed").inner_text() == speed
        alone.press("Home")
        alone.button("play").click()
        assert alone.step == 1
        clock.run_for(3 * pause - 20)
        assert alone.step == 3
        clock.run_for(40)
        assert alone.step == 4
        alone.button("play").click()
        alone.css(".speed").click()


@lessons
def test_each_step_is_read_out(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    caption = screen.css(".caption")
    assert caption.get_attribute("aria-live") == "polite"
    screen.press("Home")
    said = set()
    for step in range(screen.last + 1):
        assert caption.inner_text().startswith(f"step {step} of {screen.last}")
        assert screen.says.strip()
        said.add(caption.inner_text())
        screen.press("ArrowRight")
    assert len(said) == screen.last + 1
