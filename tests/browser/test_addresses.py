"""The address bar holds what one sees, and gives it back."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from screen import PATTERN, Screen, each

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)


def shown(screen: Screen) -> list[list[str]]:
    """Fields, figures' numbers, working, caption and verdict, as they stand on the page."""
    fields = screen.css("[data-testid=stNumberInput] input, [data-testid=stTextInput] input")
    values = fields.evaluate_all("all => all.map(one => one.value)")
    chosen = screen.css("[role=radio][aria-checked=true]").all_inner_texts()
    ours = [
        screen.css(selector).evaluate_all("all => all.map(one => one.textContent)")
        for selector in (
            ".working .line:not([hidden]) .value",
            "svg .value:not(.hidden) text",
            ".scroll td",
            ".caption",
        )
    ]
    verdict = screen.css(".st-key-certificate .stAlert").all_inner_texts()
    return [values, chosen, *ours, verdict]


def query(screen: Screen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(screen.page.url).query).items()}


def changed(screen: Screen, entry: Lesson) -> Screen:
    """Another preset, then a number typed, a slip, and a step."""
    screen.open(entry.slug)
    screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio").nth(1).click()
    expect(screen.css("[role=radiogroup] [role=radio]").nth(1)).to_be_checked()
    screen.settle()
    field = screen.css("[data-testid=stNumberInput] input").first
    field.fill("0.37")
    field.press("Enter")
    screen.page.wait_for_url(re.compile(r"=0\.37&"))
    field.press("Tab")
    pills = screen.page.get_by_role("radiogroup", name="Switch a known mistake on")
    pills.get_by_role("radio").first.click()
    screen.page.wait_for_url(re.compile(r"slip="))
    screen.settle()
    screen.stand(4).rest()
    return screen


@lessons
def test_a_reload_and_a_new_visitor_see_the_same(
    entry: Lesson, screen: Screen, visitor: Callable[..., Screen]
) -> None:
    before = shown(changed(screen, entry))
    link = screen.page.url
    assert query(screen)["step"] == "4"
    assert urlsplit(link).path == f"/{entry.slug}"
    screen.page.reload()
    screen.settle()
    assert shown(screen) == before
    assert screen.page.url == link
    other = visitor(screen.address).open(link)
    assert shown(other) == before
    assert other.page.url == link
    assert other.step == 4
    assert other.css(".stAlert").filter(has_text="This link").count() == 0


@lessons
def test_the_address_bar_follows_the_step_once_it_rests(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    for step in (2, 5):
        screen.stand(step).rest()
        assert query(screen)["step"] == str(step)
    history = screen.page.evaluate("() => history.length")
    screen.stand(3).rest()
    assert screen.page.evaluate("() => history.length") == history


@lessons
def test_a_bare_address_gets_the_whole_state(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.page.wait_for_url(re.compile(r"\?v=1&.*step=\d+$"))
    fields = screen.css("[data-testid=stNumberInput] input").evaluate_all(
        "all => all.map(one => one.value)"
    )
    held = query(screen).values()
    assert all(any(float(value) == _number(text) for text in held) for value in fields)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


@lessons
def test_a_broken_link_says_so_and_shows_the_first_preset(entry: Lesson, screen: Screen) -> None:
    plain = shown(screen.open(entry.slug))
    screen.open(f"{entry.slug}?v=1&step=%3Cscript%3Ealert(1)%3C/script%3E&{'9' * 5000}=1")
    expect(screen.css(".stAlert").filter(has_text="This link")).to_have_count(1)
    assert shown(screen) == plain
    assert screen.css(".stException").count() == 0


def test_text_from_a_link_does_not_run(screen: Screen) -> None:
    nasty = "%3Cimg%20src%3Dx%20onerror%3D%22window.ran%3D1%22%3E"
    screen.open(
        f"coins?v=1&heads={nasty}&tosses=10&start.0=0.6&start.1=0.5&steps=10&mixing=fixed"
        "&map=likelihood&set=0&step=1"
    )
    screen.page.wait_for_timeout(300)
    screen.stand(2).rest()
    assert screen.page.evaluate("() => window.ran") is None


def test_what_is_typed_does_not_run(screen: Screen) -> None:
    screen.open("coins")
    field = screen.css("[data-testid=stTextInput] input").first
    field.fill('<img src=x onerror="window.ran=1">![spy](https://spy.example/p.png)')
    field.press("Enter")
    expect(screen.css(".stAlert").filter(has_text="heads")).to_have_count(1)
    screen.stand(2).rest()
    assert screen.page.evaluate("() => window.ran") is None
    assert screen.foreign() == []


# What is typed into a number field.


@pytest.mark.parametrize("typed", ["1e308", "-101", "100.5", ""])
def test_a_number_that_cannot_be_used_is_refused_at_the_field(typed: str, screen: Screen) -> None:
    """One sentence, of the page's or of the browser's own; the picture and the typed text stay."""
    screen.open("chain")
    before = shown(screen)[2:]
    field = screen.css("[data-testid=stNumberInput] input").first
    field.fill(typed)
    field.press("Enter")
    field.press("Tab")
    screen.page.wait_for_timeout(700)
    screen.settle()
    column = field.locator("xpath=ancestor::*[@data-testid='stColumn'][1]")
    said = column.locator(".stAlert").all_inner_texts()
    said += [text for text in [field.evaluate("f => f.validationMessage")] if text]
    assert len(said) == 1
    assert field.input_value() == typed
    assert shown(screen)[2:] == before
