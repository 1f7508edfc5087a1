"""The full LSTM cell, a mode of the page of the LSTM cell: its table, charts, slips, questions."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.gradients import lstm_cell
from pages.catalog import lesson
from pages.charts import lstm_cell as charts

CELL = lesson("lstm_cell")
HEADS = ("i", "f", "g", "o", "c", "h", "dh", "dc")


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["lstm_cell-table"]


def at(value: Any, step: int) -> Any:
    return value[step] if isinstance(value, list) else value


def wanted(trace: lstm_cell.Cell, name: str, t: int, unit: int = 0) -> float:
    if name in lstm_cell.GATES:
        return trace.gates[t - 1, "ifgo".index(name), unit]
    return getattr(trace, name)[t, unit]


@pytest.mark.parametrize("name", lstm_cell.PRESETS)
def test_the_table_is_the_trace(name: str) -> None:
    """At every state: the right step in each row, known numbers and no others, the row lit."""
    trace = lstm_cell.run(lstm_cell.PRESETS[name].params)
    T = len(trace.x)
    for unit in range(len(trace.target)):
        shown = table(preset(CELL, name, unit=unit))
        for k, state in enumerate(lstm_cell.states(T)):
            rows = [[(at(c["value"], k), at(c["ahead"], k)) for c in row] for row in shown["rows"]]
            times = [row[0][0] for row in rows]
            assert times == list(range(times[0], times[0] + min(5, T)))
            assert times[0] >= 1
            assert times[-1] <= T
            lit = shown["lit"][k]
            assert (times[lit] == state.t) if state.t else lit == -1
            for t, row in zip(times, rows, strict=True):
                for head, (value, ahead) in zip(HEADS, row[1:], strict=True):
                    assert value == wanted(trace, head, t, unit)
                    home = k >= 2 * T + 2 - t or (head == "dh" and t == T and k > T)
                    assert ahead == (not home if head in ("dh", "dc") else k < t), (head, t, k)


def test_every_step_of_the_walk_has_its_words() -> None:
    app = preset(CELL, "one")
    trace, said = app.session_state["lstm_cell.good"], sent(app)["lstm_cell-transport"]["captions"]
    assert len(said) == len(trace) == 15
    assert said[0] == "given: the weights and 6 inputs; the cell is empty"
    assert said[6] == "forward: c₆ and h₆ from x₆ and h₅"
    assert said[7] == f"the loss: L = {trace.loss:.3g}"
    length = float(np.linalg.norm(trace.dc[5]))
    assert said[9] == f"backward: step 5, 1 step from the end · ‖∂L/∂c₅‖ = {length:.3g}"
    assert said[14] == "the sum of 6 steps into each weight"


@pytest.mark.parametrize("name", lstm_cell.PRESETS)
def test_the_chart_of_the_error_is_its_length(name: str) -> None:
    trace = lstm_cell.run(lstm_cell.PRESETS[name].params)
    T = len(trace.x)
    spec = charts.errors(trace, None, len(trace) - 1, 0).to_dict()
    plain, walked = (spec["datasets"][layer["data"]["name"]] for layer in spec["layer"][:2])
    size, other = (np.linalg.norm(v[1:], axis=1) for v in (trace.dc, trace.plain_dh))
    low, high = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    for rows, values in ((walked, size), (plain, other * size[-1] / other[-1])):
        drawn = {row["t"]: row["size"] for row in rows}
        assert set(drawn) == {t for t in range(1, T + 1) if values[t - 1] >= low}
        for t, value in drawn.items():
            assert value == pytest.approx(values[t - 1], rel=1e-12)
            assert low <= value <= high
    assert {row["at"] - (2 * T + 2 - row["t"]) for row in walked} == {0}


def test_the_chart_of_the_gates_is_the_gates() -> None:
    trace = lstm_cell.run(lstm_cell.PRESETS["forgets"].params)
    T = len(trace.x)
    spec = charts.gates(trace, len(trace) - 1, 1, 0).to_dict()
    data = [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"]]
    low, high = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    (strips,) = (rows for rows in data if "open" in rows[0])
    for row in strips:
        assert row["open"] == wanted(trace, row["gate"], row["t"], 1)
        assert low < row["v"] < row["v2"] <= high
    assert len(strips) == 3 * T
    lines = {rows[0]["name"]: rows for rows in data if rows[0].get("name") in ("c", "h")}
    bottom = min(row["v"] for row in strips)
    for name, rows in lines.items():
        assert [row["v"] for row in rows] == [wanted(trace, name, t, 1) for t in range(1, T + 1)]
        assert all(low <= row["v"] <= bottom for row in rows)


@pytest.mark.parametrize("name", lstm_cell.PRESETS)
@pytest.mark.parametrize("slip", lstm_cell.SLIPS)
def test_a_slip_lights_just_the_entries_it_changes(name: str, slip: str) -> None:
    trace = lstm_cell.run(lstm_cell.PRESETS[name].params)
    other, T = lstm_cell.slipped(trace, lstm_cell.SLIPS[slip]), len(trace.x)
    app = preset(CELL, name, slip=slip)
    mask = lstm_cell.wrong_cells(trace, lstm_cell.SLIPS[slip])
    assert certified(app) == (not any(m.any() for m in mask.values()))
    shown = table(app)
    for k in range(len(trace)):
        for row in shown["rows"]:
            t = at(row[0]["value"], k)
            for head, cell in zip(HEADS, row[1:], strict=True):
                value = at(cell["value"], k)
                assert value == wanted(other, head, t)
                changed = abs(value - wanted(trace, head, t)) > 1e-12
                assert at(cell["wrong"], k) == changed, (head, t)
    working = sent(app)["lstm_cell-working"]
    home = [working["lines"][i] for i in working["steps"][T + 3]]  # the step before the last
    carried = home[-5]
    assert at(carried["value"], T + 3) == other.dc[T - 1, 0]
    assert bool(at(carried["wrong"], T + 3)) == bool(mask["dc"][T - 1, 0])


def test_the_ghost_of_the_right_error_stays_beside_a_slip() -> None:
    trace = lstm_cell.run(lstm_cell.PRESETS["one"].params)
    slip = lstm_cell.slipped(trace, lstm_cell.SLIPS["early"])
    spec = charts.errors(slip, trace, len(trace) - 1, 0).to_dict()
    ghost, walked = (spec["datasets"][layer["data"]["name"]] for layer in spec["layer"][1:3])
    for rows, values in ((ghost, trace.dc), (walked, slip.dc)):
        size = np.linalg.norm(values[1:], axis=1)
        np.testing.assert_allclose([row["size"] for row in rows], size, rtol=1e-12)
    assert len(charts.errors(trace, trace, len(trace) - 1, 0).to_dict()["layer"]) == 3


def test_the_working_fills_each_state_for_the_unit_chosen() -> None:
    app = preset(CELL, "one", unit=1)
    trace, working = app.session_state["lstm_cell.good"], sent(app)["lstm_cell-working"]
    for group, places in zip(lstm_cell.working(trace, None, 1), working["steps"], strict=True):
        assert [working["lines"][i]["value"] for i in places] == [line.value for line in group]
    assert table(app)["caption"].endswith("unit 2")


def test_a_cell_of_one_unit_needs_no_choice() -> None:
    app = put(preset(CELL, "one"), CELL, unit=1, units=1)
    assert not app.exception
    assert "lstm_cell.unit" not in [control.key for control in app.segmented_control]
    assert "unit" not in table(app)["caption"]
    assert certified(app)


@pytest.mark.parametrize("name", ["remembers", "one", "latch"])
def test_a_question_blanks_its_number_and_all_that_would_tell(name: str) -> None:
    app = preset(CELL, name, section="Predict")
    trace = app.session_state["lstm_cell.good"]
    T = len(trace.x)
    for question in lstm_cell.questions(trace):
        app.pills(key="lstm_cell.question").set_value(question.name).run()
        assert not app.exception
        step, hidden = question.step, {question.name, *question.conceals}
        assert sent(app)["lstm_cell-transport"]["start"] == step
        for k in (step, len(trace) - 1):
            for row in table(app)["rows"]:
                t = at(row[0]["value"], k)
                for head, cell in zip(HEADS, row[1:], strict=True):
                    home = T + 1 if (head, t) == ("dh", T) else 2 * T + 2 - t
                    later = head in ("dh", "dc") and home > step
                    if later or f"{head}{t}" in hidden:
                        assert at(cell["value"], k) == "?", (head, t)
                    elif head in ("i", "f", "g", "o"):
                        assert at(cell["value"], k) == wanted(trace, head, t)
        for spec in specs(app):
            assert f"min(step, {step - 1})" in str(spec)
        working = sent(app)["lstm_cell-working"]
        blank = [line for line in working["lines"] if line["blank"]]
        assert len(blank) == 1
        assert not any(working["steps"][step + 1 :])
        said = sent(app)["lstm_cell-transport"]["captions"]
        assert not any("=" in words for words in said[step:])
        assert bool("L =" in said[T + 1]) == (step > T + 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1, "units": 1, "inputs": 1},
        {"steps": 50, "units": 4, "inputs": 4, "recurrent": 2.0},
        {"forget": -10.0, "steps": 50},
        {"weights": "latch", "units": 4, "inputs": 1, "steps": 3},
    ],
    ids=str,
)
def test_odd_settings_are_drawn_and_certified(settings: dict[str, Any]) -> None:
    app = put(visit(CELL), CELL, **settings)
    assert not app.exception
    assert not app.error
    assert certified(app)
    put(app, CELL, section="Predict")
    assert not app.exception
    for spec in specs(app):
        text = str(spec)
        assert "nan" not in text
        assert "inf" not in text.replace("information", "")


def test_a_number_out_of_bounds_is_said_at_its_field() -> None:
    app = put(visit(CELL), CELL, steps=51)
    assert [box.value for box in app.error] == ["steps must lie in [1, 50], got 51."]
    assert certified(app)
