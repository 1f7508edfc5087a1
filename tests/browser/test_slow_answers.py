"""What a visitor does before the last answer has come is not lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, WebSocketRoute, expect
from screen import PATTERN, Screen, each

from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)


class Line:
    """The websocket of a page, whose answers can be held back as a slow network does."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._holds = screen, False
        self._waiting: list[Callable[[], None]] = []
        screen.page.route_web_socket("**/_stcore/stream", self._route)

    def _route(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(server.send)

        def pass_on(message: str | bytes) -> None:
            if self._holds:
                self._waiting.append(lambda: route.send(message))
            else:
                route.send(message)

        server.on_message(pass_on)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._holds = True
        yield
        self._screen.page.wait_for_timeout(700)  # longer than a step rests, and the server needs
        assert self._waiting
        self._holds = False
        for send in self._waiting:
            send()
        self._waiting.clear()
        self._screen.page.wait_for_timeout(300)
        self._screen.settle()


@pytest.fixture
def line(screen: Screen) -> Line:
    return Line(screen)


def type_into(screen: Screen, i: int, text: str) -> None:
    field = screen.css("[data-testid=stNumberInput] input").nth(i)
    field.fill(text)
    field.press("Enter")


def shown(screen: Screen) -> tuple[list[str], list[str]]:
    """The number fields, and the numbers of the working."""
    fields = screen.css("[data-testid=stNumberInput] input")
    return (
        fields.evaluate_all("all => all.map(one => one.value)"),
        screen.css(".working .line:not([hidden]) .value").all_inner_texts(),
    )


def address(screen: Screen) -> list[str]:
    return [text for _, text in parse_qsl(urlsplit(screen.page.url).query)]


def kept(screen: Screen, *numbers: str) -> None:
    """They stand in the fields and in the address, and the server counts with them."""
    for number in numbers:
        assert number in shown(screen)[0]
        assert number in address(screen)
    before = shown(screen)
    screen.page.reload()
    assert shown(screen.settle()) == before


def preset(screen: Screen, i: int) -> Locator:
    return screen.page.get_by_role("radiogroup", name="Presets").get_by_role("radio").nth(i)


@lessons
def test_a_number_typed_while_a_step_rests_stays_in_the_address(
    entry: Lesson, screen: Screen
) -> None:
    screen.open(entry.slug)
    field = screen.css("[data-testid=stNumberInput] input").first
    field.fill("0.37")
    screen.page.evaluate("() => workings.go(3)")
    field.press("Enter")
    screen.page.wait_for_timeout(1500)
    screen.settle()
    assert screen.step == 3
    kept(screen, "0.37")
    assert screen.step == 3


@lessons
def test_two_quick_changes_both_stay(entry: Lesson, screen: Screen, line: Line) -> None:
    screen.open(entry.slug)
    with line.held():
        type_into(screen, 0, "0.37")
        type_into(screen, 1, "0.83")
    kept(screen, "0.37", "0.83")


@each(PATTERN[:1])
def test_a_number_typed_and_taken_back_at_once_is_back(
    entry: Lesson, screen: Screen, line: Line
) -> None:
    screen.open(entry.slug)
    before = shown(screen)
    with line.held():
        type_into(screen, 0, "0.37")
        type_into(screen, 0, before[0][0])
    assert shown(screen) == before
    expect(preset(screen, 0)).to_be_checked()


@pytest.mark.parametrize("then", ["a slip", "a step", "another"])
@each(PATTERN[:1])
def test_a_preset_stays_whatever_follows_at_once(
    entry: Lesson, then: str, screen: Screen, line: Line, visitor: Callable[..., Screen]
) -> None:
    calm = visitor(screen.address).open(entry.slug)
    preset(calm, 1).click()
    calm.page.wait_for_timeout(500)
    wanted = shown(calm.settle())[0]
    assert shown(screen.open(entry.slug))[0] != wanted
    with line.held():
        preset(screen, 2 if then == "another" else 1).click()
        if then == "a slip":
            slips = screen.page.get_by_role("radiogroup", name="Switch a known mistake on")
            slips.get_by_role("radio").first.click()
        elif then == "a step":
            screen.press("Home", "ArrowRight")
        else:
            preset(screen, 1).click()
    expect(preset(screen, 1)).to_be_checked()
    assert shown(screen)[0] == wanted
    assert ("slip=" in screen.page.url) == (then == "a slip")
