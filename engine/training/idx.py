"""IDX, the format of MNIST: two zeros, a type, the number of axes, their lengths, the bytes.

A file is believed in nothing: what its header declares is compared with what is expected before
anything is unpacked, and no more is unpacked than declared.
"""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from engine.data import DataError

BYTES = 0x08  # the type of whole numbers from 0 to 255
GZIP = b"\x1f\x8b"
KINDS = {1: "labels", 3: "pictures"}


def read(path: Path, *shape: int) -> np.ndarray:
    """The bytes of an IDX file, raw or gzipped, of exactly this shape, or a DataError."""
    try:
        with open(path, "rb") as file:
            zipped = file.read(len(GZIP)) == GZIP
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if zipped else file as stream:
                return _parsed(stream, path.name, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{path.name} is damaged: it cannot be unpacked.") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or 'no reason'}.") from None


def _parsed(stream: io.BufferedIOBase, name: str, shape: tuple[int, ...]) -> np.ndarray:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or not 1 <= head[3] <= 4:
        raise DataError(f"{name} is not an IDX file: its first four bytes are {head.hex(' ')}.")
    if head[2] != BYTES:
        raise DataError(f"{name} must hold bytes, type 0x08, but its type is 0x{head[2]:02x}.")
    if head[3] != len(shape):
        wanted, found = KINDS[len(shape)], KINDS.get(head[3], f"an array of {head[3]} axes")
        raise DataError(f"{name} must hold {wanted}, but it holds {found}.")
    lengths = stream.read(4 * len(shape))
    if len(lengths) < 4 * len(shape):
        raise DataError(f"{name} ends within its header.")
    declared = struct.unpack(f">{len(shape)}I", lengths)
    if declared != shape:
        wanted, found = (" × ".join(f"{n:,}" for n in s) for s in (shape, declared))
        raise DataError(f"{name} must hold {wanted} bytes, but it declares {found}.")
    size = math.prod(shape)
    content = stream.read(size)
    if len(content) < size:
        raise DataError(f"{name} ends after {len(content):,} of {size:,} bytes.")
    if stream.read(1):
        raise DataError(f"{name} goes on after the {size:,} bytes that it declares.")
    return np.frombuffer(content, np.uint8).reshape(shape)
