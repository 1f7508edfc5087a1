"""MNIST: from a folder of the user's, from the cache, or over the network.

70,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes & Burges), four files. They do not ship
with the project. ``WORKINGS_MNIST_DIR`` names a folder that has them, gzipped or not.
"""

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data import DataError
from engine.training import checkpoint, idx
from engine.training.two_layer_data import Data

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
SIDE, LABELS = 28, 10
TRAIN, TEST = 60_000, 10_000
BLOCK = 1 << 16
PATIENCE = 15.0  # seconds without a byte
INSTEAD = "take the 8 × 8 digits, or name a folder with its four files in WORKINGS_MNIST_DIR"


@dataclass(frozen=True)
class Source:
    """One of the four files as the mirrors have it."""

    name: str
    size: int
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        """What people call the file."""
        stem, _, kind = self.name.removesuffix(".gz").rpartition("-idx")
        bare = f"{stem}-idx{kind}", f"{stem}.idx{kind}"
        return tuple(name + end for end in ("", ".gz") for name in bare)


SOURCES = (
    Source(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    Source(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    Source(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    Source(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def load(progress: Callable[[int, int], None] | None = None, seconds: float = 120) -> Data:
    """MNIST, downloaded if it is nowhere yet, or a DataError in one sentence."""
    if given := os.environ.get("WORKINGS_MNIST_DIR"):
        return read(Path(given).expanduser())
    for done, total in download(seconds):
        if progress:
            progress(done, total)
    return read(cache())


def here() -> bool:
    """Is it there without a download?"""
    if os.environ.get("WORKINGS_MNIST_DIR"):
        return True
    files = [(cache() / source.name, source.size) for source in SOURCES]
    return all(path.is_file() and path.stat().st_size == size for path, size in files)


def cache() -> Path:
    """Where downloaded files are kept: the user's cache folder."""
    home = Path.home()
    if sys.platform == "win32":
        kept = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        kept = home / "Library" / "Caches"
    else:
        kept = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(kept) / "workings" / "mnist"


def read(folder: Path) -> Data:
    """What the four files of a folder hold, pixels from 0 to 1."""
    if not folder.is_dir():
        raise DataError(f"WORKINGS_MNIST_DIR must name a folder, and there is no {folder}.")
    arrays = []
    for images, labels, count in ((0, 1, TRAIN), (2, 3, TEST)):
        X = idx.read(_found(folder, SOURCES[images]), count, SIDE, SIDE)
        y = idx.read(_found(folder, SOURCES[labels]), count)
        if y.max() >= LABELS:
            name = _found(folder, SOURCES[labels]).name
            raise DataError(f"{name} must hold labels from 0 to 9, but one is {y.max()}.")
        arrays += [X.reshape(count, -1) / np.float32(255), y.astype(np.int64)]
    return Data(*arrays)


def _found(folder: Path, source: Source) -> Path:
    for name in source.names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"The folder {folder.name} of MNIST has no {source.names[0]}, gzipped or not.")


def download(seconds: float = 120) -> Iterator[tuple[int, int]]:
    """Fetch what the cache lacks; (done, total) in bytes as it goes."""
    missing, deadline = [s for s in SOURCES if _missing(s)], time.monotonic() + seconds
    before, total = 0, sum(source.size for source in missing)
    for source in missing:
        for part in _fetched(source, deadline):
            yield before + part, total
        before += source.size


def _missing(source: Source) -> bool:
    try:
        content = (cache() / source.name).read_bytes()
    except OSError:
        return True
    return hashlib.sha256(content).hexdigest() != source.sha256


def _fetched(source: Source, deadline: float) -> Iterator[int]:
    """One file from the first mirror that has it; bytes so far."""
    reasons = []
    for mirror in MIRRORS:
        content = bytearray()
        try:
            for block in _blocks(mirror + source.name, source.size, deadline):
                content += block
                yield len(content)
            if reason := _wrong(source, content):
                reasons.append(reason)
                continue
        except (OSError, http.client.HTTPException) as error:
            reasons.append(_why(error))
            continue
        _keep(source, bytes(content))
        return
    raise DataError(f"MNIST could not be downloaded ({reasons[0]}); {INSTEAD}.")


def _blocks(address: str, size: int, deadline: float) -> Iterator[bytes]:
    """What an address answers, never much more than ``size`` bytes."""
    request = urllib.request.Request(address, headers={"User-Agent": "Workings"})
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    with urllib.request.urlopen(request, timeout=min(left, PATIENCE)) as answer:
        while size >= 0 and (block := answer.read1(min(BLOCK, size + 1))):
            size -= len(block)
            yield block
            if time.monotonic() > deadline:
                raise TimeoutError


def _wrong(source: Source, content: bytearray) -> str:
    if len(content) < source.size:
        return "the connection broke off"
    if hashlib.sha256(content).hexdigest() != source.sha256:
        return f"{source.name} has another checksum"
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code}"
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "it takes too long"
    if isinstance(error, http.client.HTTPException | ConnectionResetError):
        return "the connection broke off"
    return "no connection"


def _keep(source: Source, content: bytes) -> None:
    """Into the cache, whole or not at all."""
    folder, path = cache(), None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = checkpoint.staged(folder, source.name, content)
        os.replace(path, folder / source.name)
    except OSError as error:
        if path:
            checkpoint.discarded(path)
        reason = error.strerror or "no reason"
        raise DataError(f"MNIST cannot be kept in {folder}: {reason}; {INSTEAD}.") from None
