"""The pictures that a visitor may take: scikit-image's own, sixteen pixels, or an upload.

Only files that come with scikit-image's package are used, so nothing is ever fetched.
"""

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from engine.clusters.collapse import Colours, collapse
from engine.clusters.loading import declared, load
from engine.trace import Trace

UPLOAD = "upload"
SIXTEEN = ((12, 15, 14, 200), (18, 90, 95, 210), (20, 88, 250, 205), (10, 92, 245, 255))
FILES = {
    "astronaut": ("astronaut.png", "Eileen Collins, by NASA, public domain"),
    "coffee": ("coffee.png", "A cup of coffee, by Rachel Michetti, CC0"),
    "cat": ("chelsea.png", "Chelsea the cat, by Stefan van der Walt, CC0"),
    "rocket": ("rocket.jpg", "A Falcon 9 at launch, by SpaceX, public domain"),
    "camera": ("camera.png", "Cameraman, by Lav Varshney, CC0"),
    "moon": ("moon.png", "The moon, as scikit-image ships it"),
}
NAMES = (*FILES, "sixteen", UPLOAD)


@dataclass(frozen=True, eq=False)
class Picture(Trace):
    """A picture, where it is from, how many bytes its file has (0: no file), and how large the
    file says it is, width by height."""

    name: str
    says: str
    pixels: UInt8[np.ndarray, "height width 3"]
    size: int = 0
    declared: tuple[int, int] = (0, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    @property
    def reduced(self) -> bool:
        """Was a large JPEG decoded at a smaller size?"""
        return self.size > 0 and sum(self.declared) > sum(self.pixels.shape[:2])


@functools.cache
def shipped(name: str) -> Picture:
    """One of ``NAMES`` but the upload."""
    if name == "sixteen":
        grey = np.array(SIXTEEN, np.uint8)[..., None]
        return Picture(name, "The sixteen grey values of the exercise", grey.repeat(3, axis=2))
    file, says = FILES[name]
    spec = importlib.util.find_spec("skimage")  # found, not imported: that takes a second
    assert spec is not None
    assert spec.origin is not None
    return _read((Path(spec.origin).parent / "data" / file).read_bytes(), name, says)


def uploaded(data: bytes) -> Picture:
    """A visitor's file, or an ``ImageError`` in one sentence that repeats nothing of it."""
    return _read(data, UPLOAD, "Your own picture, which stays in this session")


def _read(data: bytes, name: str, says: str) -> Picture:
    return Picture(name, says, load(data), len(data), declared(data))


@functools.lru_cache(maxsize=8)
def colours_of(picture: Picture, space: str) -> Colours:
    """The picture collapsed to its colours, once for each content and space."""
    return collapse(picture.pixels, space)
