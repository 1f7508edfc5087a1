"""axe-core finds nothing to object to, but for what is Streamlit's own."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from screen import PATTERN, SHOWN, Screen, each

from pages.catalog import Lesson
from pages.ui.tour import STOPS, link

pytestmark = pytest.mark.browser

# rule -> (what the selector of an allowed element must contain, why it is not ours to mend)
ALLOWED: dict[str, list[tuple[str, str]]] = {
    "color-contrast": [("token", "the colours in which Streamlit's st.code sets strings")],
    "empty-table-header": [("aria-label", "axe reads no MathML; the header has a spoken name")],
    "svg-img-alt": [("graphics-symbol", "the groups of marks that Vega itself names")],
    "presentation-role-conflict": [("stFileUploader", "st.file_uploader names its drop zone")],
    "button-name": [('role="radio"', "a pill named by a formula: Streamlit hides KaTeX's text")],
}


def objections(screen: Screen) -> list[str]:
    """Rule and element, without the attributes that only Streamlit understands."""
    found = []
    results = Axe().run(screen.page, options={"resultTypes": ["violations"]}).response
    for violation in results["violations"]:
        for node in violation["nodes"]:
            pieces = [piece for piece, _ in ALLOWED.get(violation["id"], [])]
            if not any(piece in node["html"] for piece in pieces):
                plain = re.sub(r' (class|style|data-[\w-]+|xmlns)="[^"]*"', "", node["html"])
                found.append(f"{violation['id']}: {plain[:160]}")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_home_is_accessible(theme: str, visitor: Callable[..., Screen], server: str) -> None:
    found = objections(visitor(server, color_scheme=theme).open())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_tour_is_accessible(theme: str, visitor: Callable[..., Screen], server: str) -> None:
    stop = STOPS[1]
    screen = visitor(server, color_scheme=theme).open(f"{stop.slug}?{urlencode(link(stop))}")
    assert screen.css(".st-key-tour").count() == 1
    found = objections(screen)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
@each(SHOWN)
def test_a_lesson_is_accessible(
    entry: Lesson, theme: str, visitor: Callable[..., Screen], server: str
) -> None:
    """As it opens, with the sections that show figures, with a slip on and the menu open."""
    screen = visitor(server, color_scheme=theme).enter(entry)
    found = objections(screen)
    # Source, data and derivation are made of the same pieces in all lessons.
    same = ("Derivation", "Source", "Data") if entry in PATTERN and theme == "light" else ()
    for section in (*same, "Predict") if entry in PATTERN or theme == "light" else ():
        screen.section(section)
        found += objections(screen)
    screen.section("Slips")
    slips = screen.page.get_by_role("radiogroup", name="Switch a known mistake on")
    slips.get_by_role("radio").first.click()
    screen.page.wait_for_url("**slip=**")
    screen.settle()
    screen.press("End")
    screen.hand_out()
    found += objections(screen)
    found = list(dict.fromkeys(found))
    assert not found, "\n".join(found)
