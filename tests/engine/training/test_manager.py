"""The jobs of a server: one trains, the others wait in sight, and a restart goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from toy_trainer import Spec, Training

from engine.params import ParamError
from engine.training import claim, driver, job, manager, workers
from engine.training.job import JobStatus
from engine.training.manager import MOST_WAITING, Busy, Manager
from engine.training.store import Store
from engine.training.sweeping import Status, Sweep


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads stand in for processes, which are tested elsewhere."""
    monkeypatch.setattr(workers, "executor", lambda _=None: ThreadPoolExecutor(2))
    monkeypatch.setattr(driver, "PIECE", 0.05)


@pytest.fixture
def jobs(store: Store) -> Iterator[Manager]:
    jobs = Manager(store)
    yield jobs
    jobs.close()


def quick(seed: int = 0) -> list[Spec]:
    return [Spec(width=width, steps=50, seed=seed) for width in (3, 2)]


def slow(seed: int = 0) -> list[Spec]:
    return [Spec(width=2, steps=50_000, seed=seed, pause=0.001)]


def status(jobs: Manager, name: str) -> JobStatus:
    found = jobs.status(name)
    assert found
    return found


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_is_trained_and_found_again(jobs: Manager) -> None:
    assert jobs.look(quick()).state == "new"
    name = jobs.start(quick())
    until(lambda: status(jobs, name).state == "done")
    found = jobs.look(quick())
    assert (found.id, found.state, found.step, found.steps, found.part) == (
        name, "done", 100, 100, 1.0,
    )  # fmt: skip
    want = [Training(spec) for spec in quick()]
    for training in want:
        training.advance(50)
    assert [run.points for run in found.runs] == [tuple(t.points) for t in want]
    assert not found.alive


def test_the_same_sweep_is_the_same_job(jobs: Manager) -> None:
    name = jobs.start(slow())
    until(lambda: status(jobs, name).step > 0)
    assert jobs.start(slow()) == name
    assert jobs.look(slow()).state == "running"
    assert len(jobs._queue) == 0
    assert jobs.start(quick()) != name


