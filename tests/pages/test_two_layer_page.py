"""Two layers: recorded races, what one setting looks like inside, slips that are other runs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit, words

from engine.data import DataError
from engine.training import manager, mnist, two_layer, workers
from pages.catalog import lesson
from pages.charts import theme
from pages.charts import two_layer as charts
from pages.charts import two_layer_pictures as pictures

TWO = lesson("two_layer")


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A store of its own for each test, trained in a thread."""
    monkeypatch.setenv("WORKINGS_STORE", str(tmp_path))
    monkeypatch.setattr(manager, "_here", None)
    monkeypatch.setattr(workers, "executor", lambda _=None: ThreadPoolExecutor(1))
    yield
    manager.close()


def shipped(name: str) -> two_layer.Race:
    case = two_layer.PRESETS[name]
    return two_layer.recorded(**case.data, params=case.params)


def column(app: AppTest, j: int) -> list[Any]:
    return [row[j]["value"] for row in sent(app)["two_layer-table"]["rows"]]


def said(app: AppTest, words_: str) -> bool:
    return any(words_ in text for text in words(app))


def rows_of(figure: Any, field: str) -> list[dict[str, Any]]:
    """The rows of that layer of a figure whose data have this field."""
    datasets = figure.to_dict()["datasets"].values()
    return next(rows for rows in datasets if field in rows[0])


def unpacked(texts: list[str]) -> np.ndarray:
    """What ``packed`` wrote, [step, point]."""
    return np.array([[float(v) for v in text.split(" ")] for text in texts]).T


def test_a_race_that_ships_is_said_to_be_recorded() -> None:
    app = preset(TWO, "rates")
    race = shipped("rates")
    assert said(app, "Recorded")
    assert "Train" in [button.label for button in app.button]
    assert column(app, 0) == ["0.03", "0.001", "0.0001"]
    right = np.trace(race.confusion, axis1=2, axis2=3)
    np.testing.assert_array_equal(np.array(column(app, 1)).T, right)
    assert column(app, 3) == ["∞"] * 3
    assert len(sent(app)["two_layer-transport"]["captions"]) == 61


def test_what_nobody_has_trained_is_said_to_be_missing_and_then_trained() -> None:
    app = put(preset(TWO, "rates"), TWO, epochs=3, hidden=20, step=0)
    assert not app.exception
    assert said(app, "Not trained yet: 3 settings, 3 epochs.")
    assert specs(app)[0]["title"]["text"] == "Not trained yet"
    assert certified(app)
    next(button for button in app.button if button.label == "Train").click()
    app.run()
    for _ in range(200):
        if said(app, "Trained here"):
            break
        time.sleep(0.05)
        app.run()
    params = two_layer.Params(epochs=3, hidden=20)
    fresh = two_layer.run([0.03, 0.001, 0.0001], params)
    np.testing.assert_array_equal(
        np.array(column(app, 1)).T, np.round(450 * (1 - fresh.test_error))
    )
    put(app, TWO, aside="units")
    tile = sent(app)["two_layer-units"]["tiles"][0]
    np.testing.assert_allclose(tile["values"], fresh.weights[0, 0].ravel(), rtol=1e-3)
    assert len(sent(app)["two_layer-units"]["tiles"]) == 20


def test_a_click_on_a_row_looks_inside_that_setting() -> None:
    app = preset(TWO, "scale")
    saturated = specs(app)[1]["title"]["text"]
    assert saturated.startswith("s = 1000")
    put(app, TWO, row=3)
    assert specs(app)[1]["title"]["text"].startswith("s = 0.1")
    assert sent(app)["two_layer-table"]["chosen"] == 3


def test_the_histogram_holds_every_activation() -> None:
    few = two_layer.Params(vary="units h", epochs=2, batch=32)
    races = [(shipped("scale"), i) for i in range(4)] + [(two_layer.run([3, 7], few), 1)]
    for race, place in races:
        shares = unpacked([r["all"] for r in rows_of(pictures.slopes(race, place, 0), "low")])
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=2e-3)
        assert (shares[:, 0] >= race.saturated[:, place] - 1e-3).all(), "below 0.01 is below 0.05"


def test_the_matrix_holds_every_answer() -> None:
    race = shipped("rates")
    cells = rows_of(pictures.confusion(race, 2, 0), "true")
    counts = unpacked([cell["all"] for cell in cells])
    assert (counts.sum(axis=1) == 450).all()
    right = [cell["true"] == cell["said"] for cell in cells]
    wanted = 450 * (1 - race.test_error[:, 2])
    np.testing.assert_allclose(counts[:, right].sum(axis=1), wanted, atol=1e-3)


