"""Quantise: what is sent of a picture, the views, the upload, the download."""

import base64
import io
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit
from PIL import Image
from streamlit.testing.v1 import AppTest
from visiting import certified, preset, put, sent, specs, visit, words

from engine.clusters import pictures, quantise
from pages.catalog import lesson
from pages.charts import quantise as charts
from pages.ui import split as component

QUANTISE = lesson("quantise")
PRESETS = list(quantise.PRESETS)


def drawn(app: AppTest) -> dict[str, Any]:
    return sent(app)["quantise-picture"]


def trace_of(app: AppTest) -> Any:
    return app.session_state["quantise.good"]


def planes(panel: dict[str, Any], size: list[int]) -> np.ndarray:
    """As the browser puts them together."""
    changes = np.frombuffer(zlib.decompress(base64.b64decode(panel["planes"])), np.uint8)
    return np.bitwise_xor.accumulate(changes.reshape(-1, *size), axis=0)


def palettes(panel: dict[str, Any]) -> np.ndarray:
    colours = np.frombuffer(base64.b64decode(panel["palettes"]), np.uint8)
    return colours.reshape(len(panel["shares"]), -1, 3)


def file_of(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


OWN = np.random.default_rng(5).integers(0, 256, (40, 30, 3)).astype(np.uint8)


# What is sent.


@pytest.mark.parametrize("name", PRESETS)
def test_the_browser_paints_what_the_engine_does(name: str) -> None:
    app = preset(QUANTISE, name)
    trace, data = trace_of(app), drawn(app)
    (panel,) = data["panels"]
    found, colours = planes(panel, data["size"]), palettes(panel)
    assert len(found) == len(colours) == len(trace)
    whole = trace.picture.pixels.shape[:2]
    assert tuple(data["whole"]) == whole
    for t in (0, len(trace) - 1):
        painted = colours[t][found[t]]
        if data["size"] == list(whole):
            np.testing.assert_array_equal(painted, trace.made.recovered(t))
        else:  # reduced: each pixel shown is one of the picture's, where it stands
            rows, cols = (
                ((np.arange(m) + 0.5) * n / m).astype(int)
                for n, m in zip(whole, data["size"], strict=True)
            )
            want = trace.made.recovered(t)[np.ix_(rows, cols)]
            np.testing.assert_array_equal(painted, want)
    assert bool(data["note"]) == (data["size"] != list(whole))
    np.testing.assert_allclose(panel["shares"], trace.shares, atol=1e-5)
    row, col = data["picked"]
    np.testing.assert_array_equal(
        data["entry"], [trace.made.labels(t)[row, col] for t in range(len(trace))]
    )
    assert len(str(data)) < 1_000_000


def test_a_long_run_is_shown_smaller_and_says_so() -> None:
    trace = quantise.run(quantise.Params(k=256, steps=50, picture="coffee"))
    drawing = charts.picture([trace], (0, 0), ())
    assert len(drawing.panels[0].planes) + len(drawing.original) <= charts.MOST_SENT
    assert max(drawing.size) < 512
    assert drawing.note == (
        f"Shown at {drawing.size[1]} × {drawing.size[0]}; the numbers are of all 600 × 400 pixels."
    )


def test_the_original_is_the_picture_or_its_grey() -> None:
    for name in ("dead", "stuck"):
        app = preset(QUANTISE, name)
        text = drawn(app)["original"].partition("base64,")[2]
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            shown = np.asarray(picture.convert("RGB")).astype(int)
        want = trace_of(app).picture.pixels
        assert np.abs(shown - want).mean() < (0.5 if name == "dead" else 4)


# The views.


def test_two_four_and_eight_stand_side_by_side() -> None:
    app = put(preset(QUANTISE, "five"), QUANTISE, show="k = 2, 4, 8")
    data = drawn(app)
    assert [len(panel["shares"][0]) for panel in data["panels"]] == [2, 4, 8]
    for k, panel in zip((2, 4, 8), data["panels"], strict=True):
        alone = quantise.run(quantise.Params(picture="camera", space="grey", steps=25, k=k))
        np.testing.assert_array_equal(palettes(panel), alone.palette)
        assert panel["says"][
            -1
        ] == f"k = {k}: {'1 bit' if k == 2 else f'{alone.bits:.3g} bits'}" + (
            f", PSNR {alone.psnr[-1]:.1f} dB"
        )
    assert len(specs(app)) == 3
    put(app, QUANTISE, slip="all-pixels")
    assert not app.exception
    assert drawn(app)["panels"][0]["palettes"] != data["panels"][0]["palettes"]


@pytest.mark.parametrize("asked", ["distance", "label", "move", "bits"])
def test_what_is_asked_is_not_shown(asked: str) -> None:
    app = put(visit(QUANTISE), QUANTISE, section="Predict")
    put(app, QUANTISE, question=asked)
    lines = sent(app)["quantise-working"]["lines"]
    assert sum(line["blank"] for line in lines) == 1
    assert (drawn(app)["entry"] == [-1]) == (asked == "label")
    cells = [cell for row in sent(app)["quantise-table"]["rows"] for cell in row]
    assert any(cell["blank"] for cell in cells) == (asked == "bits")


@pytest.mark.parametrize("slip", quantise.SLIPS)
@pytest.mark.parametrize("name", ["five", "medians"])
def test_a_slip_lights_just_what_it_changes(name: str, slip: str) -> None:
    app = preset(QUANTISE, name, slip=slip)
    trace = trace_of(app)
    wrong = quantise.wrong_cells(trace, quantise.SLIPS[slip])
    rows = sent(app)["quantise-table"]["rows"]
    for row, field in zip(rows, ("distortion", "psnr", "ssim"), strict=False):
        np.testing.assert_array_equal(row[1]["wrong"], wrong[field])
    hides = name == "medians" and slip == "all-pixels"
    assert certified(app) == hides
    marks = [np.any(line["wrong"]) for line in sent(app)["quantise-working"]["lines"]]
    if hides:
        assert not any(marks)


def test_a_dead_entry_is_named_and_a_reseeded_one_is_not() -> None:
    app = preset(QUANTISE, "dead")
    assert [row[4] for row in drawn(app)["panels"][0]["shares"]] == [0, 0, 0]
    put(app, QUANTISE, empty="reseed")
    assert min(drawn(app)["panels"][0]["shares"][-1]) > 0


def test_more_colours_than_there_are_is_said() -> None:
    app = put(preset(QUANTISE, "dead"), QUANTISE, k=200)
    assert not app.exception
    assert certified(app)
    captions = sent(app)["quantise-transport"]["captions"]
    assert captions[0].endswith("(the picture has no more, 200 were asked)")
    assert captions[-1].endswith("Computed on the processor.")


def test_a_number_out_of_bounds_is_said_at_its_field() -> None:
    app = visit(QUANTISE)
    before = drawn(app)
    app.number_input(key="quantise.k").set_value(1000).run()
    assert [box.value for box in app.error] == ["k must lie in [1, 256], got 1000."]
    assert drawn(app) == before


# Picking a pixel.

GOOD = {"opening": "here", "row": 3, "col": 2}


@pytest.mark.parametrize(
    ("pick", "heard"),
    [
        (GOOD, {"row": 3, "col": 2}),
        (GOOD | {"opening": "before"}, {}),
        (GOOD | {"row": 5}, {}),
        (GOOD | {"col": 0}, {}),
        (GOOD | {"row": "3"}, {}),
        (GOOD | {"col": 1.5}, {}),
        (None, {}),
    ],
)
def test_a_click_is_heard_once_it_makes_sense(
    pick: Any, heard: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    taken: dict[str, Any] = {}
    monkeypatch.setattr(component, "component", lambda _: lambda **given: taken.update(given))
    monkeypatch.setattr(streamlit, "session_state", {"key": {"pick": pick}})
    trace = quantise.run(quantise.PRESETS["dead"].params)
    page: Any = SimpleNamespace(opening="here", state=SimpleNamespace(put=told.__setitem__))
    component.split("key", charts.picture([trace], (0, 0), ()), page)
    taken["on_pick_change"]()
    assert told == heard


def test_the_working_follows_the_pixel() -> None:
    app = put(preset(QUANTISE, "dead"), QUANTISE, row=1, col=4)
    line = sent(app)["quantise-working"]["lines"][0]
    assert line["numbers"]["x0"] == 200  # of the exercise's sixteen pixels
    assert drawn(app)["picked"] == [0, 3]


# The visitor's own picture.


def uploaded(data: bytes, name: str = "mine.png") -> AppTest:
    app = put(visit(QUANTISE), QUANTISE, picture="upload")
    app.file_uploader(key="quantise-upload").set_value((name, data, "image/png")).run()
    return app


def test_an_upload_is_painted_and_its_file_measured() -> None:
    data = file_of(OWN)
    app = uploaded(data)
    assert not app.exception
    assert not app.info
    assert certified(app)
    np.testing.assert_array_equal(trace_of(app).picture.pixels, OWN)
    assert trace_of(app).picture.size == len(data)
    (says,) = [text for text in words(app) if "without a palette" in text]
    assert f"{len(data):,} bytes as the file you uploaded" in says


def test_an_upload_outlives_other_pages_and_projection() -> None:
    app = uploaded(file_of(OWN))
    before = drawn(app)
    app.toggle(key="project").set_value(True).run()
    assert drawn(app) == before
    app.toggle(key="project").set_value(False).run()
    app.switch_page("clusters/centres.py").run()
    app.switch_page("clusters/quantise.py").run()
    np.testing.assert_array_equal(trace_of(app).picture.pixels, OWN)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The file is empty."),
        (b"%PDF", "The file is not a PNG, JPEG, GIF, WebP, BMP or TIFF picture."),
        (file_of(OWN)[:300], "The file is damaged or cut off and cannot be decoded."),
    ],
)
def test_a_file_that_is_no_picture_is_refused_in_one_sentence(data: bytes, says: str) -> None:
    app = uploaded(data, "![spy](https://spy.example/p.png)")
    assert not app.exception
    assert [box.value for box in app.error] == [says]
    assert certified(app)
    assert not [text for text in words(app) if "spy.example" in text]
    assert trace_of(app).picture.name == "astronaut"


