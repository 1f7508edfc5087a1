"""Who trains: processes of this machine, or the workers of a Dask scheduler.

    executor()                         # as many processes as there are cores, at most eight
    executor("tcp://10.0.0.5:8786")    # wherever that scheduler has workers

A scheduler and a worker with this project at hand are started, each in the project's folder, by

    .venv/bin/dask scheduler
    PYTHONPATH=. .venv/bin/dask worker tcp://HOST:8786 --nworkers auto --nthreads 1

The workers need no shared folder. A piece of a run travels to them and back, and the process that
asked writes it into its store, so a worker that dies, wherever it is, takes nothing with it.
"""

import asyncio
import contextlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from engine.params import ParamError
from engine.training.process import Spawning, begin

ANSWER = 5.0  # seconds in which a scheduler has to answer
MOST = 8
ADDRESS = re.compile(r"(tcp|tls)://[\w.\-\[\]:]{1,200}:\d{1,5}")


class SchedulerError(RuntimeError):
    """No work can be sent to the scheduler; the message is one sentence."""


def count() -> int:
    """How many processes train here: WORKINGS_WORKERS, or the cores, at most eight."""
    if given := os.environ.get("WORKINGS_WORKERS"):
        if not (given.isdecimal() and 1 <= int(given[:4]) <= 64):
            raise ParamError(f"WORKINGS_WORKERS must lie in [1, 64], got {given[:20]}.")
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(MOST, cores or 1)


def executor(scheduler: str | None = None) -> "Workers":
    """Worker processes of this machine, or those of the scheduler at ``scheduler``."""
    return Scheduled(scheduler) if scheduler else Processes(count())


class Workers(Executor):
    """An executor that says how many pieces it can work at."""

    @property
    def capacity(self) -> int:
        """Pieces at a time."""
        raise NotImplementedError


class Processes(Workers):
    """Niced processes with one thread each. A pool that broke is replaced by the next piece."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()
        self._pool = self._made()

    def _made(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._number, mp_context=Spawning(), initializer=begin)

    @property
    def capacity(self) -> int:
        """One piece a process."""
        return self._number

    @property
    def pids(self) -> list[int]:
        """The processes that are there just now."""
        return list(self._pool._processes or ())

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """As an executor does."""
        with self._lock:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenProcessPool:
                self._pool.shutdown(wait=False)
                self._pool = self._made()
                return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; unless told to wait, in the middle of a piece."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
        for process in [] if wait else processes:
            process.terminate()
        for process in [] if wait else processes:
            process.join(2)


class Scheduled(Workers):
    """The workers of a Dask scheduler. It gives the piece of a dead worker to another one."""

    def __init__(self, address: str) -> None:
        if not ADDRESS.fullmatch(address):
            shown = address[:40]
            raise ParamError(f"A scheduler's address is like tcp://10.0.0.5:8786, got {shown!r}.")
        try:
            import distributed
        except ImportError:
            raise SchedulerError(
                "A scheduler needs the package distributed:"
                " .venv/bin/pip install -r requirements-dask.txt"
            ) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we say it in a sentence
        self._client = _answered(distributed, address)
        self._executor = self._client.get_executor(pure=False)
        self._counted, self._capacity = 0.0, 1

    @property
    def capacity(self) -> int:
        """One piece a thread of the workers; they may come and go."""
        if time.monotonic() - self._counted > 2:
            with contextlib.suppress(Exception):  # out of reach just now: as before
                self._capacity = max(1, sum(self._client.nthreads().values()))
            self._counted = time.monotonic()
        return self._capacity

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """As an executor does."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the scheduler; it and its workers go on."""
        self._executor.shutdown(wait=wait)
        self._client.close(timeout=2)


def _answered(distributed: Any, address: str) -> Any:
    """A client of a scheduler that answers and has a worker."""
    if not _greeted(distributed, address):
        raise SchedulerError(
            f"The scheduler at {address} does not answer within {ANSWER:g} seconds."
        )
    client = None
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
        client.wait_for_workers(1, timeout=ANSWER)
    except (OSError, TimeoutError, ValueError):
        if client is not None:
            client.close(timeout=2)
        raise SchedulerError(f"The scheduler at {address} has no worker.") from None
    return client


def _greeted(distributed: Any, address: str) -> bool:
    """Does somebody there speak as Dask does? A client would wait for a silent one for ever.

    In a thread of its own, since a notebook's has a loop already.
    """
    greeted: list[bool] = []

    async def greet() -> None:
        comm = await asyncio.wait_for(distributed.comm.connect(address, timeout=ANSWER), ANSWER)
        comm.abort()
        greeted.append(True)

    def ask() -> None:
        with contextlib.suppress(Exception):  # whatever it was, it was no answer
            asyncio.run(greet())

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER + 1)
    return bool(greeted)
