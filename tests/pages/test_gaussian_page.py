"""A mixture of Gaussians: points, ellipses and tables that follow the step, the race, odd cases."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.mixtures import gaussian
from pages.catalog import lesson
from pages.charts import climb, gaussian_points
from pages.charts import gaussian as charts

GAUSSIAN = lesson("gaussian")


def trace_of(name: str) -> gaussian.Gaussian:
    case = gaussian.PRESETS[name]
    return gaussian.run(**case.data, params=case.params)


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["gaussian-table"]


def typed(X: str, **settings: Any) -> AppTest:
    """The page after a person has typed points, with no start typed."""
    app = preset(GAUSSIAN, "exercise")
    for name in ("weights", "means", "covariances"):
        app.text_input(key=f"gaussian.{name}").set_value("")
    app.text_input(key="gaussian.X").set_value(X).run()
    return put(app, GAUSSIAN, **settings) if settings else app


def rows_of(trace: gaussian.Gaussian, field: str) -> list[dict[str, Any]]:
    """The rows of that layer of the scene whose data have this field."""
    datasets = gaussian_points.scene(trace, None, 0, 0).to_dict()["datasets"].values()
    return next(rows for rows in datasets if field in rows[0])


def at(rows: list[dict[str, Any]], field: str, step: int) -> list[str]:
    return [row[field].split(" ")[step] for row in rows]


def test_the_exercise_is_the_golden_one(golden: dict[str, Any]) -> None:
    case = golden["s004.4"]
    found = table(preset(GAUSSIAN, "exercise"))
    shares = np.array([[row[c]["value"][0] for c in (3, 4)] for row in found["rows"]])
    np.testing.assert_allclose(shares, case["delta"], rtol=1e-12)
    weights, first, second = (np.array([row[c]["value"] for c in (3, 4)]) for row in found["foot"])
    np.testing.assert_allclose(weights[:, 0], case["pi1"], rtol=1e-12)
    np.testing.assert_allclose(np.stack([first, second], -1)[:, 0], case["mu1"], rtol=1e-12)


@pytest.mark.parametrize("name", gaussian.PRESETS)
def test_the_table_is_the_trace(name: str) -> None:
    trace, found = trace_of(name), table(preset(GAUSSIAN, name))
    K = trace.weights.shape[1]
    shares = np.array([[cell["value"] for cell in row[3:]] for row in found["rows"]])
    np.testing.assert_array_equal(shares, np.transpose(trace.responsibility, (1, 2, 0)))
    assert len(found["columns"]) == 3 + K
    assert len({column["bar"] for column in found["columns"][3:]}) == K
    weights = np.array([cell["value"] for cell in found["foot"][0][3:]])
    np.testing.assert_array_equal(weights[:, :-1], trace.weights[1:].T)


def test_points_have_the_mixed_colours_of_their_components() -> None:
    trace = trace_of("clouds")
    points = rows_of(trace, "cs")
    palette = [tuple(int(c[k : k + 2], 16) for k in (1, 3, 5)) for c in gaussian_points.COLOURS[:3]]
    for step in (0, 8, len(trace) - 1):
        for i, colour in enumerate(at(points, "cs", step)):
            rgb = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            want = trace.responsibility[step, i] @ np.array(palette)
            np.testing.assert_allclose(rgb, want, atol=0.5001)
        marks = [int(k) - 1 for k in at(points, "ks", step)]
        assert marks == trace.responsibility[step].argmax(axis=1).tolist()


def test_ellipses_are_the_covariances() -> None:
    trace = trace_of("clouds")
    ellipses = rows_of(trace, "ds")
    assert [row["r"] for row in ellipses] == [1, 1, 1, 2, 2, 2]
    turn = np.linspace(0, 2 * np.pi, 9)
    for step in (0, 5, len(trace) - 1):
        for row in ellipses:
            m, o, a, b, d = (float(row[f"{n}s"].split(" ")[step]) for n in "moabd")
            x = row["r"] * np.stack([a * np.cos(turn), b * np.cos(turn) + d * np.sin(turn)])
            form = np.linalg.solve(trace.covariances[step, row["k"]], x)
            np.testing.assert_allclose((x * form).sum(0), row["r"] ** 2, rtol=2e-3)
            np.testing.assert_allclose([m, o], trace.means[step, row["k"]], atol=2e-4)


def test_the_first_two_of_many_columns_are_drawn_and_it_says_so() -> None:
    app = typed("0, 0, 5; 1, 0.5, 2; 0.5, 1.5, 9; 4, 3, 1; 5, 4.5, 7; 3.5, 5, 2")
    assert not app.exception
    assert certified(app)
    assert "Columns 1 and 2 of 3" in str(specs(app)[0])


@pytest.mark.parametrize("slip", gaussian.SLIPS)
def test_a_slip_lights_just_what_it_changes_and_leaves_a_ghost(slip: str) -> None:
    trace, app = trace_of("clouds"), preset(GAUSSIAN, "clouds", slip=slip)
    shown = gaussian.slipped(trace, gaussian.SLIPS[slip])
    wrong = abs(shown.responsibility - trace.responsibility) > 1e-9
    lit = np.array([[cell["wrong"] for cell in row[3:]] for row in table(app)["rows"]])
    np.testing.assert_array_equal(lit, np.transpose(wrong, (1, 2, 0)))
    assert len(specs(app)[0]["layer"]) == len(specs(preset(GAUSSIAN, "clouds"))[0]["layer"]) + 1


def test_the_chosen_point_is_put_into_the_working() -> None:
    app = put(visit(GAUSSIAN), GAUSSIAN, point=3, component=2, column=2)
    trace = app.session_state["gaussian.good"]
    lines = sent(app)["gaussian-working"]["lines"]
    share = next(line for line in lines if line["tag"] == 5)
    assert share["value"] == trace.responsibility[:, 2, 1].tolist()
    mean = next(line for line in lines if line["tag"] == 8)
    assert mean["value"][:-1] == trace.means[1:, 1, 1].tolist()
    assert table(app)["chosen"] == 2


def test_at_first_the_least_decided_point_is_worked() -> None:
    app, trace = visit(GAUSSIAN), trace_of("clouds")
    least = trace.responsibility.max(axis=2).sum(axis=0).argmin()
    assert app.session_state["gaussian.point"] == least + 1
    assert table(app)["chosen"] == least


def test_a_chosen_point_that_is_gone_becomes_the_last() -> None:
    app = put(visit(GAUSSIAN), GAUSSIAN, point=90)
    app.text_input(key="gaussian.X").set_value("0, 0; 1, 2; 4, 4").run()
    assert not app.exception
    assert app.session_state["gaussian.point"] == 3


def test_the_race_names_its_summits_and_opens_a_start() -> None:
    app = put(preset(GAUSSIAN, "trapped"), GAUSSIAN, show="starts")
    assert not app.exception
    starts = gaussian.race(app.session_state["gaussian.good"])
    count = starts.summit.max() + 1
    assert count > 1
    assert f"30 starts, {count} different summits" in str(specs(app)[0])
    found = sent(app)["gaussian-ends"]
    seeds = [row[0]["value"] for row in found["rows"]]
    assert sorted(seeds) == list(range(30))
    assert [row[2]["value"] for row in found["rows"]] == sorted(starts.summit + 1)
    assert seeds[found["chosen"]] == 20
    content, chosen, opened = charts.ends(starts, trace_of("exercise"))
    assert (len(content.rows), chosen) == (30, -1)  # a typed start is in no race
    assert opened[0] == {"weights": "", "means": "", "covariances": "", "seed": seeds[0]}


def test_a_start_of_the_race_is_the_run_of_its_seed() -> None:
    app = put(visit(GAUSSIAN), GAUSSIAN, seed=25)
    starts = gaussian.race(trace_of("clouds"))
    assert app.session_state["gaussian.good"].log_likelihood[-1] == pytest.approx(
        starts.log_likelihood[25], rel=1e-9
    )


def test_a_collapsed_start_is_named_in_the_race() -> None:
    app = put(preset(GAUSSIAN, "collapse"), GAUSSIAN, show="starts", steps=40, components=4)
    assert not app.exception
    assert "collapsed" in str(specs(app)[0])
    assert "NaN" not in str(sent(app)["gaussian-ends"])


def test_turning_the_seed_or_the_number_empties_the_typed_start() -> None:
    for name, value in (("seed", 4), ("components", 3)):
        app = preset(GAUSSIAN, "exercise")
        app.number_input(key=f"gaussian.{name}").set_value(value).run()
        assert not app.error
        assert app.session_state["gaussian.means"] == ""
        assert set(app.session_state["gaussian.good"].drawn) == {"weights", "means", "covariances"}


def test_many_components_have_the_shares_of_one_point() -> None:
    app = put(visit(GAUSSIAN), GAUSSIAN, components=7, point=5)
    found = table(app)
    trace = app.session_state["gaussian.good"]
    shares = np.array([row[1]["value"] for row in found["rows"]])
    np.testing.assert_array_equal(shares, trace.responsibility[:, 4].T)


ODD = {
    "one point": "3, 4",
    "equal points": "; ".join(["1, 2"] * 6),
    "a line": "; ".join(f"{i}, {2 * i}" for i in range(8)),
    "one column": "1; 2; 9; 10; 11",
    "large": "1e8, -1e8; 2e8, 1e8; -3e8, 0; 1e8, 1e8",
    "two hundred": "; ".join(f"{i % 20}, {i // 20}" for i in range(200)),
}


@pytest.mark.parametrize("X", ODD.values(), ids=ODD)
@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_an_odd_case_is_finite_explained_and_certified(X: str, covariance: str) -> None:
    app = typed(X, covariance=covariance)
    assert not app.exception
    assert not app.error
    assert certified(app)
    trace = app.session_state["gaussian.good"]
    assert len(trace.X) == X.count(";") + 1
    captions = sent(app)["gaussian-transport"]["captions"]
    assert captions[-1].endswith(str(trace.stop))
    everything = str(sent(app)) + str(specs(app))
    assert "NaN" not in everything
    assert "∞" not in everything
    put(app, GAUSSIAN, show="starts")
    assert not app.exception


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("X", "1, 2; 3", "X must be numbers"),
        ("X", "1, x", "X must be numbers"),
        ("means", "1, 2", "means must be 3 × 2"),
        ("weights", "0.5, 0.5, 0.5", "weights must sum to 1"),
        ("covariances", "1, 0; 0, 1 | 1, 0; 0, 1 | 1, 2; 0, 1", "covariances must be symmetric"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_last_good_stays(
    name: str, text: str, says: str
) -> None:
    app = visit(GAUSSIAN)
    before = table(app)["rows"]
    app.text_input(key=f"gaussian.{name}").set_value(text).run()
    assert not app.exception
    assert any(says in box.value for box in app.error), [box.value for box in app.error]
    assert table(app)["rows"] == before


def test_an_endless_start_says_that_the_floor_helps() -> None:
    app = typed("1, 2; 1, 2", floor=0.0)
    assert not app.exception
    assert any("a larger floor helps" in box.value for box in app.error)


def test_the_captions_say_how_far_the_likelihood_rose() -> None:
    app = visit(GAUSSIAN)
    trace = app.session_state["gaussian.good"]
    for t, caption in enumerate(sent(app)["gaussian-transport"]["captions"][1:], 1):
        gain = trace.log_likelihood[t] - trace.log_likelihood[t - 1]
        assert f"log L = −{abs(trace.log_likelihood[t]):,.6g}" in caption
        if gain > 1e-3:
            said = re.search(r"up ([\d.]+)", caption)
            assert said
            assert float(said[1]) == pytest.approx(gain, rel=0.01)


def test_what_is_handed_out_makes_the_run_again() -> None:
    for name in ("exercise", "clouds"):
        trace = trace_of(name)
        again = gaussian.run(**charts.given(trace), params=trace.params)
        np.testing.assert_allclose(again.means, trace.means, rtol=1e-12)
    longer = dataclasses.replace(gaussian.PRESETS["clouds"].params, steps=900)
    case = gaussian.PRESETS["clouds"]
    assert climb.states(gaussian.run(**case.data, params=longer)) == climb.LONGEST
