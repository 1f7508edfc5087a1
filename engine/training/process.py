"""How a worker process of this machine begins: alone, polite, with one thread, and not for ever.

Nothing here imports NumPy, so the limits on threads stand before the first library reads them.
"""

import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import os
import signal
import threading
from multiprocessing import spawn
from typing import Any

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB", "NUMEXPR")
_starting = threading.Lock()


def begin() -> None:
    """First thing in a worker: step back, one thread each, end when the parent has ended."""
    for library in LIBRARIES:
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["VECLIB_MAXIMUM_THREADS"] = "1"
    if hasattr(os, "nice"):
        os.nice(19)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who then ends us
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


class Worker(multiprocessing.context.SpawnProcess):
    """A spawned process that does not run the main script again: under Streamlit that would be
    a page, and it would bring Streamlit into every worker."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _starting:
            told = spawn.get_preparation_data
            spawn.get_preparation_data = _without_main
            try:
                return multiprocessing.context.SpawnProcess._Popen(process_obj)  # type: ignore[attr-defined]
            finally:
                spawn.get_preparation_data = told


_told = spawn.get_preparation_data


def _without_main(name: str) -> dict[str, Any]:
    data = _told(name)
    return {key: value for key, value in data.items() if not key.startswith("init_main")}


class Spawning(multiprocessing.context.SpawnContext):
    """The context whose processes are our workers."""

    Process = Worker  # type: ignore[assignment]
