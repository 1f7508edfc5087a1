"""Take the pictures of assets/pictures from the running app: stages for the home page, light and
dark, and whole pages for the README.

make pictures                      all of them
python scripts/pictures.py SLUG    those of some lessons
"""

import io
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pages.catalog import LESSONS  # noqa: E402
from scripts.browser import ensure  # noqa: E402

PICTURES = ROOT / "assets" / "pictures"
PORT = 8567
README = {"mlp": "light", "coins": "dark", "sweep": "light"}


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
            wanted = sys.argv[1:] or [lesson.slug for lesson in LESSONS]
            for lesson in LESSONS:
                if lesson.built and lesson.slug in wanted:
                    for theme in ("light", "dark"):
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
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{PORT}/{slug}")
    page.get_by_text("Certified.").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    if README.get(slug) == theme:
        save(page.screenshot(), f"page-{slug}", 1120)
    save(stage(page), f"{slug}-{theme}", 560)
    context.close()


def stage(page: Page) -> bytes:
    return page.locator(".st-key-stage").screenshot()


def save(png: bytes, name: str, width: int) -> None:
    """Small enough for a repository: scaled, and one palette."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.resize(
        (width, round(image.height * width / image.width)), Image.Resampling.LANCZOS
    )
    image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        PICTURES / f"{name}.png", optimize=True
    )
    print(f"{name}.png {(PICTURES / f'{name}.png').stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
