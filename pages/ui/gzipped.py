"""Streamlit's own scripts and styles, compressed once and kept: a first visit of a full hall goes
through one network, and three quarters of what it fetches is air.

Their names carry a hash of what is in them, so what is kept is never stale.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

App = Callable[..., Awaitable[None]]

WHERE = ("/static/js/", "/static/css/")
SMALL = 1_000  # bytes; below, a packet is a packet
MOST = 1_000  # files; Streamlit has some two hundred
# What asks for more than the file as it is: the app answers that itself.
PLAIN = (b"range", b"if-none-match", b"if-modified-since")


class Gzipped:
    """Plain ASGI around an app."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._kept: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not _takes(scope):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            answer = _Answer()
            await self.app(scope, receive, answer)
            if answer.status != 200 or len(answer.body) < SMALL or len(self._kept) >= MOST:
                await _say(send, answer.status, answer.headers, answer.body)
                return
            whole = answer.headers, bytes(answer.body)
            self._kept[path] = await asyncio.to_thread(_compressed, *whole)
        await _say(send, 200, *self._kept[path])


def _takes(scope: Any) -> bool:
    """A plain request for a whole script, by who can unpack it."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(WHERE):
        return False
    headers = dict(scope["headers"])
    ways = headers.get(b"accept-encoding", b"").split(b",")
    return b"gzip" in [way.strip() for way in ways] and not any(name in headers for name in PLAIN)


class _Answer:
    """What the app would send, all of it."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 500, [], bytearray()

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _compressed(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    packed = gzip.compress(body, 6, mtime=0)
    changed = (b"content-length", b"etag", b"accept-ranges", b"vary")
    same = [(name, value) for name, value in headers if name.lower() not in changed]
    more = [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
    return [*same, *more, (b"content-length", b"%d" % len(packed))], packed


async def _say(send: Any, status: int, headers: Any, body: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(body)})
