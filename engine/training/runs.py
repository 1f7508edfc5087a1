"""One run of a sweep while this process is about it."""

from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from engine.device import exhausted
from engine.training import trainers
from engine.training.claim import Claim
from engine.training.index import Row
from engine.training.piece import piece

DEATHS = ("KilledWorker", "CommClosedError", "FutureCancelledError")  # Dask's names for them


class Run:
    """One run of a sweep, as this process knows it."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.kind = trainers.kind_of(spec)
        self.id = trainers.run_id(spec)
        self.text = trainers.spelled(spec)
        self.steps = int(spec.steps)
        self.cost = trainers.cost(spec)
        self.state, self.step, self.message = "queued", 0, ""
        self.claim: Claim | None = None
        self.data: bytes | None = None
        self.written, self.saved = 0, 0.0  # the step in the store, and when that was
        self.deaths, self.suspect = 0, False

    def row(self) -> Row:
        """The row it has in an index that does not know it yet."""
        return Row(self.id, self.kind, self.text, self.steps)


def here(*asked: Any) -> Future:
    """A piece done in this process, as an executor would return it."""
    future: Future = Future()
    try:
        future.set_result(piece(*asked))
    except Exception as error:
        future.set_exception(error)
    return future


def sentence(error: BaseException, step: int) -> str:
    """What went wrong, for a person: one line, no trace."""
    if exhausted(error):
        return f"There was not enough memory after step {step:,}; the checkpoint is kept."
    first = (str(error).strip().splitlines() or [""])[0][:160].rstrip(".")
    return f"The training stopped after step {step:,}: {type(error).__name__}, {first}."


def died(error: BaseException) -> bool:
    """Is it the worker that is gone, and not the training that went wrong?"""
    lost = isinstance(error, (BrokenProcessPool, CancelledError))
    return lost or type(error).__name__ in DEATHS
