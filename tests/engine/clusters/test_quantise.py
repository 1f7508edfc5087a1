"""The lesson on colours: golden cases, SSIM, the device, slips, pictures."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.clusters import images, lloyd, pictures, quantise
from engine.clusters.on_device import looker
from engine.clusters.ssim import ssim
from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.params import ParamError
from engine.predict import judge

PRESETS = {name: case.params for name, case in quantise.PRESETS.items()}
each_preset = pytest.mark.parametrize("name", PRESETS)
bytes_of = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


# The exercise's numbers.


@pytest.mark.parametrize("k", [2, 4, 8])
def test_the_sixteen_pixels_of_the_exercise(golden: dict, k: int) -> None:
    case = golden[f"s000.3.k{k}"]
    trace = quantise.run(quantise.Params(picture="sixteen", k=k, space="grey"))
    np.testing.assert_array_equal(trace.picture.pixels[..., 0], case["img"])
    np.testing.assert_allclose(trace.centres[-1].ravel(), case["centres"], rtol=1e-14)
    assert trace.distortion[-1] == pytest.approx(case["sse"], rel=1e-13)
    assert trace.psnr[0] < trace.psnr[-1]
    assert trace.optimum == pytest.approx(case["optimum_sse"], rel=1e-13)
    assert trace.bits == math.log2(k) + 8 * k / 16
    assert ((trace.shares[-1] == 0).nonzero()[0] == ([4] if k == 8 else [])).all()
    assert quantise.certify(trace).holds


def test_a_picture_of_flat_greys_keeps_what_the_palette_says() -> None:
    trace = quantise.run(
        quantise.Params(k=2, steps=5), np.array([[0, 0, 10], [250, 250, 10]]).astype(np.uint8)
    )
    # 0, 0, 10, 10 and 250, 250: means 5 and 250, so four pixels lose 25.
    assert trace.distortion[-1] / 3 == pytest.approx(4 * 25)
    assert trace.psnr[-1] == pytest.approx(10 * math.log10(255**2 / (100 / 6)))


# SSIM.


@given(
    shape=st.tuples(st.integers(7, 24), st.integers(7, 24)),
    seed=st.integers(0, 999),
    noise=st.integers(0, 60),
)
@settings(max_examples=30)
def test_ssim_is_scikit_images(shape: tuple[int, int], seed: int, noise: int) -> None:
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, shape).astype(np.uint8)
    y = np.clip(x + rng.normal(0, noise, shape), 0, 255).astype(np.uint8)
    assert ssim(x, y) == pytest.approx(structural_similarity(x, y, data_range=255), abs=1e-12)


def test_ssim_of_every_so_many_th_row_is_the_mean_of_those() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (2, 40, 23)).astype(np.uint8)
    bands = [ssim(x[top : top + 7], y[top : top + 7]) for top in range(0, 34, 8)]
    assert ssim(x, y, every=8) == pytest.approx(np.mean(bands), abs=1e-13)


def test_ssim_of_small_pictures_and_of_unlike_shapes() -> None:
    one = np.full((1, 1), 7, np.uint8)
    assert ssim(one, one) == 1.0
    assert ssim(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)) < 1e-3
    with pytest.raises(DataError, match="one shape"):
        ssim(one, np.zeros((1, 2), np.uint8))


# The device.


@given(picture=bytes_of, k=st.integers(1, 6), norm=st.sampled_from(["l2", "l1"]))
@settings(max_examples=12)
def test_torch_gives_the_same_labels(picture: np.ndarray, k: int, norm: str) -> None:
    for space in ("rgb", "grey"):  # whole numbers: equal to the last bit
        params = images.Params(k=k, norm=norm, space=space, steps=6)
        ours = images.quantise(picture, params)
        theirs = images.quantise(picture, params, device=TORCH_ON_CPU)
        assert (ours.device, theirs.device) == ("cpu", TORCH_ON_CPU)
        np.testing.assert_array_equal(theirs.trace.labels, ours.trace.labels)
        np.testing.assert_array_equal(theirs.trace.centres, ours.trace.centres)
        np.testing.assert_allclose(theirs.trace.distortion, ours.trace.distortion, rtol=1e-12)


@pytest.mark.parametrize("name", ["eight", "eye", "medians"])
def test_torch_gives_the_same_pictures(name: str) -> None:
    ours = quantise.run(PRESETS[name])
    theirs = quantise.run(PRESETS[name], device=TORCH_ON_CPU)
    np.testing.assert_array_equal(theirs.made.trace.labels, ours.made.trace.labels)
    np.testing.assert_array_equal(theirs.palette, ours.palette)
    assert quantise.certify(theirs).holds


def test_on_torch_a_tie_goes_to_the_lower_index() -> None:
    x = np.array([[0.0], [4.0], [8.0]])
    labels, sizes, distortion, moved = looker(x, np.array([1.0, 2, 1]), "l2", TORCH_ON_CPU)(
        np.array([[2.0], [6.0], [2.0], [99.0]])
    )
    assert labels.tolist() == [0, 0, 1]
    assert sizes.tolist() == [3, 1, 0, 0]
    assert distortion == 4 + 2 * 4 + 4
    np.testing.assert_allclose(moved.ravel(), [8 / 3, 8, 2, 99])


# Theorems over a whole run.


@given(
    picture=bytes_of,
    k=st.integers(1, 9),
    space=st.sampled_from(["rgb", "lab", "grey"]),
    norm=st.sampled_from(["l2", "l1"]),
    empty=st.sampled_from(["keep", "reseed"]),
    start=st.sampled_from(["spread", "plusplus", "random", "best"]),
)
@settings(max_examples=40)
def test_any_picture_is_certified_and_the_optimum_is_least(picture, **knobs) -> None:
    trace = quantise.run(quantise.Params(steps=8, **knobs), picture)
    assert quantise.certify(trace).holds
    assert (np.diff(trace.distortion) <= 1e-9 * trace.distortion[0]).all()
    assert np.isnan(trace.optimum) == (knobs["space"] != "grey" or knobs["norm"] == "l1")
    if not np.isnan(trace.optimum):
        assert trace.optimum <= trace.distortion.min() + 1e-9 * trace.distortion[0]
    np.testing.assert_allclose(trace.shares.sum(axis=1), 1)
    assert trace.k == min(trace.params.k, len(trace.made.colours.points))


@each_preset
def test_the_presets_show_what_they_say(name: str) -> None:
    trace = quantise.run(PRESETS[name])
    above = trace.distortion / trace.optimum - 1
    if name == "stuck":
        assert above[-1] > 0.5
        assert trace.stop is lloyd.LloydStop.SETTLED
    if name == "five":
        assert round(100 * above[-1]) == 18
        assert len(trace) - 1 == 23
    if name == "dead":
        assert (trace.shares[:, 4] == 0).all()
        other = quantise.run(dataclasses.replace(PRESETS[name], empty="reseed"))
        assert (other.shares[-1] > 0).all()
        assert other.distortion[-1] < trace.distortion[-1]
    if name == "start":
        assert trace.distortion[0] < quantise.run(PRESETS["eight"]).distortion[-1]
    if name == "eight":
        first = trace.palette[0].astype(int)
        assert (first == first[:, :1]).all()  # greys
    assert quantise.certify(trace).holds


# Slips.


@each_preset
def test_where_the_slips_hide(name: str) -> None:
    trace = quantise.run(PRESETS[name])
    over, late = (quantise.slipped(trace, slip) for slip in quantise.SLIPS.values())
    np.testing.assert_array_equal(over.centres[0], trace.centres[0])
    assert over.distortion[0] == trace.distortion[0]
    medians = PRESETS[name].norm == "l1"
    assert quantise.certify(trace, quantise.SLIPS["all-pixels"]).holds == medians
    wrong = quantise.wrong_cells(trace, quantise.SLIPS["all-pixels"])["centres"]
    assert not wrong[0].any()
    assert wrong[1:].any() == (not medians)
    np.testing.assert_array_equal(late.centres, trace.centres)
    labels = trace.made.trace.labels
    for t in range(1, len(trace)):
        np.testing.assert_array_equal(late.made.trace.labels[t], labels[t - 1])
        assert late.distortion[t] >= trace.distortion[t] * (1 - 1e-12)
    settled = trace.stop is lloyd.LloydStop.SETTLED
    assert (late.distortion[-1] == pytest.approx(trace.distortion[-1], rel=1e-12)) == settled


def test_dividing_by_all_pixels_is_that() -> None:
    trace = quantise.run(quantise.Params(picture="sixteen", k=2, space="grey"))
    shown = quantise.slipped(trace, quantise.SLIPS["all-pixels"])
    grey = trace.picture.pixels[..., 0].ravel().astype(float)
    low = grey < 127.5  # the first step splits at the middle of 0 and 255
    np.testing.assert_allclose(
        shown.centres[1].ravel(), [grey[low].sum() / 16, grey[~low].sum() / 16]
    )
    one = quantise.run(quantise.Params(picture="sixteen", k=1, space="grey"))
    assert quantise.certify(one, quantise.SLIPS["all-pixels"]).holds


def test_an_unknown_slip_is_refused() -> None:
    trace = quantise.run(PRESETS["dead"])
    strange = dataclasses.replace(quantise.SLIPS["old-labels"], name="none")
    with pytest.raises(KeyError):
        quantise.slipped(trace, strange)


# A certificate that could not fail would say nothing.


@pytest.mark.parametrize("field", ["labels", "distortion", "centres"])
def test_the_certificate_notices(field: str) -> None:
    trace = quantise.run(PRESETS["five"])
    values = getattr(trace.made.trace, field).copy()
    if field == "labels":
        values[3, 100] = (values[3, 100] + 1) % 5
    else:
        values[3] *= 1.01
    run = dataclasses.replace(trace.made.trace, **{field: values})
    assert not quantise.certify(
        dataclasses.replace(trace, made=dataclasses.replace(trace.made, trace=run))
    ).holds


@pytest.mark.parametrize("field", ["psnr", "ssim", "shares"])
def test_the_certificate_notices_what_is_painted(field: str) -> None:
    trace = quantise.run(PRESETS["five"])
    off = dataclasses.replace(trace, **{field: getattr(trace, field) * 1.0001})
    assert not quantise.certify(off).holds


def test_the_certificate_notices_a_run_below_the_optimum() -> None:
    trace = quantise.run(PRESETS["dead"])
    too_high = dataclasses.replace(trace, optimum=float(trace.distortion[-1]) * 1.01)
    assert not quantise.certify(too_high).holds


# Working and questions.


@each_preset
def test_the_working_is_of_the_picked_pixel(name: str) -> None:
    trace = quantise.run(PRESETS[name])
    row, col = quantise.picked(trace, 2, 3)
    assert (row, col) == (1, 2)
    lines = {line.name: line for line in quantise.working(trace, None, row, col)}
    for step in range(len(trace)):
        r = int(np.asarray(lines["label"].value)[step]) - 1
        assert r == trace.made.labels(step)[row, col]
        d = np.asarray(lines["distance"].value)[step]
        assert d <= np.asarray(lines["second"].value)[step]
        if step + 1 < len(trace):
            assert np.asarray(lines["move"].value)[step] == pytest.approx(
                trace.centres[step + 1, r, 0], rel=1e-12
            )
    for line in lines.values():  # what is put in gives what comes out
        if line.name == "distance" and trace.params.norm == "l2":
            parts = [
                (line.numbers[f"x{c}"] - np.asarray(line.numbers[f"m{c}"])) ** 2
                for c in range(trace.centres.shape[2])
            ]
            np.testing.assert_allclose(sum(parts), line.value, rtol=1e-12)


@each_preset
def test_right_answers_are_right_and_mistakes_are_named(name: str) -> None:
    trace = quantise.run(PRESETS[name])
    for question in quantise.questions(trace, len(trace) - 1):
        assert judge(question, question.value).right
        named = [
            judge(question, value).sentence == sentence
            for sentence, value in question.mistakes.items()
            if abs(value - question.value) > 0.01 * abs(question.value) + 1e-9
        ]
        assert any(named)


@given(row=st.integers(0, 60_000), col=st.integers(0, 60_000))
@settings(max_examples=40)
def test_any_place_asked_for_is_in_the_picture(row: int, col: int) -> None:
    trace = quantise.run(PRESETS["dead"])
    y, x = quantise.picked(trace, row, col)
    assert 0 <= y < 4
    assert 0 <= x < 4
    if 1 <= row <= 4:
        assert y == row - 1
    assert quantise.picked(trace, None, -3.0) == quantise.picked(trace, 0, 0)


# Pictures.


@pytest.mark.parametrize("name", [n for n in pictures.NAMES if n != pictures.UPLOAD])
def test_a_shipped_picture_is_scikit_images_own(name: str) -> None:
    picture = pictures.shipped(name)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape[2] == 3
    assert picture.says
    if name == "sixteen":
        return
    from skimage import data

    theirs = getattr(data, {"cat": "chelsea"}.get(name, name))()
    want = theirs if theirs.ndim == 3 else np.repeat(theirs[..., None], 3, axis=2)
    np.testing.assert_array_equal(picture.pixels, want)


def test_a_files_bytes_pixels_and_an_upload_are_the_same_picture() -> None:
    import io

    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    params = quantise.Params(picture="upload", k=3)
    by_bytes, by_pixels = quantise.run(params, out.getvalue()), quantise.run(params, pixels)
    np.testing.assert_array_equal(by_bytes.palette, by_pixels.palette)
    assert by_bytes.digest() == quantise.run(params, quantise.uploaded(out.getvalue())).digest()
    assert by_bytes.picture.size == len(out.getvalue())
    assert not by_bytes.picture.reduced


def test_a_picture_is_collapsed_once() -> None:
    pictures.colours_of.cache_clear()
    for k in (2, 3):
        quantise.run(quantise.Params(k=k, picture="sixteen"))
    assert pictures.colours_of.cache_info().misses == 1


def test_an_upload_that_is_not_there_shows_the_usual_picture() -> None:
    trace = quantise.run(quantise.Params(picture="upload", k=2, steps=1))
    assert trace.picture.name == "astronaut"


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (b"", "The file is empty."),
        (b"<svg>", "The file is not a PNG, JPEG, GIF, WebP, BMP or TIFF picture."),
        (np.zeros((2, 2, 4), np.uint8), "image must be uint8"),
        (np.zeros((2, 2)), "image must be uint8"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(picture: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        quantise.run(quantise.Params(), picture)


@pytest.mark.parametrize("knobs", [{"picture": "moo"}, {"k": 0}, {"steps": 51}, {"empty": ""}])
def test_bad_parameters_are_refused(knobs: dict) -> None:
    with pytest.raises(ParamError, match=r"quantise\.Params\."):
        quantise.Params(**knobs)
