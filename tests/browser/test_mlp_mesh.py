"""A click on a weight takes its gradient apart; the mesh follows the step."""

import pytest
from screen import Screen

from engine.gradients import mlp

pytestmark = pytest.mark.browser
MIDDLE = """(line) => {
  const host = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((one) => one.shadowRoot).find((root) => root?.querySelector("line.link"));
  const lines = [...host.querySelectorAll("line.link")];
  const box = lines[line].getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}"""


def click(screen: Screen, line: int) -> None:
    """In the middle of one line; they are numbered gap by gap and row by row."""
    at = screen.page.evaluate(MIDDLE, line)
    screen.page.mouse.click(*at)


def wait_for(screen: Screen, **wanted: str) -> None:
    test = " && ".join(
        f"new URLSearchParams(location.search).get('{n}') === '{v}'" for n, v in wanted.items()
    )
    screen.page.wait_for_function(f"() => {test}")
    screen.settle()


def test_a_click_on_a_weight_shows_its_paths(screen: Screen) -> None:
    screen.open("mlp")
    case = mlp.PRESETS["exercise"]
    trace = mlp.run(**case.data, params=case.params)
    click(screen, 3 * 2 + 1)  # six weights in the first gap: the second one of the next
    wait_for(screen, layer="2", row="1", col="2")
    value = trace.dweights[1][0, 1]
    shown = screen.css("tfoot tr").last.locator("td").last
    assert shown.get_attribute("title") == str(value)
    why = mlp.explained(trace, 1, 0, 1)
    assert screen.css("tbody tr").count() == len(why.terms)


def test_the_paths_appear_with_the_gradient_they_make(screen: Screen) -> None:
    screen.open("mlp")
    ways = screen.css("line.way")
    assert ways.count() > 0
    assert all(
        "hidden" not in (c or "")
        for c in ways.evaluate_all("ws => ws.map(w => w.className.baseVal)")
    )
    told = len(screen.frames)
    screen.press("ArrowLeft")
    assert all("hidden" in c for c in ways.evaluate_all("ws => ws.map(w => w.className.baseVal)"))
    assert screen.css("line.link.home").count() == 4 + 2
    screen.press("Home")
    assert screen.css("line.link.home").count() == 0
    assert len(screen.frames) == told


def test_a_pixel_of_a_picture_is_a_weight(screen: Screen) -> None:
    screen.open("mlp")
    screen.pill("Digits").click()
    wait_for(screen, digits="True")
    screen.pill("matrices").click()
    wait_for(screen, show="matrices")
    picture = screen.css("g.pick image").nth(4)
    box = picture.bounding_box()
    assert box is not None
    screen.page.mouse.click(
        box["x"] + box["width"] * 10.5 / 28, box["y"] + box["height"] * 3.5 / 28
    )
    wait_for(screen, layer="1", row=str(3 * 28 + 10 + 1), col="5")
