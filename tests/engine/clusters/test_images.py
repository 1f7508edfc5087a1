"""Pictures: collapsing, the three spaces, what is painted and what it costs."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from engine.clusters import collapse as collapsing
from engine.clusters import images, lab, lloyd
from engine.data import DataError

SPACES = ("rgb", "lab", "grey")
each_space = pytest.mark.parametrize("space", SPACES)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A quarter of the astronaut: a real picture with some ten thousand colours."""
    from skimage import data

    return data.astronaut()[::4, ::4]


def luma(image: np.ndarray) -> np.ndarray:
    return (image.astype(int) @ [299, 587, 114] + 500) // 1000


# Collapse.


@given(image=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(max_examples=50)
def test_colours_and_pixels_say_the_same(image: np.ndarray) -> None:
    colours = images.collapse(image)
    want, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    np.testing.assert_array_equal(colours.rgb[colours.index].reshape(image.shape), image)
    order = np.lexsort(colours.rgb.T[::-1])
    np.testing.assert_array_equal(colours.rgb[order], want)
    np.testing.assert_array_equal(colours.counts[order], counts)


def test_the_two_ways_to_count_agree(photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_ = images.collapse(photo)
    monkeypatch.setattr(collapsing, "LARGE", 0)
    counted = images.collapse(photo)
    for name in ("rgb", "counts", "index", "points"):
        np.testing.assert_array_equal(getattr(sorted_, name), getattr(counted, name))


def test_greys_are_luma_and_a_grey_picture_stays_as_it_is(photo: np.ndarray) -> None:
    colours = images.collapse(photo, "grey")
    np.testing.assert_array_equal(colours.rgb[colours.index, 0], luma(photo).ravel())
    assert colours.counts.sum() == luma(photo).size
    flat = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for picture in (flat, np.repeat(flat[..., None], 3, axis=2)):
        grey = images.collapse(picture, "grey")
        np.testing.assert_array_equal(grey.points.ravel()[grey.index], flat.ravel())


def test_lab_is_as_scikit_image_has_it_and_comes_back() -> None:
    from skimage.color import rgb2lab

    rgb = np.random.default_rng(0).integers(0, 256, (5000, 3)).astype(np.uint8)
    rgb[:4] = [[0, 0, 0], [255, 255, 255], [1, 0, 0], [0, 0, 255]]
    np.testing.assert_allclose(lab.from_rgb(rgb), rgb2lab(rgb), atol=1e-9)
    np.testing.assert_array_equal(lab.to_rgb(lab.from_rgb(rgb)), rgb)


# Quantising: Lloyd on the colours is Lloyd on the pixels.


@each_space
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_colours_with_counts_give_what_pixels_give(photo, space: str, norm: str) -> None:
    picture = photo[::3, ::3]
    params = images.Params(k=7, steps=6, norm=norm, space=space, start="random", seed=1)
    made = images.quantise(picture, params)
    flat = picture.reshape(-1, 3)
    pixels = {"rgb": flat, "lab": lab.from_rgb(flat), "grey": luma(flat)[:, None]}[space]
    same = lloyd.Params(k=7, steps=6, norm=norm)
    plain = lloyd.descend(pixels.astype(float), np.ones(len(pixels)), made.trace.centres[0], same)
    np.testing.assert_allclose(made.trace.centres, plain.centres, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(made.trace.labels[:, made.colours.index], plain.labels)
    np.testing.assert_allclose(made.trace.distortion, plain.distortion, rtol=1e-11)


@each_space
@pytest.mark.parametrize("k", [3, 64])
def test_every_label_is_that_of_all_pairs(photo, space: str, k: int) -> None:
    made = images.quantise(photo, images.Params(k=k, steps=5, space=space, start="plusplus"))
    points = made.trace.points
    for t in range(len(made.trace)):
        labels, least = lloyd.nearest(points, made.trace.centres[t], "l2")
        np.testing.assert_array_equal(made.trace.labels[t], labels)
        exact = math.fsum(least * made.trace.weights)
        assert made.trace.distortion[t] == pytest.approx(exact, rel=1e-12)
    assert (np.diff(made.trace.distortion) <= 0).all()


def test_the_order_of_the_pixels_changes_no_bit(photo: np.ndarray) -> None:
    params = images.Params(k=9, steps=5)
    one = images.quantise(photo, params)
    shuffled = np.random.default_rng(0).permutation(photo.reshape(-1, 3)).reshape(photo.shape)
    assert one.trace.digest() == images.quantise(shuffled, params).trace.digest()


def test_colours_made_once_serve_every_run(photo: np.ndarray) -> None:
    colours = images.collapse(photo)
    for k in (2, 5):
        params = images.Params(k=k, steps=3)
        again, alone = images.quantise(colours, params), images.quantise(photo, params)
        assert again.trace.digest() == alone.trace.digest()


def test_best_is_at_least_as_good_as_ten_restarts_of_scikit_learn(photo: np.ndarray) -> None:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    picture = photo[::2, ::2]
    with threadpool_limits(1):
        theirs = KMeans(8, n_init=10, random_state=0).fit(picture.reshape(-1, 3).astype(float))
    best = images.quantise(picture, images.Params(k=8, start="best", steps=30))
    assert best.trace.distortion[-1] <= 1.005 * theirs.inertia_


# What is painted.


@each_space
def test_the_recovered_picture_and_its_psnr(photo, space: str) -> None:
    made = images.quantise(photo, images.Params(k=6, space=space, start="best"))
    for step in (0, len(made.trace) // 2, -1):
        painted = made.recovered(step)
        assert painted.shape == photo.shape
        assert painted.dtype == np.uint8
        np.testing.assert_array_equal(painted, made.palette(step)[made.labels(step)])
        kept = np.repeat(luma(photo)[..., None], 3, axis=2) if space == "grey" else photo
        mse = ((painted.astype(float) - kept) ** 2).mean()
        assert made.psnr(step) == pytest.approx(10 * math.log10(255**2 / mse), rel=1e-12)
    shares = np.bincount(made.labels().ravel(), minlength=6) / made.labels().size
    np.testing.assert_allclose(made.shares(), shares)


def test_a_flat_grey_picture_comes_back_flat(golden: dict) -> None:
    case = golden["s000.3.k4"]
    picture = np.array(case["img"], np.uint8)
    made = images.quantise(picture, images.Params(k=4, space="grey"))
    np.testing.assert_allclose(made.trace.centres[0].ravel(), case["init"])
    np.testing.assert_allclose(made.trace.centres[-1].ravel(), case["centres"])
    assert made.recovered().shape == (4, 4)
    np.testing.assert_array_equal(made.labels().ravel(), case["labels"])
    assert made.bits_per_pixel == 2 + 8 * 4 / 16


def test_the_histogram_counts_every_pixel(photo: np.ndarray) -> None:
    found = images.quantise(photo, images.Params(k=2, steps=1)).histogram
    want = [np.bincount(photo[..., c].ravel(), minlength=256) for c in range(3)]
    np.testing.assert_array_equal(found, want)
    grey = images.quantise(photo, images.Params(k=2, steps=1, space="grey")).histogram
    np.testing.assert_array_equal(grey, [np.bincount(luma(photo).ravel(), minlength=256)])


@pytest.mark.parametrize(("k", "bits"), [(1, 0), (2, 1), (3, 2), (16, 4), (17, 5), (256, 8)])
def test_bits_per_pixel_and_the_palette_png(photo, k: int, bits: int) -> None:
    made = images.quantise(photo, images.Params(k=k, steps=2))
    pixels = photo.shape[0] * photo.shape[1]
    assert made.bits_per_pixel == pytest.approx(bits + 24 * k / pixels)
    with Image.open(io.BytesIO(made.png())) as png:
        assert png.mode == "P"
        np.testing.assert_array_equal(np.asarray(png.convert("RGB")), made.recovered())


def test_fewer_colours_than_asked_are_all_kept() -> None:
    picture = np.zeros((5, 7, 3), np.uint8)
    picture[2:, :, 0] = 200
    picture[3, 3] = 9
    for start in ("spread", "plusplus", "random", "best"):
        made = images.quantise(picture, images.Params(k=12, start=start))
        assert made.clamped
        assert made.trace.params.k == 3
    np.testing.assert_array_equal(made.recovered(), picture)
    assert made.psnr() == math.inf


def test_a_dead_centre_is_named_and_reseeding_revives_it(photo: np.ndarray) -> None:
    kept = images.quantise(photo // 4, images.Params(k=64, steps=8))
    seeded = images.quantise(photo // 4, images.Params(k=64, steps=8, empty="reseed"))
    assert kept.trace.dead.all(axis=0).any()
    assert not seeded.trace.dead[-1].any()
    assert (np.diff(seeded.trace.distortion) <= 0).all()


# Bad input.


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 2, 3)),
        np.zeros((0, 2, 3), np.uint8),
        np.zeros(5, np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"^image must .*\.$"):
        images.collapse(image)


def test_spaces_and_centres_must_fit(photo: np.ndarray) -> None:
    with pytest.raises(DataError, match="space must be one of"):
        images.collapse(photo, "hsv")
    with pytest.raises(DataError, match="the colours are in rgb"):
        images.quantise(images.collapse(photo), images.Params(space="lab"))
    with pytest.raises(DataError, match=r"the shape \(8, 3\)"):
        images.quantise(photo, centres=[[1.0, 2.0, 3.0]])
