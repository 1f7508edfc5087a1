"""Original and recovered: the split moves by pointer and by key, and the picture by the step."""

from collections.abc import Callable
from typing import Any

import pytest
from screen import Screen

pytestmark = pytest.mark.browser
PAINTED = """() => {
  const canvas = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((one) => one.shadowRoot?.querySelector(".frame canvas")).find(Boolean);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (1 + (i % 7))) % 1000003, 7);
}"""


def split(screen: Screen) -> int:
    return int(screen.css(".handle").get_attribute("aria-valuenow") or "-1")


def settled(screen: Screen) -> Any:
    """What is painted, once the packed planes have been put together."""
    screen.page.wait_for_function(f"() => ({PAINTED})() !== ({BLANK})")
    return screen.page.evaluate(PAINTED)


BLANK = """(() => {
  const canvas = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((one) => one.shadowRoot?.querySelector(".frame canvas")).find(Boolean);
  let sum = 7;
  for (let i = 0; i < canvas.width * canvas.height * 4; i++) sum = (sum * 31) % 1000003;
  return sum;
})()"""


def test_the_steps_repaint_in_the_browser_and_the_split_moves(
    server: str, visitor: Callable[..., Screen]
) -> None:
    screen = visitor(server)
    screen.open("quantise")
    last = settled(screen)
    told = len(screen.frames)
    screen.press("Home")
    first = screen.page.evaluate(PAINTED)
    screen.press("ArrowRight")
    second = screen.page.evaluate(PAINTED)
    screen.press("End")
    assert screen.page.evaluate(PAINTED) == last
    assert len({first, second, last}) == 3
    assert len(screen.frames) == told

    handle = screen.css(".handle circle").bounding_box()
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    assert split(screen) == 50
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x - 80, y, steps=3)
    screen.page.mouse.up()
    left = split(screen)
    assert 10 < left < 45
    screen.page.keyboard.press("Home")  # the arrows stay with the steps
    assert screen.page.evaluate(PAINTED) == first
    assert split(screen) == left

    screen.css(".handle").focus()
    screen.page.keyboard.press("ArrowRight")
    assert split(screen) == left + 2
    screen.page.keyboard.press("End")
    assert split(screen) == 100
    assert screen.page.evaluate(PAINTED) == first
