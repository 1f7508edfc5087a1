"""What one visitor waits for: cold starts, page switches, new numbers and steps, in Chromium.

    python tests/benchmarks/bench_browser.py [--quick]

The page's own clock measures, from the event that the browser received until the frame that shows
the answer has been painted; headless Chromium paints 60 of them a second. Chromium, the server and
this process share the machine: on few cores the figures are, if anything, too high. So a missed
aim is printed, with the load average above it, and fails nothing.

* cold: a server of its own each time, to its first answer; then its first visitor, in a browser
  that has never seen the app, to the first picture of the home page or of a deep link.
* switch: a click in the menu until the next lesson's question and its figure stand there.
* knob: Enter after a number that nobody has typed before, until the figure has changed.
* scrub: an arrow key until the step's count and the figure have changed, and what the page sends.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "browser"), str(ROOT)]

from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from screen import Screen  # noqa: E402
from serving import launch, served, yardstick  # noqa: E402

from pages.catalog import CHAPTERS, lesson  # noqa: E402

KNOB, SWITCH = 150, 500  # the aims, milliseconds
VIEW = {"width": 1440, "height": 900}
# Where a lesson's own figure is drawn, and how to look into it.
FIGURES = {
    "chain": ".st-key-chain-graph",
    "shapes": ".st-key-shapes-volumes",
    "centres": ".st-key-centres-line",
    "coins": "[class*=st-key-tall-em]",
}
FIELDS: dict[str, tuple[str, Callable[[int], str]]] = {
    "chain": ("w1", lambda i: f"{0.6 + i / 64:.6g}"),
    "shapes": ("input_shape", lambda i: f"{33 + i}x{33 + i}x3"),
    "coins": ("start-0", lambda i: f"{0.3 + i / 128:.6g}"),
}
HEAVY = ("torch", "pandas", "skimage", "sklearn")
# In the page. ``figure`` is what a figure shows, or nothing while it is not there; ``after`` counts
# from an event to the end of the first frame in which ``done`` holds.
CLOCK = """window.bench = {
  figure(selector) {
    const host = document.querySelector(selector);
    const root = host?.querySelector("[data-testid=stBidiComponentIsolated]")?.shadowRoot ?? host;
    const all = [...root?.querySelectorAll("svg") ?? []];
    return all.filter((svg) => svg.querySelector("text")).map((svg) => svg.outerHTML).join("");
  },
  count() {
    const hosts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")];
    return hosts.map((h) => h.shadowRoot?.querySelector(".count")?.textContent).find(Boolean);
  },
  stands(question, selector) {
    return document.querySelector("h1")?.innerText === question && bench.figure(selector) !== "";
  },
  painted(done, begun) {
    return new Promise((resolve) => {
      const end = () => resolve(performance.now() - begun);
      const look = () => done() ? setTimeout(end) : requestAnimationFrame(look);
      requestAnimationFrame(look);
    });
  },
  after(kind, done) {
    bench.took = new Promise((resolve) => {
      const begin = (event) => bench.painted(done, event.timeStamp).then(resolve);
      document.addEventListener(kind, begin, { capture: true, once: true });
    });
  },
};"""


def cold(browser: Browser, path: str, done: str, repeat: int) -> tuple[list[float], list[float]]:
    """Milliseconds to /healthz, and from there to the picture; a server and a cache of its own."""
    answers, pictures = [], []
    for _ in range(repeat):
        begun = time.perf_counter()
        with served() as address:
            answers.append(1000 * (time.perf_counter() - begun))
            pictures.append(picture(browser, f"{address}/{path}", done))
    return answers, pictures


def links(browser: Browser, address: str, repeat: int) -> Iterator[float]:
    """The same deep link on a server that is ready: what remains is the browser's own part."""
    for _ in range(repeat):
        yield picture(browser, f"{address}/chain", f"({stands('chain')})()")


def picture(browser: Browser, address: str, done: str) -> float:
    """Milliseconds from the address to the picture, in a browser that has kept nothing."""
    context = browser.new_context(viewport=VIEW)
    context.add_init_script(CLOCK)
    page = context.new_page()
    page.goto(address, wait_until="commit")
    took = page.evaluate(f"() => bench.painted(() => {done}, 0)")
    context.close()
    return took


def visitor(browser: Browser, address: str) -> Screen:
    context = browser.new_context(viewport=VIEW)
    context.add_init_script(CLOCK)
    return Screen(context.new_page(), address)


