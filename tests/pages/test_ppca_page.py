"""Probabilistic PCA: the cloud, the table, the angle, the odd cases."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.mixtures import ppca
from pages.catalog import lesson
from pages.charts import climb, ppca_cloud, ppca_curves
from pages.charts import ppca as charts

PPCA = lesson("ppca")


def typed(X: str, direction: str = "", **knobs: Any) -> AppTest:
    """The page after a person has typed these."""
    app = visit(PPCA)
    app.text_input(key="ppca.X").set_value(X)
    app.text_input(key="ppca.direction").set_value(direction)
    for name, value in knobs.items():
        app.number_input(key=f"ppca.{name}").set_value(value)
    return app.run()


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["ppca-table"]


def column(app: AppTest, j: int) -> np.ndarray:
    """One column of the points, (points, steps)."""
    return np.array([row[j]["value"] for row in table(app)["rows"]])


def layers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [inner for layer in spec["layer"] for inner in layer.get("layer", [layer])]


def values(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["datasets"][layer["data"]["name"]]


def test_the_exercise_is_the_golden_case(golden: dict[str, Any]) -> None:
    case = golden["s003.3"]
    app = preset(PPCA, "exercise")
    np.testing.assert_allclose(column(app, 4)[:, 0], np.array(case["X"]) @ case["u0"], rtol=1e-13)
    np.testing.assert_allclose(column(app, 5)[:, 0], case["m"], rtol=1e-13)
    np.testing.assert_allclose(column(app, 6)[:, 0], case["s"], rtol=1e-13)
    sums, new = table(app)["foot"]
    np.testing.assert_allclose([new[j]["value"][0] for j in (1, 2, 3)], case["u1"], rtol=1e-12)
    assert new[6]["value"][0] == pytest.approx(case["sigma2_1"], rel=1e-12)
    assert sums[6]["value"][0] == pytest.approx(sum(case["s"]), rel=1e-13)
    assert "7.9° from q₁" in sent(app)["ppca-transport"]["captions"][1]


@pytest.mark.parametrize("name", ppca.PRESETS)
def test_the_table_is_the_trace(name: str) -> None:
    app = preset(PPCA, name)
    case = ppca.PRESETS[name]
    trace = ppca.run(**case.data, params=case.params)
    J, n = trace.X.shape[1], climb.states(trace)
    for j in range(J):
        np.testing.assert_array_equal(column(app, 1 + j), trace.X[:, j])
    np.testing.assert_array_equal(column(app, J + 2), trace.mean_z[:n].T)
    np.testing.assert_array_equal(column(app, J + 3), trace.mean_z2[:n].T)
    sums, new = table(app)["foot"]
    for j in range(J):
        following = np.array(new[1 + j]["value"])
        np.testing.assert_array_equal(following[:-1], trace.direction[1:n, j])
        ratio = np.array(sums[1 + j]["value"]) / np.array(sums[J + 3]["value"])
        np.testing.assert_allclose(ratio, following, atol=1e-11)
    np.testing.assert_array_equal(new[J + 3]["value"][:-1], trace.noise[1:n])


@pytest.mark.parametrize("slip", ppca.SLIPS)
def test_a_slip_lights_just_the_numbers_it_changes(slip: str) -> None:
    for name in ("turning", "exercise", "drowned"):
        case = ppca.PRESETS[name]
        right = ppca.run(**case.data, params=case.params)
        app = preset(PPCA, name, slip=slip)
        J = right.X.shape[1]
        for j, field in ((J + 2, "mean_z"), (J + 3, "mean_z2")):
            want = getattr(right, field).T
            lit = np.array([row[j]["wrong"] for row in table(app)["rows"]])
            gap = abs(column(app, j) - want)
            np.testing.assert_array_equal(lit, gap > 1e-9 * np.maximum(1, abs(want)))
        new = table(app)["foot"][1]
        for j in range(J):
            want, got = right.direction[1:, j], np.array(new[1 + j]["value"][:-1])
            gap = abs(got - want) > 1e-9 * np.maximum(1, abs(want))
            np.testing.assert_array_equal(np.array(new[1 + j]["wrong"])[:-1], gap)
        gap = abs(np.array(new[J + 3]["value"][:-1]) - right.noise[1:]) > 1e-9 * right.noise[1:]
        np.testing.assert_array_equal(np.array(new[J + 3]["wrong"])[:-1], gap)


def test_the_printed_normaliser_shows_its_number(golden: dict[str, Any]) -> None:
    app = preset(PPCA, "exercise", slip="normaliser")
    assert table(app)["foot"][1][6]["value"][0] == pytest.approx(golden["wrong.s003.3"]["sigma2"])
    line = next(x for x in sent(app)["ppca-working"]["lines"] if x["tag"] == 8)
    assert line["printed"]
    assert line["wrong"][0]
    assert not certified(app)


def traced(name: str) -> ppca.Ppca:
    case = ppca.PRESETS[name]
    return ppca.run(**case.data, params=case.params)


@pytest.mark.parametrize("name", ["turning", "three"])
def test_the_ellipses_are_those_of_C(name: str) -> None:
    """The calculation that the browser makes, made here."""
    trace = traced(name)
    plane = ppca.seen(trace.X)
    spec = ppca_cloud.scene(trace, ppca.summit(trace), 0, False, 0).to_dict()
    drawn = [x for x in layers(spec) if x["mark"].get("fillOpacity")]
    assert len(drawn) == 2
    for layer, times in zip(drawn, (2, 1), strict=True):
        formula = {t["as"]: t["calculate"] for t in layer["transform"]}
        for step in (0, 3, len(trace) - 1):
            C = np.outer(trace.direction[step], trace.direction[step])
            C = plane @ (C + trace.noise[step] * np.eye(len(C))) @ plane.T
            for row in values(spec, layer)[::9]:
                known = {"step": step, "datum": SimpleNamespace(**row)}
                at = np.array([eval(formula[name], known) for name in ("x", "y")])
                assert at @ np.linalg.solve(C, at) == pytest.approx(times**2, rel=1e-3)


def test_the_scales_of_the_cloud_are_equal() -> None:
    spec = specs(preset(PPCA, "turning"))[0]
    found = {}
    for layer in layers(spec):
        for channel in ("x", "y"):
            scale = layer.get("encoding", {}).get(channel, {}).get("scale")
            if scale:
                found.setdefault(channel, set()).add(str(scale["domain"]))
    assert len(found["x"]) == len(found["y"]) == 1
    (wide,), (high,) = found["x"], found["y"]
    assert wide.replace("width / height", "height / width") == high


def test_em_and_power_iteration_are_drawn_on_top_of_each_other() -> None:
    trace = traced("turning")
    spec = ppca_curves.angle(trace, False, 0).to_dict()
    points = [x for x in layers(spec) if x["mark"]["type"] == "point"]
    dots, rings = (np.array([r["y"] for r in values(spec, x)]) for x in points)
    assert len(dots) == len(rings) == len(trace)
    np.testing.assert_allclose(dots, rings, rtol=1e-9)
    ratio = trace.eigenvalues[1] / trace.eigenvalues[0]
    np.testing.assert_allclose(dots[8:] / dots[7:-1], ratio, rtol=1e-3)
    assert f"λ₂/λ₁ = {ratio:.2g}" in str(spec)
    line = sent(preset(PPCA, "turning"))["ppca-working"]["lines"][-1]
    assert line["tag"] == 10
    assert max(line["value"]) < 1e-12


@pytest.mark.parametrize("show", ["angle", "bound", "starts"])
def test_each_view_draws_three_figures(show: str) -> None:
    app = put(visit(PPCA), PPCA, show=show)
    assert not app.exception
    titles = [spec["title"]["text"] for spec in specs(app)]
    assert len(titles) == 3
    assert ("starts" in titles[0]) == (show == "starts")
    assert ("bound peaks" in titles[1]) == (show == "bound")


ODD = {
    "one point": "3, 4",
    "a line": "1, 2; 2, 4; -3, -6",
    "equal points": "1, 1; 1, 1",
    "one column": "1; 2; -3",
    "six columns": "1, 2, 3, 4, 5, 6; 6, 5, 4, 3, 2, 1; 1, 0, 1, 0, 1, 0",
    "large": "1e8, 0; 0, 2e8; 1e8, 3e8",
    "a round cloud": "1, 0; 0, 1; -1, 0; 0, -1",
    "many points": "; ".join(["1, 2", "-2, 0.5"] * 110),
}


@pytest.mark.parametrize("X", ODD.values(), ids=ODD)
def test_an_odd_cloud_is_finite_explained_and_certified(X: str) -> None:
    app = typed(X)
    for show in ("angle", "bound", "starts"):
        put(app, PPCA, show=show)
        assert not app.exception
        assert not app.error
        assert certified(app)
        everything = str(sent(app)) + str(specs(app))
        assert "NaN" not in everything
        assert "∞" not in everything
        assert "nan" not in everything
    trace = app.session_state["ppca.good"]
    assert sent(app)["ppca-transport"]["captions"][-1].endswith(str(trace.stop))


def test_a_direction_of_another_length_is_named_at_its_field() -> None:
    app = visit(PPCA)
    before = specs(app)
    app.text_input(key="ppca.direction").set_value("1, 2, 3").run()
    assert [box.value for box in app.error] == [
        "direction must have as many numbers as X has columns, got 3 for 2."
    ]
    assert specs(app) == before
    assert certified(app)


def test_a_turned_seed_draws_another_start() -> None:
    app = visit(PPCA)
    before = app.session_state["ppca.good"].direction[0]
    app.number_input(key="ppca.seed").set_value(7).run()
    assert app.text_input(key="ppca.direction").value == ""
    trace = app.session_state["ppca.good"]
    assert abs(trace.direction[0] - before).max() > 0.1
    assert trace.params.seed == 7


def test_the_chosen_point_is_put_into_the_working() -> None:
    app = put(visit(PPCA), PPCA, point=3)
    assert table(app)["chosen"] == 3
    mean = sent(app)["ppca-working"]["lines"][0]
    assert "<mn>4</mn>" in mean["symbol"]
    assert mean["value"] == column(app, 4)[3].tolist()
    app.text_input(key="ppca.X").set_value("1, 2; 3, 1").run()
    assert table(app)["chosen"] == 1


def test_the_question_about_m_hides_what_gives_it_away() -> None:
    app = put(visit(PPCA), PPCA, section="Predict")
    assert app.session_state["ppca.question"] == "mean_z"
    hidden = [line["blank"] for line in sent(app)["ppca-working"]["lines"]]
    assert hidden == [True, True, False, False, False, False]
    blank = [cell["blank"] for cell in table(app)["rows"][0]]
    assert blank == [False, False, False, False, True, True]
    assert not any(cell["blank"] for row in table(app)["rows"][1:] for cell in row)


def test_the_sheet_writes_the_points_back() -> None:
    app = put(visit(PPCA), PPCA, section="Data")
    trace = app.session_state["ppca.good"]
    block, values = charts.sheet(trace)
    assert [b.line for b in block] == ["X"]
    assert values["X"] == trace.X.tolist()
    assert not app.exception


def test_a_long_run_moves_the_transport_as_far_as_something_moves() -> None:
    app = preset(PPCA, "exercise")
    app.number_input(key="ppca.steps").set_value(1000).run()
    captions = sent(app)["ppca-transport"]["captions"]
    settled = app.session_state["ppca.good"].settled
    assert settled < len(captions) < 1001
    assert captions[-1].endswith(str(ppca.PpcaStop.SETTLED))
