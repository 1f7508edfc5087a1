"""A sweep ends bit by bit as if nobody had disturbed it, whatever happens to it."""

import errno
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_trainer import Point, Spec, Training

from engine.params import ParamError
from engine.training import checkpoint, driver, piece, sweep, trainers
from engine.training.checkpoint import unpacked
from engine.training.index import NOBODY
from engine.training.owner import Owner
from engine.training.store import Store
from engine.training.sweeping import Status

SPECS = [Spec(width=40, steps=1500, seed=1), Spec(width=4, steps=1500, seed=1)]
fork = multiprocessing.get_context("fork")


def alone(spec: Spec) -> Training:
    """The run without any of our machinery, and without its pauses."""
    training = Training(replace(spec, pause=0.0))
    training.advance(spec.steps)
    return training


def assert_undisturbed(statuses: Sequence[Status], store: Store) -> None:
    for status in statuses:
        want = alone(status.spec)
        assert (status.state, status.step) == ("done", status.steps)
        assert status.points == tuple(want.points)
        data, _ = store.load(status.id)
        assert unpacked(data or b"").state["x"].tobytes() == want.x.tobytes()


def test_a_sweep_trains_every_run_and_narrow_ones_first(store: Store) -> None:
    seen = [(status.spec.width, status.state) for status in sweep.run(SPECS, store)]
    assert [width for width, state in seen if state == "done"] == [4, 40]
    assert seen.index((4, "done")) < seen.index((40, "running"))
    statuses = sweep.Sweep(SPECS, store).status()
    assert [status.spec for status in statuses] == SPECS  # in the order that was asked for
    assert_undisturbed(statuses, store)


def test_points_grow_while_it_trains(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "PIECE", 0.01)
    counts = [len(status.points) for status in sweep.run(SPECS[:1], store)]
    assert counts == sorted(counts)
    assert counts[-1] == 150
    assert len(set(counts)) > 3


def test_what_is_done_is_not_done_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep.run(SPECS, store).wait()
    monkeypatch.setattr(Training, "advance", lambda *_: pytest.fail("trained again"))
    assert_again = sweep.run([*SPECS, SPECS[0]], store).wait()
    assert [status.state for status in assert_again] == ["done"] * 3


def test_whoever_stops_iterating_leaves_it_to_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PIECE", 0.01)
    first = iter(sweep.run(SPECS, store))
    while next(first).step < 200:
        pass
    first.close()  # type: ignore[attr-defined]
    (left,) = [r for r in store.rows().values() if r.step]
    assert (left.state, left.owner) == ("queued", NOBODY)
    assert unpacked(store.load(left.id)[0] or b"").step == left.step >= 200
    assert_undisturbed(sweep.run(SPECS, store).wait(), store)


def test_one_spec_is_one_run() -> None:
    assert trainers.run_id(Spec(width=4)) == trainers.run_id(Spec(width=4))
    different = [Spec(), Spec(width=4), Spec(seed=1), Spec(steps=399), Spec(pause=1e-9)]
    assert len({trainers.run_id(spec) for spec in different}) == len(different)
    assert trainers.spec_of("toy", trainers.spelled(Spec(pause=0.1))) == Spec(pause=0.1)


def test_a_new_version_of_a_trainer_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = trainers.run_id(Spec())
    monkeypatch.setattr("toy_trainer.VERSION", 2, raising=False)
    assert trainers.run_id(Spec()) != before


def test_what_is_no_spec_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainers, "KINDS", {"toy": "toy_trainer"})
    with pytest.raises(ParamError, match=r"^Point is not the Spec of a trainer\.$"):
        sweep.run([Point(1, 0.0)], store)


# Killed.

KILLS = 40
MORTAL = [Spec(width=width, steps=4000, seed=1, pause=0.0003) for width in (40, 4)]


def train(folder: Path, seconds: float = 0.01) -> None:
    """What a process does that will be killed: as many checkpoints as it can."""
    driver.PIECE, driver.BEAT = seconds, 0.05
    sweep.run(MORTAL, Store(folder), interval=0).wait()


