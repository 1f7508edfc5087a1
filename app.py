"""The server: ``streamlit run app.py`` or ``python app.py`` (which also opens the browser).

WORKINGS_LECTURE=1 starts it for projection, WORKINGS_OPEN=1 lets the hall's network in,
WORKINGS_DEV=1 reloads what changes and shows mistakes in full.
"""

import os

# Many visitors share the cores. A pool of threads that spins beside others' work costs far more
# than it gives; read when NumPy and torch are first imported, so it comes before everything else.
for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

import atexit
import gc
import importlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pages.ui import once
from pages.ui.gzipped import Gzipped

ROOT = Path(__file__).parent
FONT = ROOT / "assets" / "fonts" / "math.woff2"
PICTURES = ROOT / "assets" / "pictures"
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"referrer-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    b"cross-origin-opener-policy": b"same-origin",
}
# A full hall holds a million objects. Going through them again and again, as Python would, took a
# seventh of the CPU and stopped everybody for a second at a time.
RARELY = (10_000, 5, 10)


def warm() -> None:
    """Import what certificates need and have the machine code ready, off the first visitor's path;
    then keep it out of the GC."""
    compiled = importlib.import_module("engine.compiled")
    compiled.AHEAD.clear()
    try:
        ahead = subprocess.Popen([sys.executable, "-m", "engine.warm"], cwd=ROOT)
        atexit.register(ahead.kill)
        for name in ("altair", "pandas", "mpmath", "torch"):
            importlib.import_module(name)
        ahead.wait(compiled.LONGEST)
    except subprocess.TimeoutExpired:
        pass  # on a very slow machine it goes on; who needs a kernel now compiles it
    finally:
        compiled.AHEAD.set()
    importlib.import_module("engine.warm").kernels()  # now only read from the disk
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    # Not before the first paint: a second after the server is up, in a daemon thread, so that
    # Ctrl-C does not wait for an import.
    warming = threading.Timer(1.0, warm)
    warming.daemon = True
    warming.start()
    if os.environ.get("WORKINGS_DEV") != "1":
        once.spare()
    gc.set_threshold(*RARELY)
    yield
    warming.cancel()
    jobs = sys.modules.get("engine.training.manager")  # if anybody has asked for a training
    if jobs:
        jobs.close()


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def math_font(_: Request) -> FileResponse:
    forever = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(FONT, media_type="font/woff2", headers=forever)


class SecurityHeaders:
    """Plain ASGI, so that websockets and streams pass untouched."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":  # nothing between a visitor's messages and the line
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                new = [(k, v) for k, v in HEADERS.items() if k not in given]
                message = {**message, "headers": [*message["headers"], *new]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def on_script_error(error: Exception) -> bool:
    from pages.ui.mishap import on_script_error as said  # not before there is something to say

    return said(error)


app = st.App(
    ROOT / "pages" / "shell.py",
    lifespan=lifespan,
    on_script_error=on_script_error,
    routes=[
        Route("/healthz", healthz),
        Route("/assets/fonts/math.woff2", math_font),
        Mount("/assets/pictures", StaticFiles(directory=PICTURES)),
    ],
    middleware=[Middleware(SecurityHeaders), Middleware(Gzipped)],
)


def settings() -> dict[str, Any]:
    """What the environment changes of .streamlit/config.toml."""
    changed: dict[str, Any] = {}
    if os.environ.get("WORKINGS_LECTURE") == "1":
        changed["theme.baseFontSize"] = 24
    if os.environ.get("WORKINGS_DEV") == "1":
        changed |= {"server.fileWatcherType": "auto", "server.runOnSave": True}
        changed["client.showErrorDetails"] = "full"
    if os.environ.get("WORKINGS_OPEN") == "1":
        changed["server.address"] = "0.0.0.0"
        changed["server.allowedHosts"] = ["127.0.0.1", "localhost", *hall_names()]
    if port := os.environ.get("WORKINGS_PORT"):
        if not (port.isdecimal() and 0 < int(port[:6]) < 65536):
            raise SystemExit(f"WORKINGS_PORT must lie in [1, 65535], got {port[:20]}.")
        changed["server.port"] = int(port)
    return changed


def hall_names() -> list[str]:
    """What the hall may call this machine: its address in the network and its name."""
    name = socket.gethostname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; only chooses a way out
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    return [address, name, f"{name}.local"]


def taken(port: int, address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def open_browser(port: int) -> None:
    """Open the page once the server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(f"http://127.0.0.1:{port}/")
            return


if __name__ == "__main__":
    changed = settings()
    port, address = changed.get("server.port", 8501), changed.get("server.address", "127.0.0.1")
    if taken(port, address):
        raise SystemExit(f"Port {port} is taken; choose another: WORKINGS_PORT=8600 make run")
    if address == "0.0.0.0":
        print(f"For the hall: http://{hall_names()[0]}:{port}/")
    if os.environ.get("WORKINGS_BROWSER") != "0":
        threading.Thread(target=open_browser, args=(port,), daemon=True).start()
    app.run(config=changed)
