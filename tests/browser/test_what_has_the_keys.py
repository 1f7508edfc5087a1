"""The arrows belong to what has the focus; clicks and Enter choose."""

import pytest
from playwright.sync_api import expect
from screen import PATTERN, Screen, each

from engine.gradients import chain
from engine.mixtures import coins
from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)
CLASSIC = coins.PRESETS["classic"]


@lessons
def test_typing_moves_no_step(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.stand(3)
    fields = screen.css("[data-testid=stNumberInput] input, [data-testid=stTextInput] input")
    assert fields.count() >= 3
    for i in range(fields.count()):
        fields.nth(i).focus()
        screen.press("ArrowLeft", "ArrowRight", "Home", "End", "ArrowLeft", " ", "Backspace")
        assert screen.step == 3


@lessons
def test_the_arrows_step_after_a_click_on_a_preset(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    group = screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio")
    second = group.nth(1)
    second.click()
    expect(second).to_have_attribute("aria-checked", "true")
    screen.settle()
    screen.page.wait_for_timeout(300)
    stood = screen.step
    screen.press("ArrowLeft")
    assert screen.step == stood - 1
    expect(second).to_have_attribute("aria-checked", "true")
    screen.press("ArrowRight", "ArrowRight")
    assert screen.step == min(stood + 1, screen.last)


@lessons
def test_the_arrows_walk_the_group_after_tab(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    stood = screen.step
    group = screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio")
    group.first.focus()
    screen.press("Tab", "Shift+Tab")
    screen.press("ArrowRight")
    assert screen.step == stood
    assert group.nth(1).evaluate("one => one === document.activeElement")


def test_a_click_on_a_number_goes_to_the_step_that_computes_it(screen: Screen) -> None:
    screen.open("chain").press("End")
    for name in ("dw2", "s1", "f", "x"):
        screen.css(f"svg .value[data-id={name}]").click()
        made = [step.name for step in chain.STEPS]
        assert screen.step == (made.index(name) if name in made else 0)
        screen.press("End")


def test_enter_on_a_number_goes_to_the_step_that_computes_it(screen: Screen) -> None:
    screen.open("chain").press("End")
    names = [step.name for step in chain.STEPS]
    for name in ("dx1", "s2"):
        screen.css(f"svg .value[data-id={name}]").focus()
        screen.press("Enter")
        assert screen.step == names.index(name)
        screen.css(f"svg .value[data-id={name}]").focus()
        screen.press("ArrowRight")
        assert screen.step == names.index(name) + 1
        screen.press("End")


def test_a_row_of_the_table_puts_its_numbers_into_the_working(screen: Screen) -> None:
    trace = coins.run(**CLASSIC.data, params=CLASSIC.params)
    screen.open("coins")
    screen.stand(2).rest()
    for row, how in ((3, "click"), (1, "Enter")):
        target = screen.css(".scroll tbody tr").nth(row)
        if how == "click":
            target.click()
        else:
            target.focus()
            screen.press("Enter")
        expect(screen.css(".scroll tbody tr.chosen td").first).to_have_text(str(row + 1))
        screen.settle()
        value = screen.css(".working .line:not([hidden]) .value").first
        expect(value).to_have_text(f"{trace.responsibility[2, row, 0]:.4g}")
        assert screen.step == 2