def test_wrong_pictures_say_what_they_were_taken_for() -> None:
    app = put(preset(TWO, "rates"), TWO, aside="wrong", row=0)
    tiles, race = sent(app)["two_layer-wrong"]["tiles"], shipped("rates")
    assert len(tiles) == round(450 * race.test_error[-1, 0])
    for tile, (truth, taken, _) in zip(tiles, race.answers[0], strict=False):
        assert tile["note"] == [f"{truth:.0f} as {taken:.0f}"]
        assert truth != taken
    assert not said(app, "None of the test pictures")


def test_a_run_that_is_not_over_has_no_pictures_and_says_so() -> None:
    app = put(preset(TWO, "rates"), TWO, seed=3, aside="wrong")
    assert said(app, "The pictures come when this setting is trained to its end.")
    assert not app.exception


@pytest.mark.parametrize("shown", list(charts.NAMES))
@pytest.mark.parametrize("name", ["scale", "step", "ten"])
def test_no_logarithm_is_asked_for_nothing(name: str, shown: str) -> None:
    race = shipped(name)
    for trace in (race, two_layer.slipped(race, two_layer.SLIPS["flipped-sign"])):
        figure = charts.race(trace, shown, 0, 0)
        lines = [layer for layer in figure.to_dict()["layer"] if layer["mark"]["type"] == "line"]
        assert len(lines) >= len(race.values)
        scale = lines[-1]["encoding"]["y"]["scale"]
        heights = [row["m"] for row in rows_of(figure, "m")]
        assert all(np.isfinite(heights))
        if scale.get("type") == "log":
            assert min(heights) > 0
            assert scale["domain"][0] > 0


def test_names_stand_apart_and_within_the_figure() -> None:
    height = 200
    given = [0.0, 0.0, 0.01, 0.5, 0.99, 1.0]
    spots = [eval(spot, {"height": height, "min": min, "max": max}) for spot in theme.apart(given)]
    assert (np.diff(spots) >= 17).all()
    assert spots[-1] <= height
    assert spots[3] == 100, "where there is room a name stays at its line"


def test_the_flipped_sign_is_shown_as_the_run_that_climbs() -> None:
    app = put(preset(TWO, "rates"), TWO, slip="flipped-sign", shown="loss")
    assert not certified(app)
    climb = two_layer.slipped(shipped("rates"), two_layer.SLIPS["flipped-sign"])
    right = np.trace(climb.confusion, axis1=2, axis2=3)
    np.testing.assert_array_equal(np.array(column(app, 1)).T, right)
    figure = charts.race(climb, "loss", 0, 60).to_dict()
    assert specs(app)[0]["title"] == figure["title"]
    solid = [x for x in figure["layer"] if x["mark"].get("strokeDash") == [1, 0]]
    assert len(solid) == 3
    for layer in solid:
        heights = [row["m"] for row in figure["datasets"][layer["data"]["name"]]]
        assert len(heights) == 61
        assert heights == sorted(heights)


def test_the_other_unit_is_the_other_preset_and_its_lines_light_up() -> None:
    app = put(preset(TWO, "step"), TWO, slip="other-unit")
    assert not certified(app)
    other = np.trace(shipped("epoch").confusion, axis1=2, axis2=3)
    np.testing.assert_array_equal(np.array(column(app, 1)).T, other)
    lines = sent(app)["two_layer-working"]["lines"]
    assert [line["wrong"] for line in lines] == [True] * 4 + [False] * 4
    put(app, TWO, slip="other-unit", decay=0.0)
    assert certified(app)


def test_mnist_that_is_not_here_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "here", lambda: False)
    app = put(preset(TWO, "rates"), TWO, data="mnist")
    assert [error.value.startswith("data must be digits") for error in app.error] == [True]
    assert column(app, 0) == ["0.03", "0.001", "0.0001"]


def test_a_knob_out_of_its_bounds_is_said_by_its_own_name() -> None:
    app = put(preset(TWO, "rates"), TWO, lr=1000.0)
    assert app.error[0].value == "lr must lie in [0, 100], got 1000."


def test_mnist_is_fetched_from_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[int] = []

    def download() -> Iterator[tuple[int, int]]:
        for done in (4, 8):
            yield done, 8
        there.append(1)

    monkeypatch.setattr(mnist, "here", lambda: bool(there))
    monkeypatch.setattr(mnist, "download", download)
    app = visit(TWO)
    next(b for b in app.button if b.label.startswith("Download MNIST")).click().run()
    assert not app.exception
    assert there == [1]
    assert not any(b.label.startswith("Download") for b in app.button)
    assert any("on this machine" in text and "MNIST" in text for text in words(app))


def test_a_download_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def download() -> Iterator[tuple[int, int]]:
        yield 1, 8
        raise DataError("No mirror answers.")

    monkeypatch.setattr(mnist, "here", lambda: False)
    monkeypatch.setattr(mnist, "download", download)
    app = visit(TWO)
    next(b for b in app.button if b.label.startswith("Download MNIST")).click().run()
    assert not app.exception
    assert "No mirror answers." in [text.value for text in app.text]
