"""The residual block: its graph, the routes, both tables, the stack."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, module_of, preset, put, sent, specs, visit

from engine.gradients import residual
from pages.catalog import lesson
from pages.charts import residual as charts

RESIDUAL = lesson("residual")
LAST = len(residual.STEPS) - 1


def graph(app: AppTest) -> dict[str, Any]:
    return sent(app)["residual-graph"]


def numbers(app: AppTest) -> dict[str, float | str]:
    return {v["id"]: v["value"] for node in graph(app)["nodes"] for v in node["values"]}


def lit(app: AppTest, step: int) -> list[str]:
    """The strokes that one step draws."""
    edges = {edge["id"]: edge for edge in graph(app)["edges"]}
    found = [edges[name]["stroke"] for name in graph(app)["frames"][step]["edges"]]
    return list(dict.fromkeys(found))


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["residual-table"]


def test_the_graph_shows_the_exercise(golden: dict[str, Any]) -> None:
    case, shown = golden["s003.2"], numbers(visit(RESIDUAL))
    for i in (0, 1):
        for name in "zhry":
            assert shown[f"{name}.{i}"] == pytest.approx(case["fwd"][name][i], rel=1e-13)
            assert shown[f"d{name}.{i}"] == pytest.approx(case["bar"][name][i], rel=1e-13)
        assert shown[f"dx.{i}"] == pytest.approx(case["grads"]["x"][i], rel=1e-13)
        assert shown[f"dW.0.{i}"] == pytest.approx(case["grads"]["W"][0][i], rel=1e-13)
    assert shown["loss"] == pytest.approx(case["loss"], rel=1e-14)


def test_a_number_appears_at_the_step_that_computes_it() -> None:
    steps = [step.name for step in residual.STEPS]
    for node in graph(visit(RESIDUAL))["nodes"]:
        for value in node["values"]:
            name = value["id"].split(".")[0]
            assert value["step"] == (steps.index(name) if name in steps else 0)


def test_each_step_lights_what_is_there() -> None:
    app = visit(RESIDUAL)
    drawn = graph(app)
    ids = {v["id"].split(".")[0] for node in drawn["nodes"] for v in node["values"]}
    edges = {edge["id"] for edge in drawn["edges"]}
    captions = sent(app)["residual-transport"]["captions"]
    assert len(drawn["frames"]) == len(captions) == len(residual.STEPS) + 12
    for step, frame, caption in zip(residual.STEPS, drawn["frames"], captions, strict=False):
        assert {frame["focus"], frame["arrives"], *frame["reuses"]} <= ids | {"", "given"}
        assert set(frame["edges"]) <= edges
        assert frame["backward"] == step.backward
        assert caption == step.says
        if step.name in ids:
            assert frame["edges"], step.name


def test_the_four_routes_have_four_strokes_and_are_seen_together_at_the_end() -> None:
    app = visit(RESIDUAL)
    alone = [lit(app, residual.STEPS.index(s)) for s in residual.STEPS if "route" in s.name]
    assert alone == [["first"], ["second"], ["third"], ["fourth"]]
    assert lit(app, LAST) == ["first", "second", "third", "fourth"]
    over = [edge for edge in graph(app)["edges"] if edge["stroke"]]
    places = {(edge["from"], edge["to"], edge["shift"]) for edge in over}
    assert len(places) == len(over) == 12  # no two routes on the same line


@pytest.mark.parametrize(
    ("setting", "strokes"),
    [
        ({"skip": False}, ["fourth"]),
        ({"around": "first"}, ["second", "fourth"]),
        ({"around": "second"}, ["third", "fourth"]),
    ],
)
def test_a_skip_taken_away_takes_its_routes(setting: dict[str, Any], strokes: list[str]) -> None:
    app = put(visit(RESIDUAL), RESIDUAL, **setting)
    assert certified(app)
    drawn = graph(app)
    assert list(dict.fromkeys(e["stroke"] for e in drawn["edges"] if e["stroke"])) == strokes
    edges = {edge["id"] for edge in drawn["edges"]}
    assert all(set(frame["edges"]) <= edges for frame in drawn["frames"])


def test_the_routes_table_adds_up() -> None:
    app = visit(RESIDUAL)
    trace = app.session_state["residual.good"]
    body, foot = table(app)["rows"], table(app)["foot"]
    assert sum(row[2]["value"] for row in body) == pytest.approx(trace.dx[0], rel=1e-13)
    assert foot[0][2]["value"] == trace.dx[0]
    assert sum(row[3]["value"] for row in body) == pytest.approx(1)
    for k, row in enumerate(body):
        assert row[2]["ahead"].index(False) == charts.AT[f"route{k + 1}"]


def test_the_other_unit_is_put_in_everywhere() -> None:
    app = put(visit(RESIDUAL), RESIDUAL, unit=1)
    trace = app.session_state["residual.good"]
    assert table(app)["foot"][0][2]["value"] == trace.dx[1]
    assert numbers(app)["dW.1.0"] == trace.dW[1, 0]
    lines = sent(app)["residual-working"]
    assert lines["lines"][lines["steps"][LAST][0]]["value"] == pytest.approx(trace.dx[1])


@pytest.mark.parametrize("slip", residual.SLIPS)
def test_a_slip_lights_just_the_entries_it_changes(slip: str) -> None:
    for name, case in residual.PRESETS.items():
        app = preset(RESIDUAL, name, slip=slip, table="gradients")
        trace = residual.run(**case.data, params=case.params)
        masks = residual.wrong_cells(trace, residual.SLIPS[slip])
        assert set(graph(app)["wrong"]) == set(charts.places(masks))
        wrong = [cell["wrong"] for row in table(app)["rows"] for cell in row[1:]]
        assert sum(wrong) == sum(masks[n].sum() for n in ("dV", "dc", "dW", "db"))
        assert certified(app) == (not graph(app)["wrong"])


def test_with_one_unit_the_page_says_that_the_slip_hides() -> None:
    app = preset(RESIDUAL, "scalar", slip="printed-order")
    assert certified(app)
    said = " ".join(box.value for box in (*app.success, *app.info))
    assert "n = 1" in said
    put(app, RESIDUAL, slip="phi-x")
    assert not certified(app)


def test_a_question_blanks_its_number_everywhere() -> None:
    app = put(visit(RESIDUAL), RESIDUAL, section="Predict")
    asked = {q.name: q for q in residual.questions(app.session_state["residual.good"])}
    for name, question in asked.items():
        put(app, RESIDUAL, question=name)
        blank = {v["id"] for n in graph(app)["nodes"] for v in n["values"] if v["blank"]}
        assert blank == {name, *question.conceals} & set(numbers(app))
        assert any(line["blank"] for line in sent(app)["residual-working"]["lines"])
    put(app, RESIDUAL, question="db.0", table="gradients")
    hidden = [cell["blank"] for row in table(app)["rows"] for cell in row]
    assert sum(hidden) == 1


def test_the_stack_shows_both_lengths_and_moves_with_the_step() -> None:
    app = visit(RESIDUAL)
    trace = app.session_state["residual.good"]
    assert len(specs(app)) == 1
    spec = charts.stack(trace, {}, 0).to_dict()
    lines = [s for s in spec["layer"] if s["mark"]["type"] == "line"]
    for kind, line in enumerate(lines):
        points = spec["datasets"][line["data"]["name"]]
        assert [p["g"] for p in points] == pytest.approx(trace.stack.left[kind].tolist())
    assert len({tuple(s["mark"]["strokeDash"]) for s in lines}) == 2
    last = len(sent(app)["residual-transport"]["captions"]) - 1
    assert spec["params"][0]["bind"]["max"] == last == len(trace) - 1


@pytest.mark.parametrize("n", range(1, 9))
def test_any_width_from_one_to_eight_can_be_typed(n: int) -> None:
    row = ", ".join(["0.5"] * n)
    square = "; ".join([row] * n)
    app = put(visit(RESIDUAL), RESIDUAL, W=square, V=square, b=row, c=row, x=row, t=row)
    assert not app.exception
    assert not app.error
    assert certified(app)
    assert app.session_state["residual.good"].W.shape == (n, n)
    x = next(node for node in graph(app)["nodes"] if node["id"] == "x")
    assert len(x["values"]) == 2 * n


def test_a_matrix_that_is_not_square_is_said_at_its_field_and_the_picture_stays() -> None:
    app = visit(RESIDUAL)
    before = graph(app)
    app.text_input(key="residual.W").set_value("1, 2; 3").run()
    assert [box.value for box in app.error] == [
        "W must be square: as many rows as numbers in each row."
    ]
    assert graph(app) == before
    assert module_of(RESIDUAL) is residual


def test_where_all_relus_are_shut_one_route_is_left() -> None:
    assert lit(preset(RESIDUAL, "dead"), LAST) == ["first"]
