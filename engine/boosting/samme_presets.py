"""The cases of the lesson on boosting: clouds drawn once and rounded, so that a person can read
and type them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.preset import Preset

if TYPE_CHECKING:
    from engine.boosting.samme import Params

Points = list[list[float]]
EXERCISE_Y = [0, 0, 1, 1, 2, 2]
EXERCISE_VOTES = [[0, 0, 1, 2, 2, 1], [0, 1, 1, 1, 0, 2], [0, 0, 0, 1, 2, 2], [1, 0, 1, 1, 2, 0]]


def target(seed: int = 3, each: int = 24) -> tuple[Points, list[int]]:
    """A disc in a ring in a ring."""
    rng = np.random.default_rng(seed)
    y = np.repeat([1, 2, 3], [each - 6, each, each + 6])
    radius = np.choose(y - 1, [0.9, 1.75, 2.65]) * np.sqrt(rng.uniform(0.0, 1, len(y)))
    inner = np.choose(y - 1, [0.0, 1.2, 2.05])
    radius = np.maximum(radius, inner + 0.55 * rng.random(len(y)) * (y > 1))
    turn = np.concatenate([2 * np.pi * (np.arange(n) + rng.random(n)) / n
                           for n in np.bincount(y)[1:]])  # fmt: skip
    return _rounded(np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)), y.tolist()


def clouds(seed: int = 2, each: int = 16) -> tuple[Points, list[int]]:
    """Four clouds at the corners of a square, two points of which have the wrong class."""
    rng = np.random.default_rng(seed)
    corners = 1.6 * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    X = np.repeat(corners, each, axis=0) + 0.62 * rng.standard_normal((4 * each, 2))
    y = np.repeat([1, 2, 3, 4], each)
    y[[3, 2 * each + 5]] = 4, 2
    return _rounded(X), y.tolist()


def crossed(seed: int = 5, each: int = 15) -> tuple[Points, list[int]]:
    """Two classes, each in two opposite corners: no stump is much better than guessing."""
    rng = np.random.default_rng(seed)
    corners = np.array([[-1.2, -1.1], [1.2, 1.1], [-1.1, 1.2], [1.1, -1.2]])
    X = np.repeat(corners, each, axis=0) + 0.5 * rng.standard_normal((4 * each, 2))
    return _rounded(X), np.repeat([1, 1, 2, 2], each).tolist()


def stripes(seed: int = 1, each: int = 20) -> tuple[Points, list[int]]:
    """Three oblique stripes."""
    rng = np.random.default_rng(seed)
    along, across = rng.uniform(-3, 3, 3 * each), np.repeat([-1.5, 0.0, 1.5], each)
    across = across + rng.uniform(-0.6, 0.6, 3 * each)
    X = np.stack([along + across, along - across], 1) / np.sqrt(2)
    return _rounded(X), np.repeat([1, 2, 3], each).tolist()


def _rounded(points: np.ndarray) -> Points:
    return [[float(f"{v:.2f}") + 0.0 for v in row] for row in points.tolist()]  # no -0.0


def _case(X: Any = (), y: Any = (), votes: Any = ()) -> dict[str, Any]:
    return {"X": list(X), "y": list(y), "votes": list(votes)}


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    return {
        "target": Preset(
            "A target",
            params(rounds=60),
            "Each vote is one straight cut; sixty of them draw rings.",
            _case(*target()),
            60,
        ),
        "exercise": Preset(
            "The exercise",
            params(rounds=4),
            "Six points, four given votes: the errors are 1/3, 1/6, 1/30 and 5/87.",
            _case((), EXERCISE_Y, EXERCISE_VOTES),
            1,
        ),
        "outliers": Preset(
            "Two wrong labels",
            params(rounds=40),
            "Four clouds and two points of the wrong class: the weight piles up on these two.",
            _case(*clouds()),
            12,
        ),
        "stripes": Preset(
            "Oblique stripes",
            params(rounds=60),
            "Upright cuts make oblique borders, as stairs.",
            _case(*stripes()),
            10,
        ),
        "crossed": Preset(
            "Two classes",
            params(rounds=30),
            "For K = 2 this is AdaBoost as first printed, and the loss bounds the error.",
            _case(*crossed()),
            4,
        ),
        "depth": Preset(
            "Depth 2",
            params(rounds=12, depth=2),
            "A tree with two cuts on each way sees what no single cut can.",
            _case(*crossed()),
            2,
        ),
        "digits": Preset(
            "Digits",
            params(rounds=60),
            "300 of the 1,797 digits on their first two principal components: ten classes.",
            _case(),
            30,
        ),
    }
