"""A lesson by keyboard alone."""

from collections.abc import Callable

import pytest
from screen import PATTERN, SHOWN, Screen, each

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)
MOST = 80  # presses of Tab that lead once round any lesson

# What has the focus, in our components too, and in which part of the page it stands.
FOCUSED = """() => {
  let here = document.activeElement;
  const hosts = [];
  while (here?.shadowRoot?.activeElement) {
    hosts.push(here);
    here = here.shadowRoot.activeElement;
  }
  const up = (selector) => [here, ...hosts].map((e) => e.closest(selector)).find(Boolean);
  const group = up("[role=radiogroup]")?.getAttribute("aria-label");
  const label = here.getAttribute("aria-label") ?? here.textContent;
  const parts = {
    menu: up("header"),
    "hand out": label.includes("Hand out"),
    project: label === "Project",
    presets: group === "Presets",
    knobs: here.matches("[data-testid=stNumberInput] input, [data-testid=stTextInput] input"),
    transport: up(".transport"),
    stage: up(".st-key-stage"),
    sections: group === "Section",
  };
  const { outlineStyle, boxShadow } = getComputedStyle(here);
  const { width, height } = here.getBoundingClientRect();
  return {
    part: Object.keys(parts).find((name) => parts[name]) ?? "",
    tag: here.tagName,
    text: label.slice(0, 40),
    ring: outlineStyle !== "none" || boxShadow !== "none",
    seen: width > 0 && height > 0,
    ours: hosts.length > 0,
  };
}"""


def walk(screen: Screen, key: str = "Tab", most: int = MOST) -> list[dict]:
    """Where the focus goes, until it leaves the page or comes round."""
    found: list[dict] = []
    for _ in range(most):
        screen.press(key)
        here = screen.page.evaluate(FOCUSED)
        if here["tag"] in ("BODY", "HTML"):
            break
        found.append(here)
    return found


@each(SHOWN)
def test_tab_reaches_everything_in_the_order_of_the_page_and_shows_it(
    entry: Lesson, screen: Screen
) -> None:
    screen.enter(entry)
    steps = walk(screen)
    parts = [here["part"] for here in steps]
    order = ["menu", "hand out", "project", "presets", "knobs", "stage", "transport", "sections"]
    first = {part: parts.index(part) for part in order if part in parts}
    assert [part for part in order if part not in first] == []
    assert sorted(first, key=first.__getitem__) == order
    assert len(steps) < MOST, "the focus is caught, or the way too long"
    transport = [here["text"] for here in steps if here["part"] == "transport"]
    assert transport == ["First step", "Back", "Play", "Next", "Last step", "Step", "Speed"]
    ours = [here for here in steps if here["ours"]]
    assert len(ours) >= len(transport)
    assert [here["text"] for here in ours if not (here["ring"] and here["seen"])] == []


def test_only_the_numbers_in_sight_take_the_focus(screen: Screen) -> None:
    screen.open("chain").press("Home")
    names = [here["text"] for here in walk(screen) if here["part"] == "stage"]
    assert len(names) == 4
    assert all(" = " in name for name in names)


@lessons
def test_a_lesson_by_keyboard_alone(entry: Lesson, screen: Screen) -> None:
    """Choose a preset, step, switch a slip on: without a mouse."""
    screen.open(entry.slug)
    until(screen, lambda here: here["part"] == "presets")
    screen.press("ArrowRight", " ")
    preset = screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio").nth(1)
    screen.page.wait_for_function(
        "one => one.getAttribute('aria-checked') === 'true'", arg=preset.element_handle()
    )
    screen.settle()
    until(screen, lambda here: here["text"] == "Next")
    stood = screen.step
    screen.press("Enter")
    assert screen.step == stood + 1
    screen.press("ArrowLeft")
    assert screen.step == stood
    until(screen, lambda here: here["part"] == "sections")
    screen.press("Tab")
    screen.press(" ")
    screen.css(".st-key-certificate .stAlert").wait_for()
    screen.page.wait_for_url("**slip=**")


def until(screen: Screen, found: Callable[[dict], bool]) -> None:
    for _ in range(MOST):
        screen.press("Tab")
        if found(screen.page.evaluate(FOCUSED)):
            return
    raise AssertionError("Tab does not get there.")


def test_a_long_table_is_one_stop(screen: Screen) -> None:
    """The arrows go from row to row, and Enter chooses."""
    screen.open("gaussian")
    until(screen, lambda here: here["tag"] == "TR")
    chosen, stood = screen.css("tbody tr.chosen"), screen.step
    before = int(chosen.locator("td").first.inner_text())
    screen.press("ArrowDown", "ArrowDown", "ArrowUp", "Enter")
    screen.page.wait_for_url(f"**point={before + 1}&**")
    assert chosen.count() == 1
    assert screen.step == stood
