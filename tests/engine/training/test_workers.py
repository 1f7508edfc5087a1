"""Worker processes are polite, may die, and need nothing of ours but the code."""

import builtins
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_trainer import Spec, Training

from engine.params import ParamError
from engine.training import sweep, workers
from engine.training.checkpoint import unpacked
from engine.training.owner import started
from engine.training.store import Store
from engine.training.sweeping import Status
from engine.training.workers import Processes, SchedulerError

ROOT = Path(__file__).parents[3]
SPECS = [Spec(width=width, steps=600, seed=2, pause=0.0005) for width in (2, 3, 4)]


def assert_undisturbed(statuses: list[Status], store: Store) -> None:
    for status in statuses:
        want = Training(status.spec)
        want.advance(status.steps)
        assert (status.state, status.step, status.message) == ("done", status.steps, "")
        assert status.points == tuple(want.points)
        data, _ = store.load(status.id)
        assert unpacked(data or b"").state["x"].tobytes() == want.x.tobytes()


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes]:
    pool = Processes(2)
    yield pool
    pids = pool.pids
    pool.shutdown(wait=False)
    assert not any(map(started, pids))


def test_a_worker_is_polite_and_knows_nothing_of_the_page(pool: Processes) -> None:
    asked = (
        "(__import__('os').nice(0), __import__('os').environ['OMP_NUM_THREADS'],"
        " sorted({'numpy', 'streamlit', 'pytest'} & set(__import__('sys').modules)),"
        " __import__('signal').getsignal(2) == __import__('signal').SIG_IGN)"
    )
    nice, threads, loaded, deaf = pool.submit(eval, asked).result(120)
    assert nice == 19  # whatever else runs comes first
    assert threads == "1"
    assert loaded == []  # NumPy comes with the first piece, when the limits stand
    assert deaf


def test_a_pool_trains_what_one_process_trains(pool: Processes, store: Store) -> None:
    assert_undisturbed(sweep.run(SPECS, store, pool).wait(120), store)


def test_killed_workers_cost_a_piece(pool: Processes, store: Store) -> None:
    specs = [Spec(width=width, steps=600, pause=0.001) for width in (2, 3, 4)]
    going = sweep.run(specs, store, pool)
    for wanted in (100, 500):
        deadline = time.monotonic() + 90
        while sum(s.step for s in going.status()) < wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        assert pool.pids
        os.kill(pool.pids[0], signal.SIGKILL)
    assert_undisturbed(going.wait(120), store)


def test_a_run_that_always_kills_its_worker_fails_alone(pool: Processes, store: Store) -> None:
    deadly = Spec(width=1, steps=500, trap="die", trap_at=0)
    killer, *others = sweep.run([deadly, *SPECS], store, pool).wait(120)
    assert killer.state == "failed"
    assert killer.message == (
        "Its worker died 3 times at step 0, perhaps for want of memory; the checkpoint is kept."
    )
    assert_undisturbed(others, store)


def test_a_run_that_killed_its_worker_once_is_trained(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_MARK", str(tmp_path / "mark"))
    pool = Processes(1)
    spec = Spec(width=1, steps=200, trap="die once", trap_at=100)
    (status,) = sweep.run([spec], store, pool).wait(120)
    pool.shutdown(wait=False)
    assert (tmp_path / "mark").exists()
    assert_undisturbed([status], store)


SERVER = """
import sys, time
sys.path[:0] = [{root!r}, {here!r}]
import toy_trainer
from engine.training import sweep, trainers, workers
from engine.training.store import Store
trainers.register("toy", "toy_trainer")
pool = workers.Processes(2)
specs = [toy_trainer.Spec(width=w, steps=3000, pause=0.001) for w in (2, 3)]
going = sweep.run(specs, Store({folder!r}), pool, interval=0)
while len(list(going.store.folder.glob("*.run"))) < 2:
    time.sleep(0.01)
print(*pool.pids, flush=True)
time.sleep(60)
"""


def test_the_workers_of_a_killed_server_end_and_the_next_one_goes_on(store: Store) -> None:
    text = SERVER.format(root=str(ROOT), here=str(Path(__file__).parent), folder=str(store.folder))
    server = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(started, pids))
    server.kill()
    server.wait()
    server.stdout.close()
    begin = time.monotonic()
    while any(map(started, pids)):
        assert time.monotonic() - begin < 5
        time.sleep(0.02)
    assert len(store.adopt()) == 2
    specs = [Spec(width=width, steps=3000, pause=0.001) for width in (2, 3)]
    left = sweep.Sweep(specs, store).status()
    assert [status.state for status in left] == ["queued"] * 2
    saved = [unpacked(store.load(status.id)[0] or b"").step for status in left]
    assert all(0 < step < 3000 for step in saved)
    assert next(iter(sweep.run(specs, store))).step == saved[0]  # where it had been written


