"""One sweep as the visitors of a server see it: how far, how fast, how long still."""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engine.training.sweeping import Status, Sweep

FRESH = 0.3  # seconds for which all visitors see the same status
RATED = 8.0  # seconds over which the rate is taken
SETTLED = 2.0  # seconds before which nobody can tell how long it takes


@dataclass(frozen=True, eq=False)
class JobStatus:
    """What a page shows of a job. ``state`` is new, queued, running, done, cancelled, failed or
    interrupted; ``place`` counts from 1 while it waits; ``part`` is how much of the work is done;
    ``remaining`` is in seconds, None while nobody can tell."""

    id: str
    state: str
    place: int
    runs: tuple[Status, ...]
    step: int
    steps: int
    part: float
    rate: float
    remaining: float | None
    message: str

    @property
    def alive(self) -> bool:
        """Will more come without anybody's doing?"""
        return self.state in ("queued", "running")


class Job:
    """One sweep and what is known of its speed. ``phase`` is empty where this process does not
    train it: then the runs say what it is."""

    def __init__(self, name: str, sweep: Sweep, scheduler: str = "") -> None:
        self.id, self.sweep, self.scheduler = name, sweep, scheduler
        self.phase, self.message = "", ""
        self._speed: deque[tuple[float, int, float]] = deque()  # when, steps, cost of them
        self._seen: JobStatus | None = None
        self._when, self._phased = 0.0, ""
        self._lock = threading.Lock()

    @property
    def ours(self) -> bool:
        """Does it wait or train here?"""
        return self.phase in ("queued", "running")

    def status(self, place: int = 0) -> JobStatus:
        """As it is now; asked by many, looked up a few times a second."""
        with self._lock:
            now = time.monotonic()
            old = self._seen is None or now - self._when > FRESH
            if self._seen is None or old or self._seen.place != place or self._phased != self.phase:
                self._phased, self._when = self.phase, now
                self._seen = self._look(now, place)
            return self._seen

    def _look(self, now: float, place: int) -> JobStatus:
        runs = tuple(self.sweep.status())
        step, steps = sum(r.step for r in runs), sum(r.steps for r in runs)
        whole = sum(r.cost for r in runs)
        done = sum(r.cost * r.step / r.steps for r in runs)
        self._speed.append((now, step, done))
        while now - self._speed[0][0] > RATED:
            self._speed.popleft()
        then, step_then, done_then = self._speed[0]
        span = max(now - then, 1e-9)
        rate, pace = max(0.0, (step - step_then) / span), (done - done_then) / span
        left = (whole - done) / pace if pace > 0 and span > SETTLED else None
        message = self.message or next((r.message for r in runs if r.message), "")
        state = self.phase or _state(runs)
        part = min(1.0, done / whole)
        return JobStatus(self.id, state, place, runs, step, steps, part, rate, left, message)


def _state(runs: Sequence[Status]) -> str:
    """What its runs make of a job that this process does not train."""
    states = {run.state for run in runs}
    for state in ("running", "failed", "cancelled"):
        if state in states:
            return state
    if states == {"done"}:
        return "done"
    return "interrupted" if any(run.step for run in runs) else "new"


def job_id(sweep: Sweep) -> str:
    """The name of a job: a hash of its runs."""
    return hashlib.sha256(" ".join(sweep.order).encode()).hexdigest()[:24]
