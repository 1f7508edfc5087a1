"""Backpropagation: the mesh, the matrices, the paths of a weight, typed data and tables."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, visit

from engine.gradients import mlp
from engine.gradients.mlp_lesson import steps
from pages.catalog import lesson
from pages.charts import mlp as charts
from pages.ui import sheet
from pages.ui.state import LONGEST
from pages.ui.typed import layers, spelled

MLP = lesson("mlp")


def graph(app: AppTest) -> dict[str, Any]:
    return sent(app)["mlp-graph"]


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["mlp-table"]


def test_the_mesh_shows_the_exercise(golden: dict[str, Any]) -> None:
    case = golden["s000.1.L3"]
    drawn = graph(visit(MLP))
    assert [c["name"] for c in drawn["columns"]] == ["X", "A_1", "A_2", "A_3"]
    assert drawn["columns"][0]["values"] == case["X"][0]
    assert drawn["columns"][3]["values"] == pytest.approx(case["f"][:1], rel=1e-5)
    for k, gap in enumerate(drawn["gaps"]):
        assert gap["weights"] == case["W"][k]
        np.testing.assert_allclose(gap["gradients"], case["dW"][k], rtol=1e-5)
        assert gap["norm"] == pytest.approx(np.linalg.norm(case["dW"][k]), rel=1e-5)


def test_every_number_appears_at_the_step_that_computes_it() -> None:
    app = visit(MLP)
    drawn, walk = graph(app), steps(3)
    assert len(drawn["phases"]) == len(walk) == len(sent(app)["mlp-transport"]["captions"])
    for k in (1, 2, 3):
        column, gap = drawn["columns"][k], drawn["gaps"][k - 1]
        assert (walk[column["out"]].kind, walk[column["out"]].layer) == ("forward", k)
        assert (walk[column["home"]].kind, walk[column["home"]].layer) == ("delta", k)
        assert gap["out"] == column["out"]
        assert (walk[gap["home"]].kind, walk[gap["home"]].layer) == ("gradient", k)


@pytest.mark.parametrize(("layer", "row", "col"), [(1, 1, 2), (2, 2, 1), (3, 1, 1)])
def test_a_picked_weight_is_taken_apart(layer: int, row: int, col: int) -> None:
    app = put(visit(MLP), MLP, layer=layer, row=row, col=col)
    assert graph(app)["picked"] == [layer - 1, row - 1, col - 1]
    trace = app.session_state["mlp.good"]
    shown = table(app)
    products = [cells[2]["value"] for cells in shown["rows"]]
    total = shown["foot"][-1][2]["value"]
    assert total == trace.dweights[layer - 1][row - 1, col - 1]
    left = [cells[2]["value"] for cells in shown["foot"][:-1]]
    assert math.fsum(products + left) == pytest.approx(total, abs=1e-14)
    assert f"row={row}" in sent(app)["mlp-transport"]["query"]


def test_a_row_of_the_table_is_worked_with_its_numbers() -> None:
    app = put(visit(MLP), MLP, term=2)
    trace = app.session_state["mlp.good"]
    weight = mlp.picked(trace, 1, 0, 0)
    term = mlp.explained(trace, *weight, most=charts.SHOWN).terms[2]
    (line,) = sent(app)["mlp-term"]["lines"]
    assert line["value"] == term.value
    assert line["numbers"] == term.numbers


def test_the_largest_gradient_is_picked_first_and_said() -> None:
    app = visit(MLP)
    trace = app.session_state["mlp.good"]
    i, j = np.unravel_index(np.abs(trace.dweights[0]).argmax(), (3, 2))
    assert app.number_input(key="mlp.row").value == i + 1
    assert app.number_input(key="mlp.col").value == j + 1


@pytest.mark.parametrize("slip", mlp.SLIPS)
@pytest.mark.parametrize("name", ["exercise", "course", "single", "saturated"])
def test_a_slip_lights_just_what_it_changes(name: str, slip: str) -> None:
    app = preset(MLP, name, slip=slip)
    trace = app.session_state["mlp.good"]
    wrong = mlp.wrong_cells(trace, mlp.SLIPS[slip])
    drawn = graph(app)
    for k, gap in enumerate(drawn["gaps"], 1):
        marked = {tuple(at) for at in gap["wrong"]}
        assert marked == {(int(i), int(j)) for i, j in np.argwhere(wrong[f"dW{k}"])}
        errors = drawn["columns"][k]["wrong"]
        assert errors == np.flatnonzero(wrong[f"delta{k}"][0]).tolist()
    assert certified(app) == (not any(mask.any() for mask in wrong.values()))


def test_the_last_step_says_where_the_loss_goes(golden: dict[str, Any]) -> None:
    app = preset(MLP, "course")
    case, captions = golden["s002.2"], lambda: sent(app)["mlp-transport"]["captions"]
    assert captions()[-1].endswith(
        f"goes down, {case['loss']:.4g} → {case['loss_after_step_0p1']:.4g}"
    )
    put(app, MLP, slip="flipped-sign")
    assert captions()[-1].endswith("goes up, 3.909 → 4.106")  # derivations, 002-2


def test_a_slip_stands_beside_the_right_sum() -> None:
    app = put(visit(MLP), MLP, slip="flipped-sign")
    right, wrong = (cells[2] for cells in table(app)["foot"][-2:])
    assert wrong["value"] == -right["value"]
    assert wrong["wrong"]


@pytest.mark.parametrize("name", mlp.PRESETS)
def test_the_matrices_are_drawn(name: str) -> None:
    app = preset(MLP, name, show="matrices")
    assert not app.exception
    drawn = sent(app)["mlp-matrices"]
    trace = app.session_state["mlp.good"]
    pickable = [tile for tile in drawn["tiles"] if tile["layer"] is not None]
    if name == "digits":
        assert [tile["column"] for tile in pickable] == list(range(12))
        assert {(tile["rows"], tile["columns"]) for tile in pickable} == {(28, 28)}
        first = np.array(pickable[0]["values"])
        np.testing.assert_allclose(first, trace.dweights[0][:, 0], rtol=1e-3, atol=1e-9)
    else:
        assert [tile["layer"] for tile in pickable] == list(range(len(trace.network)))
        for tile, dW in zip(pickable, trace.dweights, strict=True):
            np.testing.assert_allclose(tile["values"], dW.ravel(), rtol=1e-3, atol=1e-12)
    for tile in drawn["tiles"]:
        assert tile["x"] >= 0
        assert tile["x"] + tile["wide"] <= drawn["width"]
        assert tile["y"] + tile["high"] <= drawn["height"]


def test_a_question_blanks_unit_table_and_term() -> None:
    app = put(visit(MLP), MLP, section="Predict")
    trace = app.session_state["mlp.good"]
    gradient = next(
        q for q in mlp.questions(trace, mlp.picked(trace, 1, 0, 0)) if q.name[:2] == "dW"
    )
    app.pills(key="mlp.question").set_value(gradient.name).run()
    assert not app.exception
    assert all(cells[2]["blank"] for cells in (*table(app)["rows"], *table(app)["foot"]))
    assert sent(app)["mlp-term"]["lines"] == []
    error = next(q for q in mlp.questions(trace) if q.name.startswith("delta"))
    app.pills(key="mlp.question").set_value(error.name).run()
    layer, _, unit = map(int, error.name.split(".")[1:])
    assert graph(app)["columns"][layer]["blank"] == [unit]


# Typed, drawn, from a table or a file.


def test_turning_a_knob_draws_what_was_typed() -> None:
    app = visit(MLP)
    assert app.session_state["mlp.network"]
    app.number_input(key="mlp.layers").set_value(5).run()
    assert not app.exception
    assert app.session_state["mlp.network"] == ""
    assert app.session_state["mlp.X"]
    assert len(graph(app)["gaps"]) == 5
    app.number_input(key="mlp.examples").set_value(6).run()
    assert app.session_state["mlp.X"] == ""
    assert len(app.session_state["mlp.good"].X) == 6


def test_a_preset_after_that_brings_the_typed_ones_back() -> None:
    app = visit(MLP)
    app.number_input(key="mlp.layers").set_value(5).run()
    app.pills(key="mlp.preset").set_value("course").run()
    assert app.session_state["mlp.network"] == spelled(mlp.PRESETS["course"].data["network"])
    assert app.session_state["mlp.good"].network.sizes == (2, 2, 2)


def test_layers_are_spelled_and_read_back() -> None:
    network = mlp.PRESETS["exercise"].data["network"]
    assert layers(spelled(network)) == network
    assert layers("  ") == []
    assert layers("1; 2 | 3; 4") == [[[1.0], [2.0]], [[3.0], [4.0]]]


@pytest.mark.parametrize(
    ("line", "text", "says"),
    [
        ("network", "0; 1 | 0; 1", "X must have 1 columns"),
        ("network", "1", "network must have rows of one length in layer 1"),
        ("X", "1, 2; 3", "X must be numbers only"),
        ("y", "2; 0", "y must be numbers in [0, 1], got 2"),
        ("y", "x", "y must be numbers"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_picture_stays(line: str, text: str, says: str) -> None:
    app = visit(MLP)
    before = graph(app)["columns"]
    app.text_input(key=f"mlp.{line}").set_value(text).run()
    assert not app.exception
    assert [box.value for box in app.error if says in box.value]
    assert graph(app)["columns"] == before


class Typed(SimpleNamespace):
    """A page's state as the table sees it."""

    def __init__(self) -> None:
        self.lines: dict[str, Any] = {}
        super().__init__(state=SimpleNamespace(put=self.lines.__setitem__))


