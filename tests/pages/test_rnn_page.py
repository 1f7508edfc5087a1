"""Through time: the unrolled graph, the paths, the length of the gradient."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.gradients import rnn
from pages.catalog import lesson
from pages.charts import rnn as charts

RNN = lesson("rnn")


def graph(app: AppTest) -> dict[str, Any]:
    return sent(app)["rnn-graph"]


def numbers(app: AppTest) -> dict[str, float]:
    return {v["id"]: v["value"] for node in graph(app)["nodes"] for v in node["values"]}


def cells(app: AppTest, step: int) -> list[list[Any]]:
    """The table as it stands at a step."""
    rows = [*sent(app)["rnn-table"]["rows"], *sent(app)["rnn-table"]["foot"]]

    def value(cell: dict[str, Any]) -> Any:
        return cell["value"][step] if isinstance(cell["value"], list) else cell["value"]

    return [[value(cell) for cell in row] for row in rows]


def test_the_graph_shows_the_exercise(golden: dict[str, Any]) -> None:
    case = golden["s004.2"]
    shown = numbers(preset(RNN, "exercise"))
    for t in (1, 2):
        for i in (0, 1):
            slope = 1 - case[f"h{t}"][i] ** 2
            assert shown[f"x{t}.{i}"] == case[f"x{t}"][i]
            assert shown[f"h{t}.{i}"] == pytest.approx(case[f"h{t}"][i], rel=1e-14)
            assert shown[f"a{t}.{i}"] == pytest.approx(case[f"dh{t}"][i] * slope, rel=1e-12)
    assert shown["yhat"] == pytest.approx(case["yhat"], rel=1e-14)
    assert shown["delta"] == pytest.approx(case["yhat"] - case["y"], rel=1e-14)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 50])
def test_the_graph_follows_every_state(steps: int) -> None:
    app = put(preset(RNN, "exercise"), RNN, steps=steps)
    drawn, trace = graph(app), app.session_state["rnn.good"]
    ids = {v["id"] for node in drawn["nodes"] for v in node["values"]}
    edges = {edge["id"] for edge in drawn["edges"]}
    captions = sent(app)["rnn-transport"]["captions"]
    assert len(drawn["frames"]) == len(captions) == len(trace) == 2 * steps + 3

    def known(name: str) -> bool:
        return any(i == name or i.startswith(f"{name}.") for i in ids)

    for state, frame in zip(rnn.states(steps), drawn["frames"], strict=True):
        assert set(frame["edges"]) <= edges
        assert frame["backward"] == (state.kind in ("backward", "sum"))
        drawn_whole = steps <= 4 or state.t in (0, 1, 2, steps - 1, steps)
        if state.kind in ("forward", "backward"):
            assert known(frame["focus"]) == drawn_whole
        if state.kind == "backward":
            assert captions[rnn.states(steps).index(state)].startswith("backward: a")
    made = {v["id"]: v["step"] for node in drawn["nodes"] for v in node["values"]}
    for state_index, state in enumerate(rnn.states(steps)):
        letter = {"forward": "h", "backward": "a"}.get(state.kind)
        found = [s for i, s in made.items() if letter and i.split(".")[0] == f"{letter}{state.t}"]
        assert set(found) <= {state_index}


def test_long_runs_show_lengths() -> None:
    app = preset(RNN, "vanishing")
    trace, shown = app.session_state["rnn.good"], numbers(app)
    for t in (1, 2, 29, 30):
        assert shown[f"h{t}"] == pytest.approx(np.linalg.norm(trace.h[t]), rel=1e-14)
        assert shown[f"a{t}"] == pytest.approx(np.linalg.norm(trace.a[t - 1]), rel=1e-14)
    assert len(graph(app)["nodes"]) == 7


@pytest.mark.parametrize(("view", "name", "into"), [("W_i", "dWi", "Wi"), ("W_h", "dWh", "Wh")])
@pytest.mark.parametrize("case", ["exercise", "vanishing", "start"])
def test_the_rows_of_the_table_add_up(case: str, view: str, name: str, into: str) -> None:
    app = preset(RNN, case, paths=view)
    trace = app.session_state["rnn.good"]
    last = len(trace) - 1
    *rows, foot = cells(app, last)
    total = getattr(trace, name).ravel()[: len(foot) - 1]
    np.testing.assert_allclose(np.array(foot[1:], float), total, rtol=1e-14)
    np.testing.assert_allclose(np.array([r[1:] for r in rows], float).sum(axis=0), total, atol=1e-9)
    T = len(trace.xs)
    term = getattr(trace.paths, into)[T - 1].ravel()[: len(foot) - 1]
    np.testing.assert_allclose(np.array(rows[0][1:], float), term, rtol=1e-14)


def test_a_path_appears_at_the_step_that_finds_it() -> None:
    app = preset(RNN, "exercise")
    before, found, both = (cells(app, step) for step in (3, 4, 5))
    assert all(value == "" for row in before[:2] for value in row[1:])
    assert before[2][1:] == [0, 0, 0, 0]
    assert found[0][1:] == found[2][1:]
    assert all(value == "" for value in found[1][1:])
    assert both[1][1] != ""
    assert sent(app)["rnn-table"]["lit"][2:6] == [-1, -1, 0, 1]


def test_the_printed_bracket_shows_the_printed_numbers(golden: dict[str, Any]) -> None:
    app = preset(RNN, "exercise", slip="bracket")
    assert not certified(app)
    foot = cells(app, 6)[-1]
    np.testing.assert_allclose(foot[1:], np.ravel(golden["wrong.s004.2"]["dWi"]), rtol=1e-13)
    table = sent(app)["rnn-table"]
    assert all(cell["wrong"] for cell in table["rows"][0][1:])
    assert not any(cell["wrong"] for cell in table["rows"][1][1:])
    assert graph(app)["wrong"] == []
    lines = sent(app)["rnn-working"]["lines"]
    assert [line["printed"] for line in lines if line["wrong"]].count(True) >= 4


def test_swapped_diagonals_light_all_but_the_last() -> None:
    app = preset(RNN, "exercise", slip="swapped")
    assert graph(app)["wrong"] == ["a1.0", "a1.1"]
    app = preset(RNN, "vanishing", slip="swapped")
    assert "a30" not in graph(app)["wrong"]
    assert "a29" in graph(app)["wrong"]


def test_no_path_from_the_start_hides_until_the_start_is_not_zero() -> None:
    app = preset(RNN, "exercise", slip="no-start")
    assert certified(app)
    app.number_input(key="rnn.start").set_value(0.5).run()
    assert not certified(app)


def test_the_chart_is_the_length_of_a() -> None:
    for name, case in rnn.PRESETS.items():
        trace = rnn.run(**case.data, params=case.params)
        spec = charts.lengths(trace, None, 0).to_dict()
        held = [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"][:2]]
        drawn = {row["t"]: row["size"] for row in held[1]}
        T = len(trace.xs)
        assert list(drawn) == list(range(1, T + 1)), name
        np.testing.assert_allclose(list(drawn.values()), np.linalg.norm(trace.a, axis=1))
        dashed = {row["t"]: row["size"] for row in held[0]}
        assert dashed[1] == pytest.approx(trace.radius ** (T - 1) * drawn[T], rel=1e-12)


def test_nothing_to_draw_is_drawn_without_a_stumble() -> None:
    app = preset(RNN, "exercise")
    app.text_input(key="rnn.Wo").set_value("0, 0").run()
    assert not app.exception
    assert certified(app)
    assert specs(app)


def test_a_matrix_that_does_not_fit_is_said_at_its_field() -> None:
    app = visit(RNN)
    before = graph(app)
    app.text_input(key="rnn.Wh").set_value("1, 2, 3").run()
    assert [box.value for box in app.error] == ["Wh must be square, got 1 by 3."]
    assert graph(app) == before


def test_a_question_blanks_its_number() -> None:
    app = preset(RNN, "exercise", section="Predict")
    for question in rnn.questions(app.session_state["rnn.good"]):
        app.pills(key="rnn.question").set_value(question.name).run()
        assert not app.exception
        assert [line for line in sent(app)["rnn-working"]["lines"] if line["blank"]]
        hidden = [v["id"] for n in graph(app)["nodes"] for v in n["values"] if v["blank"]]
        foot = [cell["blank"] for cell in sent(app)["rnn-table"]["foot"][0]]
        assert len(hidden) + sum(foot) == 1, question.name
