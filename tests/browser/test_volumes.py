"""The window of a layer follows the pointer and the keyboard, the volumes lead to their steps."""

import pytest
from screen import Screen

pytestmark = pytest.mark.browser


def place(screen: Screen) -> str:
    return screen.css("svg .pointed").get_attribute("aria-valuetext") or ""


def corner(screen: Screen) -> tuple[float, float]:
    """Where the window stands on the input, in units of the figure."""
    first = screen.css("svg .now").first
    return float(first.get_attribute("x") or 0), float(first.get_attribute("y") or 0)


def test_a_volume_leads_to_its_step(screen: Screen) -> None:
    screen.open("shapes")
    assert screen.step == 3
    screen.css("svg .volume").nth(1).click()
    assert screen.step == 1
    assert screen.css("svg .volume.focus text").text_content() == "24×24×20"


def test_the_window_follows_the_pointer_and_not_the_server(screen: Screen) -> None:
    screen.open("shapes")
    told = len(screen.frames)
    box = screen.css("svg .pointed").bounding_box()
    assert box is not None
    before = corner(screen)
    screen.page.mouse.move(box["x"] + box["width"] * 7.5 / 8, box["y"] + box["height"] * 2.5 / 8)
    assert place(screen) == "output row 3, column 8"
    after = corner(screen)
    cell = (
        box["width"]
        / 8
        * 1000
        / screen.css(".root svg, svg[role=group]").first.evaluate(
            "e => e.getBoundingClientRect().width"
        )
    )
    assert after[0] - before[0] == pytest.approx(7 * cell, rel=0.05)
    assert after[1] - before[1] == pytest.approx(2 * cell, rel=0.05)
    assert len(screen.frames) == told


def test_the_window_follows_the_arrow_keys_once_it_has_the_focus(screen: Screen) -> None:
    screen.open("shapes")
    screen.css("svg .pointed").focus()
    screen.press("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft")
    assert place(screen) == "output row 2, column 2"
    assert screen.step == 3


def test_a_click_leaves_the_arrow_keys_to_the_steps(screen: Screen) -> None:
    screen.open("shapes")
    screen.css("svg .pointed").click()
    screen.press("ArrowRight")
    assert screen.step == 4
