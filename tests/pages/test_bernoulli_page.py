"""A mixture of Bernoullis: pictures that follow the step, clicks, the race, the odd cases."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.mixtures import bernoulli
from pages.catalog import lesson
from pages.charts import bernoulli as charts
from pages.charts import climb

BERNOULLI = lesson("bernoulli")


def trace_of(name: str) -> bernoulli.Bernoullis:
    case = bernoulli.PRESETS[name]
    return bernoulli.run(**case.data, params=case.params)


def tiles(app: AppTest) -> list[dict[str, Any]]:
    return sent(app)["bernoulli-means"]["tiles"]


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["bernoulli-table"]


def opened(X: str, **numbers: Any) -> AppTest:
    """The page after a person has typed rows, beginning with two components and no start."""
    app = preset(BERNOULLI, "exercise")
    for name in ("weights", "means"):
        app.text_input(key=f"bernoulli.{name}").set_value("")
    app.text_input(key="bernoulli.X").set_value(X)
    for name, value in numbers.items():
        app.number_input(key=f"bernoulli.{name}").set_value(value)
    return app.run()


def test_the_means_are_pictures_at_every_step() -> None:
    trace, found = trace_of("digits"), tiles(preset(BERNOULLI, "digits"))
    means, examples = found[:10], found[10:]
    for k, tile in enumerate(means):
        assert (tile["rows"], tile["columns"], tile["stepped"]) == (8, 8, True)
        np.testing.assert_allclose(tile["values"], trace.means[:, k].ravel(), atol=6e-4)
        assert tile["note"][7] == f"{k + 1} · {100 * trace.weights[7, k]:.0f} %"
    assert len(examples) == 16
    for i, tile in enumerate(examples):
        np.testing.assert_array_equal(tile["values"], trace.X[i])
        likeliest = trace.responsibility[:, i].argmax(axis=1) + 1
        assert tile["note"] == [f"→ {k}" for k in likeliest]


def test_pictures_sharpen_from_noise() -> None:
    found = np.array(
        [np.reshape(tile["values"], (-1, 64)) for tile in tiles(visit(BERNOULLI))[:10]]
    )
    undecided = (abs(found - 0.5) < 0.3).mean(axis=(0, 2))
    assert undecided[0] == 1
    assert undecided[-1] < 0.4


def test_a_small_matrix_is_shown_with_its_shares_and_means() -> None:
    trace, found = trace_of("exercise"), tiles(preset(BERNOULLI, "exercise"))
    by_name = {tile["name"]: tile for tile in found}
    assert list(by_name) == ["X", "η", "p_1", "p_2", "π"]
    assert all(tile["numbers"] for tile in found)
    np.testing.assert_array_equal(by_name["X"]["values"], trace.X.ravel())
    of_steps = {"η": trace.responsibility, "p_2": trace.means[:, 1], "π": trace.weights}
    for name, values in of_steps.items():
        np.testing.assert_array_equal(by_name[name]["values"], values.ravel())


@pytest.mark.parametrize("name", ["exercise", "signs"])
def test_the_table_is_the_trace(name: str) -> None:
    trace, shown = trace_of(name), table(preset(BERNOULLI, name))
    n, K = climb.states(trace), trace.weights.shape[1]
    q = np.array([[cell["value"] for cell in row[2:]] for row in shown["rows"]])
    np.testing.assert_array_equal(q, trace.responsibility[:n].transpose(1, 2, 0))
    assert shown["rows"][0][1]["value"] == "".join(str(int(b)) for b in trace.X[0])
    N, following = (np.array([cell["value"] for cell in row[2:]]) for row in shown["foot"])
    np.testing.assert_allclose(N.sum(axis=0), len(trace.X), rtol=1e-12)
    np.testing.assert_allclose(following[:, : n - 1], trace.weights[1:n].T, rtol=1e-12)
    assert len(following) == K


def test_many_components_have_a_line_each_for_the_row_chosen() -> None:
    trace, app = trace_of("digits"), put(visit(BERNOULLI), BERNOULLI, row=5)
    shown = table(app)
    assert shown["caption"].startswith("Row 5 of 300")
    q = np.array([row[1]["value"] for row in shown["rows"]])
    np.testing.assert_array_equal(q, trace.responsibility[:, 4].T)


@pytest.mark.parametrize("name", ["exercise", "digits", "edge"])
@pytest.mark.parametrize("slip", bernoulli.SLIPS)
def test_a_slip_lights_just_what_it_changes(slip: str, name: str) -> None:
    right = trace_of(name)
    wrong = bernoulli.slipped(right, bernoulli.SLIPS[slip])
    app = preset(BERNOULLI, name, slip=slip, row=2)
    off = abs(wrong.means - right.means) > 1e-9
    means = [t for t in tiles(app) if t["stepped"] and t["layer"] == charts.MEAN]
    for k, tile in enumerate(means):
        for t in (0, 1, 9):
            lit = np.zeros((tile["rows"], tile["columns"]), bool)
            for place in tile["wrong"][t]:
                lit[tuple(place)] = True
            np.testing.assert_array_equal(lit.ravel(), off[t, k])
    gap = abs(wrong.responsibility - right.responsibility) > 1e-9
    shown = table(app)["rows"]
    if name == "digits":
        lit = np.array([row[1]["wrong"] for row in shown])
        np.testing.assert_array_equal(lit, gap[:, 1].T)
    else:
        lit = np.array([[cell["wrong"] for cell in row[2:]] for row in shown])
        np.testing.assert_array_equal(lit, gap.transpose(1, 2, 0))


def test_what_a_click_means() -> None:
    trace = trace_of("exercise")

    def click(kind: int, row: int, col: int) -> dict[str, Any]:
        return charts.meant(trace, {"layer": kind + 1, "row": row, "col": col})

    assert click(charts.MEAN, 3, 2) == {"component": 2, "column": 3}
    assert click(charts.EXAMPLE, 1, 4) == {"row": 4}
    assert click(charts.SHARES, 5, 2) == {"row": 5, "component": 2}
    turned = click(charts.MATRIX, 2, 3)
    assert turned["X"] == "1, 0, 1; 1, 1, 1; 0, 0, 1; 1, 1, 1; 0, 1, 0"


def test_a_bit_turned_over_is_computed_with() -> None:
    app = preset(BERNOULLI, "exercise")
    before = app.session_state["bernoulli.good"].log_likelihood
    app.text_input(key="bernoulli.X").set_value("1, 0, 1; 1, 1, 1; 0, 0, 1; 1, 1, 1; 0, 1, 0").run()
    after = app.session_state["bernoulli.good"]
    assert after.X[1].tolist() == [1, 1, 1]
    assert (after.log_likelihood != before).all()
    assert certified(app)


def test_the_race_shows_every_start_and_opens_one() -> None:
    app = preset(BERNOULLI, "signs", show="starts")
    assert not app.exception
    shown = sent(app)["bernoulli-ends"]
    case = bernoulli.PRESETS["signs"]
    found = bernoulli.restarts(
        case.data["X"], dataclasses.replace(case.params, seed=0), 30, device="cpu"
    )
    ends = np.array([row[1]["value"] for row in shown["rows"]])
    np.testing.assert_allclose(ends, np.sort(found.log_likelihood)[::-1], rtol=1e-9)
    assert shown["rows"][shown["chosen"]][0]["value"] == case.params.seed
    kinds = len({row[3]["value"] for row in shown["rows"]})
    assert f"30 starts, {kinds} different ends" in str(specs(app)[0])
    content, chosen, opens = charts.ends(found, 4)
    assert opens[chosen] == {"weights": "", "means": "", "seed": 4}
    assert len(content.rows) == 30
    assert charts.ends(found, 77)[1] == -1


def test_starts_on_one_summit_are_no_way_from_each_other() -> None:
    shown = sent(preset(BERNOULLI, "signs", show="starts"))["bernoulli-ends"]["rows"]
    gaps = {row[3]["value"]: row[2]["value"] for row in shown}
    assert gaps.pop(1) == 0
    assert all(gap < -0.1 for gap in gaps.values())


@pytest.mark.parametrize("name", bernoulli.PRESETS)
def test_the_titles_say_whether_the_bound_touches(name: str) -> None:
    assert "The dashed bound touches here" in str(specs(preset(BERNOULLI, name))[0])
    with_slip = specs(preset(BERNOULLI, name, slip="eq6"))
    assert "With the slip the bound does not touch" in str(with_slip[0])
    assert "never falls" not in str(with_slip[1])


def test_a_start_of_the_race_is_the_run_of_its_seed() -> None:
    app = preset(BERNOULLI, "signs", show="starts")
    worst = sent(app)["bernoulli-ends"]["rows"][-1]
    app.number_input(key="bernoulli.seed").set_value(worst[0]["value"]).run()
    trace = app.session_state["bernoulli.good"]
    assert trace.log_likelihood[-1] == pytest.approx(worst[1]["value"], rel=1e-9)


def test_turning_a_knob_that_draws_the_start_empties_what_was_typed() -> None:
    app = preset(BERNOULLI, "exercise")
    app.number_input(key="bernoulli.components").set_value(3).run()
    assert not app.error
    assert app.text_input(key="bernoulli.means").value == ""
    assert app.text_input(key="bernoulli.X").value != ""
    assert app.session_state["bernoulli.good"].means.shape == (11, 3, 3)


def test_a_cell_to_predict_is_hidden_where_it_stands() -> None:
    app = preset(BERNOULLI, "exercise", section="Predict", question="responsibility", row=2)
    app.run()
    row = table(app)["rows"][1]
    assert [cell["blank"] for cell in row] == [False, False, True, True]
    shares = next(tile for tile in tiles(app) if tile["name"] == "η")
    assert shares["blank"] == [[1, 0], [1, 1]]
    lines = sent(app)["bernoulli-working"]["lines"]
    assert [line["blank"] for line in lines] == [True, False, False, False, False]


def test_places_past_the_end_become_the_last() -> None:
    app = put(preset(BERNOULLI, "exercise"), BERNOULLI, row=99, component=9, column=50)
    assert not app.exception
    values = [app.number_input(key=f"bernoulli.{n}").value for n in ("row", "component", "column")]
    assert values == [5, 2, 3]


ODD = {
    "all zero": "0, 0; 0, 0; 0, 0",
    "all one": "1, 1",
    "one bit": "1",
    "equal rows": "1, 0, 1; 1, 0, 1",
    "a column that never changes": "1, 0; 1, 1; 1, 0",
    "wide": ", ".join(["1, 0"] * 30),
}


@pytest.mark.parametrize("X", ODD.values(), ids=ODD)
@pytest.mark.parametrize("components", [1, 2, 9])
def test_an_odd_case_is_finite_explained_and_certified(X: str, components: int) -> None:
    app = opened(X, components=components)
    assert not app.exception
    assert not app.error
    assert certified(app)
    captions = sent(app)["bernoulli-transport"]["captions"]
    assert captions[-1].endswith(str(app.session_state["bernoulli.good"].stop))
    everything = str(sent(app)) + str(specs(app))
    assert "NaN" not in everything
    assert "∞" not in everything


def test_a_start_that_forbids_a_row_is_said() -> None:
    app = preset(BERNOULLI, "exercise")
    app.text_input(key="bernoulli.means").set_value("0, 0.5, 0.5; 0, 0.5, 0.5").run()
    assert app.error[0].value.startswith("means must leave every row of X possible")
    assert certified(app)


def test_the_captions_say_how_far_the_likelihood_rose() -> None:
    trace, captions = trace_of("digits"), charts.captions(trace_of("digits"))
    assert captions[0] == "start: 300 rows of 64, 10 components, means drawn as noise"
    gain = trace.log_likelihood[1] - trace.log_likelihood[0]
    assert f"up {gain:,.3g}" in captions[1]
    assert captions[-1].endswith(str(trace.stop))


def test_the_figure_does_not_change_its_size_with_the_step() -> None:
    drawing = charts.components(trace_of("signs"), {}, (0, 0, 0), "")
    inside = [t for t in drawing.tiles if t.x < 0 or t.x + t.wide > drawing.width]
    assert inside == []
    assert all(tile.y + tile.high <= drawing.height for tile in drawing.tiles)
    assert isinstance(drawing.tiles[0].note, list)
    assert len(drawing.tiles) == 3 + 16
