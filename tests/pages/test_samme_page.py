"""Boosting: points, cuts and votes that follow the round, both alphas, odd cases."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.boosting import samme
from pages.catalog import lesson
from pages.charts import samme as charts
from pages.charts import samme_curves as curves
from pages.charts import samme_votes as votes

SAMME = lesson("samme")


def trace_of(name: str) -> samme.Samme:
    case = samme.PRESETS[name]
    return samme.run(**case.data, params=case.params)


def typed(X: str, y: str, votes: str = "", **settings: Any) -> AppTest:
    """The page after a person has typed these."""
    app = preset(SAMME, "exercise")
    for name, text in (("X", X), ("y", y), ("votes", votes)):
        app.text_input(key=f"samme.{name}").set_value(text)
    app.run()
    return put(app, SAMME, **settings) if settings else app


def rows_of(figure: Any, field: str) -> list[dict[str, Any]]:
    """The rows of that layer of a figure whose data have this field."""
    datasets = figure.to_dict()["datasets"].values()
    return next(rows for rows in datasets if field in rows[0])


def column(app: AppTest, j: int) -> list[Any]:
    return [row[j]["value"] for row in sent(app)["samme-table"]["rows"]]


def test_the_exercise_is_the_golden_one(golden: dict[str, Any]) -> None:
    case = golden["s004.3"]
    app = preset(SAMME, "exercise")
    np.testing.assert_allclose(column(app, 1), [r["eps"] for r in case["rounds"]], rtol=1e-12)
    np.testing.assert_allclose(column(app, 2), [r["alpha"] for r in case["rounds"]], rtol=1e-12)
    np.testing.assert_allclose(2 / 3 * np.array(column(app, 3)), column(app, 2), rtol=1e-12)
    assert sent(app)["samme-table"]["lit"] == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize("name", ["target", "digits"])
def test_points_are_as_heavy_as_the_round_sees_them(name: str) -> None:
    trace = trace_of(name)
    points = rows_of(charts.scene(trace, 0, 0), "ds")
    sizes = np.array([[float(v) for v in row["ds"].split(" ")] for row in points]).T
    np.testing.assert_allclose(sizes[0], 1)
    np.testing.assert_allclose(sizes[1:], len(trace.y) * trace.weights[:-1], rtol=6e-3)
    rings = np.array([[mark == "1" for mark in row["ws"]] for row in points]).T
    np.testing.assert_array_equal(rings[1:], trace.votes != trace.y)
    assert not rings[0].any()
    assert [row["k"] for row in points] == [str(k) for k in trace.labels[trace.y]]


def test_the_areas_hold_the_winners_of_every_round() -> None:
    trace = trace_of("target")
    cells = rows_of(charts.scene(trace, 0, 0), "s")
    for cell in cells[::7]:
        middle = [[(cell["x"] + cell["x2"]) / 2, (cell["y"] + cell["y2"]) / 2]]
        won = samme.scores_at(trace, np.array(middle))[1:, 0].argmax(axis=1)
        assert cell["s"] == "-" + "".join(charts.MARKS[k] for k in won)


def test_a_picture_stays_below_half_a_megabyte() -> None:
    for name in ("exercise", "digits"):
        trace = trace_of(name)
        figures = [votes.shares(trace, 0, 0), curves.along(trace, False, False, 0)]
        figures.append((charts.scene if trace.X.size else votes.ballot)(trace, 0, 0))
        assert sum(len(figure.to_json(indent=None)) for figure in figures[1:]) < 500_000
        assert len(figures[0].to_json(indent=None)) < 500_000


def test_the_curve_is_least_where_alpha_stands() -> None:
    trace = trace_of("exercise")
    spots = rows_of(curves.along(trace, False, False, 0), "b")
    for spot, e in zip(spots, trace.error, strict=True):
        grid = np.linspace(spot["x"] - 0.5, spot["x"] + 0.5, 1001)
        values = e * np.exp(grid / 2) + (1 - e) * np.exp(-grid)
        assert abs(grid[values.argmin()] - spot["x"]) < 1.1e-3
        assert values.min() == pytest.approx(spot["y"], abs=1e-6)
        assert spot["b"] == pytest.approx(spot["x"], abs=1e-9)


def test_a_slip_stands_beside_the_minimum_and_lights_its_column() -> None:
    app = preset(SAMME, "exercise", slip="no-log")
    lit = [[cell["wrong"] for cell in row[1:5]] for row in sent(app)["samme-table"]["rows"]]
    assert lit[0] == [False, True, True, True]
    shown = samme.slipped(trace_of("exercise"), samme.SLIPS["no-log"])
    spots = rows_of(curves.along(shown, True, False, 0), "b")
    assert spots[0]["b"] - spots[0]["x"] == pytest.approx(2 / 3 * np.log(2), abs=1e-9)
    assert not certified(app)
    mild = preset(SAMME, "exercise", slip="indicator")
    assert not any(cell["wrong"] for row in sent(mild)["samme-table"]["rows"] for cell in row)
    assert not certified(mild)


def test_three_classes_have_a_triangle_with_the_point_at_its_votes() -> None:
    trace = trace_of("exercise")
    points = rows_of(votes.shares(trace, 0, 0), "xs")
    total = trace.alpha.cumsum()
    for i, row in enumerate(points):
        found = np.array([[float(v) for v in row[name].split(" ")] for name in ("xs", "ys")])
        own = np.append(1 / 3, trace.scores[1:, i, trace.y[i]] / total)
        right = np.append(1 / 3, trace.scores[1:, i, (trace.y[i] + 2) % 3] / total)
        np.testing.assert_allclose(found[1], own * np.sqrt(3) / 2, atol=1e-3)
        np.testing.assert_allclose(found[0], right + own / 2, atol=1e-3)


def test_the_shaded_region_is_wrong_at_a_loss_below_one() -> None:
    figure = votes.shares(trace_of("exercise"), 0, 0).to_dict()
    filled = [layer for layer in figure["layer"] if layer["mark"].get("filled") is True
              and layer["mark"]["type"] == "line"]  # fmt: skip
    assert len(filled) == 2
    for layer in filled:
        corners = figure["datasets"][layer["data"]["name"]]
        x, y = (np.mean([corner[name] for corner in corners]) for name in "xy")
        own = y / (np.sqrt(3) / 2)
        right = x - own / 2
        assert own < max(right, 1 - own - right)  # outvoted
        assert np.exp((1 - 3 * own) / 2) < 1  # and yet


@pytest.mark.parametrize("name", ["crossed", "outliers"])
def test_other_numbers_of_classes_have_a_plane(name: str) -> None:
    app = preset(SAMME, name, show="shares")
    assert not app.exception
    trace = trace_of(name)
    points = rows_of(votes.shares(trace, 0, 0), "xs")
    last = [float(row["xs"].split(" ")[-1]) for row in points]
    own = trace.scores[-1, np.arange(len(trace.y)), trace.y] / trace.alpha.sum()
    np.testing.assert_allclose(last, own, atol=1e-3)


def test_the_ballot_shows_every_vote() -> None:
    trace = trace_of("exercise")
    cells = rows_of(votes.ballot(trace, 0, 0), "right")
    assert {(c["r"], c["i"], c["n"]) for c in cells} == {
        (t + 1, i + 1, str(v)) for (t, i), v in np.ndenumerate(trace.votes)
    }
    assert all(c["right"] == (int(c["n"]) == trace.y[c["i"] - 1]) for c in cells)


def test_at_first_the_heaviest_point_is_worked() -> None:
    app = visit(SAMME)
    trace = app.session_state["samme.good"]
    assert app.session_state["samme.point"] == trace.weights.sum(axis=0).argmax() + 1
    assert put(app, SAMME, point=999).session_state["samme.point"] == len(trace.y)


ODD = {
    "one class": ("1, 2; 3, 4", "5, 5"),
    "one point": ("1, 2", "5"),
    "equal points": ("1, 2; 1, 2; 1, 2; 1, 2", "0, 0, 1, 1"),
    "perfect": ("1, 2; 3, 4", "0, 1"),
    "one column": ("1; 2; 3; 4; 5", "0, 1, 0, 1, 1"),
    "four columns": ("1, 2, 3, 4; 2, 3, 4, 1; 0, 1, 0, 1; 5, 1, 2, 0; 5, 1, 1, 2", "0, 1, 2, 1, 0"),
    "large": ("1e20, -1e20; 2e20, 1e20; -3e20, 0; 0, 0", "0, 1, 1, 0"),
    "a constant column": ("1, 5; 2, 5; 3, 5; 4, 5", "0, 1, 0, 1"),
}


@pytest.mark.parametrize(("X", "y"), ODD.values(), ids=ODD)
def test_an_odd_case_is_finite_explained_and_certified(X: str, y: str) -> None:
    app = typed(X, y, rounds=12, section="Data")
    for show in ("rounds", "shares"):
        put(app, SAMME, show=show)
        assert not app.exception
        assert not app.error
        assert certified(app)
        trace = app.session_state["samme.good"]
        assert str(trace.stop) in sent(app)["samme-transport"]["captions"][-1]
        everything = str(sent(app)) + str(specs(app))
        assert "NaN" not in everything
        assert "Infinity" not in everything


def test_typed_votes_are_counted() -> None:
    app = typed("", "1, 1, 2, 2", "1, 2, 2, 2; 1, 1, 1, 2")
    assert not app.error
    np.testing.assert_allclose(column(app, 1)[0], 0.25)


@pytest.mark.parametrize(
    ("X", "y", "votes", "says"),
    [
        ("1, 2; 3", "0, 1", "", "X must be numbers"),
        ("1, 2; 3, 4", "0", "", "X must have a class in y"),
        ("1, 2; 3, 4", "0, 1", "0, 1", "votes and X cannot both"),
        ("1, 2; 3, nan", "0, 1", "", "X must be numbers"),
        ("", "0, 1", "0, 1, 1", "votes must have a class"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_last_good_stays(
    X: str, y: str, votes: str, says: str
) -> None:
    app = typed(X, y, votes)
    assert not app.exception
    assert any(says in box.value for box in app.error), [box.value for box in app.error]
    np.testing.assert_allclose(column(app, 1), [1 / 3, 1 / 6, 1 / 30, 5 / 87])


def test_turning_the_number_of_digits_empties_what_was_typed() -> None:
    app = preset(SAMME, "exercise")
    app.number_input(key="samme.digits").set_value(120).run()
    assert not app.error
    assert app.session_state["samme.good"].drawn
    assert len(app.session_state["samme.good"].y) == 120


def test_what_is_handed_out_makes_the_run_again() -> None:
    for name in samme.PRESETS:
        trace = trace_of(name)
        again = samme.run(**charts.given(trace), params=trace.params)
        np.testing.assert_array_equal(again.weights, trace.weights)


def test_a_long_run_is_drawn_in_part_and_says_so() -> None:
    trace = samme.run(**samme.PRESETS["target"].data, params=samme.Params(rounds=200))
    said = charts.captions(trace)
    assert len(said) == charts.MOST_SHOWN + 1
    assert "the first 120 of 200 rounds" in said[-1]
