"""Every lesson before a class: one screen, one size of type, nothing that jumps."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator
from screen import SHOWN, Screen, each
from test_layout import MOVING, STICKING_OUT, boxes, moved

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
LARGE, SMALL = {"width": 1920, "height": 1080}, {"width": 1024, "height": 768}
SCRUBBED = 4  # steps looked at one by one

# Words smaller than 14 pixels on the screen, however they are enlarged. A formula is judged as a
# whole: its indices are smaller than it is.
SMALL_TEXT = """() => {
  const roots = [document.querySelector(".st-key-projecting")];
  for (const host of roots[0].querySelectorAll("[data-testid=stBidiComponentIsolated]"))
    roots.push(host.shadowRoot);
  const found = new Set();
  for (const root of roots) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const words = walker.currentNode.textContent.trim();
      let e = walker.currentNode.parentElement;
      if (!words || e.closest("title, style, defs, [aria-hidden=true], .vega-bindings")) continue;
      e = e.closest("math") ?? e;
      if (!e.checkVisibility({ visibilityProperty: true })) continue;
      const way = e.getScreenCTM?.();
      const size = parseFloat(getComputedStyle(e).fontSize) * (way ? Math.hypot(way.a, way.b) : 1);
      if (size < 13.9) found.add(`${size.toFixed(1)}px: ${words.slice(0, 30)}`);
    }
  }
  return [...found];
}"""


@each(SHOWN)
def test_a_lesson_before_a_class(
    entry: Lesson, visitor: Callable[..., Screen], lecture: str
) -> None:
    screen = visitor(lecture, viewport=LARGE, reduced_motion="reduce").enter(entry)
    stood = screen.step
    screen.press("ArrowLeft" if stood == screen.last else "ArrowRight")
    assert abs(screen.step - stood) == 1, "the keys work before anything has been clicked"
    for size in (LARGE, SMALL):
        screen.page.set_viewport_size(size)
        screen.settle()
        found = boxes(screen)
        # The small screen may end within the certificate, never within the steps.
        first = (".st-key-stage", ".transport", ".caption")
        for place in (*first, ".st-key-certificate") if size == LARGE else first:
            box = found[place]
            assert box["y"] + box["height"] <= size["height"] + 0.5, f"{place} at {size}"
        assert scrubbed(screen) == []
        assert screen.page.evaluate(STICKING_OUT) == []
        wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        assert len(set(screen.page.evaluate(wide))) == 1, "nothing to scroll to the side"
        assert size == SMALL or screen.page.evaluate(SMALL_TEXT) == []


def scrubbed(screen: Screen) -> list[str]:
    """What jumps or runs by itself while one scrubs from the start, and at the end."""
    screen.press("Home")
    screen.page.wait_for_timeout(150)
    before, found = boxes(screen), []
    for step in (*range(1, min(screen.last, SCRUBBED) + 1), screen.last):
        screen.press("End" if step == screen.last else "ArrowRight")
        found += [f"step {step}: {jump}" for jump in moved(before, boxes(screen))]
        found += [f"step {step} moves {name}" for name in screen.page.evaluate(MOVING)]
    return found


def test_type_grows_with_the_screen(visitor: Callable[..., Screen], lecture: str) -> None:
    """Twice the pixels, twice the type: the back row sees the same."""
    screen = visitor(lecture, viewport=LARGE, reduced_motion="reduce").open("coins")
    size, seen = "getComputedStyle(document.documentElement).fontSize", {}
    seen[0] = screen.css("[data-testid=stNumberInput]").count()
    for width, height in ((1024, 768), (1920, 1080), (3840, 2160)):
        screen.page.set_viewport_size({"width": width, "height": height})
        screen.settle()
        chart = screen.css(".st-key-stage svg.marks text").first
        drawn = chart.evaluate("e => Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b)")
        seen[width] = (screen.page.evaluate(size), round(17 * drawn, 1))
    assert seen == {0: 0, 1024: ("17px", 17), 1920: ("24px", 24), 3840: ("48px", 48)}
    screen.page.set_viewport_size(LARGE)
    screen.project.click()
    screen.css("[data-testid=stNumberInput]").first.wait_for()


def test_the_figure_stays_in_sight_while_a_long_working_scrolls(
    visitor: Callable[..., Screen], lecture: str
) -> None:
    screen = visitor(lecture, viewport=LARGE, reduced_motion="reduce").open("gaussian")
    line = screen.css(".st-key-working .line").last
    assert not in_sight(line)
    line.scroll_into_view_if_needed()
    for place in (".st-key-stage", ".transport", ".st-key-certificate"):
        assert in_sight(screen.css(place).first), place


def in_sight(part: Locator) -> bool:
    """All of it, below the header."""
    box = part.bounding_box()
    return bool(box and box["y"] + 0.5 >= 90 and box["y"] + box["height"] <= LARGE["height"])
