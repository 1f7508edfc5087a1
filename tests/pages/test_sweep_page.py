"""Channel sweep: what ships, what is trained, and never one taken for the other."""

import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from visiting import preset, put, sent, specs, visit, words

from engine.training import manager, sweep, workers
from pages.catalog import lesson
from pages.charts import sweep as charts

SWEEP = lesson("sweep")


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A store of its own for each test, trained in a thread."""
    monkeypatch.setenv("WORKINGS_STORE", str(tmp_path))
    monkeypatch.setattr(manager, "_here", None)
    monkeypatch.setattr(workers, "executor", lambda _=None: ThreadPoolExecutor(1))
    yield
    manager.close()


def buttons(app: AppTest) -> dict[str, object]:
    return {button.label: button for button in app.button}


def small(app: AppTest) -> AppTest:
    """Two widths, two seeds, 100 steps: trained within a second, and not shipped."""
    return put(app, SWEEP, widths="1, 2", seeds=2, steps=100, step=3)


def trained(app: AppTest) -> AppTest:
    buttons(app)["Train"].click()  # type: ignore[attr-defined]
    app.run()
    for _ in range(200):
        if any("Trained here" in said for said in words(app)):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError(words(app))


def table(app: AppTest) -> list[list]:
    return [[cell["value"] for cell in row] for row in sent(app)["sweep-table"]["rows"]]


def test_what_ships_is_said_to_be_recorded() -> None:
    app = visit(SWEEP)
    assert any("Recorded" in said for said in words(app))
    assert "Train" in buttons(app)
    shipped = sweep.recorded([1, 2, 4, 64], sweep.Params())
    assert [row[0] for row in table(app)] == [1, 2, 4, 64]
    assert table(app)[3][3][-1] == pytest.approx(shipped.test_loss[-1, 3].mean())
    captions = sent(app)["sweep-transport"]["captions"]
    assert len(captions) == 160
    assert captions[-1].startswith("after 4,000 steps")


def test_what_nobody_has_trained_is_said_to_be_missing() -> None:
    app = small(visit(SWEEP))
    assert not app.exception
    assert any("Not trained yet" in said for said in words(app))
    assert sent(app)["sweep-transport"]["captions"][0] == "after 25 steps: not trained yet"
    assert specs(app)[0]["title"]["text"] == "Not trained yet"


def test_it_is_trained_from_the_page_and_shown() -> None:
    app = trained(small(visit(SWEEP)))
    assert "Train" not in buttons(app)
    assert not any("Recorded" in said for said in words(app))
    params = sweep.Params(seeds=2, steps=100)
    fresh = sweep.compute([1, 2], params)
    assert table(app)[1][3] == pytest.approx(fresh.means["test_loss"][:, 1])
    # Whoever comes next finds it, and the shipped sweep is as it was.
    again = small(visit(SWEEP))
    assert any("Trained here" in said for said in words(again))
    assert any("Recorded" in said for said in words(preset(SWEEP, "width")))


def test_another_sweep_stands_beside_in_the_same_frame() -> None:
    app = put(visit(SWEEP), SWEEP, aside="no skip")
    assert not app.exception
    left, right = specs(app)
    assert left["title"] == right["title"]
    domains = [
        layer["encoding"]["x"]["scale"]["domain"]
        for spec in (left, right)
        for layer in spec["layer"]
        if "x" in layer.get("encoding", {})
    ]
    assert all(domain == domains[0] for domain in domains)


@pytest.mark.parametrize("shown", ["loss", "log", "error"])
def test_every_way_of_looking_draws(shown: str) -> None:
    trace = sweep.recorded([4, 64], sweep.PRESETS["two"].params)
    figure = charts.curves(trace, None, shown, True, 0).to_dict()
    assert len(figure["layer"]) > 6
    assert charts.gap(trace, shown, 0).to_dict()["layer"]


def test_a_logarithm_is_never_asked_for_nothing() -> None:
    trace = sweep.recorded([64], sweep.Params())
    trace = dataclasses.replace(trace, train_loss=0 * trace.train_loss)
    figure = charts.curves(trace, None, "log", False, 0).to_dict()
    values = [
        row["m"]
        for drawn in figure["datasets"].values()
        for row in drawn
        if isinstance(row.get("m"), float)
    ]
    assert len(values) > 200
    assert min(values) >= charts.FLOOR["loss"]


def test_a_slip_lights_the_layers_it_changes() -> None:
    app = put(visit(SWEEP), SWEEP, aside="layers", slip="constant-norm", row=2)
    cells = [row[3] for row in sent(app)["sweep-layers"]["rows"]]
    trace = sweep.recorded([1, 2, 4, 64], sweep.Params())
    off = sweep.layers(trace, sweep.SLIPS["constant-norm"], 2)[2]
    assert [bool(cell["wrong"]) for cell in cells] == off
    assert any(off)
