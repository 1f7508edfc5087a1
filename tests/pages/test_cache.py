"""Each computation once, by content; nothing shared can be changed."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from engine.gradients import chain
from engine.mixtures import coins
from pages.ui import cache
from pages.ui.cache import awaited, cached, made
from pages.ui.vega import arrow, drawn, sendable

ROOT = Path(__file__).parents[2]
HEADS = [5, 9, 8, 4, 7]


def test_equal_content_gives_the_same_object() -> None:
    one = cached(coins.run, HEADS, 10, coins.Params())
    other = cached(coins.run, list(HEADS), 10, coins.Params(start=(0.6, 0.5)))
    assert one is other


@pytest.mark.parametrize(
    ("heads", "tosses", "params"),
    [
        ([5, 9, 8, 4, 6], 10, coins.Params()),
        (HEADS, 11, coins.Params()),
        (HEADS, [10, 10, 10, 10, 11], coins.Params()),
        (HEADS, 10, coins.Params(start=(0.6, 0.5 + 2**-52))),
        (HEADS, 10, coins.Params(steps=11)),
        (HEADS, 10, coins.Params(mixing="free")),
    ],
)
def test_one_number_apart_gives_another(heads: list, tosses: object, params: object) -> None:
    one = cached(coins.run, HEADS, 10, coins.Params())
    other = cached(coins.run, heads, tosses, params)
    assert other is not one
    assert other.digest() == coins.run(heads, tosses, params).digest()


def test_two_functions_do_not_share() -> None:
    params = chain.Params()
    trace = cached(chain.run, params)
    assert cached(chain.working, trace) is not cached(chain.questions, trace)
    assert cached(chain.working, trace) is cached(chain.working, chain.run(params))


def test_a_slip_is_content_too() -> None:
    trace = chain.run(chain.Params())
    first, second = (cached(chain.slipped, trace, slip) for slip in list(chain.SLIPS.values())[:2])
    assert first.digest() != second.digest()


def total(values: np.ndarray) -> float:
    return float(values.sum())


def test_large_arrays_that_differ_in_one_entry_are_told_apart() -> None:
    """Streamlit's own hash looks at a sample of an array of this size."""
    values = np.zeros(600_000)
    other = values.copy()
    for place in (0, 299_999, 599_999):
        other[:] = 0
        other[place] = 1
        assert cached(total, values) == 0
        assert cached(total, other.copy()) == 1
        cleared = other.reshape(2, -1)
        assert cached(total, cleared) == 1


def test_what_is_shared_is_frozen() -> None:
    trace = cached(coins.run, HEADS, 10, coins.Params())
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.settled = 0
    for field in dataclasses.fields(trace):
        value = getattr(trace, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


def test_an_error_is_not_kept() -> None:
    calls = []

    def fails_once(value: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            raise coins.DataError("once")
        return value

    with pytest.raises(coins.DataError):
        cached(fails_once, 7)
    assert cached(fails_once, 7) == 7
    assert calls == [7, 7]


def test_a_chart_is_encoded_once() -> None:
    from pages.charts import coins as charts

    trace = cached(coins.run, HEADS, 10, coins.Params())
    one = made(drawn, charts.ascent, trace, None, 1)
    assert made(drawn, charts.ascent, coins.run(HEADS, 10), None, 1) is one
    assert made(drawn, charts.ascent, trace, None, 2) is not one
    assert one == charts.ascent(trace, None, 1).to_dict()


HALF_IMPORTED = """
import sys, threading, time
sys.path.insert(0, {folder!r})
import altair as alt
from pages.ui.vega import drawn
data = alt.InlineData(values=[dict(a=1)])
sys.modules.pop("pandas", None)
importing = threading.Thread(target=__import__, args=("pandas",))
importing.start()
while "pandas" not in sys.modules:
    time.sleep(0.01)
found = drawn(lambda: alt.Chart(data).mark_point().encode(x="a:Q"))
assert found["mark"]["type"] == "point"
assert sys.modules["pandas"].Timestamp, "drawn before it was whole"
importing.join()
"""


def test_a_chart_waits_for_a_library_that_another_thread_imports(tmp_path: Path) -> None:
    """The first visitors of a server come while it still imports."""
    slow = tmp_path / "pandas"
    slow.mkdir()
    kinds = "".join(f"class {n}: pass\n" for n in ("Timestamp", "DataFrame", "Series", "Index"))
    (slow / "__init__.py").write_text(f"import time\ntime.sleep(0.5)\n{kinds}")
    code = HALF_IMPORTED.format(folder=str(tmp_path))
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr


def test_a_word_while_it_is_computed_and_none_when_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    @contextmanager
    def spinner(says: str) -> Iterator[None]:
        said.append(says)
        yield

    monkeypatch.setattr("pages.ui.cache.st.spinner", spinner)
    monkeypatch.setattr(cache, "_took", {})
    trace = chain.run(chain.Params(w1=0.123_456))
    first = awaited("Checking", chain.certify, trace, None)
    assert said == ["Checking"]
    assert awaited("Checking", chain.certify, trace, None) is first
    assert cached(chain.certify, trace, None) is first
    assert said == ["Checking"]
    assert list(cache._took) == ["engine.gradients.chain.certify"]
    cache._took["engine.gradients.chain.certify"] = 0.01  # now that torch is there
    awaited("Checking", chain.certify, chain.run(chain.Params(w1=0.123_457)), None)
    assert said == ["Checking"], "a word for a thing that took no time"
    monkeypatch.setattr(cache, "QUICK", 0.0)
    awaited("Checking", chain.certify, chain.run(chain.Params(w1=0.123_458)), None)
    assert said == ["Checking"] * 2


ROWS = [
    {"i": 0, "x": 0.5, "name": "A", "on": True, "maybe": 1.0},
    {"i": 1, "x": 2, "name": "B", "on": False, "maybe": float("nan")},
    {"i": 2, "x": float("inf"), "name": "<b>", "on": True, "maybe": None},
]


def test_rows_arrive_as_streamlit_would_send_them() -> None:
    def read(stream: bytes) -> list[dict]:
        table = pyarrow.ipc.open_stream(stream).read_all()
        return table.select(list(ROWS[0])).to_pylist()

    sent = read(arrow(ROWS))
    assert sent == read(convert_anything_to_arrow_bytes(ROWS))
    assert sent[1]["maybe"] is None, "NaN is no number to a chart either"
    assert sent[:1] == ROWS[:1]
    assert pyarrow.ipc.open_stream(arrow([])).read_all().num_rows == 0


def test_a_chart_is_sent_with_its_rows_and_may_be_changed() -> None:
    from pages.charts import coins as charts

    trace = coins.run(HEADS, 10)
    plain, sent = (f(charts.ascent, trace, None, 1) for f in (drawn, sendable))
    assert sent["layer"] == plain["layer"]
    assert list(sent["datasets"]) == list(plain["datasets"])
    for name, stream in sent["datasets"].items():
        assert pyarrow.ipc.open_stream(stream).read_all().to_pylist() == plain["datasets"][name]
    sent["layer"].clear()
    del sent["datasets"]
    again = sendable(charts.ascent, trace, None, 1)
    assert again["layer"] == plain["layer"]
    assert again["datasets"]
