"""What a file can be: odd pictures that must be read right, and hostile ones that must not be."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from engine.clusters.images import ImageError, declared, load

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 9, 3)).astype(np.uint8)
GREY = RNG.integers(0, 256, (6, 9)).astype(np.uint8)
SMOOTH = np.add.outer(np.arange(32) * 3, np.arange(48) * 2)[..., None] + np.array([0, 20, 40])
SMOOTH = SMOOTH.astype(np.uint8)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, kind: int, rows: bytes, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + body + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, kind: int, bits: int, photometric: int = 1, orient: int = 1) -> bytes:
    """An uncompressed grey or three-channel TIFF of any number type."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    height, width = pixels.shape[:2]
    entries = {
        256: width, 257: height, 258: bits, 259: 1, 262: photometric, 274: orient,
        277: channels, 278: height, 279: pixels.nbytes, 339: kind,
    }  # fmt: skip
    many = len(entries) + 1
    extra = 8 + 2 + 12 * many + 4
    bits_at, data_at = extra, extra + 6
    rows = []
    for tag, value in {**entries, 273: data_at}.items():
        if tag == 258 and channels == 3:
            rows.append((tag, struct.pack("<HHII", tag, 3, 3, bits_at)))
        else:
            rows.append((tag, struct.pack("<HHII", tag, 4, 1, value)))
    directory = struct.pack("<H", many) + b"".join(r for _, r in sorted(rows)) + b"\0\0\0\0"
    return (
        b"II*\0"
        + struct.pack("<I", 8)
        + directory
        + struct.pack("<HHH", *[bits] * 3)
        + (pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    )


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


# Read exactly.


def animated(kind: str) -> bytes:
    first, second = Image.fromarray(grey(GREY)), Image.fromarray(RGB)
    return saved(first, kind, save_all=True, append_images=[second], lossless=True)


def palette_with_hole() -> bytes:
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8))
    picture.putpalette(bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
    return saved(picture, "PNG", transparency=1)


def rgb_with_hole() -> bytes:
    return saved(Image.fromarray(RGB), "PNG", transparency=tuple(int(v) for v in RGB[2, 3]))


HOLED = RGB.copy()
HOLED[(RGB[2, 3] == RGB).all(axis=2)] = 255
ALPHA = np.dstack([RGB, np.tile([0, 255, 128], (6, 3))]).astype(np.uint8)
OVER_WHITE = np.round(
    ALPHA[..., :3] * (ALPHA[..., 3:] / 255) + 255 * (1 - ALPHA[..., 3:] / 255)
).astype(np.uint8)
SIXTEEN = RNG.integers(0, 65536, (6, 9)).astype(np.uint16)
SCALED = np.round(SIXTEEN / 65535 * 255).astype(np.uint8)
UNIT = RNG.random((6, 9)).astype(np.float32)

READ: dict[str, tuple[Callable[[], bytes], np.ndarray]] = {
    "png": (lambda: saved(Image.fromarray(RGB), "PNG"), RGB),
    "bmp": (lambda: saved(Image.fromarray(RGB), "BMP"), RGB),
    "tiff": (lambda: saved(Image.fromarray(RGB), "TIFF"), RGB),
    "tiff lzw": (lambda: saved(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"), RGB),
    "webp": (lambda: saved(Image.fromarray(RGB), "WEBP", lossless=True), RGB),
    "grey": (lambda: saved(Image.fromarray(GREY), "PNG"), grey(GREY)),
    "one bit": (
        lambda: saved(Image.fromarray(GREY > 99), "PNG"),
        grey(255 * (GREY > 99)),
    ),
    "palette": (
        lambda: saved(Image.fromarray(grey(GREY)).convert("P"), "PNG"),
        np.asarray(Image.fromarray(grey(GREY)).convert("P").convert("RGB")),
    ),
    "gif": (
        lambda: saved(Image.fromarray(GREY), "GIF"),
        grey(GREY),
    ),
    "animated gif": (lambda: animated("GIF"), grey(GREY)),
    "animated webp": (lambda: animated("WEBP"), grey(GREY)),
    "animated png": (lambda: animated("PNG"), grey(GREY)),
    "alpha": (lambda: saved(Image.fromarray(ALPHA), "PNG"), OVER_WHITE),
    "alpha webp": (lambda: saved(Image.fromarray(ALPHA), "WEBP", lossless=True, exact=True),
                   OVER_WHITE),
    "clear palette": (palette_with_hole, np.array(
        [[[255, 0, 0], [255] * 3], [[0, 0, 255], [255] * 3]], np.uint8)),
    "clear colour": (rgb_with_hole, HOLED),
    "grey with alpha": (
        lambda: png(2, 1, 8, 4, bytes([0, 40, 0, 40, 255])),
        grey(np.array([[255, 40]])),
    ),
    "16-bit grey png": (
        lambda: png(9, 6, 16, 0, b"".join(b"\0" + r.astype(">u2").tobytes() for r in SIXTEEN)),
        grey(SCALED),
    ),
    "16-bit grey tiff": (lambda: tiff(SIXTEEN, 1, 16), grey(SCALED)),
    "float tiff": (lambda: tiff(UNIT, 3, 32), grey(np.round(UNIT.astype(float) * 255))),
    "one pixel": (lambda: saved(Image.fromarray(RGB[:1, :1]), "PNG"), RGB[:1, :1]),
    "a long line": (
        lambda: saved(Image.fromarray(np.zeros((1, 10_000, 3), np.uint8)), "PNG"),
        np.zeros((1, 10_000, 3), np.uint8),
    ),
    "a name that lies": (lambda: saved(Image.fromarray(RGB), "BMP"), RGB),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_an_odd_picture_is_read_as_one_sees_it(case: str) -> None:
    make, want = READ[case]
    found = load(make(), "holiday.jpg")
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
def test_a_jpeg_is_near_what_was_saved(options: dict) -> None:
    found = load(saved(Image.fromarray(SMOOTH), "JPEG", quality=95, **options))
    assert abs(found.astype(int) - SMOOTH).max() <= 8


def test_a_cmyk_jpeg_keeps_its_lights_and_darks() -> None:
    found = load(saved(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG", quality=95))
    assert abs(found.astype(int) - SMOOTH).max() <= 10


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_turned_camera_is_turned_back(orientation: int, kind: str) -> None:
    """The corner where the picture's first row and column meet, by the EXIF standard."""
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:8, :8] = 255  # stored: white at the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = load(saved(Image.fromarray(picture), kind, exif=exif.tobytes()))
    turned = orientation >= 5
    assert found.shape == ((32, 16, 3) if turned else (16, 32, 3))
    row_end = {1: "t", 2: "t", 3: "b", 4: "b", 5: "t", 6: "t", 7: "b", 8: "b"}[orientation]
    col_end = {1: "l", 2: "r", 3: "r", 4: "l", 5: "l", 6: "r", 7: "r", 8: "l"}[orientation]
    part = found[:8] if row_end == "t" else found[-8:]
    part = part[:, :8] if col_end == "l" else part[:, -8:]
    assert part.min() > 200
    assert (found > 128).mean() == pytest.approx(64 / 512)


def test_a_broken_exif_block_is_passed_over() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert load(data).shape == SMOOTH.shape


def test_a_large_jpeg_is_decoded_smaller_and_says_so() -> None:
    data = saved(Image.new("RGB", (6000, 4000), (10, 200, 30)), "JPEG")
    assert declared(data) == (6000, 4000)
    assert load(data).shape == (2000, 3000, 3)


# Refused.


def bomb(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, b"\0" * 100)


def lab_tiff() -> bytes:
    profile = ImageCms.createProfile("LAB")
    rgb = ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(Image.fromarray(RGB), rgb, profile, outputMode="LAB")
    assert shown is not None
    return saved(shown, "TIFF")


def inflating(kind: bytes, head: bytes, times: int = 1) -> bytes:
    body = head + zlib.compress(b"x" * (900_000 if times > 1 else 40_000_000))
    return png(1, 1, 8, 2, b"\0\0\0\0", *[chunk(kind, body)] * times)


WITH_NAN, WITH_INF = UNIT.copy(), UNIT.copy()
WITH_NAN[2, 2], WITH_INF[1, 1] = np.nan, np.inf
WHOLE = saved(Image.fromarray(SMOOTH), "JPEG")

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"this is a text, not a picture" * 9, "is not a PNG"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "is not a PNG"),
    "eps": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a PNG"),
    "psd": (lambda: b"8BPS\0\1" + b"\0" * 60, "is not a PNG"),
    "pdf": (lambda: b"%PDF-1.7\n" + b"\0" * 60, "is not a PNG"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 60, "is not a PNG"),
    "avif": (lambda: b"\0\0\0\x18ftypavif" + b"\0" * 60, "is not a PNG"),
    "ico": (lambda: saved(Image.fromarray(RGB), "ICO"), "is not a PNG"),
    "ppm": (lambda: saved(Image.fromarray(RGB), "PPM"), "is not a PNG"),
    "a header alone": (lambda: b"\x89PNG\r\n\x1a\n", "(?:is not a PNG|damaged)"),
    "a cut png": (lambda: saved(Image.fromarray(SMOOTH), "PNG")[:-60], "damaged or cut off"),
    "a cut jpeg": (lambda: WHOLE[:-60], "damaged or cut off"),
    "a cut gif": (lambda: saved(Image.fromarray(GREY), "GIF")[:-30], "damaged or cut off"),
    "a cut tiff": (lambda: tiff(UNIT, 3, 32)[:-50], "damaged or cut off"),
    "damaged pixels": (
        lambda: png(9, 6, 8, 2, b"").replace(zlib.compress(b""), b"\xff" * 8), "damaged"),
    "88 megapixels": (lambda: bomb(11_000, 8_000), "more than 50 megapixels"),
    "144 megapixels": (lambda: bomb(12_000, 12_000), "more than 50 megapixels"),
    "4 gigapixels": (lambda: bomb(65_000, 65_000), "more than 50 megapixels"),
    "a heavy text": (lambda: inflating(b"zTXt", b"a\0\0"), "damaged"),
    "many texts": (lambda: inflating(b"zTXt", b"a\0\0", 40), "damaged"),
    "32-bit integers": (lambda: tiff(SIXTEEN.astype(np.int32), 2, 32), "32-bit whole numbers"),
    "not a number": (lambda: tiff(WITH_NAN, 3, 32), "not finite"),
    "infinite": (lambda: tiff(WITH_INF, 3, 32), "not finite"),
    "above one": (lambda: tiff(UNIT * 9, 3, 32), r"outside \[0, 1\]"),
    "lab": (lab_tiff, r"L\*a\*b\*"),
    "too heavy": (lambda: b"\xff\xd8" + b"\0" * 10_000_000, r"10\.0 MB; at most 10 MB"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_in_one_sentence(case: str) -> None:
    make, says = REFUSED[case]
    with pytest.raises(ImageError, match=says) as caught:
        load(make(), "drawing.png")
    message = str(caught.value)
    assert message.startswith("drawing.png ")
    assert message.endswith(".")
    assert "\n" not in message


def test_there_are_at_least_forty_odd_or_hostile_files() -> None:
    assert len(READ) + len(REFUSED) >= 40


def test_a_compressed_profile_does_not_inflate() -> None:
    """The profile is not needed; it must neither fill the memory nor spoil the picture."""
    import tracemalloc

    data = inflating(b"iCCP", b"a\0\0")
    tracemalloc.start()
    try:
        load(data)
    except ImageError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a" * 5000, "two\nlines", "\x1b[31mred", "<b>bold</b>"]
)
def test_a_name_is_text_and_never_a_path(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        load(b"", name)
    message = str(caught.value)
    assert len(message) < 80
    assert message.isprintable()
    np.testing.assert_array_equal(load(saved(Image.fromarray(RGB), "PNG"), name), RGB)


def test_pillow_keeps_its_memory_of_texts_small() -> None:
    load(saved(Image.fromarray(RGB), "PNG"))
    assert PngImagePlugin.MAX_TEXT_MEMORY <= 4_000_000
