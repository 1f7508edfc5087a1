"""Shapes: the volumes, the window on its cells, both tables, what is typed, what is asked."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, visit

from engine.gradients import shapes
from pages.catalog import lesson
from pages.charts import shapes as charts

SHAPES = lesson("shapes")


def figure(app: AppTest) -> dict[str, Any]:
    return sent(app)["shapes-volumes"]


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["shapes-table"]


def column(app: AppTest, place: int, kind: str = "value") -> list[Any]:
    return [row[place][kind] for row in table(app)["rows"]]


def typed(**fields: str) -> AppTest:
    app = visit(SHAPES)
    for name, text in fields.items():
        app.text_input(key=f"shapes.{name}").set_value(text)
    return app.run()


def layers_of(chain: str, given: Any) -> list[Any]:
    return charts.layers(shapes.run(given, chain), {}, None)


# The volumes.


def test_the_exercise_is_drawn_and_listed() -> None:
    app = visit(SHAPES)
    wanted = [[28, 28, 1], [24, 24, 20], [12, 12, 20], [8, 8, 50], [4, 4, 50]]
    assert [volume["sizes"] for volume in figure(app)["chain"]] == wanted
    labels = ["28×28×1", "24×24×20", "12×12×20", "8×8×50", "4×4×50"]
    assert [volume["label"] for volume in figure(app)["chain"]] == labels
    assert column(app, 0) == ["input", "conv 5×5", "pool 2×2", "conv 5×5", "pool 2×2"]
    assert column(app, 1) == labels
    assert column(app, 3) == ["–", "520", "–", "25,050", "–"]
    assert table(app)["foot"][0][3]["value"] == ["0", "520", "520", "25,570", "25,570"]
    assert table(app)["lit"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", shapes.PRESETS)
def test_each_step_has_its_volume_its_window_and_its_words(name: str) -> None:
    app = preset(SHAPES, name)
    captions = sent(app)["shapes-transport"]["captions"]
    drawn = figure(app)
    assert len(drawn["chain"]) == len(drawn["layers"]) == len(captions)
    for volume, layer, caption in zip(
        drawn["chain"][1:], drawn["layers"][1:], captions[1:], strict=True
    ):
        size = " × ".join(str(n) for n in volume["sizes"])
        assert layer["after"] == f"out: {size}"
        assert f"makes {size}" in caption
    assert len(sent(app)["shapes-working"]["steps"]) == len(captions)


def test_the_window_is_what_the_layer_says() -> None:
    (_, first, second, third) = layers_of(
        "conv 3x7 4 stride 2x3; conv 2x3 8 stride 1x2 pad 1x0 dilation 1x1; pool 3x2 stride 2 ceil",
        (15, 30, 2),
    )
    assert first.says == ("4 filters", "3 × 7 × 2 each", "stride 2 × 3")
    assert (first.rows.kernel, first.columns.kernel) == (3, 7)
    assert (first.rows.rest, first.columns.rest) == (0, 2)
    assert first.depth == (2, 4)
    assert (second.rows.padding, second.columns.padding) == (1, 0)
    assert third.says == ("max of 3 × 2", "in each channel", "stride 2")
    assert (third.rows.over, third.columns.over) == (1, 1)


def test_a_long_side_shows_both_ends_and_whole_windows() -> None:
    (_, layer) = layers_of("conv 11x11 64 stride 4 pad 2", (224, 224, 3))
    track = layer.rows
    assert (track.head, track.tail) == (20, 20)
    last_of_head = (track.out_head - 1) * track.stride
    assert last_of_head + 11 <= track.head < last_of_head + track.stride + 11
    first_of_tail = (track.out - track.out_tail) * track.stride
    assert first_of_tail >= 228 - 20 > first_of_tail - track.stride
    (_, small) = layers_of("conv 5x5 2", (28, 28, 1))
    assert (small.rows.head, small.rows.out_head) == (0, 0)
    (_, huge) = layers_of("conv 900x900 2", (100_000, 100_000, 1))
    assert (huge.rows.head, huge.rows.skipped) == (0, ())


def test_cells_between_windows_are_named() -> None:
    (_, layer) = layers_of("conv 2x2 1 stride 4", (11, 11, 1))
    assert layer.rows.skipped == (2, 3, 6, 7)
    assert layer.rows.rest == 1
    (_, holes) = layers_of("conv 2x2 1 stride 2 dilation 2", (7, 7, 1))
    assert holes.rows.skipped == (1, 3, 5)


# Slips.


def test_too_few_filters_are_seen_everywhere() -> None:
    app = put(visit(SHAPES), SHAPES, slip="filters")
    assert not certified(app)
    drawn = figure(app)
    assert [volume["wrong"] for volume in drawn["chain"]] == [False, False, False, True, True]
    assert drawn["chain"][3]["label"] == "8×8×3"
    assert drawn["layers"][3]["says"][0] == "3 filters"
    assert [layer["miscounted"] for layer in drawn["layers"]] == [False, False, False, True, False]
    assert column(app, 1, "wrong") == [False, False, False, True, True]
    assert column(app, 3, "wrong") == [False, False, False, True, False]
    lines = sent(app)["shapes-working"]
    lit = {i for i, line in enumerate(lines["lines"]) if line["wrong"]}
    assert lit & set(lines["steps"][3])
    assert not lit & {place for step in lines["steps"][:3] for place in step}


def test_solve_ties_the_slip_to_its_question() -> None:
    app = put(visit(SHAPES), SHAPES, table="solve")
    step = 3
    at_three = [[cell["value"][step] for cell in row] for row in table(app)["rows"]]
    assert at_three[:2] == [
        ["5", "1", "8×8", "–", "50 of 5×5×20"],
        ["4", "1", "9×9", "pool 1", "50 of 4×4×20"],
    ]
    assert all(not any(word.strip() for word in row) for row in at_three[2:])
    assert table(app)["foot"][0][0]["value"][step] == "2"
    assert not any(any(flag) for flag in column(app, 4, "wrong"))
    put(app, SHAPES, slip="filters")
    assert [row[4]["value"][step] for row in table(app)["rows"]][:2] == [
        "3 of 5×5×20", "3 of 4×4×20",
    ]  # fmt: skip
    assert [row[4]["wrong"][step] for row in table(app)["rows"]] == [True, True, *[False] * 3]


def test_rounding_up_hangs_over_the_border() -> None:
    app = preset(SHAPES, "floor", slip="rounded-up")
    pool = figure(app)["layers"][4]
    assert (pool["rows"]["over"], pool["rows"]["rest"]) == (1, 0)
    assert pool["wrong"]
    assert not pool["miscounted"]
    right = figure(preset(SHAPES, "floor"))["layers"][4]
    assert (right["rows"]["over"], right["rows"]["rest"]) == (0, 1)


# What a person types.


@pytest.mark.parametrize(
    ("field", "text", "word"),
    [
        ("layers", "conv 5x5 20; pool 2; conv 15x15 50", "spans 15 rows and finds 12"),
        ("layers", "conv 5x5", "spelled like conv 5x5 20"),
        ("layers", "dropout", "“dropout” at layer 1"),
        ("input_shape", "28", "behind a vector"),
        ("input_shape", "28x28x1x1", "height x width x channels"),
        ("target", "4", "height x width x channels"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_the_last_result_stays(
    field: str, text: str, word: str
) -> None:
    before = sent(visit(SHAPES))
    app = typed(**{field: text})
    assert not app.exception
    assert len(app.error) == 1
    assert word in app.error[0].value
    for piece in ("volumes", "table", "working"):
        assert sent(app)[f"shapes-{piece}"] == before[f"shapes-{piece}"]


def test_a_chain_of_ones_own_is_certified() -> None:
    app = typed(layers="conv 3x3 8 pad 1; pool 2; linear 10", input_shape="20x24x3")
    assert not app.error
    assert certified(app)
    assert [v["sizes"] for v in figure(app)["chain"]] == [
        [20, 24, 3],
        [20, 24, 8],
        [10, 12, 8],
        [10],
    ]
    assert figure(app)["layers"][3]["says"] == ["10 sums of all 960"]
    app = typed(layers="linear 5; linear 2", input_shape="7")
    assert certified(app)
    assert figure(app)["layers"][0]["rows"] is None
    put(app, SHAPES, table="solve")
    assert not app.exception
    assert column(app, 4)[0] == ["none"] * 3


# Predict.


def test_a_size_asked_for_stands_nowhere() -> None:
    app = put(visit(SHAPES), SHAPES, section="Predict", question="height3", table="solve")
    drawn = figure(app)
    assert [volume["sizes"] for volume in drawn["chain"]][2:] == [[12, 12, 20], [], []]
    assert drawn["layers"][3]["hidden"]
    assert drawn["layers"][3]["after"] == "out: ?"
    assert drawn["layers"][4]["before"] == "in: ?"
    assert "comes out?" in sent(app)["shapes-transport"]["captions"][3]
    assert all(column(app, 2, "blank")[:2])
    put(app, SHAPES, table="layers")
    assert column(app, 1, "blank") == [False, False, False, True, True]
    working = sent(app)["shapes-working"]
    blank = {i for i, line in enumerate(working["lines"]) if line["blank"]}
    assert set(working["steps"][4]) <= blank
    assert working["steps"][3][0] in blank


def test_parameters_asked_for_leave_the_sizes() -> None:
    app = put(visit(SHAPES), SHAPES, section="Predict", question="parameters3")
    assert all(volume["sizes"] for volume in figure(app)["chain"])
    assert column(app, 3, "blank") == [False, False, False, True, False]
    assert table(app)["foot"][0][3]["blank"]
