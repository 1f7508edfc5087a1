"""What a browser unpacks is the file, whoever asks and how often."""

import asyncio
import gzip
from typing import Any

import pytest

from pages.ui.gzipped import Gzipped

FILE = b"export const answer = 42;\n" * 400
TYPE = (b"content-type", b"text/javascript")


class Disk:
    """An app that answers everything with one file, and counts how often it had to."""

    def __init__(self, status: int = 200, body: bytes = FILE) -> None:
        self.status, self.body, self.asked = status, body, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        length = (b"content-length", b"%d" % len(self.body))
        headers = [TYPE, length, (b"etag", b'"file"')]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:]})


def ask(
    app: Any, path: str = "/static/js/index.a1.js", method: str = "GET", **headers: str
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"accept-encoding": "gzip, deflate, br"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    scope = {"type": "http", "method": method, "path": path}
    scope["headers"] = [(n.encode(), v.encode()) for n, v in given.items()]  # type: ignore[assignment]
    asyncio.run(app(scope, None, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def test_a_script_is_packed_once_and_comes_out_whole() -> None:
    disk = Disk()
    app = Gzipped(disk)
    for _ in range(3):
        status, headers, body = ask(app)
        assert status == 200
        assert headers[b"content-encoding"] == b"gzip"
        assert headers[b"vary"] == b"accept-encoding"
        assert headers[b"content-type"] == TYPE[1]
        assert int(headers[b"content-length"]) == len(body) < len(FILE) / 4
        assert b"etag" not in headers, "it names the bytes of the plain file"
        assert gzip.decompress(body) == FILE
    assert disk.asked == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"accept_encoding": "identity"},
        {"accept_encoding": "br"},
        {"range": "bytes=0-9"},
        {"if_none_match": '"file"'},
        {"path": "/"},
        {"path": "/_stcore/health"},
        {"path": "/media/picture.js"},
        {"method": "HEAD"},
    ],
    ids=str,
)
def test_everything_else_goes_through_untouched(asked: dict[str, str]) -> None:
    disk = Disk()
    app = Gzipped(disk)
    for n in (1, 2):
        status, headers, body = ask(app, **asked)  # type: ignore[arg-type]
        assert (status, body, headers[b"etag"]) == (200, FILE, b'"file"')
        assert b"content-encoding" not in headers
        assert disk.asked == n


@pytest.mark.parametrize(("status", "body"), [(404, FILE), (500, FILE), (200, b"short")])
def test_an_error_or_a_short_file_is_passed_on_and_not_kept(status: int, body: bytes) -> None:
    disk = Disk(status, body)
    app = Gzipped(disk)
    for n in (1, 2):
        assert ask(app)[::2] == (status, body)
        assert disk.asked == n
