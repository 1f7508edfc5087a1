"""The run store: durable training runs that any number of processes share.

    store = Store()                      # WORKINGS_STORE, or the user's data folder
    claim = store.claim(run, steps)      # Claim: it is ours; otherwise the state it is in
    store.save(claim, data, step)        # the checkpoint, or StoreError and the old one stands
    store.finish(claim, "done")

A run has one owner at a time: a live process whose heartbeat is fresh. Whoever is gone, or silent
for longer than the lease, loses the run to the next one who asks; should that owner wake up, its
claim's token no longer fits and it cannot write. Checkpoints are the truth. The index can be
deleted at any time: it is made from them again, and owners put their rows back.
"""

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from engine.training import checkpoint
from engine.training.claim import COUNTING, OURS, OVER, Claim, dead, trained
from engine.training.index import NOBODY, Index, Row, StoreError, Table
from engine.training.owner import me


def place() -> Path:
    """Where the store is, unless WORKINGS_STORE says otherwise: the user's data folder."""
    if given := os.environ.get("WORKINGS_STORE"):
        return Path(given).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    else:
        data = os.environ.get("XDG_DATA_HOME") or home / ".local" / "share"
    return Path(data) / "workings" / "runs"


class Store:
    """A folder of runs."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder else place()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The store's folder cannot be made ({error.strerror});"
                " WORKINGS_STORE can name another."
            ) from None
        self.index = Index(self.folder / "index.sqlite", self._found)

    def _found(self) -> Iterator[Row]:
        names = {
            p.stem for s in (checkpoint.NEW, checkpoint.OLD) for p in self.folder.glob(f"*{s}")
        }
        for name in sorted(names):
            if row := self._recovered(name):
                yield row

    def _recovered(self, run: str) -> Row | None:
        """What the run's checkpoint says of it, if there is one."""
        data, _ = self.load(run)
        if data is None:
            return None
        about = checkpoint.unpacked(data)
        state = "done" if about.step >= about.steps else "queued"
        return Row(run, about.kind, about.spec, about.steps, state, about.step)

    # -- what there is -----------------------------------------------------------------------

    def rows(self) -> dict[str, Row]:
        """What the index says of every run."""
        return self.index.rows()

    def row(self, run: str) -> Row | None:
        """What is known of one run."""
        return self.rows().get(run) or self._recovered(run)

    def load(self, run: str) -> tuple[bytes | None, str]:
        """The newest sound checkpoint, and a sentence if a newer one was damaged."""
        damaged = False
        for _, data in checkpoint.generations(self.folder, run):
            if data is not None:
                return data, _FELL_BACK if damaged else ""
            damaged = True
        return None, _FROM_START if damaged else ""

    def size(self) -> int:
        """Bytes that the store takes."""
        total = 0
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                total += path.stat().st_size
        return total

    def clear(self) -> int:
        """Delete every run that nobody trains, and say how many those were."""
        with self.index.change() as table:
            rows = table.all()
            busy = {name for name, row in rows.items() if trained(row)}
            names = {path.stem.partition(".")[0] for path in self._files()} | set(rows)
            for name in names - busy:
                table.drop(name)
            for path in self._files():
                if path.stem.partition(".")[0] not in busy:
                    checkpoint.discarded(path)
        return len(names - busy)

    def _files(self) -> list[Path]:
        kinds = (checkpoint.NEW, checkpoint.OLD, ".tmp")
        return [path for path in self.folder.iterdir() if path.suffix in kinds]

    # -- who trains --------------------------------------------------------------------------

    def enqueue(self, rows: Iterable[Row]) -> None:
        """Runs that somebody wants: those that stopped or failed wait again."""
        with self.index.change() as table:
            for wanted in rows:
                row = self._row(table, wanted)
                if row.state == "done" and not self._complete(row):
                    row = row.with_(state="queued", step=0)
                elif not trained(row) and row.state != "done":
                    row = row.with_(state="queued", owner=NOBODY, token="", message="")
                table.put(row.with_(cancel=False))

    def _row(self, table: Table, wanted: Row) -> Row:
        return table.get(wanted.id) or self._recovered(wanted.id) or wanted

    def _complete(self, row: Row) -> bool:
        data, _ = self.load(row.id)
        return data is not None and checkpoint.unpacked(data).step >= row.steps

    def claim(self, wanted: Row) -> Claim | str:
        """The claim, or the state of a run that is not to be had: running, done, cancelled …"""
        with self.index.change() as table:
            row = self._row(table, wanted)
            if row.state in OVER or trained(row):
                return row.state
            taken = row.with_(
                state="running", owner=me(), token=uuid.uuid4().hex, heartbeat=time.time()
            )
            table.put(taken)
            with COUNTING:
                OURS.add(taken.token)
        data, note = self.load(wanted.id)
        self._tidied(wanted.id)
        return Claim(taken, data, note)

    def _tidied(self, run: str) -> None:
        """What a killed owner left unfinished goes, and what is damaged makes room."""
        for path in self.folder.glob(f"{run}.*.tmp"):
            checkpoint.discarded(path)
        for path, data in checkpoint.generations(self.folder, run):
            if data is None:
                checkpoint.discarded(path)

    def beat(self, steps: Mapping[Claim, int]) -> dict[str, str]:
        """Say that the owner lives and how far it is. Answers by run: "lost" or "cancel"."""
        answers: dict[str, str] = {}
        with self.index.change() as table:
            for claim, step in steps.items():
                row = self._mine(table, claim)
                if row is None:
                    answers[claim.run] = "lost"
                    continue
                if row.cancel:
                    answers[claim.run] = "cancel"
                table.put(row.with_(step=step, heartbeat=time.time()))
        return answers

    def _mine(self, table: Table, claim: Claim) -> Row | None:
        """The row while the claim holds. One that was lost with the index is put back."""
        row = table.get(claim.run)
        if row is None or (row.state == "queued" and row.owner == NOBODY):
            return claim.row
        return row if row.token == claim.token else None

    def save(self, claim: Claim, data: bytes, step: int) -> bool:
        """Make ``data`` the run's checkpoint; False if the claim no longer holds.

        If the disk refuses, StoreError says so in a sentence and the old checkpoint stands.
        """
        try:
            path = checkpoint.staged(self.folder, claim.run, data)
            try:
                with self.index.change() as table:
                    row = self._mine(table, claim)
                    if row is None:
                        return False
                    table.put(row.with_(step=step, heartbeat=time.time()))
                    checkpoint.placed(path, self.folder, claim.run)
            finally:
                checkpoint.discarded(path)
        except OSError as error:
            raise StoreError(_refused(error)) from None
        return True

    def finish(self, claim: Claim, state: str, message: str = "", step: int | None = None) -> None:
        """Give the run back: done, cancelled, failed, or queued for whoever comes next."""
        with COUNTING:
            OURS.discard(claim.token)
        with self.index.change() as table:
            row = self._mine(table, claim)
            if row is not None:
                step = row.step if step is None else step
                now = row.with_(state=state, message=message, step=step, cancel=False)
                table.put(now.with_(owner=NOBODY, token=""))

    def cancel(self, runs: Iterable[str]) -> None:
        """Ask the owners to stop; what nobody trains stops here and now."""
        with self.index.change() as table:
            for name in runs:
                row = table.get(name)
                if row and row.state in ("queued", "running"):
                    if trained(row):
                        table.put(row.with_(cancel=True))
                    else:
                        table.put(row.with_(state="cancelled", owner=NOBODY, token=""))

    def adopt(self) -> list[str]:
        """The runs that a killed owner left behind; they wait for a new one."""
        with self.index.change() as table:
            orphans = [r for r in table.all().values() if r.state == "running" and dead(r)]
            for row in orphans:
                table.put(row.with_(state="queued", owner=NOBODY, token=""))
        return [row.id for row in orphans]


_FELL_BACK = "The last checkpoint was damaged; the run goes on from the one before."
_FROM_START = "The checkpoint was damaged; the run begins anew."


def _refused(error: OSError) -> str:
    """A sentence for what the disk said."""
    reason = "The disk is full" if error.errno == 28 else f"The disk refused ({error.strerror})"
    return f"{reason}: the run stops here and its last checkpoint is kept."
