"""The LSTM cell: the table that fills, what the cell remembers, what is typed, two modes."""

from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.gradients import lstm
from pages.catalog import lesson
from pages.charts import lstm as charts

LSTM, CELL = lesson("lstm"), lesson("lstm_cell")
SHOWN = ("zi", "fi", "zf", "ff", "zo", "fo", "z", "c", "y")
FIRST = 2  # columns t and x


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["lstm-table"]


def captions(app: AppTest) -> list[str]:
    return sent(app)["lstm-transport"]["captions"]


def typed(app: AppTest, **lines: str) -> AppTest:
    for name, line in lines.items():
        app.text_input(key=f"lstm.{name}").set_value(line)
    return app.run()


def test_the_table_shows_the_exercise(golden: dict[str, Any]) -> None:
    case, rows = golden["s004.1"], table(visit(LSTM))["rows"]
    assert [row[0]["value"] for row in rows] == [1, 2, 3, 4]
    assert [row[1]["value"] for row in rows] == [
        ", ".join(f"{v:g}".replace("-", "−") for v in x) for x in case["X"][:4]
    ]
    for name, key in (("fi", "i"), ("ff", "f"), ("fo", "o"), ("c", "c"), ("y", "y")):
        j = FIRST + SHOWN.index(name)
        assert [row[j]["value"] for row in rows] == pytest.approx(case[key][:4], rel=1e-13)
    assert [row[-1]["value"] for row in rows] == case["hard_y"][:4]  # by hand, beside


@pytest.mark.parametrize("name", lstm.PRESETS)
def test_the_table_is_the_trace(name: str) -> None:
    case = lstm.PRESETS[name]
    trace = lstm.run(**case.data, params=case.params)
    shown = table(preset(LSTM, name))
    assert len(shown["columns"]) == FIRST + len(SHOWN) + 1
    for t, row in enumerate(shown["rows"]):
        got = [cell["value"] for cell in row[FIRST:]]
        assert got == [*(getattr(trace, n)[t] for n in SHOWN), lstm.beside(trace).y[t]]


def test_a_row_is_filled_at_its_step_and_lit() -> None:
    shown = table(preset(LSTM, "eight"))
    assert len(shown["rows"]) == 8
    for t, row in enumerate(shown["rows"]):
        assert not row[0]["ahead"]
        assert not row[1]["ahead"]
        for cell in row[FIRST:]:
            assert cell["ahead"] == [step <= t for step in range(9)]
    assert shown["lit"] == [-1, *range(8)]


def test_the_captions_say_what_the_gates_do() -> None:
    said = captions(preset(LSTM, "hand"))
    assert said == [
        "only the inputs are known; the cell is empty",
        "takes in 3, shows nothing · c = 3, y = 0",
        "keeps 3, takes in −2, shows 1 · c = 1, y = 1",
        "forgets 1, takes in 4, shows 4 · c = 4, y = 4",
        "keeps 4, takes in 0, shows 4 · c = 4, y = 4",
    ]
    assert "shuts the input out" in captions(preset(LSTM, "eight"))[6]
    assert "keeps 0.73 of 4" in captions(preset(LSTM, "soft"))[4]


def parts_of(trace: lstm.Lstm) -> tuple[list[dict[str, Any]], list[float]]:
    """The contributions that the chart draws, and the range of its axis."""
    spec = charts.memory(trace, None, len(trace), 0).to_dict()
    bars = next(layer for layer in spec["layer"] if "color" in layer["encoding"])
    domain = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    return spec["datasets"][bars["data"]["name"]], domain


@pytest.mark.parametrize("name", lstm.PRESETS)
def test_the_chart_piles_up_to_the_cell(name: str) -> None:
    case = lstm.PRESETS[name]
    trace = lstm.run(**case.data, params=case.params)
    parts, (low, high) = parts_of(trace)
    for t in range(1, len(trace)):
        total = sum(row["part"] for row in parts if row["t"] == t)
        assert total == pytest.approx(trace.c[t - 1], abs=1e-3 * (high - low) * t)
    for row in parts:
        assert row["v"] - row["v2"] == pytest.approx(row["part"])
        assert low <= min(row["v"], row["v2"])
        assert max(row["v"], row["v2"]) <= high
        assert (row["kind"] == "put in at t") == (row["s"] == row["t"])
        assert row["s"] <= row["t"]


def test_contributions_of_one_sign_lie_end_to_end() -> None:
    parts, _ = parts_of(lstm.run([[1, 0, 1, v] for v in (3, -2, 4, -1)]))
    last = {row["s"]: (row["v2"], row["v"]) for row in parts if row["t"] == 4}
    wanted = {1: [0, 3], 3: [3, 7], 2: [0, -2], 4: [-2, -3]}
    assert set(last) == set(wanted)
    for s, ends in wanted.items():
        np.testing.assert_allclose(last[s], ends, atol=1e-3)


