"""One chain: the graph, its lights, its working."""

import math
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, visit

from engine.gradients import chain
from pages.catalog import lesson

CHAIN = lesson("chain")
GIVEN = {"w1", "w2", "w3", "x"}
BEYOND = "overflow"


def graph(app: AppTest) -> dict[str, Any]:
    return sent(app)["chain-graph"]


def numbers(app: AppTest) -> dict[str, float | str]:
    return {v["id"]: v["value"] for node in graph(app)["nodes"] for v in node["values"]}


def test_the_graph_shows_the_exercise(golden: dict[str, Any]) -> None:
    case = golden["s001.2"]
    shown = numbers(visit(CHAIN))
    assert [shown["w1"], shown["w2"], shown["w3"]] == case["w"]
    for name in ("x", "f", "s1", "s2", "dx"):
        assert shown[name] == pytest.approx(case[name], rel=1e-14)
    assert [shown["dw1"], shown["dw2"], shown["dw3"]] == pytest.approx(case["dw"], rel=1e-14)


def test_a_number_appears_at_the_step_that_computes_it() -> None:
    made = {v["id"]: v["step"] for node in graph(visit(CHAIN))["nodes"] for v in node["values"]}
    for i, step in enumerate(chain.STEPS):
        if step.name != "given":
            assert made.pop(step.name) == i
    assert made.pop("df") == chain.STEPS.index(next(s for s in chain.STEPS if s.backward))
    assert made == dict.fromkeys(GIVEN, 0)


def test_each_step_lights_what_it_computes_and_what_it_reuses() -> None:
    app = visit(CHAIN)
    drawn = graph(app)
    ids = {v["id"] for node in drawn["nodes"] for v in node["values"]}
    edges = {edge["id"] for edge in drawn["edges"]}
    frames = drawn["frames"]
    captions = sent(app)["chain-transport"]["captions"]
    assert len(frames) == len(captions) == len(chain.STEPS)
    for step, frame, caption in zip(chain.STEPS, frames, captions, strict=True):
        if step.name == "given":
            continue
        assert frame["focus"] == step.name
        assert frame["focus"] in ids
        assert tuple(frame["reuses"]) == step.reuses
        assert set(frame["reuses"]) <= ids
        assert set(frame["edges"]) <= edges
        assert frame["edges"]
        assert frame["backward"] == step.backward
        assert caption.startswith("backward: " if step.backward else "forward: ")
        plain = str.maketrans("₁₂₃", "123")
        for kept in step.reuses:
            assert kept in caption.translate(plain)


def test_the_working_shows_the_line_of_each_step() -> None:
    app = visit(CHAIN)
    working = sent(app)["chain-working"]
    trace = app.session_state["chain.good"]
    groups = chain.working(trace)
    assert len(working["steps"]) == len(chain.STEPS)
    for group, places in zip(groups, working["steps"], strict=True):
        assert [working["lines"][i]["value"] for i in places] == [line.value for line in group]
        assert [working["lines"][i]["tag"] for i in places] == [line.tag for line in group]


@pytest.mark.parametrize("slip", chain.SLIPS)
def test_a_slip_lights_just_the_numbers_it_changes(slip: str) -> None:
    for name, case in chain.PRESETS.items():
        app = preset(CHAIN, name, slip=slip)
        right = chain.run(case.params).values() | {"df": 1.0}
        shown = numbers(app)
        changed = {
            n
            for n, v in shown.items()
            if v in ("NaN", "not yet") or not math.isclose(v, right[n], rel_tol=1e-12)
        }
        assert set(graph(app)["wrong"]) == changed
        working = sent(app)["chain-working"]
        lit = [
            step.name
            for step, at in zip(chain.STEPS, working["steps"], strict=True)
            if working["lines"][at[0]]["wrong"]
        ]
        assert set(lit) == changed


def test_a_slope_written_with_u_overflows_in_sight(golden: dict[str, Any]) -> None:
    app = preset(CHAIN, BEYOND, slip="slope-in-u")
    assert not app.exception
    assert not certified(app)
    assert numbers(app)["dw1"] == "NaN"
    lines = sent(app)["chain-working"]["lines"]
    by_u = [line["value"] for line in lines if "e" in line["formula"] and line["tag"] == 5]
    assert "NaN" in by_u
    put(app, CHAIN, slip=None)
    assert certified(app)


def test_the_second_form_of_eq_23_shows_the_printed_number(golden: dict[str, Any]) -> None:
    app = put(visit(CHAIN), CHAIN, slip="eq23-second")
    assert numbers(app)["dw1"] == pytest.approx(golden["wrong.s001.2.eq23"]["dw1"], rel=1e-14)


def test_a_question_blanks_its_number_in_graph_and_working() -> None:
    app = put(visit(CHAIN), CHAIN, section="Predict")
    asked = app.session_state["chain.question"]
    blank = [v["id"] for n in graph(app)["nodes"] for v in n["values"] if v["blank"]]
    question = next(q for q in chain.questions(chain.run(chain.Params())) if q.name == asked)
    assert set(blank) == {asked, *question.conceals}
    working = sent(app)["chain-working"]
    step = [step.name for step in chain.STEPS].index(asked)
    hidden = [i for i, line in enumerate(working["lines"]) if line["blank"]]
    assert hidden == [working["steps"][step][0]]


def test_a_change_keeps_the_step_one_looks_at() -> None:
    app = visit(CHAIN)
    before = sent(app)["chain-transport"]
    app.number_input(key="chain.w1").set_value(3.25).run()
    after = sent(app)["chain-transport"]
    assert numbers(app)["w1"] == 3.25
    assert (after["opening"], after["start"]) == (before["opening"], before["start"])
    assert "w1=3.25" in after["query"]
    assert app.pills(key="chain.preset").value is None