BLOCKS = (sheet.Block("X", "x", -1e6, 1e6), sheet.Block("y", "y", 0, 1))
WIDTHS = {"X": 2, "y": 1}


def test_an_edited_table_goes_back_into_the_lines() -> None:
    rows = [{"x1": 1.0, "x2": 2.0, "y1": 0.0}, {"x1": 3.0, "x2": 4.0, "y1": 1.0}]
    change = {
        "edited_rows": {0: {"x2": -5.0}},
        "added_rows": [{"x1": 7.0, "x2": 8.0, "y1": 1.0}, {"x1": 9.0}],
        "deleted_rows": [1],
    }
    page = Typed()
    after = sheet._applied(rows, ["x1", "x2", "y1"], change)
    sheet._write(page, BLOCKS, WIDTHS, after)  # type: ignore[arg-type]
    assert page.lines == {"sheet": "", "X": "1, -5; 7, 8", "y": "0; 1"}


def test_a_file_fills_the_lines() -> None:
    page = Typed()
    sheet._take(page, BLOCKS, WIDTHS, b"a,b,c,t\n1,2,3,0\n4,5,6,1\n")  # type: ignore[arg-type]
    assert page.lines == {"sheet": "", "X": "1, 2, 3; 4, 5, 6", "y": "0; 1"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "needs 2 to 24 columns"),
        (b"1,2\n3\n", "as many in every row"),
        (b"1\n2\n", "needs 2 to 24 columns"),
        (b",".join([b"1"] * 1000), "needs 2 to 24 columns"),
        (b"\xff\xfe\x00", "not a CSV in UTF-8"),
        (b"x,y\n=cmd|' /C calc'!A0,1\n", "numbers only"),
        (b"1,2\n1,\x00\n", ""),
        (b"1,0\n" * 201, "at most 200 rows, got 201"),
        (b"0.1234567890123456,0.1234567890123456\n" * 64, ""),
        (b"123456.12345678901,0\n" * 64 + b"", ""),
    ],
)
def test_a_hostile_file_gets_a_sentence_or_is_read(content: bytes, says: str) -> None:
    page = Typed()
    sheet._take(page, BLOCKS, {"X": 1, "y": 1}, content)  # type: ignore[arg-type]
    if says:
        assert says in page.lines["sheet"]
        assert "X" not in page.lines
    else:
        assert len(page.lines.get("X", "")) <= LONGEST


def test_the_table_stands_in_the_data_section() -> None:
    app = put(visit(MLP), MLP, section="Data")
    assert not app.exception
    assert app.get("file_uploader")
    wide = preset(MLP, "digits", section="Data")
    assert not wide.exception
    assert not wide.get("file_uploader")
    assert any("too many for a table" in text.value for text in wide.caption)
