"""Many runs at once: a sweep resumes what the store holds and trains the rest.

    sweep = run(specs, Store())                      # in this process, as far as one iterates
    for status in sweep: ...

    sweep = run(specs, Store(), executor())          # in worker processes, at once
    sweep.status()                                   # state, step and points of every run
    sweep.cancel()                                   # within a second
    sweep.wait()

Cheap runs come first, so narrow networks are there while wide ones still train. A run that
somebody else trains is watched, not trained twice. After any kill the same call goes on from the
checkpoints, and the end is bit by bit that of a sweep nobody disturbed.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from engine.training import trainers
from engine.training.claim import OVER, trained
from engine.training.driver import INTERVAL, Driver
from engine.training.index import StoreError
from engine.training.piece import points_of
from engine.training.runs import Run
from engine.training.store import Store


@dataclass(frozen=True, eq=False)
class Status:
    """How far one run is; ``points`` are those so far, ``message`` is empty or one sentence."""

    id: str
    spec: Any
    state: str
    step: int
    steps: int
    cost: float
    message: str
    points: tuple[Any, ...]

    @property
    def over(self) -> bool:
        """Will nothing more come?"""
        return self.state in OVER


class Sweep:
    """The runs of some specs in a store. Made alone it only looks; ``run`` trains."""

    def __init__(self, specs: Sequence[Any], store: Store) -> None:
        first = {trainers.run_id(spec): spec for spec in specs}
        self.order = [trainers.run_id(spec) for spec in specs]
        self.runs = {name: Run(spec) for name, spec in first.items()}
        self.store = store
        self._points: dict[str, tuple[tuple[str, int], tuple[Any, ...]]] = {}
        self._driver: Driver | None = None
        self._thread: threading.Thread | None = None
        self._steps: Iterator[Status] | None = None
        self._news = threading.Condition()
        self._stop, self._left = threading.Event(), threading.Event()
        self._trouble = ""

    def train(
        self, executor: Executor | None = None, device: str = "cpu", interval: float = INTERVAL
    ) -> None:
        """Begin. Without an executor it goes as far as one iterates."""
        runs = sorted(self.runs.values(), key=lambda run: run.cost)
        self._driver = Driver(runs, self.store, executor, device, interval, self._stop, self._left)
        if executor is None:
            self._steps = self._here()
        else:
            self._thread = threading.Thread(target=self._there, name="sweep", daemon=True)
            self._thread.start()

    def _here(self) -> Iterator[Status]:
        assert self._driver
        for run in self._driver.drive():
            yield self._status(run)

    def _there(self) -> None:
        assert self._driver
        try:
            for _ in self._driver.drive():
                with self._news:
                    self._news.notify_all()
        except StoreError as error:
            self._trouble = str(error)

    # -- what a caller sees ------------------------------------------------------------------

    def __iter__(self) -> Iterator[Status]:
        """The status of a run whenever it got further, until all are over."""
        return self._steps if self._steps is not None else self._told()

    def _told(self) -> Iterator[Status]:
        seen: dict[str, tuple[str, int]] = {}
        alive = True
        while alive:
            alive = self.alive
            for name, run in self.runs.items():
                now = (run.state, run.step)
                if seen.get(name) != now:
                    seen[name] = now
                    yield self._status(run)
            if alive:
                with self._news:
                    self._news.wait(0.1)

    @property
    def alive(self) -> bool:
        """Is it still at work?"""
        if self._thread:
            return self._thread.is_alive()
        return self._steps is not None and any(run.state not in OVER for run in self.runs.values())

    def status(self) -> list[Status]:
        """Of every run, in the order of the specs."""
        rows = {} if self._driver else self.store.rows()
        for run in self.runs.values():
            if self._driver is None and (row := rows.get(run.id) or self.store.row(run.id)):
                left = row.state == "running" and not trained(row)
                run.step, run.message = row.step, row.message
                run.state = "queued" if left else row.state
        found = {name: self._status(run) for name, run in self.runs.items()}
        return [found[name] for name in self.order]

    def _status(self, run: Run) -> Status:
        state, message = run.state, run.message
        if self._trouble and state not in OVER:
            state, message = "failed", self._trouble
        points = self._points_of(run)
        return Status(run.id, run.spec, state, run.step, run.steps, run.cost, message, points)

    def _points_of(self, run: Run) -> tuple[Any, ...]:
        key, data = (run.state, run.step), run.data
        if run.step == 0 and data is None:
            return ()
        if run.id not in self._points or self._points[run.id][0] != key:
            data = data if data is not None else self.store.load(run.id)[0]
            points = points_of(trainers.module_of(run.kind), data) if data else ()
            self._points[run.id] = (key, points)
        return self._points[run.id][1]

    def cancel(self) -> None:
        """Stop every run, whoever trains it; what is there is kept."""
        self._stop.set()
        if self._driver is None:
            self.store.cancel(self.runs)
            return
        with contextlib.suppress(StoreError):  # a full disk does not keep ours from stopping
            self.store.cancel(self.runs)

    def leave(self) -> None:
        """Stop training here; the runs wait for whoever comes next."""
        self._left.set()
        if self._thread:
            self._thread.join(5)

    def wait(self, timeout: float | None = None) -> list[Status]:
        """Until all is over, or ``timeout`` seconds have passed."""
        end = None if timeout is None else time.monotonic() + timeout
        if self._thread:
            self._thread.join(timeout)
        elif self._steps is not None:
            for _ in self._steps:
                if end is not None and time.monotonic() > end:
                    break
        return self.status()


def run(
    specs: Sequence[Any],
    store: Store,
    executor: Executor | None = None,
    *,
    device: str = "cpu",
    interval: float = INTERVAL,
) -> Sweep:
    """Train the runs of these specs, or go on with what the store holds of them."""
    sweep = Sweep(specs, store)
    sweep.train(executor, device, interval)
    return sweep
