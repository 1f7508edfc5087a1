"""A screenshot of every page, light and dark, large and small, for eyes rather than for tests.

python tests/browser/shots.py [folder]      tests/browser/shots/ unless named
"""

import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from screen import Screen  # noqa: E402
from serving import launch, served  # noqa: E402

from pages.catalog import LESSONS  # noqa: E402

SIZES = ((1440, 900), (1024, 768))
THEMES = ("light", "dark")
LOOKS = tuple((size, theme) for size in SIZES for theme in THEMES)
PATHS = ("", *(entry.slug for entry in LESSONS if entry.built))


def shots(
    browser: Browser,
    address: str,
    folder: Path,
    paths: tuple[str, ...] = PATHS,
    looks: tuple[tuple[tuple[int, int], str], ...] = LOOKS,
) -> Iterator[Path]:
    """Take them one by one."""
    folder.mkdir(parents=True, exist_ok=True)
    for (width, height), theme in looks:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        screen = Screen(context.new_page(), address)
        for path in paths:
            screen.open(path)
            file = folder / f"{path or 'home'}-{theme}-{width}x{height}.png"
            screen.page.screenshot(path=file)
            yield file
        context.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "shots"
    with served() as address, sync_playwright() as playwright:
        for file in shots(launch(playwright), address, folder):
            print(file)


if __name__ == "__main__":
    main()
