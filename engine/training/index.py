"""The index of a store: who trains what, how far it is, and who wants it to stop.

SQLite does not notice a third of all single flipped bits, so every row carries a hash of itself.
A row that does not fit its hash is dropped, a file that SQLite cannot read is begun anew: the
checkpoints are the truth, and the index is made from them again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.training.owner import Owner

BUSY = 10.0  # seconds that one writer waits for another
TABLE = (
    "CREATE TABLE IF NOT EXISTS runs"
    " (id TEXT PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID"
)
PASSING = tuple(f"SQLITE_{n}" for n in ("BUSY", "FULL", "LOCKED", "NOMEM", "PERM", "CANTOPEN"))
NOBODY = Owner("", 0, "")


class StoreError(RuntimeError):
    """The store cannot do it; the message is one sentence for a person."""


@dataclass(frozen=True)
class Row:
    """What the index says of a run.

    ``state`` is queued, running, done, cancelled or failed; ``token`` names the claim of its
    owner, ``heartbeat`` is when that one was last heard of, ``cancel`` that somebody wants a stop.
    """

    id: str
    kind: str
    spec: str
    steps: int
    state: str = "queued"
    step: int = 0
    heartbeat: float = 0.0
    owner: Owner = NOBODY
    token: str = ""
    cancel: bool = False
    message: str = ""

    def with_(self, **changes: Any) -> "Row":
        """The row with some things changed."""
        return dataclasses.replace(self, **changes)


def _hash(run: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(run + b"\n" + body, digest_size=16).hexdigest().encode()


def _read(run: Any, body: Any, written: Any) -> Row | None:
    """The row, or None if it does not fit its hash."""
    if not all(isinstance(value, bytes) for value in (run, body, written)):
        return None
    if _hash(run, body) != written:
        return None
    fields = json.loads(body)
    return Row(run.decode(), **{**fields, "owner": Owner(*fields["owner"])})


class Table:
    """The rows, inside one transaction."""

    def __init__(self, link: sqlite3.Connection) -> None:
        self._link = link

    def get(self, run: str) -> Row | None:
        """The row of a run, or None if there is none or it is damaged."""
        found = self._link.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        return _read(*found) if found else None

    def all(self) -> dict[str, Row]:
        """Every row that is sound."""
        rows = (_read(*found) for found in self._link.execute("SELECT * FROM runs"))
        return {row.id: row for row in rows if row}

    def put(self, row: Row) -> None:
        """Write a row."""
        fields = dataclasses.asdict(row)
        name = fields.pop("id")
        body = json.dumps(fields | {"owner": list(row.owner)})
        values = (name, body, _hash(name.encode(), body.encode()).decode())
        self._link.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", values)

    def drop(self, run: str) -> None:
        """Without the row of a run."""
        self._link.execute("DELETE FROM runs WHERE id = ?", (run,))


class Index:
    """The rows of a store in one SQLite file; ``found`` tells of each run that has a checkpoint."""

    def __init__(self, path: Path, found: Callable[[], Iterable[Row]]) -> None:
        self._path, self._found = path, found
        self._lock = threading.RLock()
        self._link: sqlite3.Connection | None = None
        self._file = 0

    @contextlib.contextmanager
    def change(self) -> Iterator[Table]:
        """All rows, for this process alone until the block ends."""
        with self._lock:
            link = self._begun()
            try:
                yield Table(link)
                link.execute("COMMIT")
            except sqlite3.Error as error:
                self._undone(link)
                self._judged(error)
                raise StoreError(_sentence(error)) from None
            except BaseException:
                self._undone(link)
                raise

    def rows(self) -> dict[str, Row]:
        """What every row says just now."""
        with self._lock:
            try:
                return Table(self._linked()).all()
            except sqlite3.Error:
                with self.change() as table:
                    return table.all()

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            if self._link:
                with contextlib.suppress(sqlite3.Error):
                    self._link.close()
            self._link = None

    @staticmethod
    def _undone(link: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error):
            link.execute("ROLLBACK")

    def _begun(self) -> sqlite3.Connection:
        """A transaction that has begun, on a new file if this one cannot be read."""
        for fresh in (False, True):
            try:
                link = self._linked()
                link.execute("BEGIN IMMEDIATE")
                link.execute("SELECT * FROM runs").fetchall()  # can it be read at all?
                return link
            except sqlite3.Error as error:
                self._judged(error)
                if fresh or self._sound(error):
                    raise StoreError(_sentence(error)) from None
        raise AssertionError("the second time returns or raises")

    def _judged(self, error: sqlite3.Error) -> None:
        """Let go of the file, and of what is in it if that is broken."""
        self.close()
        for suffix in () if self._sound(error) else ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self._path}{suffix}").unlink()

    def _sound(self, error: sqlite3.Error) -> bool:
        """May the file be as it should, and only the moment or its place be wrong?"""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_READONLY"):  # a flipped bit can say so, too
            return not os.access(self._path, os.W_OK)
        if name.startswith("SQLITE_IOERR"):
            return name != "SQLITE_IOERR_SHORT_READ"
        return name.startswith(PASSING)

    def _linked(self) -> sqlite3.Connection:
        """The open file; if somebody deleted it, a new one made from the checkpoints."""
        there = self._path.stat().st_ino if self._path.exists() else -1
        if self._link and there == self._file:
            return self._link
        self.close()
        link = sqlite3.connect(
            self._path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
        link.text_factory = bytes  # a flipped bit need not be UTF-8
        self._link, self._file = link, os.stat(self._path).st_ino
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("PRAGMA synchronous = NORMAL")
        if there == -1 or not link.execute("SELECT 1 FROM sqlite_master").fetchone():
            link.execute("BEGIN IMMEDIATE")
            link.execute(TABLE)
            table = Table(link)
            known = table.all()
            for row in self._found():
                if row.id not in known:
                    table.put(row)
            link.execute("COMMIT")
        return link


def _sentence(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return "The disk is full: the store's index cannot be written."
    return f"The store's index cannot be used: {error}."