def test_of_sessions_that_start_one_sweep_at_once_one_wins_and_all_have_its_job(
    store: Store,
) -> None:
    servers = [Manager(store), Manager(Store(store.folder))]
    together, names, before = threading.Barrier(8), [], set(claim.OURS)

    def start(server: Manager) -> None:
        together.wait()
        names.append(server.start(slow()))

    sessions = [threading.Thread(target=start, args=(servers[n % 2],)) for n in range(8)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    (name,) = set(names)
    assert len(names) == 8
    until(lambda: all(status(server, name).step > 0 for server in servers))
    assert len(claim.OURS - before) == 1  # one trains, the other server watches
    for server in servers:
        assert [job.id for job in server._jobs.values() if job.ours] == [name]
    for server in servers:
        server.cancel(name)
        server.close()


def test_those_who_wait_see_their_place(jobs: Manager) -> None:
    first = jobs.start(slow())
    until(lambda: status(jobs, first).state == "running")
    second, third = jobs.start(slow(1)), jobs.start(quick(2))
    assert [(status(jobs, n).state, status(jobs, n).place) for n in (second, third)] == [
        ("queued", 1),
        ("queued", 2),
    ]
    jobs.cancel(second)
    assert not status(jobs, second).alive
    assert status(jobs, third).place == 1
    jobs.cancel(first)
    until(lambda: status(jobs, third).state == "done")
    assert status(jobs, first).state == "cancelled"


def test_the_queue_is_bounded(jobs: Manager) -> None:
    until(lambda: status(jobs, jobs.start(slow())).state == "running")
    for seed in range(1, MOST_WAITING + 1):
        jobs.start(slow(seed))
    with pytest.raises(Busy, match=r"^6 sweeps wait already; try again when one has begun\.$"):
        jobs.start(slow(99))
    assert jobs.start(slow(3)) == jobs.look(slow(3)).id  # to join is always allowed


def test_rate_and_remaining_time_are_those_of_the_last_seconds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs of 100 steps; a step of the second costs three times as much."""
    runs = [Status(name, None, "running", 0, 100, 1.0, "", ()) for name in ("a1", "b3")]
    at, clock = [0, 0], [100.0]

    class Going(Sweep):
        def status(self) -> list[Status]:
            return [replace(run, step=s) for run, s in zip(runs, at, strict=True)]

    runs = [replace(run, cost=float(run.id[1])) for run in runs]
    monkeypatch.setattr(job.time, "monotonic", lambda: clock[0])
    going = job.Job("x", Going([], store))
    going.phase = "running"
    assert (going.status().rate, going.status().remaining) == (0.0, None)
    for second, steps in enumerate(([20, 0], [40, 0], [60, 0], [80, 0], [100, 0], [100, 10])):
        clock[0], at[:] = 101.0 + second, steps
        now = going.status()
    assert now.rate == pytest.approx(110 / 6)
    assert now.part == pytest.approx((100 + 3 * 10) / 400)
    assert now.remaining == pytest.approx(3 * 90 / ((100 + 3 * 10) / 6))
    clock[0] = 106.1
    at[:] = [100, 50]
    assert going.status() is now  # everybody sees the same for a moment
    for second in range(7, 30):
        clock[0], at[:] = 100.0 + second, [100, 10 + second]
        now = going.status()
    assert now.rate == pytest.approx(1)  # of the last eight seconds
    assert now.remaining == pytest.approx(100 - 39)


def test_a_cancelled_job_answers_within_a_second_and_goes_on_later(jobs: Manager) -> None:
    specs = [Spec(width=2, steps=700, pause=0.001)]
    name = jobs.start(specs)
    until(lambda: status(jobs, name).step > 50)
    jobs.cancel(name)
    until(lambda: status(jobs, name).state == "cancelled", 1)
    assert jobs.start(specs) == name
    until(lambda: status(jobs, name).state == "done")


def test_the_next_server_goes_on_and_a_link_finds_its_job(store: Store) -> None:
    specs = [Spec(width=2, steps=1000, pause=0.001)]
    before = Manager(store)
    name = before.start(specs)
    until(lambda: status(before, name).step > 100)
    before.close()
    (row,) = store.rows().values()
    assert (row.state, row.step > 100) == ("queued", True)
    after = Manager(Store(store.folder))
    assert status(after, name).alive
    until(lambda: status(after, name).state == "done")
    after.close()
    (later,) = [Manager(Store(store.folder))]
    assert status(later, name).state == "done"
    assert len(status(later, name).runs[0].points) == 100
    later.close()


def test_what_was_cancelled_is_not_begun_again(store: Store) -> None:
    before = Manager(store)
    name = before.start(slow())
    until(lambda: status(before, name).step > 10)
    before.cancel(name)
    until(lambda: not status(before, name).alive)
    before.close()
    after = Manager(Store(store.folder))
    assert status(after, name).state == "cancelled"
    after.close()


@pytest.mark.parametrize("name", ["", "x", "../index", "0" * 24, "<script>", "9" * 5000])
def test_a_name_that_is_none_finds_nothing(jobs: Manager, name: str) -> None:
    assert jobs.status(name) is None
    jobs.cancel(name)


def test_every_flipped_bit_of_a_job_is_noticed(jobs: Manager, store: Store) -> None:
    """What reads as the same job is the same job: its name is the digest of what it trains."""
    name = jobs.start(quick())
    until(lambda: status(jobs, name).state == "done")
    path = store.folder / "jobs" / f"{name}.json"
    whole = path.read_bytes()
    assert jobs._remembered(name)
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = jobs._remembered(name)
        assert not found or [run.spec for run in found.sweep.runs.values()] == quick(), bit
    after = Manager(Store(store.folder))
    assert after.status(name) is None
    after.close()


def test_clearing_forgets_what_is_over(jobs: Manager, store: Store) -> None:
    name = jobs.start(quick())
    until(lambda: status(jobs, name).state == "done")
    running = jobs.start(slow())
    until(lambda: status(jobs, running).step > 0)
    assert jobs.clear() == 2
    assert jobs.status(name) is None
    assert jobs.look(quick()).state == "new"
    assert status(jobs, running).state == "running"


def test_what_no_scheduler_can_be_is_refused_at_once(jobs: Manager) -> None:
    with pytest.raises(ParamError, match=r"^A scheduler's address is like tcp://"):
        jobs.start(quick(), "localhost")


def test_a_scheduler_that_is_not_there_fails_the_job_in_a_sentence(
    jobs: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def executor(_: str) -> None:
        raise workers.SchedulerError("The scheduler does not answer.")

    monkeypatch.setattr(workers, "executor", executor)
    name = jobs.start(quick(), "tcp://127.0.0.1:1")
    until(lambda: not status(jobs, name).alive)
    assert status(jobs, name).state == "failed"
    assert status(jobs, name).message == "The scheduler does not answer."


def test_a_process_has_one_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKINGS_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(manager, "_here", None)
    mine = manager.manager()
    assert manager.manager() is mine
    assert mine.store.folder == tmp_path / "store"
    manager.close()
    assert mine._closed
    assert manager._here is None
    manager.close()
