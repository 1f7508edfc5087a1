"""A page has a face, in light and in dark, large and small."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser
from screen import PATTERN
from shots import SIZES, THEMES, shots

pytestmark = pytest.mark.browser


def test_a_page_gives_a_screenshot_of_sensible_size(
    chromium: Browser, server: str, tmp_path: Path
) -> None:
    paths, looks = ("", PATTERN[-1].slug), tuple(zip(SIZES, THEMES, strict=True))
    files = list(shots(chromium, server, tmp_path, paths, looks))
    assert len(files) == len(set(files)) == len(paths) * len(looks)
    for file in files:
        picture = Image.open(file)
        path, theme, size = file.stem.split("-")
        assert "x".join(map(str, picture.size)) == size
        assert 15_000 < file.stat().st_size < 2_000_000, file.name
        grey = picture.convert("L")
        mean = sum(grey.histogram()[i] * i for i in range(256)) / (grey.width * grey.height)
        assert mean > 190 if theme == "light" else mean < 90, f"{path} is {mean:.0f} of 255"
        colours = picture.convert("RGB").getcolors(maxcolors=grey.width * grey.height)
        assert colours is not None
        assert len(colours) > 100, file.name
