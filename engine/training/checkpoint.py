"""One run in one file, so that nothing wrong can be read and nothing right can be lost.

A checkpoint is a mark, the SHA-256 of what follows, and a NumPy archive without pickles: the
spec, the step, the points so far, the arrays of the state. Any flipped bit is noticed. A new one
is written beside the old one and takes its place only when it is safely on the disk; the old one
stays as the generation before.
"""

import contextlib
import hashlib
import io
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MARK = b"WORKINGS"
SUM = hashlib.sha256().digest_size
NEW, OLD = ".run", ".before"
_count = itertools.count()


class Damaged(ValueError):
    """What was read is not what was written."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a run is at one step; ``points`` are columns by name."""

    kind: str
    spec: str
    step: int
    steps: int
    points: dict[str, np.ndarray]
    state: dict[str, np.ndarray]


def packed(run: Checkpoint) -> bytes:
    """The checkpoint as the bytes of its file."""
    about = {"kind": run.kind, "spec": run.spec, "step": run.step, "steps": run.steps}
    arrays: dict[str, Any] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    arrays |= {f"point.{name}": column for name, column in run.points.items()}
    arrays |= {f"state.{name}": np.asarray(value) for name, value in run.state.items()}
    if names := [name for name, value in arrays.items() if value.dtype.hasobject]:
        raise ValueError(f"{names[0]} holds objects, and only numbers are kept.")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    return MARK + hashlib.sha256(content).digest() + content


def unpacked(data: bytes) -> Checkpoint:
    """What ``packed`` wrote, or Damaged."""
    content = data[len(MARK) + SUM :]
    if data[: len(MARK) + SUM] != MARK + hashlib.sha256(content).digest():
        raise Damaged("The checkpoint is not what was written.")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays.pop("about").tobytes())
    return Checkpoint(**about, points=_under("point.", arrays), state=_under("state.", arrays))


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def staged(folder: Path, name: str, data: bytes) -> Path:
    """``data`` in a new file of the folder, safely on the disk but under no run's name yet."""
    path = folder / f"{name}.{os.getpid()}-{next(_count)}.tmp"
    try:
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        discarded(path)
        raise
    return path


def placed(path: Path, folder: Path, name: str) -> None:
    """A staged file becomes the run's checkpoint, the one before its previous generation."""
    new = folder / f"{name}{NEW}"
    with contextlib.suppress(FileNotFoundError):
        os.replace(new, folder / f"{name}{OLD}")
    os.replace(path, new)
    _sync(folder)


def discarded(path: Path) -> None:
    """Without the file; a disk in trouble may keep it."""
    with contextlib.suppress(OSError):
        path.unlink()


def _sync(folder: Path) -> None:
    """Renames are on the disk only when the folder is; Windows has no such call."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def generations(folder: Path, name: str) -> Iterator[tuple[Path, bytes | None]]:
    """The run's files, newest first, each with its bytes or None if it is damaged."""
    for suffix in (NEW, OLD):
        path = folder / f"{name}{suffix}"
        try:
            data = path.read_bytes()
            unpacked(data)
        except FileNotFoundError:
            continue
        except (Damaged, OSError):  # a bad sector is damage, too
            yield path, None
        else:
            yield path, data
