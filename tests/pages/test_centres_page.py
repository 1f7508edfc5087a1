"""Centres: the line with both objectives, dragging, and the search over partitions."""

from types import SimpleNamespace
from typing import Any

import altair as alt
import numpy as np
import pytest
import streamlit
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit

from engine.clusters import centres
from pages.catalog import lesson
from pages.charts import centres as charts
from pages.ui import line as component
from pages.ui.typed import spelled

CENTRES = lesson("centres")
WALKS = [name for name, case in centres.PRESETS.items() if case.params.clusters == 1]


def drawn(app: AppTest) -> dict[str, Any]:
    return sent(app)["centres-line"]


def sides(app: AppTest) -> list[dict[str, Any]]:
    return drawn(app)["sides"]


def trace_of(app: AppTest) -> Any:
    return app.session_state["centres.good"]


def typed(points: str, **knobs: Any) -> AppTest:
    app = visit(CENTRES)
    for name, value in knobs.items():
        app.session_state[f"centres.{name}"] = value
    app.text_input(key="centres.points").set_value(points).run()
    return app


# The line.


def test_the_line_shows_the_exercise(golden: dict[str, Any]) -> None:
    case = golden["s002.1"]
    app = preset(CENTRES, "odd")
    assert drawn(app)["points"] == [row[0] for row in case["X"]]
    squares, absolutes = sides(app)
    assert squares["centre"] == [case["mean"][0]] * 2
    assert absolutes["centre"] == [case["median"][0]] * 2
    put(app, CENTRES, axis=2)
    assert drawn(app)["points"] == [row[1] for row in case["X"]]
    assert sides(app)[1]["centre"] == [case["median"][1]] * 2


@pytest.mark.parametrize("name", WALKS)
def test_the_figure_is_the_trace(name: str) -> None:
    app = preset(CENTRES, name)
    trace = trace_of(app)
    for p, side in enumerate(sides(app)):
        np.testing.assert_array_equal(side["mu"], trace.mu[:, p])
        np.testing.assert_array_equal(side["value"], trace.value[:, p])
        assert not np.any(side["wrong_value"])
        assert not np.any(side["wrong_slope"])
        assert side["true_curve"] == side["true_slopes"] == []
    squares, absolutes = sides(app)
    np.testing.assert_array_equal(np.array(squares["slopes"]), np.stack([trace.gradient] * 2, 1))
    np.testing.assert_array_equal(np.array(absolutes["slopes"]), trace.interval)
    np.testing.assert_array_equal(absolutes["zero"], trace.optimal)
    assert len(sent(app)["centres-transport"]["captions"]) == len(trace)


@pytest.mark.parametrize("slip", centres.SLIPS)
@pytest.mark.parametrize("name", WALKS)
def test_a_slip_lights_just_what_it_changes(name: str, slip: str) -> None:
    app = preset(CENTRES, name, slip=slip)
    wrong = centres.wrong_cells(trace_of(app), centres.SLIPS[slip])
    squares, absolutes = sides(app)
    np.testing.assert_array_equal(squares["wrong_slope"], wrong["gradient"])
    np.testing.assert_array_equal(absolutes["wrong_slope"], wrong["interval"].any(axis=1))
    for p, side in enumerate((squares, absolutes)):
        np.testing.assert_array_equal(side["wrong_value"], wrong["value"][:, p])
    assert absolutes["wrong_centre"] == wrong["median"].any()
    assert bool(absolutes["true_curve"]) == (slip == "identity")
    lines = {line["symbol"]: line["wrong"] for line in sent(app)["centres-working"]["lines"]}
    assert any(np.any(mark) for mark in lines.values()) == any(
        wrong[field].any() for field in ("value", "gradient", "interval", "median")
    )


@pytest.mark.parametrize("asked", ["mean", "median", "gradient", "lower"])
def test_what_is_asked_is_not_shown(asked: str) -> None:
    app = put(visit(CENTRES), CENTRES, section="Predict")
    put(app, CENTRES, question=asked)
    squares, absolutes = sides(app)
    veils = {"mean": squares, "gradient": squares, "median": absolutes, "lower": absolutes}
    part = "centre" if asked in ("mean", "median") else "slope"
    assert veils[asked]["blank"] == [part]
    blank = [line["blank"] for line in sent(app)["centres-working"]["lines"]]
    assert sum(blank) == 1
    hidden = [cell["blank"] for row in sent(app)["centres-table"]["rows"] for cell in row]
    assert sum(hidden) == (part == "centre")


# Dragging.


@pytest.mark.parametrize(
    ("points", "axis", "want"),
    [([1, 3, 24], 1, "1, 3, 5.5"), ([[1, 2], [3, 4], [5, 6]], 2, "1, 2; 3, 4; 5, 5.5")],
)
def test_a_dropped_point_is_as_good_as_typed(points: Any, axis: int, want: str) -> None:
    trace = centres.run(points, centres.Params(axis=axis))
    assert spelled(charts.moved(trace, 2, 5.5)) == want


GOOD = {"opening": "here", "point": 1, "place": 2.5}


