"""The app in a process of its own, and the Chromium that looks at it."""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[2]
# No sandbox: a container's root may not make one. The others keep Chromium off the network.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


def _finder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("finder", ROOT / "scripts" / "browser.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def yardstick() -> str:
    """How fast the machine is today, beside figures that are only true of it."""

    def counted() -> float:
        begun, total = time.perf_counter(), 0
        for i in range(1_000_000):
            total += i * i
        return time.perf_counter() - begun

    best = min(counted() for _ in range(7))
    return f"machine: a million additions and products in Python take {1000 * best:.0f} ms"


class NoBrowserError(RuntimeError):
    """There is no Chromium; the message is one sentence."""


def launch(playwright: Playwright) -> Browser:
    finder = _finder()
    path = finder.find()
    if not path:
        raise NoBrowserError(finder.MISSING)
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


@contextmanager
def served(**settings: str) -> Iterator[str]:
    """A server nobody has visited yet, on a free port; its address without a slash at the end."""
    with started(**settings) as (address, _):
        yield address


@contextmanager
def started(**settings: str) -> Iterator[tuple[str, int]]:
    """The same, with the server's process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    wanted = {"WORKINGS_BROWSER": "0", "WORKINGS_PORT": str(port)}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("WORKINGS", "STREAMLIT"))}
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as store:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            env={**inherited, **wanted, "WORKINGS_STORE": store, **settings},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _answers(address, process)
            yield address, process.pid
            ended = process.poll()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if ended is not None:
            log.seek(0)
            said = log.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"app.py ended by itself with {ended} and said: {said}")


def _answers(address: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended with {process.returncode} before it answered.")
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("app.py did not answer within a minute.")