@pytest.mark.parametrize("name", lstm.PRESETS)
def test_the_slip_lights_just_the_entries_it_changes(name: str) -> None:
    case = lstm.PRESETS[name]
    trace = lstm.run(**case.data, params=case.params)
    app = preset(LSTM, name, slip="label")
    assert not certified(app)
    for t, row in enumerate(table(app)["rows"]):
        for column, cell in zip(SHOWN, row[FIRST:], strict=False):
            changed = abs(cell["value"] - getattr(trace, column)[t]) > 1e-12
            assert cell["wrong"] == changed, (column, t)
    working = sent(app)["lstm-working"]
    for step, places in enumerate(working["steps"][1:], 1):
        lines = [working["lines"][i] for i in places]
        assert [line["printed"] for line in lines] == [False, False, True, False, False, False]
        lit = [
            bool(np.array(line["wrong"]).any() and line["wrong"][step])
            if isinstance(line["wrong"], list)
            else False
            for line in lines
        ]
        row = table(app)["rows"][step - 1]
        wanted = [row[FIRST + SHOWN.index(n)]["wrong"] for n in ("z", "fi", "ff", "fo", "c", "y")]
        assert lit == wanted


def test_the_working_fills_each_step() -> None:
    app = visit(LSTM)
    working, trace = sent(app)["lstm-working"], app.session_state["lstm.good"]
    assert len(working["steps"]) == 5
    for group, places in zip(lstm.working(trace), working["steps"], strict=True):
        assert [working["lines"][i]["value"] for i in places] == [line.value for line in group]


def test_the_null_direction_changes_x_and_nothing_else() -> None:
    app = preset(LSTM, "exercise")
    still = table(app)["rows"]
    app.number_input(key="lstm.shift").set_value(3.5).run()
    moved = table(app)["rows"]
    assert certified(app)
    assert [row[1]["value"] for row in moved] != [row[1]["value"] for row in still]
    assert [row[FIRST:] for row in moved] == [row[FIRST:] for row in still]
    assert captions(app)[0] == "all inputs moved by 3.5 (1, −1, 0, 0): no row sees it"
    typed(
        app, weights="1, 0, 0, 1, 0; 100, 100, 0, 0, -10; -100, -100, 0, 0, 110; 0, 0, 100, 0, -10"
    )
    assert captions(app)[0].endswith("some rows see it")
    assert certified(app)
    assert [row[FIRST:] for row in table(app)["rows"]] != [row[FIRST:] for row in still]


def test_the_gates_can_be_switched_and_the_other_kind_stands_beside(golden: dict[str, Any]) -> None:
    app = visit(LSTM)
    app.segmented_control(key="lstm.gates").set_value("step").run()
    rows = table(app)["rows"]
    assert [row[FIRST + 8]["value"] for row in rows] == golden["s004.1"]["hard_y"][:4]
    assert [row[-1]["value"] for row in rows] == pytest.approx(golden["s004.1"]["y"][:4])


def test_a_question_blanks_its_row_and_all_that_would_tell() -> None:
    app = put(visit(LSTM), LSTM, section="Predict")
    step = sent(app)["lstm-transport"]["start"]
    assert step == 3
    for name, hidden in (("ff", {"ff", "c", "y"}), ("c", {"c", "y"}), ("y", {"y"})):
        app.pills(key="lstm.question").set_value(name).run()
        for t, row in enumerate(table(app)["rows"]):
            blank = {n for n, cell in zip(SHOWN, row[FIRST:], strict=False) if cell["blank"]}
            assert blank == (hidden if t >= step - 1 else set())
            assert row[-1]["blank"] == (t >= step - 1)
        lines = sent(app)["lstm-working"]["lines"]
        assert any(line["blank"] for line in lines)
        assert captions(app)[step] == "what does row 3 hold?"
        assert "c = " in captions(app)[step - 1]
        assert "min(step, 2)" in str(specs(app)[0])
    app.segmented_control(key="lstm.section").set_value("Slips").run()
    assert not any(cell["blank"] for row in table(app)["rows"] for cell in row)


@pytest.mark.parametrize(
    "x",
    ["1, 2, 3, 4", "0,0,0,0; 0,0,0,0", "500,-500,500,-500; 1,1,1,1", "; ".join(["1,0,1,2"] * 60)],
)
@pytest.mark.parametrize("gates", ["sigmoid", "step"])
def test_odd_inputs_are_finite_and_certified(x: str, gates: str) -> None:
    app = typed(visit(LSTM), x=x)
    app.segmented_control(key="lstm.gates").set_value(gates).run()
    assert not app.exception
    assert not app.error
    assert certified(app)
    steps = x.count(";") + 1
    assert len(table(app)["rows"]) == steps
    assert len(captions(app)) == steps + 1


def test_a_wrong_row_is_named_at_its_field() -> None:
    app = typed(visit(LSTM), x="0, 1, 0, 3; 1, 0, 1")
    assert [box.value for box in app.error] == [
        "x must have 4 numbers in each row, got 3 in row 2."
    ]
    app = typed(visit(LSTM), weights="1, 2")
    assert app.error[0].value == "weights must have 5 numbers in each row, got 2 in row 1."


