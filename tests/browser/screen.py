"""One visitor's page, with the words that the tests use."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, WebSocket

from pages.catalog import LESSONS, Lesson

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
# All pieces that a lesson is made of are in these two: a graph one reads, a run one scrubs.
PATTERN = [entry for entry in BUILT if entry.slug in ("chain", "coins")]
REST = 450  # milliseconds after which the transport takes a step for rested


def each(entries: list[Lesson]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.slug)


class Screen:
    """A page and what it asked the network for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.frames: list[Any] = []
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("websocket", self._listen)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framesent", lambda frame: self.frames.append(frame))

    def open(self, path: str = "") -> "Screen":
        self.page.goto(path if "://" in path else f"{self.address}/{path}")
        return self.settle()

    def settle(self) -> "Screen":
        try:
            self.page.evaluate("() => { window.lastLook = null; }")
            self.page.wait_for_function(READY, timeout=30_000, polling=50)
        except TimeoutError as error:
            state = self.page.evaluate("() => ({...document.querySelector('.stApp')?.dataset})")
            text = self.page.locator("body").inner_text()[:300]
            raise AssertionError(f"{self.page.url} is not ready: {state} {text!r}") from error
        return self

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
