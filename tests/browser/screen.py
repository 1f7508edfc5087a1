"""One visitor's page, with the words that the tests use."""

import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.catalog import LESSONS, Lesson, host

# The script has run, every figure has been drawn, and nothing fades, loads or changes any more: two
# looks, a tenth of a second apart, see the same.
READY = """() => {
  const app = document.querySelector(".stApp");
  const broken = document.querySelector(".stException");
  if (broken) throw new Error(broken.innerText);
  const roots = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((host) => host.shadowRoot).filter(Boolean);
  const drawn = (name) => roots.some((root) => root.querySelector(name));
  const complete = () => {
    if (app?.dataset.testScriptState !== "notRunning") return false;
    if (document.querySelector(".stSkeleton, [data-stale=true]")) return false;
    if (location.pathname.length < 2) return Boolean(document.querySelector("h1"));
    const charts = document.querySelectorAll("[data-testid=stVegaLiteChart]");
    const moved = document.querySelectorAll("input[name=step]");
    return Boolean(document.querySelector(".st-key-certificate .stAlert"))
      && drawn(".working .value") && charts.length === moved.length
      && roots.some((root) => root.querySelector(".count")?.textContent);
  };
  const moving = () => [document, ...roots].flatMap((root) => root.getAnimations())
    .some((one) => one.playState === "running");
  const loading = () => document.fonts.status !== "loaded"
    || [...document.images].some((image) => !image.complete);
  const still = complete() && !moving() && !loading();
  const look = still ? [document.body, ...roots].map((part) => part.innerHTML).join() : "";
  const before = window.lastLook ?? {};
  if (!still || look !== before.look) window.lastLook = { look, at: performance.now() };
  return still && look === before.look && performance.now() - before.at >= 100;
}"""
BUILT = [entry for entry in LESSONS if entry.built]
# And each mode of those that have several.
SHOWN = [mode for entry in BUILT for mode in entry.all_modes]
# All pieces that a lesson is made of are in these two: a graph one reads, a run one scrubs.
PATTERN = [entry for entry in BUILT if entry.slug in ("chain", "coins")]
REST = 450  # milliseconds after which the transport takes a step for rested
PATIENCE = 30  # seconds that a page may take on a busy machine
# What says that a run is over; one that made way for the next is not.
OVER = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


def each(entries: list[Lesson]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.slug)


class Screen:
    """A page and what it asked the network for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.frames: list[Any] = []
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._asked = False  # a run is asked for, and its end has not come
        page.on("websocket", self._listen)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: str | bytes) -> None:
        self.frames.append(frame)
        if isinstance(frame, bytes):
            message = BackMsg.FromString(frame)
            self._asked |= message.WhichOneof("type") == "rerun_script"

    def _received(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes) and len(frame) < 1000:  # the long ones are figures
            message = ForwardMsg.FromString(frame)
            over = message.WhichOneof("type") == "script_finished"
            self._asked &= not (over and message.script_finished in OVER)

    def open(self, path: str = "") -> "Screen":
        self.page.goto(path if "://" in path else f"{self.address}/{path}")
        return self.settle()

    def enter(self, entry: Lesson) -> "Screen":
        """A lesson, or a further mode of one by its link, which is found where one changes to it:
        before a class the controls have to be brought out first."""
        page = host(entry.slug)
        self.open(page.slug)
        if page.slug == entry.slug:
            return self
        mode = self.page.get_by_role("radiogroup", name="Mode").get_by_text(entry.mode)
        if not mode.count():
            self.project.click()
            self.settle()
        mode.click()
        self.page.wait_for_url(f"**mode={entry.slug}**")
        return self.open(self.page.url)

    @property
    def project(self) -> Locator:
        return self.page.get_by_text("Project", exact=True)

    def settle(self) -> "Screen":
        """A busy server may not even have begun what was asked: a page that only stands still is
        not settled, the answer must have come too."""
        until = time.monotonic() + PATIENCE
        try:
            while True:
                self.page.evaluate("() => { window.lastLook = null; }")
                self.page.wait_for_function(READY, timeout=PATIENCE * 1000, polling=50)
                if not self._asked:
                    return self
                if time.monotonic() > until:
                    raise TimeoutError("no answer")
        except TimeoutError as error:
            state = self.page.evaluate("() => ({...document.querySelector('.stApp')?.dataset})")
            text = self.page.locator("body").inner_text()[:300]
            raise AssertionError(f"{self.page.url} is not ready: {state} {text!r}") from error

    def css(self, selector: str) -> Locator:
        """Looks into our components too."""
        return self.page.locator(selector)

    # -- the transport -----------------------------------------------------------------------

    @property
    def step(self) -> int:
        """As the caption says it: step 3 of 10."""
        return int(self.css(".caption .count").inner_text().split()[1])

    @property
    def last(self) -> int:
        return int(self.css(".caption .count").inner_text().split()[3])

    @property
    def says(self) -> str:
        return self.css(".caption .says").inner_text()

    def button(self, name: str) -> Locator:
        return self.css(f".transport [data-go={name}]")

    def press(self, *keys: str) -> "Screen":
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def stand(self, step: int) -> "Screen":
        """Go there by keys."""
        self.press("Home")
        return self.press(*["ArrowRight"] * step)

    def rest(self) -> "Screen":
        """Until the step has rested, the address bar holds it, and Python has answered."""
        self.page.wait_for_function(
            "step => new URLSearchParams(location.search).get('step') === String(step)",
            arg=self.step,
        )
        self.page.wait_for_timeout(150)
        return self.settle()

    # -- the page ----------------------------------------------------------------------------

    def pill(self, name: str) -> Locator:
        return self.page.get_by_role("radio", name=name, exact=True)

    def section(self, name: str) -> "Screen":
        self.pill(name).click()
        self.page.wait_for_timeout(200)
        return self.settle()

    def hand_out(self) -> Locator:
        """The open menu."""
        self.page.get_by_role("button", name="Hand out").click()
        menu = self.css(".menu")
        menu.wait_for()
        return menu

    @property
    def dialogs(self) -> int:
        return self.page.get_by_role("dialog").count()

    def foreign(self) -> list[str]:
        """Requests to anything but our server; data and blob addresses stay in the browser."""
        host = self.address.partition("://")[2]
        inside = (f"http://{host}/", f"ws://{host}/", "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(inside)]
