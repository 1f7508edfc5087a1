"""The loop that trains the runs of a sweep, piece by piece, on any executor.

The workers get a checkpoint and give back a later one; only this process writes to the store.
So a worker needs no shared folder and owns nothing: killed at any moment it costs the piece that
it was at. The next piece is sent out before the last one is written, and a run is written every
few seconds, so the disk is never what the workers wait for.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait

from engine.training import trainers
from engine.training.checkpoint import unpacked
from engine.training.claim import OVER, trained
from engine.training.index import StoreError
from engine.training.piece import piece
from engine.training.runs import Run, died, here, sentence
from engine.training.store import Store

PIECE = 0.2  # seconds of work between two looks at the flag
TICK = 0.1
BEAT = 1.0
INTERVAL = 2.0  # seconds between two checkpoints of a run
GRACE = 0.6  # what a cancelled piece may still take before it is given up
MOST_DEATHS = 3


class Driver:
    """Trains runs in the order given. ``drive`` yields each run whenever it got further."""

    def __init__(
        self,
        runs: Sequence[Run],
        store: Store,
        executor: Executor | None = None,
        device: str = "cpu",
        interval: float = INTERVAL,
        cancelled: threading.Event | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self.runs, self.store, self.executor = runs, store, executor
        self.device, self.interval = device, interval
        self.waiting: deque[Run] = deque(runs)
        self.watched: list[Run] = []
        self.flying: dict[Future, Run] = {}
        self.cancelled = cancelled or threading.Event()
        self.stopped = stopped or threading.Event()
        self._beaten = 0.0
        for run in runs:
            run.state, run.message = "queued", ""

    def drive(self) -> Iterator[Run]:
        """Until every run is over, here or at whoever else trains it."""
        try:
            self.store.enqueue(run.row() for run in self.runs)
            while self.waiting or self.flying or self.watched:
                if self.stopped.is_set():
                    return
                yield from self._look()
                yield from self._launch()
                yield from self._land()
        finally:
            self._leave()

    # -- flags, heartbeats, and the runs of others -------------------------------------------

    def _look(self) -> Iterator[Run]:
        if self.cancelled.is_set():
            yield from self._cancel(list(self.runs))
            return
        now = time.monotonic()
        if now - self._beaten < BEAT / 4:
            return
        rows = self.store.rows()
        mine = [run for run in self.runs if run.claim]
        flagged = [r for r in mine if (row := rows.get(r.id)) and row.cancel]
        if now - self._beaten >= BEAT or len(rows) < len(self.runs):
            yield from self._beat(mine)
            self._beaten = now
        yield from self._cancel(flagged)
        for run in list(self.watched):
            row = rows.get(run.id)
            if row is None or not trained(row):
                self.watched.remove(run)
                self.waiting.append(run)  # the claim finds out what has become of it
            elif row.step != run.step:
                run.step = row.step
                yield run

    def _beat(self, mine: list[Run]) -> Iterator[Run]:
        try:
            answers = self.store.beat({run.claim: run.step for run in mine if run.claim})
        except StoreError:  # a full disk: the next checkpoint says so
            return
        for run in mine:
            if answers.get(run.id) == "lost":
                self._forget(run)
                run.claim, run.state = None, "queued"
                self.waiting.append(run)
                yield run

    def _forget(self, run: Run) -> None:
        for future in [f for f, other in self.flying.items() if other is run]:
            future.cancel()
            del self.flying[future]
        if run in self.waiting:
            self.waiting.remove(run)

    def _cancel(self, runs: list[Run]) -> Iterator[Run]:
        """Stop these runs; pieces at work may bring in what they have, if they are quick."""
        going = {f for f, run in self.flying.items() if run in runs}
        for future in wait(going, GRACE if going else 0).done:
            if not future.cancelled() and future.exception() is None:
                self._take(self.flying[future], future.result())
        if self.cancelled.is_set():
            others = [run.id for run in runs if run.claim is None and run.state not in OVER]
            with contextlib.suppress(StoreError):  # their lease tells in time
                self.store.cancel(others)
        for run in runs:
            self._forget(run)
            if run in self.watched:
                self.watched.remove(run)
            if run.state not in OVER:
                self._end(run, "done" if run.step >= run.steps else "cancelled")
                yield run

    # -- out and back ------------------------------------------------------------------------

    def _room(self) -> bool:
        suspects = any(run.suspect for run in (*self.waiting, *self.flying.values()))
        if suspects:  # each alone, until the one that kills its worker is known
            return not self.flying
        most = getattr(self.executor, "capacity", None) or getattr(self.executor, "_max_workers", 1)
        return len(self.flying) < (most if self.executor else 1)

    def _launch(self) -> Iterator[Run]:
        while self.waiting and self._room():
            run = next((r for r in self.waiting if r.suspect), self.waiting[0])
            self.waiting.remove(run)
            if run.claim or self._claimed(run):
                self._send(run)
            elif run.state == "running":
                self.watched.append(run)
            yield run

    def _claimed(self, run: Run) -> bool:
        try:
            got = self.store.claim(run.row())
        except StoreError as error:
            run.state, run.message = "failed", str(error)
            return False
        if isinstance(got, str):
            run.state = got
            if got in OVER and (row := self.store.row(run.id)):
                run.step, run.message = row.step, row.message
            return False
        run.claim, run.data, run.message, run.state = got, got.data, got.note, "running"
        run.step = run.written = unpacked(got.data).step if got.data else 0
        run.saved = time.monotonic()
        return True

    def _send(self, run: Run) -> None:
        asked = (run.kind, trainers.KINDS[run.kind], run.text, run.data, PIECE, self.device)
        try:
            future = self.executor.submit(piece, *asked) if self.executor else here(*asked)
        except Exception as error:
            if "shutdown" in str(error):  # this process ends; whoever comes next goes on
                self.stopped.set()
                return
            future = Future()
            future.set_exception(error)
        self.flying[future] = run

    def _land(self) -> Iterator[Run]:
        if not self.flying:
            if self.watched:
                self.stopped.wait(TICK)
            return
        for future in wait(self.flying, TICK, return_when=FIRST_COMPLETED).done:
            run = self.flying.pop(future)
            try:
                self._take(run, future.result())
            except (Exception, CancelledError) as error:
                self._trouble(run, error)
            else:
                self._onward(run)
            yield run

    def _take(self, run: Run, result: tuple[bytes, int]) -> None:
        run.data, run.step = result
        run.deaths, run.suspect = 0, False

    def _onward(self, run: Run) -> None:
        if run.step >= run.steps:
            self._end(run, "done")
            return
        if self.executor and not any(r.suspect for r in self.waiting):
            self._send(run)  # first the worker, then the disk
        else:
            self.waiting.appendleft(run)
        if time.monotonic() - run.saved >= self.interval:
            self._save(run)

    def _trouble(self, run: Run, error: BaseException) -> None:
        if not died(error):
            self._end(run, "failed", sentence(error, run.step))
            return
        run.suspect = True  # whoever breaks a pool takes others along: each tries again alone
        run.deaths += 1
        if run.deaths < MOST_DEATHS:
            self.waiting.appendleft(run)
        else:
            said = f"Its worker died {MOST_DEATHS} times at step {run.step:,}, perhaps for want of"
            self._end(run, "failed", f"{said} memory; the checkpoint is kept.")

    # -- the store ---------------------------------------------------------------------------

    def _save(self, run: Run) -> bool:
        """Write the run as it stands; if it cannot be written it ends here."""
        if run.claim is None or run.data is None or run.step == run.written:
            return True
        try:
            held = self.store.save(run.claim, run.data, run.step)
        except StoreError as error:
            self._forget(run)
            claim, run.claim, run.state = run.claim, None, "failed"
            run.message, run.step = str(error), run.written
            with contextlib.suppress(StoreError):  # said already
                self.store.finish(claim, "failed", run.message, run.written)
            return False
        if not held:
            self._forget(run)
            run.claim, run.state = None, "queued"
            self.waiting.append(run)
            return False
        run.written, run.saved = run.step, time.monotonic()
        return True

    def _end(self, run: Run, state: str, message: str = "") -> None:
        if not self._save(run):
            return
        run.state, run.message = state, message or run.message
        if run.claim:
            claim, run.claim = run.claim, None
            with contextlib.suppress(StoreError):  # the checkpoint is what counts
                self.store.finish(claim, state, run.message, run.written)
        if state != "queued":
            run.data = None  # the store has it

    def _leave(self) -> None:
        """Whoever stops here leaves what is there to the next one."""
        for future in self.flying:
            future.cancel()
        for run in self.runs:
            if run.claim:
                self._end(run, "queued")
