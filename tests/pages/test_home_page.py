"""The index leads to the tour, and lists what there is and what there will be."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.testing.v1 import AppTest
from visiting import visit

from pages.catalog import CHAPTERS, LESSONS
from pages.ui.tour import STOPS, link

PICTURES = Path(__file__).parents[2] / "assets" / "pictures"
SHELL = Path(__file__).parents[2] / "pages" / "shell.py"


@pytest.fixture(scope="module")
def home() -> AppTest:
    return visit()


def by_chapter(app: AppTest) -> dict[str, tuple[str, list[str]]]:
    """For each chapter in the order of the page: its text, and the labels of its links."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for element in app.main:
        text = str(getattr(element, "value", "") or "")
        if element.type == "header":
            name = text
            found[name] = ("", [])
        elif name and element.type == "page_link":
            found[name][1].append(element.label.split("**")[1])
        elif name:
            found[name] = (found[name][0] + text + "\n", found[name][1])
    return found


def test_home_runs(home: AppTest) -> None:
    assert not home.exception
    assert len(home.title) == 1


def test_home_lists_the_chapters_in_order(home: AppTest) -> None:
    assert list(by_chapter(home)) == list(CHAPTERS.values())


def test_home_links_the_built_lessons_and_no_others(home: AppTest) -> None:
    for chapter, name in CHAPTERS.items():
        built = [e.question for e in LESSONS if e.chapter == chapter and e.built]
        assert by_chapter(home)[name][1] == built


def test_home_marks_the_planned_lessons_of_each_chapter(home: AppTest) -> None:
    found = by_chapter(home)
    for chapter, name in CHAPTERS.items():
        planned = [e for e in LESSONS if e.chapter == chapter and not e.built]
        text = found[name][0]
        assert ("planned" in text.lower()) == bool(planned)
        for entry in planned:
            assert entry.question in text
            assert entry.title in text


def test_the_tour_comes_first_and_each_card_is_the_link_of_its_stop(home: AppTest) -> None:
    links = home.get("page_link")[: len(STOPS)]
    assert [found.label for found in links] == [
        f"**{n} · {stop.verb}** {stop.card}" for n, stop in enumerate(STOPS, 1)
    ]
    assert [found.proto.page for found in links] == [stop.slug for stop in STOPS]
    assert [found.proto.query_string for found in links] == [urlencode(link(s)) for s in STOPS]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_card_has_its_picture(theme: str) -> None:
    names = [f"tour-{n}" for n, _ in enumerate(STOPS, 1)] + [e.slug for e in LESSONS if e.built]
    assert [n for n in names if not (PICTURES / f"{n}-{theme}.png").exists()] == []


def test_home_stays_light() -> None:
    """In a process of its own: this one has long imported everything."""
    code = (
        "import json, sys; from streamlit.testing.v1 import AppTest; before = set(sys.modules);"
        f"app = AppTest.from_file({str(SHELL)!r}, default_timeout=60).run();"
        "assert not app.exception; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SHELL.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert "pages.ui.tour" in loaded
    assert loaded & {"torch", "scipy", "sklearn", "skimage", "pandas", "altair", "mpmath"} == set()
