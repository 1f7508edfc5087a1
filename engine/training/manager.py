"""The jobs of a server: sweeps that visitors started, one at a time, the others in a short queue.

There is one manager in a process, in this module: no session owns it, none can clear it away. A
job is named by its runs, so whoever starts the same sweep again joins it. What a job consists of
is written down, so that a link finds it after the server was killed, and the manager that starts
next goes on with what was left unfinished.
"""

import contextlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

from engine.params import ParamError
from engine.training import checkpoint, trainers, workers
from engine.training.index import StoreError
from engine.training.job import Job, JobStatus, job_id
from engine.training.store import Store
from engine.training.sweeping import Sweep

MOST_WAITING = 6
STOPPING = 0.9  # seconds that a cancel may take
MOST_KEPT = 24  # jobs that are over and still in memory
NAME = re.compile(r"[0-9a-f]{24}")


class Busy(RuntimeError):
    """The queue is full; the message is one sentence."""


class Manager:
    """Trains one job after the other, each with all workers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Job] = deque()
        self._lock, self._news = threading.RLock(), threading.Event()
        self._pools: dict[str, Executor] = {}
        self._closed = False
        self._folder = store.folder / "jobs"
        self._adopt()
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    # -- what a page asks --------------------------------------------------------------------

    def start(self, specs: Sequence[Any], scheduler: str = "") -> str:
        """Train these specs, or join whoever does, and return the job's name."""
        if scheduler and not workers.ADDRESS.fullmatch(scheduler):
            raise ParamError(
                f"A scheduler's address is like tcp://10.0.0.5:8786, not {scheduler[:40]!r}."
            )
        sweep = Sweep(specs, self.store)
        name = job_id(sweep)
        with self._lock:
            job = self._jobs.get(name)
            if job and job.ours:
                return name
            if len(self._queue) >= MOST_WAITING:
                raise Busy(f"{MOST_WAITING} sweeps wait already; try again when one has begun.")
            self._write(name, sweep)
            self._put(Job(name, sweep, scheduler))
        return name

    def status(self, name: str) -> JobStatus | None:
        """How a job is, or None if nobody knows it. One of an earlier server is read from the
        store."""
        with self._lock:
            job = self._jobs.get(name) or self._remembered(name)
            place = self._queue.index(job) + 1 if job and job in self._queue else 0
        return job.status(place) if job else None

    def look(self, specs: Sequence[Any]) -> JobStatus:
        """What the store holds of these specs, started or not."""
        sweep = Sweep(specs, self.store)
        name = job_id(sweep)
        with self._lock:
            if name not in self._jobs:
                self._keep(Job(name, sweep))
        status = self.status(name)
        assert status
        return status

    def cancel(self, name: str) -> None:
        """Stop a job. What is there is kept."""
        with self._lock:
            job = self._jobs.get(name) or self._remembered(name)
            if job is None:
                return
            if job in self._queue:
                self._queue.remove(job)
                job.phase = ""
        job.sweep.cancel()
        end = time.monotonic() + STOPPING
        while job.ours and time.monotonic() < end:  # so that the next look shows it
            time.sleep(0.02)

    def clear(self) -> int:
        """Delete the runs that nobody trains, and say how many those were."""
        with self._lock:
            self._jobs = {name: job for name, job in self._jobs.items() if job.ours}
            for path in self._folder.glob("*.json"):
                if path.stem not in self._jobs:
                    checkpoint.discarded(path)
        return self.store.clear()

    def close(self) -> None:
        """Write down where everything is and end the workers."""
        with self._lock:
            self._closed = True
            jobs, pools = list(self._jobs.values()), list(self._pools.values())
            self._news.set()
        for job in jobs:
            job.sweep.leave()
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        self.store.index.close()

    # -- the queue ---------------------------------------------------------------------------

    def _put(self, job: Job) -> None:
        job.phase = "queued"
        self._keep(job)
        self._queue.append(job)
        self._news.set()

    def _keep(self, job: Job) -> None:
        """Remember it, and forget the one that was asked for longest ago."""
        self._jobs.pop(job.id, None)
        self._jobs[job.id] = job
        idle = [name for name, other in self._jobs.items() if not other.ours]
        for name in idle[:-MOST_KEPT]:
            del self._jobs[name]

    def _work(self) -> None:
        while not self._closed:
            self._news.wait()
            with self._lock:
                if self._closed:
                    return
                if not self._queue:
                    self._news.clear()
                    continue
                job = self._queue.popleft()
                job.phase = "running"
            self._train(job)

    def _train(self, job: Job) -> None:
        try:
            job.sweep.status()  # where it stands, or the first rate would count all of that
            job.sweep.train(self._pool(job.scheduler))
            states = {status.state for status in job.sweep.wait()}
        except (StoreError, workers.SchedulerError, ParamError) as error:
            job.phase, job.message = "failed", str(error)
            return
        worst = ("failed", "cancelled", "queued")
        job.phase = next((state for state in worst if state in states), "done")

    def _pool(self, scheduler: str) -> Executor:
        with self._lock:
            pool = self._pools.get(scheduler)
        if pool is None:
            pool = workers.executor(scheduler or None)  # may wait for a scheduler's answer
            with self._lock:
                self._pools[scheduler] = pool
        return pool

    # -- what is written down ----------------------------------------------------------------

    def _write(self, name: str, sweep: Sweep) -> None:
        runs = [{"kind": r.kind, "spec": r.text} for r in (sweep.runs[i] for i in sweep.order)]
        try:
            self._folder.mkdir(exist_ok=True)
            path = checkpoint.staged(self._folder, name, json.dumps(runs).encode())
            path.replace(self._folder / f"{name}.json")
        except OSError as error:
            raise StoreError(f"The job cannot be written down: {error.strerror}.") from None

    def _remembered(self, name: str) -> Job | None:
        """A job that was written down; its name proves that nothing in it has changed."""
        if not NAME.fullmatch(name):
            return None
        try:
            runs = json.loads((self._folder / f"{name}.json").read_bytes())
            specs = [trainers.spec_of(run["kind"], run["spec"]) for run in runs]
            sweep = Sweep(specs, self.store)
        except (OSError, ValueError, TypeError, KeyError):  # ParamError is a ValueError
            return None
        if job_id(sweep) != name:
            return None
        self._keep(Job(name, sweep))
        return self._jobs[name]

    def _adopt(self) -> None:
        """Go on with the jobs of a server that was killed."""
        self.store.adopt()
        for path in sorted(self._folder.glob("*.json")):
            job = self._remembered(path.stem)
            if job and len(self._queue) < MOST_WAITING:
                states = {run.state for run in job.sweep.status()}
                if "queued" in states and not states & {"cancelled", "failed"}:
                    self._put(job)


_here: Manager | None = None
_making = threading.Lock()


def manager() -> Manager:
    """The manager of this process, made when it is first asked for."""
    global _here
    with _making:
        if _here is None:
            _here = Manager(Store())
        return _here


def close() -> None:
    """End the manager of this process, if there is one."""
    global _here
    with _making, contextlib.suppress(StoreError):
        if _here is not None:
            _here.close()
        _here = None