def test_the_data_leave_the_row_before_the_first_input_empty() -> None:
    rows = put(visit(LSTM), LSTM, section="Data").dataframe[0].value
    trace = lstm.run(lstm.EXERCISE_X)
    assert rows["c"].isna().tolist() == [True, False, False, False, False]
    assert rows["c"].tolist()[1:] == trace.c.tolist()
    assert rows["seen[3]"].tolist()[1:] == [3, -2, 4, 0]
    assert rows["kept[0]"].tolist() == trace.kept[:, 0].tolist()


# Two modes on one page.


def modes(app: AppTest) -> Any:
    return app.segmented_control(key="lstm.mode")


def test_the_page_opens_on_the_exercise_and_changes_to_the_full_cell() -> None:
    app = visit(LSTM)
    assert modes(app).options == ["Gate table", "Full cell"]
    assert app.title[0].value == LSTM.question
    modes(app).set_value("lstm_cell").run()
    assert not app.exception
    assert not app.warning
    assert app.title[0].value == CELL.question
    assert CELL.answer in [text.value for text in app.markdown]
    assert "lstm_cell-table" in sent(app)
    assert "lstm-table" not in sent(app)
    assert certified(app)


def test_each_mode_keeps_its_numbers_its_step_and_its_slip() -> None:
    app = preset(LSTM, "soft", slip="label")
    before = sent(app)
    modes(app).set_value("lstm_cell").run()
    app.number_input(key="lstm_cell.forget").set_value(-1.5).run()
    app.pills(key="lstm_cell.slip").set_value("early").run()
    there = sent(app)["lstm_cell-table"]
    modes(app).set_value("lstm").run()
    assert not app.warning
    assert sent(app) == before
    assert app.pills(key="lstm.preset").value == "soft"
    modes(app).set_value("lstm_cell").run()
    assert sent(app)["lstm_cell-table"] == there
    assert app.number_input(key="lstm_cell.forget").value == -1.5
    assert app.pills(key="lstm_cell.slip").value == "early"


def test_the_address_of_the_mode_before_is_no_link_to_the_other() -> None:
    """The browser still shows it when the choice arrives."""
    for entry, other in ((LSTM, CELL), (CELL, LSTM)):
        app = visit(entry)
        query = sent(app)[f"{entry.slug}-transport"]["query"]
        app.query_params = dict(parse_qsl(query)) | {"step": "1"}
        modes(app).set_value(other.slug).run()
        assert not app.warning
        assert app.title[0].value == other.question


def test_a_link_opens_the_mode_it_names() -> None:
    query = dict(parse_qsl(sent(preset(CELL, "forgets"))["lstm_cell-transport"]["query"]))
    assert query["mode"] == "lstm_cell"
    app = by_link(query | {"step": "30"})
    assert not app.warning
    assert modes(app).value == "lstm_cell"
    assert app.pills(key="lstm_cell.preset").value == "forgets"
    assert sent(app)["lstm_cell-transport"]["start"] == 30


def test_a_link_that_names_no_mode_opens_the_first() -> None:
    query = dict(parse_qsl(sent(preset(LSTM, "hand"))["lstm-transport"]["query"]))
    assert "mode" not in query
    app = by_link(query, before="lstm_cell")
    assert not app.warning
    assert modes(app).value == "lstm"
    assert app.pills(key="lstm.preset").value == "hand"


@pytest.mark.parametrize("mode", ["moon", "lstm", "rnn", "", "9" * 3000])
def test_a_link_to_a_mode_that_is_not_there_opens_the_page_as_usual(mode: str) -> None:
    query = dict(parse_qsl(sent(visit(CELL))["lstm_cell-transport"]["query"]))
    app = by_link(query | {"mode": mode})
    assert not app.exception
    assert len(app.warning) == 1
    assert app.title[0].value == LSTM.question
    assert app.pills(key="lstm.preset").value == "exercise"


def test_another_page_and_back_keeps_the_mode_and_its_numbers() -> None:
    app = preset(CELL, "latch", slip="slope")
    before = sent(app)["lstm_cell-table"]
    app.switch_page("gradients/chain.py").run()
    app.query_params = {}
    app.switch_page("gradients/lstm.py").run()
    assert not app.warning
    assert modes(app).value == "lstm_cell"
    assert sent(app)["lstm_cell-table"] == before
    app.toggle(key="project").set_value(True).run()
    assert not app.segmented_control
    app.toggle(key="project").set_value(False).run()
    assert modes(app).value == "lstm_cell"
    assert app.pills(key="lstm_cell.preset").value == "latch"


def by_link(query: dict[str, str], before: str | None = None) -> AppTest:
    """The page entered by a link, the mode left to it."""
    app = visit()
    if before is not None:
        app.session_state["lstm.mode"] = before
    app.switch_page("gradients/lstm.py")
    app.query_params = query
    return app.run()
