"""Catalog, pages, charts, engine and tests say the same, and every page keeps the house rules."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.catalog import CHAPTERS, LESSONS, Lesson, host

ROOT = Path(__file__).parents[2]
PAGES, ENGINE, TESTS = ROOT / "pages", ROOT / "engine", ROOT / "tests"
SIXTEEN = {
    "gradients": ["chain", "mlp", "minmax", "residual", "lstm", "rnn", "shapes"],
    "mixtures": ["coins", "bernoulli", "gaussian", "ppca"],
    "clusters": ["centres", "quantise"],
    "training": ["sweep", "two_layer"],
    "boosting": ["samme"],
}
MATHEMATICS = {"numpy", "math", "cmath", "statistics", "decimal", "fractions", "random"} | {
    "scipy",
    "torch",
    "mpmath",
    "sklearn",
    "skimage",
    "pandas",
}
HEAVY = {"torch", "scipy", "sklearn", "skimage", "pandas", "mpmath"}
LONGEST_PAGE = 80

# A further mode of a page owes what a lesson does; only its page is reached through its host.
EVERY = [mode for entry in LESSONS for mode in entry.all_modes]
BUILT = [entry for entry in EVERY if entry.built]
BY_SLUG = {entry.slug: entry for entry in EVERY}
PAGE_FILES = [file for chapter in CHAPTERS for file in sorted((PAGES / chapter).glob("*.py"))]
CHART_FILES = sorted((PAGES / "charts").glob("*.py"))
VIEW_FILES = sorted(PAGES.rglob("*.py"))

built = pytest.mark.parametrize("entry", BUILT, ids=lambda entry: entry.slug)
each_page = pytest.mark.parametrize("file", PAGE_FILES, ids=lambda file: file.stem)
each_chart = pytest.mark.parametrize("file", CHART_FILES, ids=lambda file: file.stem)


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> set[str]:
    """Top-level names of all that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def calls(file: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == name:
            yield node


# The catalog.


def test_the_catalog_lists_the_sixteen_lessons_in_their_chapters() -> None:
    listed = {chapter: [e.slug for e in LESSONS if e.chapter == chapter] for chapter in CHAPTERS}
    assert listed == SIXTEEN
    assert len(LESSONS) == 16
    assert len(BY_SLUG) == len(EVERY)


def test_modes_share_a_page_and_no_name() -> None:
    for entry in LESSONS:
        for mode in entry.modes:
            assert (mode.chapter, mode.modes) == (entry.chapter, ())
            assert host(mode.slug) is entry
            assert mode.question.endswith("?")
            assert mode.built == entry.built
        words = [mode.mode for mode in entry.all_modes]
        assert len(words) == len(set(words))
        assert all(words) == bool(entry.modes)


def test_an_entry_says_what_a_visitor_needs() -> None:
    for entry in LESSONS:
        assert entry.title.strip()
        assert entry.question.endswith("?"), entry.slug
        assert re.match(r"\d{3}-\d", entry.exercise), entry.slug
        if entry.built:
            assert entry.answer.endswith("."), entry.slug


@built
def test_a_built_lesson_has_its_files_and_tests(entry: Lesson) -> None:
    chapter, slug = entry.chapter, entry.slug
    wanted = [
        PAGES / chapter / f"{slug}.py",
        PAGES / "charts" / f"{slug}.py",
        ENGINE / chapter / f"{slug}.py",
    ]
    assert [str(path.relative_to(ROOT)) for path in wanted if not path.is_file()] == []
    assert list((TESTS / "engine" / chapter).glob(f"test_{slug}*.py")), "no engine test"
    assert list((TESTS / "pages").glob(f"test_{slug}_page.py")), "no page test"


def test_nothing_is_built_beside_the_catalog() -> None:
    folders = {path.parent.name for path in PAGES.glob("*/*.py")} - {"ui", "charts"}
    assert folders <= set(CHAPTERS)
    strangers = [f for f in PAGE_FILES if f.stem not in BY_SLUG]
    assert strangers == []
    assert all(BY_SLUG[file.stem].chapter == file.parent.name for file in PAGE_FILES)
    shared = {"__init__", "theme", "climb", "quick"}
    charted = {file.stem for file in CHART_FILES} - shared
    lone = {c for c in charted if not any(c == s or c.startswith(f"{s}_") for s in BY_SLUG)}
    assert lone == set()  # `<slug>.py`, or `<slug>_<idea>.py`


def test_a_lesson_of_the_engine_is_in_the_catalog() -> None:
    for file in sorted(ENGINE.glob("*/*.py")):
        defined = {
            target.id
            for node in tree(file).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if "PRESETS" in defined:
            assert BY_SLUG[file.stem].chapter == file.parent.name


# Pages.


@each_page
def test_a_page_holds_no_mathematics(file: Path) -> None:
    assert imported(file) & MATHEMATICS == set()


@each_page
def test_a_page_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE


@each_chart
def test_a_chart_module_draws_and_does_nothing_else(file: Path) -> None:
    assert imported(file) & (HEAVY | {"streamlit"}) == set()


def test_chart_modules_are_quick_to_import() -> None:
    """All in one fresh interpreter, which names the first that drags something heavy in."""
    names = [f"pages.charts.{file.stem}" for file in CHART_FILES if file.stem != "__init__"]
    code = (
        "import importlib, json, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    heavy = {HEAVY!r} & sys.modules.keys()\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
        "print(json.dumps(list(sys.modules)))"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    assert set(names) <= set(json.loads(fresh.stdout))


@pytest.mark.parametrize("file", [*VIEW_FILES, ROOT / "app.py"], ids=lambda file: file.stem)
def test_no_page_lets_a_visitors_text_run(file: Path) -> None:
    text = re.sub(r"\s", "", file.read_text(encoding="utf-8"))
    assert "unsafe_allow_html=True" not in text
    assert "unsafe_allow_javascript=True" not in text


@pytest.mark.parametrize("file", VIEW_FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_number_field_is_bounded(file: Path) -> None:
    """st.number_input(label, min_value, max_value, ...): both, by place or by name."""
    for call in calls(file, "number_input"):
        given = dict(zip(("label", "min_value", "max_value"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        where = f"{file.name}:{call.lineno}"
        for bound in ("min_value", "max_value"):
            assert bound in given, f"{where} has no {bound}"
            value = given[bound]
            assert not (isinstance(value, ast.Constant) and value.value is None), where


@built
def test_every_equation_of_the_engine_is_on_the_page(entry: Lesson) -> None:
    app = AppTest.from_file(PAGES / "shell.py", default_timeout=120).run()
    app.session_state[f"{entry.slug}.section"] = "Derivation"
    page = host(entry.slug)
    if page.modes:
        app.session_state[f"{page.slug}.mode"] = entry.slug
    app.switch_page(f"{page.chapter}/{page.slug}.py").run()
    assert not app.exception
    derivation = [text.value for text in app.markdown if r"\tag{1}" in text.value]
    assert len(derivation) == 1
    tags = re.findall(r"\\tag\{\d+\}", importlib.import_module(entry.module).__doc__ or "")
    assert tags
    assert re.findall(r"\\tag\{\d+\}", derivation[0]) == tags
    # Markdown takes a displayed formula over several lines only between lines of their own.
    displayed = re.findall(r"(?m)^\$\$$\n(.+?)\n^\$\$$", derivation[0], flags=re.DOTALL)
    assert sum(r"\tag" in formula for formula in displayed) == len(tags)