def test_killed_forty_times_nothing_written_is_lost(tmp_path: Path) -> None:
    rng, most = random.Random(6), {}
    for _ in range(KILLS):
        process = fork.Process(target=train, args=(tmp_path,))
        process.start()
        time.sleep(0.03 + 0.05 * rng.random())
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        store = Store(tmp_path)
        for name in map(trainers.run_id, MORTAL):
            data, note = store.load(name)
            step = unpacked(data).step if data else 0
            assert step >= most.get(name, 0)
            assert not note  # no kill leaves a damaged file
            most[name] = step
        store.index.close()
    assert max(most.values()) > 0
    store = Store(tmp_path)
    assert_undisturbed(sweep.run(MORTAL, store).wait(), store)
    assert not list(tmp_path.glob("*.tmp"))


def test_two_processes_share_the_runs_of_one_sweep(tmp_path: Path) -> None:
    specs = [Spec(width=4, steps=300, seed=seed, pause=0.0005) for seed in range(3)]
    told = fork.SimpleQueue()

    def take_part() -> None:
        trained: list[str] = []
        take = driver.Driver._claimed

        def noted(self: Any, run: Any) -> bool:
            mine = take(self, run)
            trained.extend([run.id] * mine)
            return mine

        driver.Driver._claimed = noted  # type: ignore[method-assign]
        statuses = sweep.run(specs, Store(tmp_path)).wait(120)
        told.put((trained, [(s.state, s.step, s.points) for s in statuses]))

    processes = [fork.Process(target=take_part) for _ in range(2)]
    for process in processes:
        process.start()
    (mine, ends), (theirs, other_ends) = told.get(), told.get()
    for process in processes:
        process.join()
    assert sorted(mine + theirs) == sorted(map(trainers.run_id, specs))  # each by one of them
    assert mine
    assert theirs
    assert ends == other_ends
    assert [points for *_, points in ends] == [tuple(alone(spec).points) for spec in specs]


def test_two_sweeps_of_one_process_share_a_run(store: Store) -> None:
    spec = Spec(width=4, steps=300, pause=0.001)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first = sweep.run([spec], store, one)
        second = sweep.run([spec], Store(store.folder), other)
        assert_undisturbed(first.wait(120), store)
        assert_undisturbed(second.wait(120), store)
        assert (first.runs[first.order[0]].written, second.runs[second.order[0]].written).count(
            0
        ) == 1


def test_a_run_whose_owner_is_gone_is_taken_over(store: Store) -> None:
    wanted = sweep.Sweep(SPECS[:1], store)
    (run,) = wanted.runs.values()
    there = Owner("another machine", 1, "x")
    with store.index.change() as table:
        row = run.row().with_(state="running", owner=there, token="t", heartbeat=time.time())
        table.put(row)
    with ThreadPoolExecutor(1) as pool:
        going = sweep.run(SPECS[:1], store, pool)
        going.wait(0.6)
        assert going.alive
        assert going.status()[0].state == "running"
        assert going.status()[0].step == 0
        with store.index.change() as table:
            table.put(row.with_(heartbeat=time.time() - 60))
        assert_undisturbed(going.wait(120), store)


# Cancelled.


def until(true: Callable[[], bool], seconds: float = 10) -> float:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds
        time.sleep(0.005)
    return time.monotonic() - begin


SLOW = [Spec(width=4, steps=20_000, seed=seed, pause=0.001) for seed in range(3)]