# Settings.


@pytest.mark.parametrize(("given", "want"), [("3", 3), ("64", 64)])
def test_the_number_of_workers_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, given: str, want: int
) -> None:
    monkeypatch.setenv("WORKINGS_WORKERS", given)
    assert workers.count() == want


@pytest.mark.parametrize("given", ["0", "65", "-1", "many", "9" * 5000])
def test_a_number_of_workers_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("WORKINGS_WORKERS", given)
    with pytest.raises(ParamError, match=r"^WORKINGS_WORKERS must lie in \[1, 64\], got "):
        workers.count()


def test_without_a_setting_it_is_the_cores_at_most_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKINGS_WORKERS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)), raising=False)
    assert workers.count() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(99)), raising=False)
    assert workers.count() == 8


# Dask.


def test_without_distributed_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError("No module named 'distributed'")
        return original(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SchedulerError, match=r"^A scheduler needs the package distributed: "):
        workers.executor("tcp://127.0.0.1:8786")


@pytest.mark.parametrize("listening", [True, False])
def test_a_scheduler_that_does_not_answer_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    """Nobody there, or somebody who takes the call and says nothing."""
    monkeypatch.setattr(workers, "ANSWER", 0.5)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        if listening:
            door.listen()
        else:
            door.close()
        begin = time.monotonic()
        with pytest.raises(SchedulerError) as caught:
            workers.executor(f"tcp://127.0.0.1:{port}")
        assert time.monotonic() - begin < 5
    assert str(caught.value) == (
        f"The scheduler at tcp://127.0.0.1:{port} does not answer within 0.5 seconds."
    )


@pytest.mark.parametrize(
    "address", ["localhost", "http://a:1", "tcp://a", "tcp://a b:1", "x" * 999]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ParamError, match=r"^A scheduler's address is like tcp://10\.0\.0\.5:8786"):
        workers.executor(address)


@pytest.mark.slow
def test_dask_trains_what_one_process_trains_though_a_worker_is_killed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    monkeypatch.chdir(tmp_path)
    specs = [Spec(width=width, steps=800, pause=0.001) for width in (2, 3, 4)]
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=str(tmp_path),
    ) as cluster:
        pool = workers.executor(cluster.scheduler_address)
        assert pool.capacity == 2
        going = sweep.run(specs, store, pool)
        while sum(status.step for status in going.status()) < 300:
            assert going.alive
            time.sleep(0.02)
        victim = next(iter(cluster.workers.values())).pid
        os.kill(victim, signal.SIGKILL)
        statuses = going.wait(120)
        assert not started(victim)
        stopped = sweep.run([Spec(width=5, steps=9000, pause=0.001)], store, pool)
        while stopped.status()[0].step < 50:
            assert stopped.alive
            time.sleep(0.02)
        begin = time.monotonic()
        stopped.cancel()
        assert stopped.wait(5)[0].state == "cancelled"
        assert time.monotonic() - begin < 1
        pool.shutdown()
    assert_undisturbed(statuses, store)
