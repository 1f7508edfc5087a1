"""Data and formulas leave the page as exactly as they were computed."""

import csv
import dataclasses
import io
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from visiting import built, module_of, named, questions_of, ran

from engine.working import Line
from pages.catalog import Lesson
from pages.ui.data import WIDEST, as_csv, records
from pages.ui.mathml import mathml


def traces(entry: Lesson) -> Iterator[Any]:
    module = module_of(entry)
    for case in module.PRESETS.values():
        trace = ran(entry, case)
        yield trace
        for slip in module.SLIPS.values():
            yield module.slipped(trace, slip)


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@built
def test_a_csv_gives_back_every_number_and_holds_no_formula(entry: Lesson) -> None:
    for trace in traces(entry):
        rows = records(trace)
        texts = {text for row in rows for text in (*row, *row.values()) if isinstance(text, str)}
        assert all(text[0].isalpha() for text in texts), (
            "what is no number must begin with a letter"
        )
        back = list(csv.DictReader(io.StringIO(as_csv(rows))))
        assert len(back) == len(rows)
        for row, read in zip(rows, back, strict=True):
            assert list(row) == list(read)
            for name, value in row.items():
                if value is None or isinstance(value, str):
                    assert read[name] == (value or "")
                else:
                    assert same(float(read[name]), float(value)), name


def entry_at(array: np.ndarray, step: int, steps: int) -> np.ndarray:
    """A field of fewer entries than steps begins later: nothing before."""
    late = steps - len(array)
    return array[step - late] if step >= late else np.full(array.shape[1:], np.nan)


@built
def test_the_rows_hold_every_number_of_the_trace(entry: Lesson) -> None:
    for trace in traces(entry):
        rows = records(trace)
        stepped = [f.name for f in dataclasses.fields(trace) if f.metadata.get("steps")]
        if not stepped:
            known = vars(trace.params) | vars(trace)
            found = {row["name"]: row["value"] for row in rows}
            assert len(found) == len(rows)
            assert {n for n, v in known.items() if isinstance(v, float)} <= found.keys()
            arrays = {n: v for n, v in vars(trace).items() if isinstance(v, np.ndarray)}
            for name, array in arrays.items():
                assert sum(n.startswith(f"{name}[") for n in found) == array.size
            for name, value in list(found.items())[:: 1 + len(found) // 500]:
                assert same(float(eval(name, {}, known)), value), name
            continue
        stepped.sort(key=lambda name: getattr(trace, name)[0].size)
        for step, row in enumerate(rows):
            wanted = [
                entry_at(getattr(trace, n), step, len(trace))
                for n in stepped
                if getattr(trace, n)[0].size <= WIDEST
            ]
            flat = np.concatenate([np.ravel(w) for w in wanted])
            assert row["step"] == step
            np.testing.assert_array_equal(np.array(list(row.values())[1:], float), flat)


def lines_of(found: Any) -> Iterator[Line]:
    if isinstance(found, Line):
        yield found
    else:
        for item in found:
            yield from lines_of(item)


@built
def test_every_formula_becomes_mathml(entry: Lesson) -> None:
    module = module_of(entry)
    seen = 0
    for trace in traces(entry):
        for line in lines_of(module.working(trace)):
            whole = [line.tex(step) for step in {0, len(trace) // 2, len(trace) - 1}]
            for tex in (line.symbol, line.formula, line.substituted, *whole):
                if not tex:
                    continue
                out = mathml(tex)
                assert out.startswith("<math"), tex
                pieces = tex.count(r"\allowbreak") + 1
                assert out.count("<math") == out.count("</math>") == pieces, tex
                assert "\\" not in out, f"{tex} became {out}"
                assert "@" not in out, f"{tex} became {out}"
                assert not re.search(r"[{}]", out), f"{tex} became {out}"
                seen += 1
    assert seen > 20


@built
def test_every_slot_of_a_formula_can_be_filled(entry: Lesson) -> None:
    module = module_of(entry)
    for trace in traces(entry):
        for line in lines_of(module.working(trace)):
            if not line.substituted:
                continue
            slots = re.findall(
                r'<mn data-slot="(\w+)" data-bare="[01]"></mn>', mathml(line.substituted)
            )
            assert set(slots) == set(line.slots()) <= set(line.numbers)


@pytest.mark.parametrize(("entry", "name"), named("PRESETS"))
def test_questions_are_formulas_too(entry: Lesson, name: str) -> None:
    module = module_of(entry)
    case = module.PRESETS[name]
    trace = ran(entry, case)
    questions = questions_of(entry, trace, case.step)
    assert questions
    assert all("\\" not in mathml(question.symbol) for question in questions)


def test_a_negative_number_gets_brackets_but_not_at_the_start() -> None:
    first, second = re.findall(r'data-bare="([01])"', mathml(r"@a@ \cdot @b@"))
    assert (first, second) == ("1", "0")
    assert re.findall(r'data-bare="([01])"', mathml(r"\sigma(@a@)")) == ["1"]
