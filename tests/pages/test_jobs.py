"""Training on a page: started once, seen growing, stopped, found again by its link."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "training"))

from engine.training import driver, manager, trainers, workers
from engine.training.job import JobStatus
from engine.training.store import Store
from pages.ui.jobs import duration, job_view, progress_text

NEW, OVER = "Train", "done"


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setitem(trainers.KINDS, "toy", "toy_trainer")
    monkeypatch.setenv("WORKINGS_STORE", str(tmp_path))
    monkeypatch.setattr(manager, "_here", None)
    monkeypatch.setattr(workers, "executor", lambda _=None: ThreadPoolExecutor(1))
    monkeypatch.setattr(driver, "PIECE", 0.05)
    yield
    manager.close()


def page() -> None:
    import streamlit as st
    import toy_trainer

    from pages.ui.jobs import training

    class Settings:
        """The three things of a lesson's state that training asks for."""

        def get(self, name, default=None):
            return st.session_state.get(self.key(name), default)

        def put(self, name, value):
            st.session_state[self.key(name)] = value

        def key(self, name):
            return f"toy.{name}"

    steps = st.slider("steps", 10, 20_000, 50, key="steps")
    pause = 0.001 if steps > 1000 else 0.0
    spec = toy_trainer.Spec(width=2, steps=steps, pause=pause)
    state = Settings()

    def draw(status):
        if st.session_state.get("restless") and st.session_state.get("fresh", True):
            st.session_state["fresh"] = False
            st.rerun()  # as a page does that follows the points
        st.session_state["fresh"] = True
        st.markdown(f"drawn {status.state} {len(status.runs[0].points)}")

    training(state, [spec], draw)  # type: ignore[arg-type]


def opened(**settings: object) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in settings.items():
        app.session_state[name.replace("__", ".")] = value
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def until(app: AppTest, true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
        app.run()
        assert not app.exception


def drawn(app: AppTest) -> str:
    (text,) = [m.value for m in app.markdown if m.value.startswith("drawn")]
    return text


def test_a_sweep_is_started_and_its_curve_is_there() -> None:
    app = opened()
    assert drawn(app) == "drawn new 0"
    assert labels(app) == ["Clear", "Train"]
    press(app, "Train")
    until(app, lambda: drawn(app) == "drawn done 5")
    assert labels(app) == ["Clear"]
    assert "MB" in app.caption[-1].value


def test_looking_and_turning_knobs_start_nothing() -> None:
    app = opened()
    for steps in (60, 70, 80):
        app.slider(key="steps").set_value(steps).run()
    assert manager.manager().store.rows() == {}


def test_another_tab_sees_the_same_job_and_may_stop_it() -> None:
    app = opened(steps=20_000)
    press(app, "Train")
    name = app.session_state["toy.job"]
    until(app, lambda: not drawn(app).endswith(" 0"))
    other = opened(steps=20_000)
    assert drawn(other).startswith("drawn running")
    assert labels(other) == ["Clear", "Stop"]  # and no second start
    by_link = opened(toy__job=name)
    assert drawn(by_link).startswith("drawn running")
    assert labels(by_link) == ["Clear", "Stop", "Train"]  # its own knobs say another sweep
    press(other, "Stop")
    until(app, lambda: drawn(app).startswith("drawn cancelled"))
    assert labels(app) == ["Clear", "Go on"]
    assert "Stopped; what is trained is kept." in app.get("progress")[0].proto.text


def begun(steps: int) -> str:
    """A tab that starts a sweep and is closed in the middle of it; the job's name."""
    app = opened(steps=steps)
    press(app, "Train")
    until(app, lambda: not drawn(app).endswith(" 0"))
    assert drawn(app).startswith("drawn running")
    return app.session_state["toy.job"]


def test_a_tab_that_closes_stops_nothing() -> None:
    name, end = begun(2_000), time.monotonic() + 60
    gc.collect()
    while (status := manager.manager().status(name)) and status.alive:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert drawn(opened(steps=2_000)) == "drawn done 200"


def test_a_page_that_begins_anew_loses_no_click() -> None:
    app = opened(steps=20_000, restless=True)
    press(app, "Train")
    assert "Stop" in labels(app)
    press(app, "Stop")
    until(app, lambda: drawn(app).startswith("drawn cancelled"))


def test_a_second_sweep_shows_its_place() -> None:
    first = opened(steps=20_000)
    press(first, "Train")
    until(first, lambda: drawn(first).startswith("drawn running"))
    second = opened(steps=19_999)
    press(second, "Train")
    assert drawn(second) == "drawn queued 0"
    status = manager.manager().status(second.session_state["toy.job"])
    assert status
    assert progress_text(status) == "Waiting, place 1 in the queue"


def test_a_link_to_a_job_that_nobody_knows_says_so() -> None:
    app = opened(toy__job="<script>alert(1)</script>")
    assert drawn(app) == "drawn new 0"
    assert "The training that this link names is not known here." in [c.value for c in app.caption]


def test_a_store_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKINGS_STORE", str(tmp_path / "file" / "below"))
    app = opened()
    assert next(text.value for text in app.text).startswith("The store's folder cannot be made")


def test_clearing_takes_away_what_is_over() -> None:
    app = opened()
    press(app, "Train")
    until(app, lambda: drawn(app).startswith("drawn done"))
    press(app, "Clear")
    assert manager.manager().store.rows() == {}
    app.session_state["toy.job"] = ""
    app.run()
    assert drawn(app) == "drawn new 0"


def test_progress_is_one_line() -> None:
    status = JobStatus("x", "running", 0, (), 1234, 128_000, 0.01, 2500.4, 41.6, "")
    assert progress_text(status) == "1,234 of 128,000 steps · 2,500 a second · 42 s left"
    assert [duration(s) for s in (0.2, 42, 100, 5400)] == ["1 s", "42 s", "2 min", "1.5 h"]
    assert list(job_view()) == ["job"]


def test_a_server_that_ends_leaves_its_jobs_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    import app as server

    monkeypatch.setattr(server, "warm", lambda: None)
    tab = opened(steps=20_000)

    async def live() -> None:
        async with server.lifespan(server.app):
            press(tab, "Train")
            until(tab, lambda: not drawn(tab).endswith(" 0"))

    asyncio.run(live())
    assert manager._here is None
    (row,) = Store().rows().values()
    assert (row.state, row.step > 0) == ("queued", True)