@pytest.mark.parametrize(
    ("drop", "heard"),
    [
        (GOOD, [(1, 2.5)]),
        (GOOD | {"opening": "before"}, []),
        (GOOD | {"point": 5}, []),
        (GOOD | {"point": -1}, []),
        (GOOD | {"point": "1"}, []),
        (GOOD | {"place": "2"}, []),
        (GOOD | {"place": 1e300}, [(1, 26.76)]),
        (None, []),
    ],
)
def test_a_drop_is_heard_once_it_makes_sense(
    drop: Any, heard: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, float]] = []
    taken: dict[str, Any] = {}

    def register(name: str) -> Any:
        return lambda **given: taken.update(given)

    monkeypatch.setattr(component, "component", register)
    monkeypatch.setattr(streamlit, "session_state", {"k": {"drop": drop}})
    trace = centres.run([1, 3, 5, 7, 24])
    drawing = charts.line(trace, trace, None, {}, ())
    page: Any = SimpleNamespace(opening="here")
    component.line("k", drawing, page, lambda point, place: told.append((point, place)))
    taken["on_drop_change"]()
    assert told == [(p, pytest.approx(x)) for p, x in heard]


# The search.


def test_the_search_opens_on_both_optima(golden: dict[str, Any]) -> None:
    app = preset(CENTRES, "seven")
    (total,) = sent(app)["centres-table"]["foot"]
    want = [golden[f"s002.1.{key}"]["objective"] for key in ("k-means", "k-medians")]
    assert [cell["value"][-1] for cell in total[2::2]] == pytest.approx(want, rel=1e-14)
    caption = sent(app)["centres-transport"]["captions"][-1]
    assert caption.startswith("63 of 63 partitions tried: best D₂ 194.7, best D₁ 37 ·")


@pytest.mark.parametrize("slip", ["", *centres.SLIPS])
def test_the_charts_of_a_search(slip: str) -> None:
    app = preset(CENTRES, "seven", slip=slip or None)
    assert not app.exception
    found = specs(app)
    assert len(found) == 4
    last = len(sent(app)["centres-transport"]["captions"]) - 1
    for spec in found:
        alt.Chart.from_dict(spec, validate=True)
        (step,) = (p for p in spec["params"] if p["name"] == "step")
        assert (step["bind"]["max"], step["value"]) == (last, 62)
    hides = slip in ("", "sign", "l1-sign")
    assert certified(app) == hides
    cells = [cell for row in sent(app)["centres-table"]["rows"] for cell in row]
    assert any(np.any(cell["wrong"]) for cell in cells) == (not hides)


def test_each_point_is_tied_to_the_centre_of_its_cluster() -> None:
    case = centres.PRESETS["seven"]
    trace: Any = centres.run(**case.data, params=case.params)
    for norm in (0, 1):
        spec = charts.plane(trace, norm, False, 0).to_dict()
        rows = spec["datasets"][spec["data"]["name"]]
        assert len(rows) == len(trace.points)
        for n, row in enumerate(rows):
            labels = np.array(row["labels"].split(), float)
            np.testing.assert_array_equal(labels, trace.labels[:, norm, n])
            at = trace.centres[np.arange(len(trace)), norm, labels.astype(int)]
            np.testing.assert_allclose(np.array(row["xs"].split(), float), at[:, 0], rtol=1e-5)
            np.testing.assert_allclose(np.array(row["ys"].split(), float), at[:, 1], rtol=1e-5)


# What may be typed.

ODD = {
    "one point": ("3", {}),
    "all equal": ("2, 2, 2, 2", {}),
    "two": ("-1, 1", {}),
    "a million apart": ("-1000000, 1000000, 0.1", {}),
    "sixty": (", ".join(map(str, range(60))), {}),
    "from far away": ("1, 2, 3", {"walk": "downhill", "start": -1000.0}),
    "on the mean": ("1, 2, 3", {"walk": "downhill", "start": 2.0}),
    "a line in clusters": ("1, 2, 3, 10", {"clusters": 2}),
    "as many clusters as points": ("1, 2, 3", {"clusters": 3}),
    "equal points in clusters": ("1, 1; 1, 1; 1, 1", {"clusters": 2}),
    "ten points in three": ("1, 2, 3, 10, 12, 13, 30, 31, 35, 36", {"clusters": 3}),
}


@pytest.mark.parametrize(("points", "knobs"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("slip", [None, "condition"])
def test_an_odd_case_is_drawn_explained_and_certified(
    points: str, knobs: dict[str, Any], slip: str | None
) -> None:
    app = typed(points, **knobs)
    assert not app.exception
    assert not app.error
    assert certified(app)
    trace = trace_of(app)
    captions = sent(app)["centres-transport"]["captions"]
    assert captions[-1].endswith(str(trace.stop))
    assert "NaN" not in str(sent(app)) + str(specs(app))
    put(app, CENTRES, slip=slip)
    assert not app.exception


def test_too_many_points_for_a_search_are_said_at_their_field() -> None:
    app = put(typed(", ".join(map(str, range(11)))), CENTRES, clusters=2)
    assert [box.value for box in app.error] == [
        "points must be 2 to 10 when every partition into 2 clusters is tried, got 11."
    ]
