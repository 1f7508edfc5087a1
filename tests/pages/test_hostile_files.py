"""A file that a visitor brings is read as numbers or refused in a sentence; nothing of it runs."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from visiting import BUILT, certified, module_of, preset, put, sent, specs, visit, words

from pages.catalog import Lesson
from pages.ui import sheet, upload

ROOT = Path(__file__).parents[2]
SPY = "https://spy.example/p.png"


class Trap:
    """What would be made anew if anybody loaded it."""

    def __reduce__(self) -> Any:
        return os.putenv, ("WORKINGS_RAN", "1")


HOSTILE = {
    "formulas": f'1,2\n=1+1,@SUM(A1:A9)\n"=WEBSERVICE(""{SPY}"")",+cmd|\' /C calc\'!A0\n'.encode(),
    "formulas only": b"=1+1,@SUM(A1)\n",
    "a million columns": b",".join([b"1"] * 10**6),
    "a million rows": b"1,2,3\n" * 10**6,
    "10,000 characters": b"1," + b"x" * 10_000,
    "10,000 digits": b"1," + b"9" * 10_000,
    "a null": b"1,2\n1,\x002\n",
    "nulls only": b"\x00" * 1000,
    "a quote left open": b'1,2\n"' + b"3" * 1000,
    "a script": b"1,2\n<script>alert(1)</script>,2\n",
    "a picture": f"1,2\n![spy]({SPY}),2\n".encode(),
    "not UTF-8": b"\xff\xfe1\x00,\x002\x00",
    "a pickle": pickle.dumps(Trap()),
    "nothing": b"",
    "no number": b"1,2,nan\n3,4,nan\n",
    "infinite": b"inf,-inf,inf\n",
    "too large": b"1e308,1e308,1e308\n-1e308,1,1\n",
}
FEW = ("formulas", "a million columns", "a null", "infinite")
ALL_OF_THEM = ("mlp", "ppca")  # a table of two typed lines, and one of a single line


def with_sheet() -> list:
    """Every lesson whose data are a table, on a preset narrow enough for one."""
    found = []
    for entry in BUILT:
        file = module_of(entry).__name__.replace("engine", "pages", 1).replace(".", "/") + ".py"
        if "page.sheet" in (ROOT / file).read_text(encoding="utf-8"):
            found.append(pytest.param(entry, id=entry.slug))
    return found


def opened(entry: Lesson) -> AppTest:
    for name in module_of(entry).PRESETS:
        app = preset(entry, name, section="Data")
        if app.file_uploader:
            return app
    pytest.fail(f"No preset of {entry.slug} shows its table.")


def picture(app: AppTest, entry: Lesson) -> tuple[Any, ...]:
    drawn = sent(app)
    drawn[f"{entry.slug}-transport"].pop("query")
    return drawn, specs(app), certified(app)


def typed(app: AppTest) -> dict[str, str]:
    return {field.key: field.value for field in app.text_input}


@pytest.mark.parametrize("entry", with_sheet())
def test_a_hostile_file_gets_one_sentence_and_the_picture_stays(
    entry: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(entry)
    before, lines, read = picture(app, entry), typed(app), sheet.csv.reader

    def reader(text: Any, **more: Any) -> Any:
        assert len(text.getvalue()) <= sheet.MOST, "read before it was measured"
        return read(text, **more)

    monkeypatch.setattr(sheet.csv, "reader", reader)
    for kind in HOSTILE if entry.slug in ALL_OF_THEM else FEW:
        content = HOSTILE[kind]
        name = f"![spy]({SPY})=1+1.csv"
        app.file_uploader[0].set_value((name, content, "text/csv")).run()
        assert not app.exception, kind
        wrong = [box.value for box in app.error]
        assert len(wrong) == 1, kind
        assert wrong[0].endswith("."), kind
        assert len(wrong[0]) < 160, kind
        assert (picture(app, entry), typed(app)) == (before, lines), kind
        for bad in ("spy.example", "=1", "@SUM", "alert(1)", "\x00"):
            assert not [text for text in words(app) if bad in text], kind
        assert "WORKINGS_RAN" not in os.environ, kind
        assert app.file_uploader, kind


def test_a_picture_that_memory_is_too_small_for_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = next(entry for entry in BUILT if entry.slug == "quantise")
    app = put(visit(entry), entry, picture="upload")
    before = picture(app, entry)

    def read(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("engine.clusters.quantise.uploaded", read)
    app.run()
    app.file_uploader[0].set_value(("mine.png", b"whatever", "image/png")).run()
    assert not app.exception
    assert [box.value for box in app.error] == [upload.NO_ROOM]
    assert picture(app, entry) == before
