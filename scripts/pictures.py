"""Take the pictures of assets/pictures from the running app: stages and the stops of the tour for
the home page, light and dark, and whole pages for the README.

make pictures                           all of them
python scripts/pictures.py tour SLUG    those of the tour, and of some lessons
"""

import io
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pages.catalog import LESSONS  # noqa: E402
from pages.ui.tour import STOPS, link  # noqa: E402
from scripts.browser import ensure  # noqa: E402

PICTURES = ROOT / "assets" / "pictures"
PORT = 8567
THEMES = ("light", "dark")
README = {"mlp": "light", "coins": "dark", "sweep": "light"}
TILES = ".st-key-bernoulli-means image"
ROW = slice(5, 10)  # of the ten components, the second row
COLOURS = 256
GAP = 24  # between the parts of one picture
Colour = tuple[int, int, int]
# A card shows the figure; what chooses between figures belongs to the page.
FIGURE = ".st-key-stage :is(.stButtonGroup, .stCheckbox) { display: none; }"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    settings = {**os.environ, "WORKINGS_BROWSER": "0", "WORKINGS_PORT": str(PORT)}
    settings["WORKINGS_STORE"] = tempfile.mkdtemp()  # what ships, not what was trained here
    server = subprocess.Popen([sys.executable, str(ROOT / "app.py")], env=settings)
    try:
        wait()
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=ensure(), args=flags)
            wanted = sys.argv[1:] or ["tour", *(lesson.slug for lesson in LESSONS)]
            if "tour" in wanted:
                for theme in THEMES:
                    tour(browser, theme)
            for lesson in LESSONS:
                if lesson.built and lesson.slug in wanted:
                    for theme in THEMES:
                        take(browser, lesson.slug, theme)
    finally:
        server.terminate()


def wait() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz").close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The app did not start.")


def take(browser: Browser, slug: str, theme: str) -> None:
    page = opened(browser, theme, slug, 1280, 860)
    if README.get(slug) == theme:
        save(image(page), f"page-{slug}", 1120)
    page.add_style_tag(content=FIGURE)
    page.wait_for_timeout(300)
    save(image(page.locator(".st-key-stage")), f"{slug}-{theme}", 560)
    page.context.close()


def tour(browser: Browser, theme: str) -> None:
    """What one sees at each stop: noise becoming digits, a slip found out, a number left blank."""
    digits, slip, blank = (f"{stop.slug}?{urlencode(link(stop))}" for stop in STOPS)
    page = opened(browser, theme, digits, 1440, 900, scale=2)
    rows = []
    for step in (0, 2, 12):
        page.keyboard.press("Home")
        for _ in range(step):
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(600)
        tiles = [image(tile) for tile in page.locator(TILES).all()[ROW]]
        rows.append(stacked(tiles, ground(page), beside=True))
    save(stacked(rows, ground(page)), f"tour-1-{theme}", 860)
    page.context.close()

    page = opened(browser, theme, slip, 1024, 900, scale=2)
    parts = [page.locator(".st-key-stage"), page.locator(".st-key-certificate .stAlert")]
    save(stacked([image(part) for part in parts], ground(page)), f"tour-2-{theme}", 860)
    page.context.close()

    page = opened(browser, theme, blank, 1024, 860, scale=2)
    page.add_style_tag(content=FIGURE)
    save(image(page.locator(".st-key-stage")), f"tour-3-{theme}", 860)
    page.context.close()


def opened(
    browser: Browser, theme: str, path: str, width: int, height: int, scale: int = 1
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
        device_scale_factor=scale,
    )
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{PORT}/{path}")
    page.locator(".st-key-certificate .stAlert").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    return page


def ground(page: Page) -> Colour:
    """What the page is painted on."""
    red, green, blue = image(page).getpixel((0, page.viewport_size["height"] - 1))
    return red, green, blue


def image(shown: Page | Locator) -> Image.Image:
    return Image.open(io.BytesIO(shown.screenshot())).convert("RGB")


def stacked(parts: list[Image.Image], ground: Colour, beside: bool = False) -> Image.Image:
    """One below the other, or one beside the other."""
    widths, heights = [part.width + GAP for part in parts], [part.height + GAP for part in parts]
    across = (sum(widths), max(heights)) if beside else (max(widths), sum(heights))
    out = Image.new("RGB", across, ground)
    for k, part in enumerate(parts):
        out.paste(part, (sum(widths[:k]), 0) if beside else (0, sum(heights[:k])))
    return out


def save(image: Image.Image, name: str, width: int) -> None:
    """Small enough for a repository: scaled, and one palette, in which the ground is exact."""
    image = image.resize(
        (width, round(image.height * width / image.width)), Image.Resampling.LANCZOS
    )
    counted = sorted(image.getcolors(image.width * image.height) or [])
    small = image.quantize(
        COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE
    )
    palette = bytearray(small.getpalette() or [])
    ground = counted[-1][1]
    place = min(
        range(COLOURS),
        key=lambda k: sum(abs(a - b) for a, b in zip(palette[3 * k :], ground, strict=False)),
    )
    palette[3 * place : 3 * place + 3] = bytes(ground)
    small.putpalette(palette)
    small.save(PICTURES / f"{name}.png", optimize=True)
    print(f"{name}.png {(PICTURES / f'{name}.png').stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
