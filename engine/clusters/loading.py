"""From a file's bytes to pixels, whatever a photograph can be and whatever calls itself one.

The content decides, never the name; only six formats are tried, and the size that a file declares
is read before any pixel is. What comes out is what one would see on white paper, the right way up.
"""

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
MOST_BYTES = 10_000_000
MOST_PIXELS = 50_000_000
MOST_DECODED = 16_000_000  # a larger JPEG is decoded at a half, a quarter or an eighth
MOST_TEXT = 4_000_000  # bytes that the text chunks of a PNG may inflate to
ORIENTATION = 0x0112


class ImageError(ValueError):
    """A file that is not taken as a picture; the message says why in one sentence."""


def load(data: bytes, name: str = "") -> UInt8[np.ndarray, "height width 3"]:
    """The picture in ``data``; ``name`` is only repeated in messages."""
    said = _said(name)
    picture = _opened(data, said)
    width, height = picture.size
    try:
        if picture.format == "JPEG" and width * height > MOST_DECODED:
            scale = next(s for s in (2, 4, 8) if width * height <= MOST_DECODED * s * s)
            picture.draft(None, (width // scale, height // scale))
        picture.load()
        pixels = _on_white(picture, said)
        return np.ascontiguousarray(_upright(pixels, picture))
    except ImageError:
        raise
    except Exception as error:  # decoders meet damage in every way there is
        raise ImageError(f"{said} is damaged or cut off and cannot be decoded.") from error


def declared(data: bytes, name: str = "") -> tuple[int, int]:
    """Width and height as the file declares them; ``load`` may have decoded a JPEG smaller."""
    return _opened(data, _said(name)).size


def _said(name: str) -> str:
    """A name for a message: short, without anything that could break a line."""
    shown = "".join(c if c.isprintable() else "?" for c in str(name)[:61])
    return "The file" if not shown else shown if len(shown) <= 60 else shown[:57] + "..."


def _opened(data: bytes, said: str) -> Any:
    from PIL import Image, PngImagePlugin

    if len(data) == 0:
        raise ImageError(f"{said} is empty.")
    if len(data) > MOST_BYTES:
        raise ImageError(f"{said} has {len(data) / 1e6:.1f} MB; at most 10 MB are taken.")
    PngImagePlugin.MAX_TEXT_MEMORY = min(PngImagePlugin.MAX_TEXT_MEMORY, MOST_TEXT)
    too_large = f"{said} declares more than {MOST_PIXELS // 1_000_000} megapixels."
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(too_large) from None
    except Image.UnidentifiedImageError:
        raise ImageError(f"{said} is not a PNG, JPEG, GIF, WebP, BMP or TIFF picture.") from None
    except Exception as error:
        raise ImageError(f"{said} is damaged and cannot be opened.") from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise ImageError(too_large)
    if width < 1 or height < 1:
        raise ImageError(f"{said} has no pixels.")
    return picture


def _on_white(picture: Any, said: str) -> np.ndarray:
    """The first frame as uint8 (H, W, 3), unturned."""
    mode = picture.mode
    if mode == "LAB":
        raise ImageError(f"{said} holds L*a*b* values; only grey, RGB and CMYK are taken.")
    if mode == "F":
        return _grey(_from_unit(np.asarray(picture), said))
    if mode.startswith("I;16") or (mode == "I" and picture.format == "PNG"):
        values = np.asarray(picture).astype(np.int64)
        return _grey(((values * 255 + 32767) // 65535).astype(np.uint8))
    if mode.startswith("I"):
        raise ImageError(f"{said} holds 32-bit whole numbers, which have no white.")
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        rgba = np.asarray(picture.convert("RGBA"))
        alpha = rgba[..., 3:].astype(np.int32)
        return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.asarray(picture.convert("RGB"))


def _from_unit(values: np.ndarray, said: str) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ImageError(f"{said} holds pixels that are not numbers or not finite.")
    if values.min() < 0 or values.max() > 1:
        raise ImageError(f"{said} holds fractions outside [0, 1].")
    return np.round(values.astype(float) * 255).astype(np.uint8)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def _upright(pixels: np.ndarray, picture: Any) -> np.ndarray:
    """Turned as the camera was held. A TIFF comes turned already and says so no more."""
    try:
        held = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        return pixels
    turned = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p.swapaxes(0, 1), 2),
        8: lambda p: np.rot90(p),
    }
    return turned.get(held, lambda p: p)(pixels)