def switches(screen: Screen, repeat: int) -> Iterator[float]:
    """From one light lesson to the next by the menu."""
    slugs = list(FIGURES)
    for i in range(repeat):
        entry = lesson(slugs[(i + 1) % len(slugs)])
        screen.page.get_by_text(CHAPTERS[entry.chapter], exact=True).first.click()
        link = screen.page.locator(f"a[href$='/{entry.slug}']").last
        link.wait_for()
        screen.page.evaluate("done => bench.after('click', eval(done))", stands(entry.slug))
        link.click()
        yield screen.page.evaluate("bench.took")
        screen.settle()


def knobs(screen: Screen, slug: str, repeat: int) -> Iterator[float]:
    name, number = FIELDS[slug]
    screen.open(slug)
    field = screen.css(f".st-key-{slug}-{name} input")
    for i in range(repeat):
        field.fill(number(i))
        screen.page.evaluate(
            """selector => {
              const before = bench.figure(selector);
              bench.after("keydown", () => ![before, ""].includes(bench.figure(selector)));
            }""",
            FIGURES[slug],
        )
        field.press("Enter")
        yield screen.page.evaluate("bench.took")
        screen.settle()


def scrubs(screen: Screen, slug: str, repeat: int) -> tuple[list[float], int]:
    """Milliseconds a step, there and back, and how many frames were sent meanwhile."""
    screen.open(slug).press("Home").rest()
    sent, took = len(screen.frames), []
    for i in range(repeat):
        screen.page.evaluate(
            """selector => {
              const [count, before] = [bench.count(), bench.figure(selector)];
              const changed = () => bench.count() !== count && bench.figure(selector) !== before;
              bench.after("keydown", changed);
            }""",
            FIGURES[slug],
        )
        screen.press("ArrowRight" if i // 5 % 2 == 0 else "ArrowLeft")
        took.append(screen.page.evaluate("bench.took"))
    return took, len(screen.frames) - sent


def stands(slug: str) -> str:
    wanted = json.dumps([lesson(slug).question, FIGURES[slug]], ensure_ascii=False)
    return f"() => bench.stands(...{wanted})"


def imported() -> list[str]:
    """What a process has imported for the home page, and for a light lesson after it."""
    code = (
        "import sys; sys.path.insert(0, 'tests/pages');"
        "from visiting import visit; from pages.catalog import lesson;"
        f"seen = lambda: print(*[n for n in {HEAVY} if n in sys.modules] or ['none']);"
        "seen(); visit(); seen(); visit(lesson('chain')); seen()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()[-3:]


def say(name: str, values: list[float], aim: float | None = None) -> None:
    middle = statistics.median(values)
    wanted = "" if aim is None else f"{aim:8g}  {'held' if middle < aim else 'MISSED'}"
    print(f"{name:44}{middle:8.0f}{min(values):8.0f}{max(values):8.0f}{wanted}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a few of each, to see that it runs")
    quick = parser.parse_args().quick
    starts, moves = (1, 4) if quick else (5, 20)
    print(yardstick())
    if hasattr(os, "getloadavg"):
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'milliseconds':44}{'median':>8}{'least':>8}{'most':>8}{'aim':>8}")
    # What compiles at the first start of all would compile beside the first visitors.
    subprocess.run([sys.executable, "-m", "engine.warm"], cwd=ROOT, check=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        home = "document.querySelector('h1') && [...document.images].some((i) => i.naturalWidth)"
        by_home = cold(browser, "", home, starts)
        by_link = cold(browser, "chain", f"({stands('chain')})()", starts)
        say("cold: process to /healthz", by_home[0] + by_link[0])
        say("cold: first visitor to the home page", by_home[1])
        say("cold: first visitor by link to One chain", by_link[1])
        with served() as address:
            screen = visitor(browser, address)
            for slug in ("quantise", *FIGURES):  # imports and machine code are ready
                screen.open(slug)
            say("warm: new browser, by link to One chain", list(links(browser, address, starts)))
            say("switch: menu to the next light lesson", list(switches(screen, moves)), SWITCH)
            for slug in FIELDS:
                say(f"knob: {lesson(slug).title}", list(knobs(screen, slug, moves)), KNOB)
            for slug in ("chain", "coins"):
                took, sent = scrubs(screen, slug, moves)
                say(f"scrub: {lesson(slug).title}, {sent} frames sent", took)
        browser.close()
    for when, names in zip(("before", "home", "home and One chain"), imported(), strict=True):
        print(f"of {', '.join(HEAVY)} imported, {when}: {names}")


if __name__ == "__main__":
    main()
