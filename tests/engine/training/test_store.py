"""What is written is read back or known to be damaged, and a run has one owner."""

import errno
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.training import checkpoint, owner
from engine.training import store as stores
from engine.training.checkpoint import Checkpoint, Damaged, packed, unpacked
from engine.training.claim import LEASE, Claim, dead, trained
from engine.training.index import Row, StoreError, _read
from engine.training.owner import Owner, gone, me, started
from engine.training.store import Store

RUN = "0123456789abcdef01234567"


def at(step: int, steps: int = 100) -> bytes:
    points = {"step": np.arange(1, step + 1), "loss": np.linspace(1, 0.1, step)}
    return packed(Checkpoint("toy", '{"steps":100}', step, steps, points, {"x": np.arange(3.0)}))


def row(**changes: Any) -> Row:
    return Row(RUN, "toy", '{"steps":100}', 100).with_(**changes)


def claimed(store: Store) -> Claim:
    claim = store.claim(row())
    assert isinstance(claim, Claim)
    return claim


def step_of(store: Store) -> int:
    data, _ = store.load(RUN)
    return unpacked(data).step if data else 0


# Checkpoints.


def test_a_checkpoint_comes_back_bit_by_bit() -> None:
    state = {
        "small": np.array([1.5, -0.0, 5e-324], np.float64),
        "half": np.array([[0.1]], np.float32),
        "count": np.array(7),
    }
    points = {"step": np.array([1, 2]), "loss": np.array([np.pi, np.nan])}
    back = unpacked(packed(Checkpoint("toy", "{}", 2, 9, points, state)))
    assert (back.kind, back.spec, back.step, back.steps) == ("toy", "{}", 2, 9)
    for kept, given in ((back.state, state), (back.points, points)):
        assert list(kept) == list(given)
        for name, value in given.items():
            assert (kept[name].dtype, kept[name].shape) == (value.dtype, value.shape)
            assert kept[name].tobytes() == value.tobytes()


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    data = at(2)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damaged):
            unpacked(bytes(flipped))
    for length in range(len(data)):
        with pytest.raises(Damaged):
            unpacked(data[:length])


def test_no_pickle_is_written() -> None:
    thing = {"x": np.array([{}], dtype=object)}
    with pytest.raises(ValueError, match="holds objects"):
        packed(Checkpoint("toy", "{}", 0, 1, {}, thing))


def test_a_damaged_checkpoint_costs_an_interval_and_says_so(store: Store) -> None:
    claim = claimed(store)
    assert store.save(claim, at(10), 10)
    assert store.save(claim, at(20), 20)
    store.finish(claim, "queued")
    newest = store.folder / f"{RUN}.run"
    newest.write_bytes(newest.read_bytes()[:-1])
    claim = claimed(store)
    assert unpacked(claim.data or b"").step == 10
    assert claim.note == "The last checkpoint was damaged; the run goes on from the one before."
    assert not newest.exists()  # or the next one would push the sound one out
    store.finish(claim, "queued")
    before = store.folder / f"{RUN}.before"
    before.write_bytes(b"?" + before.read_bytes()[1:])
    claim = claimed(store)
    assert claim.data is None
    assert claim.note == "The checkpoint was damaged; the run begins anew."


# A disk that refuses.

POINTS = ("open", "write", "fsync", "replace", "second replace", "folder")


