"""The right to train a run, and when it has lapsed."""

import threading
import time
from dataclasses import dataclass

from engine.training.index import Row
from engine.training.owner import gone, me

LEASE = 20.0  # seconds of silence after which an owner counts as dead
OVER = ("done", "cancelled", "failed")
OURS: set[str] = set()  # tokens of the claims that this process holds
COUNTING = threading.Lock()


@dataclass(frozen=True, eq=False)
class Claim:
    """The right to train a run: its row, to put back should the index be lost, and where the run
    stands, with a sentence if a newer checkpoint was damaged."""

    row: Row
    data: bytes | None = None
    note: str = ""

    @property
    def run(self) -> str:
        """Which run."""
        return self.row.id

    @property
    def token(self) -> str:
        """What names this claim and no other."""
        return self.row.token


def dead(row: Row) -> bool:
    """Does nobody train this run although its row says so?"""
    if row.owner == me():
        return row.token not in OURS
    return gone(row.owner) or abs(time.time() - row.heartbeat) > LEASE


def trained(row: Row) -> bool:
    """Is somebody at work on it?"""
    return row.state == "running" and not dead(row)
