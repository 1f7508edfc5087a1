"""Coming in, and moving between pages."""

import json
import re
import socket
import sys
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from screen import BUILT, PATTERN, Screen, each
from serving import served
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.catalog import CHAPTERS, Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)


@lessons
def test_the_first_visitor_of_a_fresh_server_comes_by_a_deep_link(
    entry: Lesson, visitor: Callable[..., Screen]
) -> None:
    with served() as fresh:
        screen = visitor(fresh)
        dialogs = []
        screen.page.goto(f"{fresh}/{entry.slug}", wait_until="commit")
        for _ in range(30):
            dialogs.append(screen.dialogs)
            screen.page.wait_for_timeout(100)
        screen.settle()
        assert sum(dialogs) == 0
        expect(screen.page.get_by_text("Page not found")).to_have_count(0)
        expect(screen.page.get_by_role("heading", level=1)).to_have_text(entry.question)


def test_home_leads_to_each_lesson(screen: Screen) -> None:
    screen.open()
    for entry in BUILT:
        link = screen.page.get_by_role("link", name=entry.question)
        assert (link.get_attribute("href") or "").lstrip("/") == entry.slug
    for entry in (BUILT[0], BUILT[-1]):
        screen.open()
        screen.page.get_by_role("link", name=entry.question).click()
        screen.page.wait_for_url(f"**/{entry.slug}**")
        screen.settle()
        expect(screen.page.get_by_role("heading", level=1)).to_have_text(entry.question)
        assert screen.dialogs == 0
        assert screen.css(".stAlert").filter(has_text="This link").count() == 0


def test_the_menu_leads_from_lesson_to_lesson(screen: Screen) -> None:
    first, second = PATTERN
    screen.open(first.slug)
    for entry in (second, first):
        screen.page.get_by_role("button", name=CHAPTERS[entry.chapter]).click()
        screen.page.get_by_role("menuitem", name=entry.title).click()
        expect(screen.page.get_by_role("heading", level=1)).to_have_text(entry.question)
        screen.settle()
        assert screen.page.url.startswith(f"{screen.address}/{entry.slug}")
        assert screen.css(".stAlert").filter(has_text="This link").count() == 0
        moved = screen.stand(2)
        assert moved.step == 2


def test_back_and_forward_between_two_lessons(screen: Screen) -> None:
    first, second = PATTERN
    screen.open()
    for entry in (first, second):
        screen.page.get_by_role("link", name="Workings").first.click()
        expect(screen.page.get_by_role("heading", level=1)).to_have_text(re.compile("workings"))
        screen.page.get_by_role("link", name=entry.question).click()
        expect(screen.page.get_by_role("heading", level=1)).to_have_text(entry.question)
        screen.settle()
    heading = screen.page.get_by_role("heading", level=1)
    screen.page.go_back()
    expect(heading).to_have_text(re.compile("workings"))
    screen.page.go_back()
    expect(heading).to_have_text(first.question)
    screen.settle()
    assert screen.stand(3).step == 3
    screen.page.go_forward()
    expect(heading).to_have_text(re.compile("workings"))
    screen.page.go_forward()
    expect(heading).to_have_text(second.question)
    screen.settle()
    assert screen.dialogs == 0
    assert screen.css(".stAlert").filter(has_text="This link").count() == 0
    assert screen.stand(3).step == 3


def test_an_unknown_page_leads_home_with_a_word(screen: Screen) -> None:
    screen.page.goto(f"{screen.address}/nowhere")
    expect(screen.page.get_by_text("Page not found")).to_be_visible()


@lessons
def test_no_request_leaves_the_machine(entry: Lesson, screen: Screen) -> None:
    screen.open().open(entry.slug)
    for section in ("Predict", "Derivation", "Source", "Data", "Slips"):
        screen.section(section)
    screen.page.wait_for_timeout(500)
    assert len(screen.requests) > 20
    assert any(url.startswith("ws://") for url in screen.requests)
    assert screen.foreign() == []


def test_clearing_the_cache_breaks_no_page(screen: Screen) -> None:
    """Any client can ask for it; Streamlit's own menu entry is switched off, so send it raw."""
    screen.page.add_init_script(
        "const Real = WebSocket; window.WebSocket = class extends Real {"
        " constructor(...given) { super(...given); window.line = this; } };"
    )
    screen.open("coins")
    message = BackMsg()
    message.clear_cache = True
    screen.page.evaluate(
        "bytes => window.line.send(new Uint8Array(bytes))", list(message.SerializeToString())
    )
    screen.page.wait_for_timeout(500)
    screen.stand(3).rest()
    screen.section("Data")
    assert screen.css(".stException").count() == 0
    assert screen.css(".st-key-certificate .stAlert").count() == 1
    screen.page.reload()
    screen.settle()
    assert screen.step == 3


@pytest.mark.parametrize("path", ["", "healthz", PATTERN[0].slug, "_stcore/health"])
def test_security_headers(server: str, path: str) -> None:
    with urllib.request.urlopen(f"{server}/{path}") as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    for device in ("camera", "microphone", "geolocation"):
        assert f"{device}=()" in headers["permissions-policy"]


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is this machine only there")
def test_it_listens_on_one_address_of_this_machine_and_no_other(server: str) -> None:
    port = urlsplit(server).port
    assert port
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_healthz(server: str) -> None:
    with urllib.request.urlopen(f"{server}/healthz") as answer:
        assert answer.status == 200
        assert json.load(answer) == {"status": "ok"}


def test_the_font_of_the_formulas_is_served(server: str) -> None:
    with urllib.request.urlopen(f"{server}/assets/fonts/math.woff2") as answer:
        assert answer.headers["content-type"] == "font/woff2"
        assert answer.read(4) == b"wOF2"
