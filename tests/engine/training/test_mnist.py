"""MNIST is read with suspicion and fetched whole or not at all. All files here are small."""

import gzip
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engine.data import DataError
from engine.training import idx, mnist

TRAIN, TEST = 12, 5
CACHE = mnist.cache
NAMES = tuple(source.names[0] for source in mnist.SOURCES)


def written(array: np.ndarray, kind: int = 0x08) -> bytes:
    """An IDX file by the letter of its description."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return head + array.tobytes()


def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    made = []
    for count in (TRAIN, TEST):
        made.append(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        made.append(rng.integers(0, 10, count, dtype=np.uint8))
    return made


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mnist, "TRAIN", TRAIN)
    monkeypatch.setattr(mnist, "TEST", TEST)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(mnist, "cache", lambda: tmp_path / "cache" / "mnist")
    monkeypatch.delenv("WORKINGS_MNIST_DIR", raising=False)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, array in zip(NAMES, arrays(), strict=True):
        (tmp_path / name).write_bytes(written(array))
    monkeypatch.setenv("WORKINGS_MNIST_DIR", str(tmp_path))
    return tmp_path


# Files that are right.


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_is_read_under_any_of_the_usual_names(
    folder: Path, dot: bool, zipped: bool
) -> None:
    for name in NAMES:
        path = folder / name
        content = path.read_bytes()
        path.unlink()
        name = name.replace("-idx", ".idx") if dot else name
        path = folder / (name + ".gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    X, y, X_test, y_test = arrays()
    assert mnist.here()
    data = mnist.load()
    assert data.X.dtype == np.float32
    np.testing.assert_allclose(data.X * 255, X.reshape(TRAIN, 784), atol=1e-4)
    np.testing.assert_allclose(data.X_test * 255, X_test.reshape(TEST, 784), atol=1e-4)
    np.testing.assert_array_equal(data.y, y)
    np.testing.assert_array_equal(data.y_test, y_test)


def test_the_names_are_those_of_the_mirrors() -> None:
    assert mnist.SOURCES[0].names == (
        "train-images-idx3-ubyte",
        "train-images.idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte.gz",
    )
    assert [source.name for source in mnist.SOURCES] == [name + ".gz" for name in NAMES]
    assert all(len(bytes.fromhex(source.sha256)) == 32 for source in mnist.SOURCES)


# Files that are not.

IMAGES, ANY = arrays()[0], np.zeros(TRAIN, np.uint8)
WHOLE = written(IMAGES)
WRONG = {
    "empty": (b"", "is not an IDX file"),
    "not IDX": (b"PNG, say", "is not an IDX file"),
    "labels for pictures": (written(ANY), "must hold pictures, but it holds labels"),
    "a table": (written(IMAGES[0]), "must hold pictures, but it holds an array of 2 axes"),
    "other numbers": (written(IMAGES, kind=0x0D), "must hold bytes, type 0x08, but .* 0x0d"),
    "too few": (written(IMAGES[:-1]), "must hold 12 × 28 × 28 bytes, but it declares 11 ×"),
    "too many": (written(np.repeat(IMAGES, 9, 0)), "but it declares 108 × 28 × 28"),
    "other pixels": (written(IMAGES[:, 1:]), "but it declares 12 × 27 × 28"),
    "cut in the header": (WHOLE[:9], "ends within its header"),
    "cut": (WHOLE[:-1], "ends after 9,407 of 9,408 bytes"),
    "long": (WHOLE + b"\0", "goes on after the 9,408 bytes that it declares"),
    "gzip cut": (gzip.compress(WHOLE)[:-30], "is damaged: it cannot be unpacked"),
    "gzip long": (gzip.compress(WHOLE + b"\0"), "goes on after the 9,408 bytes"),
    "gzip of nothing": (gzip.compress(b""), "is not an IDX file"),
    "only called gzip": (b"\x1f\x8b and so on", "is damaged: it cannot be unpacked"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named_in_one_sentence(folder: Path, case: str) -> None:
    content, says = WRONG[case]
    (folder / NAMES[0]).write_bytes(content)
    with pytest.raises(DataError, match=rf"^train-images-idx3-ubyte .*{says}.*\.$"):
        mnist.load()


def test_a_flipped_bit_in_a_gzip_is_noticed(folder: Path) -> None:
    content = bytearray(gzip.compress(WHOLE, compresslevel=0))
    content[len(content) // 2] ^= 1
    (folder / NAMES[0]).write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        mnist.load()


def test_training_and_test_files_in_each_others_place(folder: Path) -> None:
    for a, b in ((0, 2), (1, 3)):
        first, second = (folder / NAMES[i] for i in (a, b))
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)
    with pytest.raises(DataError, match="must hold 12 × 28 × 28 bytes, but it declares 5 ×"):
        mnist.load()


def test_a_label_above_nine(folder: Path) -> None:
    labels = arrays()[3]
    labels[2] = 10
    (folder / NAMES[3]).write_bytes(written(labels))
    with pytest.raises(DataError, match=r"t10k-labels.* labels from 0 to 9, but one is 10\."):
        mnist.load()


@pytest.mark.parametrize("declared", ["far too much", "what is expected"])
def test_a_bomb_does_not_go_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch, declared: str
) -> None:
    """16 MiB of zeros in a small file: whatever the header says, hardly any is unpacked."""
    shape = IMAGES.shape if declared == "what is expected" else (2**31, 28, 28)
    bomb = struct.pack(">BBBB3I", 0, 0, 8, 3, *shape) + bytes(1 << 24)
    (folder / NAMES[0]).write_bytes(gzip.compress(bomb, compresslevel=1))
    unpacked: list[int] = []
    read = gzip._GzipReader.read  # type: ignore[attr-defined]

    def counted(self: Any, size: int = -1) -> bytes:
        found = read(self, size)
        unpacked.append(len(found))
        return found

    monkeypatch.setattr(gzip._GzipReader, "read", counted)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="declares"):
        mnist.load()
    assert 0 < sum(unpacked) < 2 * len(WHOLE) + (1 << 18)


def test_a_missing_file_and_a_missing_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / NAMES[1]).unlink()
    with pytest.raises(DataError, match=r"has no train-labels-idx1-ubyte, gzipped or not\.$"):
        mnist.load()
    monkeypatch.setenv("WORKINGS_MNIST_DIR", str(folder / "nowhere"))
    with pytest.raises(DataError, match=r"must name a folder, and there is no .*nowhere\.$"):
        mnist.load()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^nothing cannot be read: No such file"):
        idx.read(tmp_path / "nothing", 3)


def test_downloads_go_to_the_users_cache_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert CACHE() == tmp_path / "workings" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert CACHE() == Path.home() / ".cache" / "workings" / "mnist"


# Over the network: a server on this machine.


class Mirror(BaseHTTPRequestHandler):
    """Serves ``files``; ``trouble`` is what goes wrong, at the file of that name."""

    files: ClassVar[dict[str, bytes]] = {}
    trouble: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        content, trouble = self.files[name], self.trouble.get(name, "")
        if trouble == "absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if trouble == "other":
            content = bytes(len(content))
        if trouble == "cut":
            content = content[: len(content) // 2]
        if trouble == "slow":
            for k in range(100):
                self.wfile.write(content[k : k + 1])
                self.wfile.flush()
                time.sleep(0.05)
        if trouble == "silent":
            time.sleep(5)
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Mirror]]:
    monkeypatch.setattr(Mirror, "files", {})
    monkeypatch.setattr(Mirror, "trouble", {})
    monkeypatch.setattr(Mirror, "asked", [])
    for source, array in zip(mnist.SOURCES, arrays(), strict=True):
        Mirror.files[source.name] = gzip.compress(written(array), mtime=0)
    monkeypatch.setattr(mnist, "SOURCES", tuple(known(*item) for item in Mirror.files.items()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    monkeypatch.setattr(mnist, "MIRRORS", (f"http://127.0.0.1:{server.server_port}/",))
    monkeypatch.setattr(mnist, "BLOCK", 1000)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Mirror
    server.shutdown()
    server.server_close()


def known(name: str, content: bytes) -> mnist.Source:
    source = next(source for source in mnist.SOURCES if source.name == name)
    return replace(source, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def kept() -> list[str]:
    return sorted(path.name for path in mnist.cache().glob("*"))


def test_a_download_says_how_far_it_is_and_is_needed_once(mirror: type[Mirror]) -> None:
    seen: list[tuple[int, int]] = []
    assert not mnist.here()
    data = mnist.load(lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(data.y, arrays()[1])
    whole = sum(map(len, mirror.files.values()))
    assert {total for _, total in seen} == {whole}
    done = [done for done, _ in seen]
    assert done == sorted(set(done))
    assert (done[0], done[-1]) == (1000, whole)
    assert kept() == sorted(mirror.files)
    assert mnist.here()
    mnist.load()
    assert len(mirror.asked) == 4


def test_a_damaged_file_of_the_cache_is_fetched_again(mirror: type[Mirror]) -> None:
    mnist.load()
    name = next(iter(mirror.files))
    (mnist.cache() / name).write_bytes(b"something else")
    mirror.asked.clear()
    mnist.load()
    assert mirror.asked == [name]
    assert (mnist.cache() / name).read_bytes() == mirror.files[name]


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("absent", "the server answers 404"),
        ("other", "train-labels-idx1-ubyte.gz has another checksum"),
        ("cut", "the connection broke off"),
    ],
)
def test_what_arrives_wrong_is_not_kept(mirror: type[Mirror], trouble: str, says: str) -> None:
    images, labels, *_ = mirror.files
    mirror.trouble[labels] = trouble
    with pytest.raises(DataError) as caught:
        mnist.load()
    assert str(caught.value) == f"MNIST could not be downloaded ({says}); {mnist.INSTEAD}."
    assert kept() == [images]


def test_a_longer_answer_is_not_read_to_its_end(mirror: type[Mirror]) -> None:
    images = next(iter(mirror.files))
    mirror.files[images] += bytes(1 << 24)
    done = []
    with pytest.raises(DataError, match="another checksum"):
        mnist.load(lambda part, _: done.append(part))
    assert done[-1] <= mnist.SOURCES[0].size + 1
    assert kept() == []


def test_another_mirror_is_asked(mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    dead = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(mnist, "MIRRORS", (dead, *mnist.MIRRORS))
    np.testing.assert_array_equal(mnist.load().y, arrays()[1])


@pytest.mark.parametrize("trouble", ["slow", "silent"])
def test_a_download_ends_in_time(mirror: type[Mirror], trouble: str) -> None:
    mirror.trouble[next(iter(mirror.files))] = trouble
    begin = time.monotonic()
    with pytest.raises(DataError, match=r"\(it takes too long\)"):
        mnist.load(seconds=0.2)
    assert time.monotonic() - begin < 2
    assert kept() == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_a_network_one_sentence_offers_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", (f"http://127.0.0.1:{free_port()}/",))
    with pytest.raises(DataError) as caught:
        mnist.load()
    assert str(caught.value) == (
        "MNIST could not be downloaded (no connection); take the 8 × 8 digits, or name a folder "
        "with its four files in WORKINGS_MNIST_DIR."
    )


def test_a_cache_that_cannot_be_written(
    mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(mnist, "cache", lambda: tmp_path / "file" / "mnist")
    with pytest.raises(DataError, match=r"^MNIST cannot be kept in .*: Not a directory; take"):
        mnist.load()


def test_a_crash_while_writing_leaves_nothing_under_the_name(
    mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(DataError, match="No space left on device"):
        mnist.load()
    assert kept() == []
