"""The handout: formulas, certificate and data in one file that needs nothing else."""

import html
import re

import pytest
from visiting import BUILT, Taken, built, module_of, named, preset, put, sent, visit

from pages.catalog import Lesson
from pages.ui.data import records
from pages.ui.handout import COLUMNS, ROWS, _document
from pages.ui.mathml import mathml
from pages.ui.state import fields_of

NAMESPACES = {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    return Taken(monkeypatch, _document)


@pytest.mark.parametrize(("entry", "name"), named("PRESETS"))
def test_a_handout_holds_formulas_certificate_step_and_data(
    entry: Lesson, name: str, taken: Taken
) -> None:
    preset(entry, name)
    holds_every_formula(entry, taken)
    assert "<b>Certified.</b> " + html.escape(str(taken.certificate)) in taken.made
    step = module_of(entry).PRESETS[name].step
    assert f"step {step} of {len(taken.captions) - 1}: " in taken.made
    assert html.escape(taken.captions[step]) in taken.made
    assert html.escape(entry.question) in taken.made
    holds_the_data(taken)


def holds_every_formula(entry: Lesson, taken: Taken) -> None:
    lines = taken.content.lines
    assert lines
    for line in lines:
        assert mathml(line.tex(taken.step)) in taken.made
    named = sum(
        field.label.startswith("$") for field in fields_of(module_of(entry).Params).values()
    )
    breaks = sum(line.tex(taken.step).count(r"\allowbreak") for line in lines)
    assert taken.made.count("<math") == len(lines) + breaks + named
    assert "\\" not in taken.made


def holds_the_data(taken: Taken) -> None:
    cells = re.findall(r"<td>([^<]*)</td>", taken.made)
    rows = records(taken.shown)
    numbers = [list(row.values())[:COLUMNS] for row in rows[:ROWS]]
    flat = ["" if v is None else v for row in numbers for v in row]
    wanted = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in flat]
    assert [html.unescape(cell) for cell in cells] == wanted
    for value in taken.settings.values():
        assert html.escape(f" = {value}") in taken.made


@built
def test_a_handout_with_a_slip_says_so(entry: Lesson, taken: Taken) -> None:
    app = visit(entry)
    slip = next(iter(module_of(entry).SLIPS.values()))
    put(app, entry, slip=slip.name)
    assert "<b>Not certified.</b> " + html.escape(str(taken.certificate)) in taken.made
    assert html.escape(slip.title) in taken.made
    assert html.escape(slip.what) in taken.made


@built
def test_a_handout_needs_nothing_from_outside(entry: Lesson, taken: Taken) -> None:
    visit(entry)
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<>]+", taken.made))
    assert addresses <= NAMESPACES
    # The browser puts in the figure and the address of the live page.
    assert taken.made.count("<!--figure-->") == 1
    assert taken.made.count('href="<!--link-->"') == 1
    assert not re.search(r"<(script|link|iframe|object|embed|img)\b", taken.made)
    assert not re.search(r"\b(src|srcset|@import|url\()", taken.made)
    assert re.findall(r"href=\"([^\"]*)\"", taken.made) == ["<!--link-->"]


@pytest.mark.parametrize("text", [SCRIPT, "<!--figure-->", '"><img src=x>', "{title}", "a & b"])
def test_typed_text_stays_text(text: str, taken: Taken) -> None:
    entry = next(entry for entry in BUILT if entry.slug == "coins")
    app = visit(entry)
    app.text_input(key="coins.heads").set_value(text).run()
    assert html.escape(text) in taken.made
    if html.escape(text) != text:
        assert text not in taken.made.replace("<figure><!--figure-->", "")


@built
def test_a_handout_is_made_only_when_asked_for(entry: Lesson) -> None:
    assert sent(visit(entry))[f"{entry.slug}-handout"]["document"] == ""
