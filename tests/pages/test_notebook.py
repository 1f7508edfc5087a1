"""The notebook that a page hands out runs, and would notice a wrong number."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from visiting import Taken, built, module_of, preset, put, ran, visit

from pages.catalog import Lesson
from pages.ui.handout import _notebook

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    return Taken(monkeypatch, lambda page, content, _: _notebook(page, content))


def executed(text: str) -> nbformat.NotebookNode:
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    client = NotebookClient(
        book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    return client.execute()


def printed(book: nbformat.NotebookNode) -> str:
    outputs = [out for cell in book.cells for out in cell.get("outputs", [])]
    assert {out.output_type for out in outputs} == {"stream"}
    assert {out.name for out in outputs} == {"stdout"}
    return "".join(out.text for out in outputs)


@pytest.mark.slow
@built
def test_a_notebook_runs_and_certifies(entry: Lesson, taken: Taken) -> None:
    module = module_of(entry)
    preset(entry, list(module.PRESETS)[-1])
    text = printed(executed(taken.made))
    assert str(taken.certificate) in text
    for slip in module.SLIPS.values():
        assert f"{slip.title} -> {module.certify(taken.trace, slip)}" in text
    for expression, value in taken.content.shown.items():
        assert f"{expression} = " in text
        assert value is not None


@pytest.mark.slow
@built
def test_a_number_tampered_with_is_noticed(entry: Lesson, taken: Taken) -> None:
    visit(entry)
    start = taken.made.index("shown = ")
    shown = taken.made[start:]
    number = (re.search(r"\d\.\d{12,}", shown) or re.search(r"\d\.\d", shown)).group()
    place = min(9, len(number) - 1)  # a lesson of round numbers has only one decimal
    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    tampered = taken.made[:start] + taken.made[start:].replace(number, wrong, 1)
    assert tampered != taken.made
    with pytest.raises(CellExecutionError, match="AssertionError"):
        executed(tampered)


@built
def test_a_notebook_is_valid_and_names_the_numbers_of_the_page(entry: Lesson, taken: Taken) -> None:
    name = list(module_of(entry).PRESETS)[1]
    preset(entry, name)
    book = nbformat.reads(taken.made, as_version=4)
    nbformat.validate(book)
    module, case = module_of(entry), module_of(entry).PRESETS[name]
    code = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert f"params = {entry.slug}.{case.params!r}" in code[0]
    room: dict = {}
    exec(code[0], room)
    assert room["trace"].digest() == ran(entry, case).digest()
    exec(code[1], room)
    assert module.__doc__.strip() in book.cells[-1].source


@built
def test_the_same_page_gives_the_same_file(entry: Lesson, taken: Taken) -> None:
    app = visit(entry)
    first = taken.made
    app.run()
    assert taken.made == first


@built
def test_a_slip_does_not_get_into_the_notebook(entry: Lesson, taken: Taken) -> None:
    app = visit(entry)
    first = taken.made
    put(app, entry, slip=next(iter(module_of(entry).SLIPS)))
    assert taken.made == first
