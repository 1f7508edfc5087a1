"""One server and one Chromium for all browser tests; a fresh visitor for each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from screen import Screen
from serving import NoBrowserError, launch, served


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except NoBrowserError as error:
            pytest.fail(str(error), pytrace=False)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def lecture() -> Iterator[str]:
    """A server started for projection."""
    with served(WORKINGS_LECTURE="1") as address:
        yield address


@pytest.fixture(scope="session")
def contexts(chromium: Browser) -> Callable[..., BrowserContext]:
    """One context for each set of settings: Streamlit's scripts are fetched and compiled once."""
    kept: dict[str, BrowserContext] = {}

    def context(alone: bool = False, **settings: Any) -> BrowserContext:
        name = repr(sorted(settings.items()))
        if alone or name not in kept:
            wanted = {"viewport": {"width": 1440, "height": 900}, **settings}
            made = chromium.new_context(**wanted)
            made.set_default_timeout(20_000)
            if alone:
                return made
            kept[name] = made
        return kept[name]

    return context


@pytest.fixture
def visitor(contexts: Callable[..., BrowserContext]) -> Iterator[Callable[..., Screen]]:
    """Makes visitors; one who changes more than a page, its clock for example, comes ``alone``.

    Whatever a test looks at, none of their pages may raise an error or ask anybody but our server
    for anything.
    """
    screens: list[Screen] = []

    def visit(address: str, **settings: Any) -> Screen:
        screens.append(Screen(contexts(**settings).new_page(), address))
        return screens[-1]

    yield visit
    for screen in screens:
        screen.page.close()
    assert [screen.errors for screen in screens if screen.errors] == []
    assert [screen.foreign() for screen in screens if screen.foreign()] == []


@pytest.fixture
def screen(visitor: Callable[..., Screen], server: str) -> Screen:
    return visitor(server)
