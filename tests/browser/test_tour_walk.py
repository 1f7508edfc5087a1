"""The tour by keyboard alone: home, three stops, home."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from screen import Screen

from pages.ui.tour import STOPS

pytestmark = pytest.mark.browser
FOCUSED = "() => document.activeElement?.innerText?.trim() ?? ''"


def tab_to(screen: Screen, label: str, most: int = 120) -> None:
    for _ in range(most):
        if screen.page.evaluate(FOCUSED).startswith(label):
            return
        screen.press("Tab")
    raise AssertionError(f"{label!r} is not reached in {most} steps")


def follow(screen: Screen, label: str, slug: str) -> None:
    tab_to(screen, label)
    screen.press("Enter")
    screen.page.wait_for_url(re.compile(rf"/{slug}(\?|$)"))
    screen.settle()


def at_stop(screen: Screen, number: int) -> None:
    stop = STOPS[number - 1]
    expect(screen.css(".st-key-tour")).to_contain_text(f"Tour {number} of 3 · {stop.says}")
    assert screen.page.get_by_text("This link holds something unknown").count() == 0
    assert screen.step == stop.step
    screen.rest()
    query = parse_qs(urlsplit(screen.page.url).query)
    assert (query["tour"], query["step"]) == ([str(number)], [str(stop.step)])


def test_the_tour_by_keyboard(screen: Screen) -> None:
    screen.open()
    tab_to(screen, "Workings")
    follow(screen, "1 · See it", "bernoulli")
    at_stop(screen, 1)
    screen.press("Space")
    screen.page.wait_for_timeout(1500)
    screen.press("Space")
    assert screen.step > 0  # it plays

    follow(screen, "Next: break it", "chain")
    at_stop(screen, 2)
    seal = screen.css(".st-key-certificate")
    expect(seal).to_contain_text("Not certified.")
    tab_to(screen, "w₃ counted twice")
    screen.press("ArrowRight", "Space")
    expect(seal).to_contain_text(re.compile(r"^\W*(verified)?\W*Certified\."), timeout=15_000)
    screen.settle()

    follow(screen, "Next: predict it", "centres")
    at_stop(screen, 3)
    answer = screen.page.get_by_role("spinbutton").last
    for _ in range(120):
        if answer.evaluate("field => field === document.activeElement"):
            break
        screen.press("Tab")
    screen.page.keyboard.type("8")
    screen.press("Enter")
    expect(screen.page.get_by_text("Right.", exact=True)).to_be_visible(timeout=15_000)
    screen.settle()

    tab_to(screen, "All lessons")
    screen.press("Enter")
    expect(screen.page.get_by_role("heading", level=1)).to_have_text("Show your workings.")
    assert not screen.errors


def test_the_line_of_the_tour_moves_nothing(screen: Screen) -> None:
    top = "() => document.querySelector('.st-key-stage').getBoundingClientRect().top"
    screen.open()
    screen.page.get_by_role("link", name="2 · Break it").click()
    screen.page.wait_for_url("**/chain?**")
    screen.settle()
    on_tour = screen.page.evaluate(top)
    screen.page.get_by_role("button", name="Leave").click()
    expect(screen.css(".st-key-tour")).to_have_count(0)
    screen.settle()
    assert screen.page.evaluate(top) == pytest.approx(on_tour, abs=1)