def test_a_link_to_an_upload_says_that_the_picture_is_not_in_it() -> None:
    query = dict.fromkeys(("row", "col", "seed", "step"), "0") | {
        "v": "1", "picture": "upload", "k": "4", "steps": "3", "norm": "l2", "start": "spread",
        "space": "rgb", "empty": "keep", "show": charts_view(),
    }  # fmt: skip
    app = visit(QUANTISE, query)
    assert not app.warning
    (said,) = [box.value for box in app.info]
    assert said.startswith("A link holds no uploaded picture")
    assert trace_of(app).k == 4
    assert certified(app)


def charts_view() -> str:
    return visit(QUANTISE).session_state["quantise.show"]


def test_the_notebook_of_an_upload_names_the_file_it_lacks() -> None:
    trace = quantise.run(quantise.Params(picture="upload", k=2), file_of(OWN))
    assert repr(charts.given(trace)["picture"]) == "open('the-file-you-uploaded', 'rb').read()"
    assert charts.given(quantise.run(quantise.PRESETS["dead"].params)) == {}


def test_a_large_photograph_is_decoded_smaller_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.clusters.loading.MOST_DECODED", 100_000)
    big = np.repeat(np.repeat(OWN, 12, axis=0), 12, axis=1)
    trace = quantise.run(quantise.Params(picture="upload", k=2), file_of(big, "JPEG"))
    assert trace.picture.pixels.shape == (240, 180, 3)
    caption = charts.table(trace, {}, ()).caption
    assert caption.endswith(" Decoded at 180 × 240, of the file's 360 × 480.")


# The download.


def test_the_download_is_a_palette_png_of_the_step() -> None:
    trace = quantise.run(quantise.PRESETS["medians"].params)
    for step in (0, 10):
        data, says = charts.download(trace, step)
        assert isinstance(data, bytes)
        with Image.open(io.BytesIO(data)) as png:
            assert png.mode == "P"
            shown = np.asarray(png.convert("RGB"))
        np.testing.assert_array_equal(shown, trace.made.recovered(step))
        whole = len(file_of(pictures.shipped("cat").pixels))
        sizes = [int(part.split()[0]) for part in says.split("; ")]
        assert sizes[0] == round(len(data) / 1000)
        assert sizes[1] == pytest.approx(whole / 1000, rel=0.1)


def test_the_file_of_a_large_picture_is_made_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "MOST_MEASURED", 100)
    trace = quantise.run(quantise.PRESETS["medians"].params)
    data, says = charts.download(trace, 3)
    assert says == ""
    assert callable(data)
    assert data() == trace.made.png(3)