def refuse(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    calls = iter(range(1000))

    def failing(original: Callable, at: int) -> Callable:
        def call(*args: Any, **more: Any) -> Any:
            if next(calls) == at:
                raise full
            return original(*args, **more)

        return call

    if where == "open":
        monkeypatch.setattr(checkpoint, "open", failing(open, 0), raising=False)
    elif where == "write":

        def opened(*args: Any, **more: Any) -> Any:
            file = open(*args, **more)  # noqa: SIM115
            os.write(file.fileno(), b"WORK")  # some of it got through
            file.close()
            return open("/dev/full", "wb")

        monkeypatch.setattr(checkpoint, "open", opened, raising=False)
    elif "replace" in where:
        monkeypatch.setattr(os, "replace", failing(os.replace, int("second" in where)))
    else:
        monkeypatch.setattr(os, "fsync", failing(os.fsync, int(where == "folder")))


@pytest.mark.parametrize("where", POINTS)
def test_a_full_disk_leaves_a_sound_checkpoint(
    store: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    claim = claimed(store)
    store.save(claim, at(10), 10)
    store.save(claim, at(20), 20)
    with monkeypatch.context() as patch:
        refuse(patch, where)
        with pytest.raises(StoreError, match=r"^The disk is full: the run stops here and its"):
            store.save(claim, at(30), 30)
    data, note = store.load(RUN)
    assert data is not None
    assert not note
    assert unpacked(data).step == (30 if where == "folder" else 20)
    assert not list(store.folder.glob("*.tmp"))
    assert store.save(claim, at(40), 40)  # there is room again
    assert step_of(store) == 40


def test_a_full_disk_under_the_index_is_one_sentence(store: Store) -> None:
    claim = claimed(store)
    store.save(claim, at(10), 10)
    with store.index.change() as table:
        link = table._link
    link.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match=r"^The disk is full: the store's index"):
        store.enqueue(row().with_(id=f"{n:024x}", spec="x" * 300) for n in range(100))
    assert store.rows()[RUN].step == 10
    assert store.save(claim, at(20), 20)


def test_a_file_that_the_system_cuts_is_refused(store: Store, tmp_path: Path) -> None:
    """A real limit of the kernel, which stops in the middle of the write."""
    claim = claimed(store)
    store.save(claim, at(10), 10)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(StoreError, match=r"^The disk refused .*last checkpoint is kept\.$"):
            store.save(claim, at(90), 90)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert step_of(store) == 10
    assert not list(store.folder.glob("*.tmp"))


# The index.


def test_a_deleted_index_is_made_from_the_checkpoints(store: Store) -> None:
    claim = claimed(store)
    store.save(claim, at(100), 100)
    store.finish(claim, "done")
    for name in ("index.sqlite", "index.sqlite-wal", "index.sqlite-shm"):
        (store.folder / name).unlink(missing_ok=True)
    found = store.rows()[RUN]  # by the store that had the old file open
    assert (found.state, found.step, found.spec) == ("done", 100, '{"steps":100}')
    assert Store(store.folder).rows() == store.rows()


def test_an_owner_puts_its_row_back(store: Store) -> None:
    claim = claimed(store)
    store.save(claim, at(10), 10)
    (store.folder / "index.sqlite").unlink()
    assert store.rows()[RUN].state == "queued"
    assert store.beat({claim: 15}) == {}
    assert trained(store.rows()[RUN])
    assert store.rows()[RUN].step == 15


def flipped_answers(folder: Path, image: bytes, bits: Any) -> set[str]:
    """What the store says of its one run when one bit of the index is another."""
    path, said = folder / "index.sqlite", set()
    for bit in bits:
        flipped = bytearray(image)
        flipped[bit // 8] ^= 1 << bit % 8
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.write_bytes(flipped)
        store = Store(folder)
        found = store.row(RUN)
        store.index.close()
        assert found is not None
        assert (found.id, found.kind, found.spec, found.steps) == (RUN, "toy", '{"steps":100}', 100)
        said.add(f"{found.state} {found.step} {found.message}")
    return said


def test_every_flipped_bit_of_a_row_is_noticed(store: Store) -> None:
    claimed(store)
    with store.index.change() as table:
        found = table._link.execute("SELECT * FROM runs").fetchone()
    assert _read(*found) == store.rows()[RUN]
    whole = b"".join(found)
    cuts = (len(found[0]), len(found[0]) + len(found[1]))
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        text = bytes(flipped)
        assert _read(text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]) is None
    assert _read(None, 1.5, b"") is None


def test_a_flipped_bit_of_the_index_leaves_the_truth_or_the_checkpoint(store: Store) -> None:
    """The truth is that it failed at step 57; of a damaged row only the checkpoint is left."""
    claim = claimed(store)
    store.save(claim, at(40), 40)
    store.finish(claim, "failed", "Why.", step=57)
    store.index.close()
    image = (store.folder / "index.sqlite").read_bytes()
    begin = image.index(RUN.encode()) - 8  # the lengths of the columns stand before them
    truth, left = "failed 57 Why.", "queued 40 "
    row_of_it = [8 * byte + byte % 8 for byte in range(begin, len(image))]
    told = flipped_answers(store.folder, image, row_of_it)
    assert left in told
    assert told <= {truth, left}
    somewhere = np.random.default_rng(1).integers(0, 8 * len(image), 60).tolist()
    head = [8 * byte + 7 - byte % 8 for byte in range(120)]
    assert flipped_answers(store.folder, image, [*head, *somewhere]) <= {truth, left}


# Owners.


def test_a_run_has_one_owner(store: Store) -> None:
    claims: list[Any] = []
    others = [Store(store.folder) for _ in range(8)]
    threads = [
        threading.Thread(target=lambda other: claims.append(other.claim(row())), args=(other,))
        for other in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(c for c in claims if isinstance(c, str)) == ["running"] * 7
    (mine,) = (c for c in claims if isinstance(c, Claim))
    store.finish(mine, "queued")
    assert isinstance(store.claim(row()), Claim)


def as_owned(store: Store, who: Owner, heartbeat: float) -> Row:
    with store.index.change() as table:
        table.put(row(state="running", owner=who, token="theirs", heartbeat=heartbeat))
    return store.rows()[RUN]


def test_a_living_process_keeps_its_run(store: Store) -> None:
    mine = me()
    parent = Owner(mine.host, os.getppid(), started(os.getppid()))
    as_owned(store, parent, time.time())
    assert store.claim(row()) == "running"


def test_a_process_that_ended_loses_its_run(store: Store) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Owner(me().host, process.pid, started(process.pid))
    assert theirs.start
    as_owned(store, theirs, time.time())
    assert store.claim(row()) == "running"
    process.kill()
    deadline = time.monotonic() + 5
    while not gone(theirs) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(store.claim(row()), Claim)  # nobody has waited for it yet: a zombie
    process.communicate()


def test_a_number_given_to_another_process_is_not_the_owner(store: Store) -> None:
    mine = me()
    parent = Owner(mine.host, os.getppid(), started(os.getppid()))
    assert not gone(parent)
    as_owned(store, parent._replace(start="earlier"), time.time())
    assert isinstance(store.claim(row()), Claim)


@pytest.mark.parametrize(("silent", "lost"), [(0, False), (LEASE / 2, False), (LEASE + 1, True)])
def test_of_another_machine_only_the_heartbeat_tells(
    store: Store, silent: float, lost: bool
) -> None:
    there = Owner("another machine", 1, "x")
    for when in (time.time() - silent, time.time() + silent):  # clocks differ, too
        assert dead(as_owned(store, there, when)) == lost
    assert isinstance(store.claim(row()), Claim) == lost


def test_an_owner_that_wakes_up_too_late_writes_nothing(store: Store) -> None:
    asleep = claimed(store)
    store.save(asleep, at(10), 10)
    with store.index.change() as table:
        table.put(store_row(table).with_(owner=Owner("another machine", 1, "x"), heartbeat=0))
    awake = claimed(store)
    assert store.save(awake, at(30), 30)
    assert store.save(asleep, at(20), 20) is False
    assert store.beat({asleep: 20}) == {RUN: "lost"}
    store.finish(asleep, "failed", "asleep")
    assert step_of(store) == 30
    assert store.rows()[RUN].state == "running"


def store_row(table: Any) -> Row:
    found = table.get(RUN)
    assert found
    return found


def test_orphans_are_found_and_wait(store: Store) -> None:
    as_owned(store, Owner(me().host, 2**22 + 1, "never"), time.time())
    assert store.adopt() == [RUN]
    assert store.rows()[RUN].state == "queued"
    assert store.adopt() == []


def test_a_flag_reaches_the_owner_and_stops_what_nobody_trains(store: Store) -> None:
    claim = claimed(store)
    store.cancel([RUN])
    assert store.beat({claim: 5}) == {RUN: "cancel"}
    store.finish(claim, "queued")
    store.cancel([RUN])
    assert store.claim(row()) == "cancelled"
    store.enqueue([row()])
    assert isinstance(store.claim(row()), Claim)


def test_starting_times_tell_processes_apart() -> None:
    assert started(os.getpid()) == me().start != ""
    assert started(os.getpid()) != started(1) != ""
    assert started(2**22 + 1) == ""


def test_the_size_is_that_of_the_files_and_clearing_spares_what_runs(store: Store) -> None:
    claim = claimed(store)
    store.save(claim, at(10), 10)
    other = store.claim(row().with_(id="f" * 24))
    assert isinstance(other, Claim)
    store.save(other, at(100), 100)
    store.finish(other, "done")
    assert store.size() > len(at(10)) + len(at(100))
    assert store.clear() == 1
    assert [path.name for path in store.folder.glob("*.run")] == [f"{RUN}.run"]
    assert list(store.rows()) == [RUN]
    assert step_of(store) == 10


@pytest.mark.parametrize(
    ("system", "named", "want"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/workings/runs"),
        ("linux", {"HOME": "/home/me"}, "/home/me/.local/share/workings/runs"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Application Support/workings/runs"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/workings/runs"),
        ("linux", {"WORKINGS_STORE": "/mine", "XDG_DATA_HOME": "/data"}, "/mine"),
    ],
)
def test_the_store_is_where_the_system_keeps_data(
    monkeypatch: pytest.MonkeyPatch, system: str, named: dict[str, str], want: str
) -> None:
    for name in ("WORKINGS_STORE", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stores.sys, "platform", system)
    assert stores.place() == Path(want)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"^The store's folder cannot be made \(Not a "):
        Store(tmp_path / "file" / "runs")


def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"not a database" * 1000)
    store = Store(tmp_path)
    assert store.rows() == {}
    assert isinstance(store.claim(row()), Claim)
    assert sqlite3.connect(tmp_path / "index.sqlite").execute("SELECT count(*) FROM runs")
    assert owner.me().pid == os.getpid()
