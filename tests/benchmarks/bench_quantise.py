"""Ten steps of Lloyd's algorithm on a picture, beside scikit-learn, OpenCV, faiss and SciPy.

    python tests/benchmarks/bench_quantise.py [--rounds 5] [--quick]

One thread each, the same start, equal distortion at the end or the program fails. Every way is
timed once per round and the rounds repeat; shown are medians of CPU time. "One-off" is collapsing
the picture, all steps with their history, and the painted picture; "re-run" is the steps alone, the
colours being known. The peers start from pixels as float32 and keep no history.
"""

import argparse
import functools
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.clusters import images, lloyd
from engine.clusters.collapse import Colours

STEPS = 10
Way = Callable[[], np.ndarray]


def astronaut() -> np.ndarray:
    """512 x 512, from scikit-image."""
    from skimage import data

    return data.astronaut()


def enlarged() -> np.ndarray:
    """The same at 12 megapixels, by Lanczos, so that it has some hundred thousand colours."""
    big = Image.fromarray(astronaut()).resize((4000, 3000), Image.Resampling.LANCZOS)
    return np.asarray(big)


def by_scikit_learn(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """KMeans, Lloyd's variant, no tolerance."""
    from sklearn.cluster import KMeans

    start = first.astype(np.float32)
    model = KMeans(len(first), init=start, n_init=1, max_iter=STEPS, tol=0, algorithm="lloyd")
    return model.fit(pixels).cluster_centers_


def by_opencv(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """kmeans takes labels for a start, not centres: its first assignment is made off the clock."""
    import cv2

    labels = START_LABELS[len(pixels), len(first)].copy()
    end = (cv2.TERM_CRITERIA_MAX_ITER, STEPS, 0)
    return cv2.kmeans(pixels, len(first), labels, end, 1, cv2.KMEANS_USE_INITIAL_LABELS)[2]


def by_faiss(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Kmeans on all points, none left out."""
    import faiss

    options = {"niter": STEPS, "max_points_per_centroid": len(pixels), "min_points_per_centroid": 1}
    model = faiss.Kmeans(pixels.shape[1], len(first), **options)
    model.train(pixels, init_centroids=first.astype(np.float32))
    return model.centroids


def by_scipy(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """kmeans2 on single precision."""
    from scipy.cluster.vq import kmeans2

    return kmeans2(pixels, first.astype(np.float32), STEPS, minit="matrix")[0]


PEERS = {
    "scikit-learn": by_scikit_learn,
    "OpenCV": by_opencv,
    "faiss": by_faiss,
    "SciPy": by_scipy,
}
START_LABELS: dict[tuple[int, int], np.ndarray] = {}


def available() -> dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """The peers that are installed, and one thread each; says who is missing."""
    from threadpoolctl import threadpool_limits

    found = dict(PEERS)
    for name, module in (("OpenCV", "cv2"), ("faiss", "faiss")):
        try:
            library = importlib.import_module(module)
        except ImportError:
            print(f"{name} is not installed and is left out.")
            del found[name]
            continue
        set_threads = getattr(library, "setNumThreads", None) or library.omp_set_num_threads
        set_threads(1)
    for module in ("scipy.cluster.vq", "sklearn.cluster"):
        importlib.import_module(module)
    threadpool_limits(1)
    return found


def one_off(image: np.ndarray, first: np.ndarray, space: str, norm: str = "l2") -> Way:
    """From the picture to the painted picture."""
    params = images.Params(k=len(first), steps=STEPS, space=space, norm=norm)

    def way() -> np.ndarray:
        made = images.quantise(image, params, first)
        made.recovered()
        return made.trace.centres[-1]

    return way


def re_run(colours: Colours, first: np.ndarray, norm: str = "l2") -> Way:
    """The steps, the picture being collapsed."""
    params = images.Params(k=len(first), steps=STEPS, space=colours.space, norm=norm)
    return lambda: images.quantise(colours, params, first).trace.centres[-1]


def plain_medians(pixels: np.ndarray, first: np.ndarray) -> np.ndarray:
    """k-medians in NumPy on the pixels, as one writes it."""
    centres = first.copy()
    for _ in range(STEPS):
        cost = np.stack([np.abs(pixels - c).sum(axis=1) for c in centres.astype(np.float32)])
        labels = cost.argmin(axis=0)
        for k in range(len(centres)):
            if (labels == k).any():
                centres[k] = np.median(pixels[labels == k], axis=0)
    return centres


def measure(ways: dict[str, Way], rounds: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Median CPU seconds of each way, and the centres it ends with.

    The first round warms up and does not count, unless two rounds are all there are.
    """
    ends: dict[str, np.ndarray] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + (rounds > 2)):
        for name, way in ways.items():
            begin = time.process_time()
            ends[name] = way()
            spent = time.process_time() - begin
            if turn or rounds <= 2:
                seconds[name].append(spent)
    return {name: statistics.median(times) for name, times in seconds.items()}, ends


def agree(colours: Colours, ends: dict[str, np.ndarray], norm: str) -> str:
    """The distortion of every way within 1 %, or the comparison means nothing."""
    cost = {}
    for name, centres in ends.items():
        _, least = lloyd.nearest(colours.points, np.asarray(centres, float), norm)
        cost[name] = float(least @ colours.weights)
    ours = cost["re-run"]
    off = {name: value / ours - 1 for name, value in cost.items()}
    assert max(abs(v) for v in off.values()) < 0.01, off
    return f"distortions within {max(abs(v) for v in off.values()):.0e}"


def table(title: str, image: np.ndarray, ks: list[int], rounds: int, space: str = "rgb") -> None:
    """One line for each k: our times and how many times longer each peer takes."""
    colours = images.collapse(image, space)
    pixels = colours.points[colours.index].astype(np.float32)
    print(f"\n{title}: {len(pixels):,} pixels, {len(colours.points):,} colours, {space}")
    for k in ks:
        draw = images.Params(k=k, start="random", space=space, steps=0, seed=1)
        first = images.quantise(colours, draw).trace.centres[0]
        START_LABELS[len(pixels), k] = lloyd.nearest(colours.points, first, "l2")[0][
            colours.index
        ].astype(np.int32)[:, None]
        ways: dict[str, Way] = {
            "one-off": one_off(image, first, space),
            "re-run": re_run(colours, first),
        }
        slow = {"OpenCV", "SciPy"} if k > 16 and len(pixels) > 1e6 else set()
        for name, peer in available().items():
            if name not in slow:
                ways[name] = functools.partial(peer, pixels, first)
        show(k, *measure(ways, rounds), colours, "l2")


def medians_table(image: np.ndarray, rounds: int) -> None:
    """k-medians beside plain NumPy on the pixels."""
    colours = images.collapse(image)
    pixels = colours.points[colours.index].astype(np.float32)
    print(f"\nk-medians: {len(pixels):,} pixels, {len(colours.points):,} colours")
    for k in (4, 16, 64):
        first = images.quantise(colours, images.Params(k=k, start="random", steps=0, seed=1))
        start = first.trace.centres[0]
        ways = {
            "one-off": one_off(image, start, "rgb", "l1"),
            "re-run": re_run(colours, start, "l1"),
            "plain NumPy": lambda start=start: plain_medians(pixels, start),
        }
        show(k, *measure(ways, min(rounds, 3)), colours, "l1")


def best_table(image: np.ndarray) -> None:
    """``start="best"`` beside ten restarts of scikit-learn to their end."""
    from sklearn.cluster import KMeans

    pixels = image.reshape(-1, 3).astype(np.float32)
    colours = images.collapse(image)
    images.quantise(image, images.Params(start="best", steps=1))
    print('\nstart="best", 10 exact steps, beside scikit-learn, n_init=10')
    for k in (8, 16):
        begin = time.process_time()
        best = images.quantise(image, images.Params(k=k, start="best", steps=STEPS))
        ours = time.process_time() - begin
        begin = time.process_time()
        theirs = KMeans(k, n_init=10, random_state=0).fit(pixels)
        spent = time.process_time() - begin
        _, least = lloyd.nearest(colours.points, theirs.cluster_centers_.astype(float), "l2")
        ratio = best.trace.distortion[-1] / (least @ colours.weights)
        print(f"k = {k:3}  {1e3 * ours:7.0f} ms, distortion {ratio:.4f} of theirs;", end=" ")
        print(f"scikit-learn takes {spent / ours:.1f} times as long")


def show(
    k: int, seconds: dict[str, float], ends: dict[str, np.ndarray], colours: Colours, norm: str
) -> None:
    """One line: milliseconds, and ratios to the one-off and the re-run."""
    once, again = seconds["one-off"], seconds["re-run"]
    line = f"k = {k:3}  one-off {1e3 * once:7.2f} ms  re-run {1e3 * again:7.2f} ms "
    for name, spent in seconds.items():
        if name not in ("one-off", "re-run"):
            line += f"  {name} {1e3 * spent:,.0f} ms: {spent / once:.1f} / {spent / again:.1f}"
    print(line, agree(colours, ends, norm), sep="; ", flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out 12 megapixels")
    asked = parser.parse_args()
    available()
    print(f"{STEPS} steps; CPU time, medians of {asked.rounds} interleaved rounds, one thread;")
    print("at 12 megapixels of 2 rounds, and there OpenCV and SciPy only to k = 16;")
    print("behind each peer: its time ÷ one-off / ÷ re-run")
    table("astronaut", astronaut(), [4, 8, 16, 64], asked.rounds)
    table("astronaut", astronaut(), [4, 8, 64], asked.rounds, "grey")
    medians_table(astronaut(), asked.rounds)
    best_table(astronaut())
    if not asked.quick:
        table("astronaut, enlarged", enlarged(), [4, 16, 64], min(asked.rounds, 2))


if __name__ == "__main__":
    main()
