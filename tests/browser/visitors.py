"""Visitors without a browser: they speak Streamlit's own protocol to a server.

One visitor does one thing after another, many visit at once. An answer belongs to the run that was
asked for, by the run's own id, and is complete when that run says so.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

OVER = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
PATIENCE = 120.0  # seconds for one answer


class Visitor:
    """One tab. ``numbers`` are the number fields on the page, ``drawn`` what our own components
    were given, both by key; ``broken`` counts what Streamlit shows as an exception."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.page = ""
        self.pages: dict[str, str] = {}
        self.numbers: dict[str, Any] = {}
        self.drawn: dict[str, bytes] = {}
        self.broken = 0
        self.received = 0
        self._states: dict[str, WidgetState] = {}
        self._kept: set[str] = set()
        self._line: Any = None

    async def __aenter__(self) -> "Visitor":
        host = urlsplit(self.address).netloc
        self._line = await websockets.connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=self.address,  # type: ignore[arg-type]
            compression=None,
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._line.close()

    async def open(self) -> float:
        """The home page; seconds until it is complete."""
        return await self._run("")

    async def go(self, slug: str) -> float:
        """Another page."""
        self._states.clear()
        return await self._run(self.pages[slug])

    async def move(self, key: str, value: float) -> float:
        """Set one number field and see the new picture."""
        self.set(key, value)
        return await self._run(self.page)

    def set(self, key: str, value: float) -> None:
        """Type a number, and do not send it yet."""
        field = self.numbers[key]
        self._states[field.id] = WidgetState(id=field.id, double_value=value)

    async def send(self) -> None:
        """Ask for a run and do not wait for it."""
        await self._line.send(self._message(self.page).SerializeToString())

    async def drain(self) -> None:
        """Throw away all answers that come, until cancelled."""
        while True:
            await self._line.recv()

    def _message(self, page: str) -> BackMsg:
        message = BackMsg()
        wish = message.rerun_script
        wish.page_script_hash = page
        wish.widget_states.widgets.extend(self._states.values())
        wish.cached_message_hashes.extend(self._kept)
        return message

    async def _run(self, page: str) -> float:
        begun = time.perf_counter()
        await self._line.send(self._message(page).SerializeToString())
        async with asyncio.timeout(PATIENCE):
            await self._answered()
        return time.perf_counter() - begun

    async def _answered(self) -> None:
        mine = ""
        while True:
            raw = await self._line.recv()
            self.received += len(raw)
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                mine = message.metadata.run.script_run_id
                self.page = message.new_session.page_script_hash
                self.numbers.clear()
            elif kind == "navigation":
                self.pages = {p.url_pathname: p.page_script_hash for p in _lessons(message)}
                self.page = message.navigation.page_script_hash
            elif kind == "delta":
                if message.metadata.cacheable and message.hash:
                    self._kept.add(message.hash)
                self._see(message.delta)
            elif kind == "script_finished" and message.script_finished in OVER:
                run = message.metadata.run.script_run_id
                if not run or not mine or run == mine:
                    return

    def _see(self, delta: Any) -> None:
        kind = delta.WhichOneof("type") == "new_element" and delta.new_element.WhichOneof("type")
        if kind == "number_input":
            field = delta.new_element.number_input
            # The key is the last part of Streamlit's id: $$ID-<hash>-<key>.
            self.numbers[field.id.split("-", 2)[-1]] = field
        elif kind == "bidi_component":
            piece = delta.new_element.bidi_component
            self.drawn[piece.id.split("-", 2)[-1]] = piece.bytes
        elif kind == "exception":
            self.broken += not delta.new_element.exception.is_warning


def _lessons(message: ForwardMsg) -> list[Any]:
    return [page for page in message.navigation.app_pages if not page.external_url]


def cost(pid: int) -> tuple[float, float]:
    """Seconds of CPU that a process has used, and its resident megabytes (Linux)."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    seconds = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(resident.split()[1]) / 1024
