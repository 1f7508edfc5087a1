"""Min and max: the surfaces, the network at a point, the weights one may edit."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.gradients import minmax
from pages.catalog import lesson
from pages.charts import minmax as charts

MINMAX = lesson("minmax")


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["minmax-table"]


def outputs(app: AppTest, step: int = -1) -> np.ndarray:
    return np.array([[cell["value"][step] for cell in row[2:4]] for row in table(app)["rows"]])


def graph(app: AppTest) -> dict[str, Any]:
    return sent(app)["minmax-graph"]


def values(drawn: dict[str, Any]) -> dict[str, float]:
    return {v["id"]: v["value"] for node in drawn["nodes"] for v in node["values"]}


def weights(drawn: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(e["from"], e["to"]): float(e["ahead"].replace("−", "-")) for e in drawn["edges"]}


def trace_of(name: str) -> minmax.MinMax:
    case = minmax.PRESETS[name]
    return minmax.run(**case.data, params=case.params)


def test_the_table_ends_at_the_exercises_answer(golden: dict[str, Any]) -> None:
    case = golden["s003.1"]
    for name in ("exercise", "four", "rescaled"):
        app = preset(MINMAX, name)
        np.testing.assert_array_equal(outputs(app), case["y"])
        truth = [[cell["value"] for cell in row[4:6]] for row in table(app)["rows"]]
        assert truth == case["y"]
    np.testing.assert_array_equal(outputs(visit(MINMAX), 0), 0)


def test_nothing_is_promised_outside_the_box() -> None:
    app = preset(MINMAX, "boxed")
    rows = table(app)["rows"]
    assert [row[4]["value"] for row in rows] == [-2, -1.5, "–", 2.5, 0]
    assert not any(any(np.ravel(cell["wrong"])) for row in rows for cell in row)
    assert certified(app)
    put(app, MINMAX, slip="beyond")
    rows = table(app)["rows"]
    assert [cell["value"] for cell in rows[2][4:6]] == [-7, -2]
    lit = [[bool(cell["wrong"][-1]) for cell in row[2:4]] for row in rows]
    assert lit == [[False] * 2, [False] * 2, [False, True], [False] * 2, [False] * 2]
    assert not certified(app)


@pytest.mark.parametrize("slip", minmax.SLIPS)
def test_a_slip_lights_just_the_entries_it_changes(slip: str) -> None:
    for name in minmax.PRESETS:
        app = preset(MINMAX, name, slip=slip)
        trace = trace_of(name)
        right = trace.y if slip != "beyond" else minmax.truth(trace.x)
        lit = [[bool(cell["wrong"][-1]) for cell in row[2:4]] for row in table(app)["rows"]]
        np.testing.assert_array_equal(lit, abs(outputs(app) - right) > 1e-9)


def test_ties_do_not_betray_a_unit_that_the_map_does() -> None:
    app = preset(MINMAX, "ties")
    right = specs(app)
    put(app, MINMAX, slip="incoming")
    assert not any(any(cell["wrong"]) for row in table(app)["rows"] for cell in row[2:4])
    assert not certified(app)
    assert specs(app) != right


# The maps.


def layers(app: AppTest, mark: str) -> list[list[dict[str, Any]]]:
    return [[layer for layer in spec["layer"] if layer["mark"]["type"] == mark]
            for spec in specs(app)]  # fmt: skip


def charted(name: str, output: int) -> dict[str, Any]:
    trace = trace_of(name)
    painted = charts.painting(trace, minmax.reach(trace), False)
    return charts.surface(trace, painted, {}, 0.0, output, 0, 0).to_dict()


def data_of(spec: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    found = [layer["data"] for layer in spec["layer"] if layer["mark"]["type"] == mark]
    return [row for data in found for row in data.get("values") or spec["datasets"][data["name"]]]


def test_each_step_has_its_picture_for_either_output() -> None:
    for name in minmax.PRESETS:
        for output in (0, 1):
            pictures = data_of(charted(name, output), "image")
            assert [row["k"] for row in pictures] == list(range(len(trace_of(name))))
            assert all(row["url"].startswith("data:image/png;base64,") for row in pictures)


def test_a_crease_is_drawn_where_a_unit_bends_the_output() -> None:
    bends = [{row["k"] for row in data_of(charted("exercise", o), "rule")} for o in (0, 1)]
    assert bends == [{1, 2, 3}, {3, 4, 5}]


def test_the_box_is_drawn_for_three_units_only() -> None:
    for name in minmax.PRESETS:
        boxes = layers(preset(MINMAX, name), "rect")
        assert all(bool(found) == (name == "boxed") for found in boxes), name
    shown = layers(put(visit(MINMAX), MINMAX, slip="beyond"), "rect")
    assert all(shown)


def test_the_error_map_is_flat_where_the_network_is_right() -> None:
    trace = trace_of("boxed")
    painted = charts.painting(trace, minmax.reach(trace), True)
    assert len(painted.pictures) == 2
    assert len(painted.pictures[0]) == len(trace)
    assert len(painted.colours) == len(painted.edges) + 1
    assert 0 < painted.edges[0] < 1e-6
    assert painted.edges[-1] < minmax.reach(trace) - trace.params.bound
    four = charts.painting(trace_of("four"), 8.5, True)
    assert four.pictures[0][-1] == four.pictures[1][-1]  # both all right
    assert four.pictures[0][0] != four.pictures[0][-1]


# The network.


@pytest.mark.parametrize("name", minmax.PRESETS)
def test_the_network_shows_the_weights_and_the_chosen_point(name: str) -> None:
    trace = trace_of(name)
    app = preset(MINMAX, name, show="network", point=1)
    drawn = graph(app)
    shown = values(drawn)
    assert [shown["x1"], shown["x2"]] == trace.x[1].tolist()
    assert [shown["min"], shown["max"]] == trace.y[1].tolist()
    edges = weights(drawn)
    for k in range(len(trace.W)):
        h = f"h{k + 1}"
        assert shown[h] == trace.hidden[1, k]
        assert [edges.get((x, h), 0) for x in ("x1", "x2", "one")] == [*trace.W[k], trace.b[k]]
        assert [edges.get((h, y), 0) for y in ("min", "max")] == trace.V[:, k].tolist()
        lit = drawn["frames"][k + 1]
        assert lit["focus"] == h
        assert all(h in edge.split("-") for edge in lit["edges"])
        assert lit["edges"]
    assert len(drawn["frames"]) == len(trace)
    assert len(specs(app)) == 0


def test_a_chosen_point_is_the_one_put_in() -> None:
    app = put(visit(MINMAX), MINMAX, point=2)
    lines = sent(app)["minmax-working"]["lines"]
    trace = trace_of("exercise")
    assert [line["value"] for line in lines] == [
        line.value for group in minmax.working(trace, 2) for line in group
    ]
    assert table(app)["chosen"] == 2
    app.text_input(key="minmax.x").set_value("1, 2").run()
    assert not app.exception
    assert table(app)["chosen"] == 0


def test_the_ranks_stand_at_the_last_step() -> None:
    working = sent(visit(MINMAX))["minmax-working"]
    holding = [i for i, places in enumerate(working["steps"])
               if any(working["lines"][p]["tag"] == 8 for p in places)]  # fmt: skip
    assert holding == [5]
    ranks = [line for line in working["lines"] if line["tag"] == 8]
    assert [line["value"] for line in ranks] == [2.0]
    assert ranks[0]["formula"].count("<mtable") == 2


# Weights and points that a person types.


def test_another_number_of_units_brings_its_weights() -> None:
    app = visit(MINMAX)
    for units in ("4", "3", "5"):
        app.segmented_control(key="minmax.units").set_value(units).run()
        assert not app.exception
        assert certified(app)
        assert app.text_input(key="minmax.W").value.count(";") + 1 == int(units)
        trace = app.session_state["minmax.good"]
        np.testing.assert_array_equal(trace.W, minmax.EXACT[units][0])
        np.testing.assert_array_equal(trace.V, minmax.EXACT[units][1])


def test_an_edited_weight_is_not_certified_and_shown() -> None:
    app = put(visit(MINMAX), MINMAX, show="network")
    app.text_input(key="minmax.W").set_value("-1, 0; 1, 0; 1, -2; 0, 1; 0, -1").run()
    assert not app.exception
    assert not certified(app)
    assert weights(graph(app))["x2", "h3"] == -2
    assert values(graph(app))["h3"] == 7


@pytest.mark.parametrize(
    ("field", "text", "word"),
    [
        ("x", "", "empty"),
        ("x", "1, 2, 3", "2 numbers for each point"),
        ("x", "1, 2; 3", "every row"),
        ("x", "1, abc", "abc"),
        ("x", "1, nan", "nan"),
        ("W", "1, 0; 0, 1", "5 rows of 2"),
        ("V", "1, 0; 0, 1", "2 rows of 5"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_last_result_stays(
    field: str, text: str, word: str
) -> None:
    app = visit(MINMAX)
    before = sent(app)
    app.text_input(key=f"minmax.{field}").set_value(text).run()
    assert not app.exception
    assert any(word in box.value for box in app.error)
    after = sent(app)
    assert after["minmax-table"] == before["minmax-table"]
    assert after["minmax-working"] == before["minmax-working"]


def test_a_question_blanks_its_cell_everywhere() -> None:
    app = put(visit(MINMAX), MINMAX, section="Predict", question="min5", show="network", step=5)
    blank = [v["id"] for n in graph(app)["nodes"] for v in n["values"] if v["blank"]]
    assert blank == ["min"]
    working = sent(app)["minmax-working"]
    assert [line["tag"] for line in working["lines"] if line["blank"]] == [3]
    row = table(app)["rows"][0]
    assert [cell["blank"] for cell in row] == [False, False, True, False, False, False]
    assert row[4]["value"] == ""


def test_what_would_give_a_unit_away_is_blank_too() -> None:
    app = put(visit(MINMAX), MINMAX, section="Predict", question="h3", show="network", step=3)
    assert [v["id"] for n in graph(app)["nodes"] for v in n["values"] if v["blank"]] == ["h3"]
    working = sent(app)["minmax-working"]
    blank = [i for i, line in enumerate(working["lines"]) if line["blank"]]
    assert blank == working["steps"][3]
    assert [cell["blank"] for cell in table(app)["rows"][0]] == [False] * 2 + [True] * 2 + [
        False
    ] * 2
    assert not any(cell["blank"] for row in table(app)["rows"][1:] for cell in row)
