"""Nothing jumps, nothing is cut off, nothing moves for whom motion is too much."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from screen import BUILT, PATTERN, Screen, each

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)
PLACES = (".st-key-stage", ".transport", ".caption", ".st-key-certificate")
MANY = 12  # steps looked at one by one
SMALL, LARGE = {"width": 1024, "height": 768}, {"width": 1440, "height": 900}

# Elements that stick out of the page, and ours that stick out of their own box or hide a part of
# themselves without a way to scroll to it. Formulas and diagrams are judged as a whole.
STICKING_OUT = """() => {
  const main = document.querySelector(".stMainBlockContainer").getBoundingClientRect();
  const hosts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")];
  const beyond = (box, frame) => box.right > frame.right + 1 || box.left < frame.left - 1;
  const found = new Set();
  const look = (root, frame) => {
    for (const e of root.querySelectorAll("*")) {
      const box = e.getBoundingClientRect();
      const whole = e.parentElement?.closest("svg, math, .scroll");
      const aside = e.closest("[data-testid=stElementToolbar], [hidden], [aria-hidden=true]");
      if (!box.width || !box.height || whole || aside) continue;
      const name = `${e.tagName}.${e.getAttribute("class")}: ${e.textContent.slice(0, 30)}`;
      if (beyond(box, main)) found.add(`off the page: ${name}`);
      if (!frame) continue;
      if (beyond(box, frame)) found.add(`out of its box: ${name}`);
      const hides = ["hidden", "clip"].includes(getComputedStyle(e).overflowX);
      if (hides && e.scrollWidth > e.clientWidth + 1) found.add(`cut: ${name}`);
    }
  };
  for (const e of document.querySelectorAll("[class*=st-key-]")) look(e, null);
  for (const host of hosts) look(host.shadowRoot, host.getBoundingClientRect());
  return [...found];
}"""


def boxes(screen: Screen) -> dict[str, dict[str, float]]:
    """Where everything stands on the page, however far it is scrolled."""
    found = {}
    scrolled = screen.page.evaluate("document.querySelector('.stMain').scrollTop")
    for place in PLACES:
        box = screen.css(place).first.bounding_box()
        assert box is not None, place
        found[place] = {**box, "y": box["y"] + scrolled}
    return found


def moved(before: dict, after: dict) -> list[str]:
    return [
        f"{place}.{side}: {before[place][side]:.1f} to {after[place][side]:.1f}"
        for place in before
        for side in before[place]
        if abs(before[place][side] - after[place][side]) > 1
    ]


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        pytest.param(entry, size, id=f"{entry.slug}-{size['width']}")
        for size, entries in ((SMALL, BUILT), (LARGE, PATTERN))
        for entry in entries
    ],
)
def test_nothing_jumps_while_one_scrubs(
    entry: Lesson, size: dict, visitor: Callable[..., Screen], server: str
) -> None:
    screen = visitor(server, viewport=size).open(entry.slug)
    screen.press("Home")
    screen.page.wait_for_timeout(300)
    first, height = boxes(screen), screen.page.evaluate("document.documentElement.scrollHeight")
    jumps = []
    for step in [*range(1, min(screen.last, MANY) + 1), screen.last]:
        screen.press("End" if step == screen.last else "ArrowRight")
        jumps += [f"step {step}: {jump}" for jump in moved(first, boxes(screen))]
    assert jumps == []
    assert screen.page.evaluate("document.documentElement.scrollHeight") == height


@lessons
def test_nothing_jumps_when_the_step_rests(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    screen.stand(3)
    before = boxes(screen)
    jumps = []
    for _ in range(15):
        screen.page.wait_for_timeout(80)
        jumps += moved(before, boxes(screen))
    assert jumps == []


@lessons
def test_a_slip_leaves_the_stage_where_it_is(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    before = boxes(screen)
    screen.page.get_by_role("radiogroup", name="Switch a known mistake on").get_by_role(
        "radio"
    ).first.click()
    expect(screen.css(".st-key-certificate")).to_contain_text("Not certified")
    screen.settle()
    after = boxes(screen)
    for found in (before, after):
        found[".st-key-certificate"].pop("height")
    assert moved(before, after) == []


@pytest.mark.parametrize("path", ["", *(entry.slug for entry in BUILT)])
def test_nothing_is_cut_off_on_a_small_screen(
    path: str, visitor: Callable[..., Screen], server: str
) -> None:
    screen = visitor(server, viewport=SMALL).open(path)
    views = [("", None)]
    if path:
        presets = screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio")
        some = sorted({0, presets.count() // 2, presets.count() - 1})
        views = [(f"preset {i}", presets.nth(i)) for i in some]
    for name, pill in views:
        if pill is not None:
            pill.click()
            expect(pill).to_be_checked()
            screen.settle()
            screen.press("End")
            screen.page.wait_for_timeout(150)
        wide = screen.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide[0] <= wide[1], name
        assert screen.page.evaluate(STICKING_OUT) == [], name


@lessons
def test_the_stage_and_the_transport_are_on_the_first_screen(entry: Lesson, screen: Screen) -> None:
    """Who presses play must see the figure move."""
    screen.open(entry.slug)
    for place in (".st-key-stage", ".transport"):
        box = screen.css(place).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, place


MOVING = """() => {
  const roots = [document, ...[...document.querySelectorAll("*")].map((e) => e.shadowRoot)];
  return roots.filter(Boolean).flatMap((root) => root.getAnimations())
    .filter((a) => a.playState === "running")
    .map((a) => a.effect?.target)
    .filter((e) => e && (e.getRootNode().host || e.closest(".st-key-stage, .st-key-working")))
    .map((e) => e.outerHTML.slice(0, 80));
}"""


@lessons
def test_reduced_motion_is_respected(
    entry: Lesson, visitor: Callable[..., Screen], server: str
) -> None:
    screen = visitor(server, reduced_motion="reduce").open(entry.slug)
    screen.page.wait_for_timeout(300)
    screen.press("Home")
    for _ in range(5):
        screen.press("ArrowRight")
        assert screen.page.evaluate(MOVING) == []
    screen.page.wait_for_timeout(1500)
    assert screen.step == 5, "nothing plays by itself"


@lessons
def test_projection_leaves_room_for_the_figure(entry: Lesson, screen: Screen) -> None:
    screen.open(entry.slug)
    before = screen.css(".st-key-stage").bounding_box()
    screen.page.get_by_text("Project", exact=True).click()
    expect(screen.page.get_by_role("radiogroup")).to_have_count(0)
    screen.settle()
    screen.page.wait_for_timeout(300)
    after = screen.css(".st-key-stage").bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] < before["y"]
    assert after["height"] >= before["height"] - 1
    stood = screen.step
    screen.press("Home", "ArrowRight")
    assert screen.step == 1 != stood or stood == 1
    assert screen.page.evaluate(STICKING_OUT) == []
