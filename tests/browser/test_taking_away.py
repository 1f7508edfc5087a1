"""Link, figures, data, handout and notebook: what a visitor takes along."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect
from screen import BUILT, PATTERN, Screen, each

from engine.gradients import chain
from engine.mixtures import coins
from pages.catalog import Lesson

pytestmark = pytest.mark.browser
lessons = each(PATTERN)
SVG = "{http://www.w3.org/2000/svg}"


def downloaded(screen: Screen, button: Locator, folder: Path) -> Path:
    with screen.page.expect_download() as waiting:
        button.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def in_menu(screen: Screen, name: str) -> Locator:
    return screen.hand_out().get_by_role("button", name=name)


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, visitor: Callable[..., Screen], server: str) -> Screen:
    return visitor(server, color_scheme=request.param)


@lessons
def test_the_link_is_copied(entry: Lesson, visitor: Callable[..., Screen], server: str) -> None:
    screen = visitor(server, permissions=["clipboard-read", "clipboard-write"])
    screen.open(entry.slug)
    screen.stand(2).rest()
    in_menu(screen, "Copy link").click()
    expect(screen.css(".menu [role=status]")).to_have_text("Copied.")
    assert screen.page.evaluate("() => navigator.clipboard.readText()") == screen.page.url


@lessons
def test_without_a_clipboard_the_link_is_shown(entry: Lesson, screen: Screen) -> None:
    screen.page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    )
    screen.open(entry.slug)
    in_menu(screen, "Copy link").click()
    expect(screen.css(".menu [role=status]")).to_have_text(screen.page.url)


@lessons
def test_the_figure_as_svg(entry: Lesson, themed: Screen, tmp_path: Path) -> None:
    themed.open(entry.slug).press("End").rest()
    path = downloaded(themed, in_menu(themed, "Figure (SVG)"), tmp_path)
    assert path.name == f"{entry.slug}.svg"
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SVG}svg"
    figures = root.findall(f"{SVG}svg")
    stage = themed.css(".st-key-stage")
    assert len(figures) == stage.locator("svg.marks, svg[role=group]").count()
    texts = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    visible = {
        text.strip()
        for text in stage.locator("svg text:visible").evaluate_all(
            "all => all.map(one => one.textContent)"
        )
    }
    assert len(visible) > 8
    assert visible <= texts
    source = path.read_text(encoding="utf-8")
    assert "var(--" not in source
    assert "<script" not in source
    outside = set(re.findall(r"https?://[^\"')\s]+", source))
    assert all(address.startswith("http://www.w3.org/") for address in outside)
    colours = set()
    for text in root.iter(f"{SVG}text"):
        colours |= set(
            re.findall(r"(?<![-\w])fill:\s*rgb\((\d+), (\d+), (\d+)\)", text.get("style", ""))
        )
    faint = [c for c in colours if sum(map(int, c)) > 3 * 190]
    assert faint == [], "text too light for a white page"


@lessons
def test_the_figure_as_png(entry: Lesson, themed: Screen, tmp_path: Path) -> None:
    themed.open(entry.slug).press("End").rest()
    path = downloaded(themed, in_menu(themed, "Figure (PNG)"), tmp_path)
    assert path.name == f"{entry.slug}.png"
    picture = Image.open(path)
    picture.load()
    box = themed.css(".st-key-stage").bounding_box()
    assert box is not None
    assert picture.size == (2 * round(box["width"]), 2 * round(box["height"]))
    pixels = picture.convert("RGB")
    colours = pixels.getcolors(maxcolors=pixels.width * pixels.height)
    assert colours is not None
    assert len(colours) > 50
    assert pixels.getpixel((2, 2)) == (255, 255, 255)
    # Something is drawn in each quarter, not in a corner only.
    w, h = pixels.width // 2, pixels.height // 2
    for x, y in ((0, 0), (w, 0), (0, h), (w, h)):
        part = pixels.crop((x, y, x + w, y + h)).convert("L")
        low, high = part.getextrema()
        assert high - low > 60


@each(BUILT)
def test_the_handout_opens_without_a_network(
    entry: Lesson, screen: Screen, chromium: Browser, tmp_path: Path
) -> None:
    screen.open(entry.slug)
    screen.stand(6).rest()
    verdict = screen.css(".st-key-certificate .stAlert").inner_text().split("Certified.")[1]
    caption = screen.says
    path = downloaded(screen, in_menu(screen, "Handout (HTML)"), tmp_path)
    assert path.name == f"{entry.slug}.html"
    expect(screen.css(".menu [role=status]")).to_have_text("Saved.")
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    context.set_offline(True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    figure = page.locator("figure > svg")
    expect(figure).to_be_visible()
    box = figure.bounding_box()
    assert box is not None
    assert box["width"] > 500
    assert box["height"] > 150
    assert figure.locator("text").count() > 8
    maths = page.locator("math")
    assert maths.count() >= 3
    assert all(
        height > 5
        for height in maths.evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
    )
    assert verdict.strip() in page.locator("body").inner_text()
    expect(page.locator("figcaption")).to_contain_text(caption)
    assert page.locator("tbody tr").count() >= 1
    link = page.get_by_role("link", name="The live page").get_attribute("href")
    assert link == screen.page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_a_second_handout_holds_the_second_step(screen: Screen, tmp_path: Path) -> None:
    screen.open("chain")
    screen.stand(3).rest()
    button = in_menu(screen, "Handout (HTML)")
    first = downloaded(screen, button, tmp_path).read_text(encoding="utf-8")
    screen.page.keyboard.press("Escape")
    screen.page.mouse.click(5, 500)
    screen.stand(7).rest()
    button = in_menu(screen, "Handout (HTML)")
    second = downloaded(screen, button, tmp_path).read_text(encoding="utf-8")
    assert "step 3 of 13" in first
    assert "step 7 of 13" in second


def test_a_handout_is_not_saved_again_by_itself(screen: Screen, tmp_path: Path) -> None:
    saved = []
    screen.page.on("download", lambda download: saved.append(download))
    screen.open("chain")
    downloaded(screen, in_menu(screen, "Handout (HTML)"), tmp_path)
    screen.page.mouse.click(5, 500)
    screen.stand(2).rest()
    screen.section("Data").section("Slips")
    screen.page.wait_for_timeout(500)
    assert len(saved) == 1


@lessons
def test_the_handout_of_a_slip_says_not_certified(
    entry: Lesson, screen: Screen, tmp_path: Path
) -> None:
    screen.open(entry.slug)
    screen.page.get_by_role("radiogroup", name="Switch a known mistake on").get_by_role(
        "radio"
    ).first.click()
    expect(screen.css(".st-key-certificate")).to_contain_text("Not certified")
    screen.settle()
    path = downloaded(screen, in_menu(screen, "Handout (HTML)"), tmp_path)
    assert "<b>Not certified.</b>" in path.read_text(encoding="utf-8")


@lessons
def test_the_data_and_the_notebook(entry: Lesson, screen: Screen, tmp_path: Path) -> None:
    screen.open(entry.slug)
    screen.hand_out()
    path = downloaded(screen, screen.page.get_by_role("button", name="Data (CSV)"), tmp_path)
    assert path.name == f"{entry.slug}.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    module = {"chain": chain, "coins": coins}[entry.slug]
    case = next(iter(module.PRESETS.values()))
    trace = module.run(**case.data, params=case.params)
    if entry.slug == "chain":
        assert {row["name"]: float(row["value"]) for row in rows}["dw1"] == trace.dw1
    else:
        assert [float(row["theta[0]"]) for row in rows] == trace.theta[:, 0].tolist()
    path = downloaded(screen, screen.page.get_by_role("button", name="Notebook"), tmp_path)
    assert path.name == f"{entry.slug}.ipynb"
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert f"{entry.slug}.run(" in book.cells[1].source