@pytest.mark.parametrize("who", ["the sweep itself", "somebody else"])
def test_cancel_answers_within_a_second_and_keeps_what_is_there(store: Store, who: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        going = sweep.run(SLOW, store, pool)
        until(lambda: going.status()[0].step > 100)
        (going if who == "the sweep itself" else sweep.Sweep(SLOW, Store(store.folder))).cancel()
        assert until(lambda: not going.alive) < 1
        assert [status.state for status in going.wait()] == ["cancelled"] * 3
    first, second, _ = sweep.Sweep(SLOW, store).status()
    assert (first.state, second.state, second.step) == ("cancelled", "cancelled", 0)
    assert unpacked(store.load(first.id)[0] or b"").step == first.step > 100


def test_a_cancelled_run_goes_on_when_it_is_wanted_again(store: Store) -> None:
    spec = Spec(width=4, steps=500, pause=0.001)
    with ThreadPoolExecutor(1) as pool:
        going = sweep.run([spec], store, pool)
        until(lambda: going.status()[0].step > 10)
        going.cancel()
        assert going.wait(5)[0].state == "cancelled"
        assert_undisturbed(sweep.run([spec], store, pool).wait(10), store)


def test_a_worker_that_does_not_come_back_keeps_nobody_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be compiling: then no flag is read for a while."""
    busy = threading.Event()
    monkeypatch.setattr(driver, "piece", lambda *_: busy.wait(20))
    with ThreadPoolExecutor(1) as pool:
        going = sweep.run(SLOW, store, pool)
        until(lambda: going.status()[0].state == "running")
        going.cancel()
        assert until(lambda: not going.alive) < 1
        busy.set()
    assert {status.state for status in going.status()} == {"cancelled"}


# Damaged, full, broken.


def test_the_index_may_be_deleted_while_it_trains(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PIECE", 0.02)
    monkeypatch.setattr(driver, "BEAT", 0.05)
    for count, _ in enumerate(sweep.run(SPECS, store, interval=0)):
        if count % 5 == 4:
            for path in store.folder.glob("index*"):
                path.unlink()
    assert_undisturbed(sweep.Sweep(SPECS, store).status(), store)
    assert {row.state for row in store.rows().values()} == {"done"}


def test_a_damaged_end_is_trained_again(store: Store) -> None:
    (done,) = sweep.run(SPECS[:1], store, interval=0).wait()
    path = store.folder / f"{done.id}.run"
    path.write_bytes(path.read_bytes()[:-20])
    (again,) = sweep.run(SPECS[:1], store).wait()
    assert again.message.startswith(("The last checkpoint was damaged", "The checkpoint was"))
    assert_undisturbed([again], store)


def test_a_full_disk_costs_an_interval_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PIECE", 0.01)
    calls = iter(range(1000))
    real = os.fsync

    def full(handle: int) -> None:
        if next(calls) >= 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full)
        (stopped,) = sweep.run(SPECS[:1], store, interval=0).wait()
    assert stopped.state == "failed"
    assert stopped.message == (
        "The disk is full: the run stops here and its last checkpoint is kept."
    )
    data, note = store.load(stopped.id)
    assert not note
    assert unpacked(data or b"").step == stopped.step > 0
    assert store.rows()[stopped.id].message == stopped.message
    assert_undisturbed(sweep.run(SPECS[:1], store).wait(), store)


@pytest.mark.parametrize(
    ("trap", "said"),
    [
        ("raise", "The training stopped after step 40: ValueError, the toy is broken."),
        ("memory", "There was not enough memory after step 40; the checkpoint is kept."),
    ],
)
def test_a_training_that_breaks_is_one_sentence_and_spares_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch, trap: str, said: str
) -> None:
    monkeypatch.setattr(driver, "PIECE", 0.0)  # a step a piece
    bad = Spec(width=1, steps=60, trap=trap, trap_at=40)
    good = Spec(width=4, steps=60)
    broken, fine = sweep.run([bad, good], store).wait()
    assert (broken.state, broken.step, broken.message) == ("failed", 40, said)
    assert len(broken.points) == 4
    assert_undisturbed([fine], store)


def test_pieces_take_about_as_long_as_they_should() -> None:
    spec = Spec(width=4, steps=1_000_000, pause=0.001)
    asked = ("toy", "toy_trainer", trainers.spelled(spec))
    for _ in range(2):
        begin = time.perf_counter()
        data, step = piece.piece(*asked, None, 0.2)
        assert 0.15 < time.perf_counter() - begin < 0.5
        assert unpacked(data).step == step > 20


def test_numbers_keep_their_kind_however_the_pieces_fall() -> None:
    asked = ("toy", "toy_trainer", trainers.spelled(Spec(steps=25, log_every=10)))
    data, step = None, 0
    while step < 25:
        data, step = piece.piece(*asked, data, 0.0)  # a step a piece
    points = piece.points_of(trainers.module_of("toy"), data or b"")
    assert [type(value) for point in points for value in (point.step, point.loss)] == [
        int,
        float,
    ] * 2
