"""The cases of the lesson on Gaussian mixtures: clouds drawn once and rounded, so that a person
can read and type them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.preset import Preset

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Params

Points = list[list[float]]
SIX = [[0, 0], [1, 0.5], [0.5, 1.5], [4, 3], [5, 4.5], [3.5, 5]]
SIX_MEANS = [[0, 1], [4, 4]]
SIX_COVARIANCES = [[[1, 0], [0, 1]], [[2, 0.5], [0.5, 1]]]


def clouds(seed: int = 7, each: int = 32) -> Points:
    """Three clouds: one long and tilted, one upright, one round."""
    rng = np.random.default_rng(seed)
    shapes = (
        ([0.0, 0.0], [[1.6, 0.0], [1.1, 0.45]]),
        ([5.2, 0.4], [[0.5, 0.0], [0.0, 1.4]]),
        ([2.2, 4.2], [[0.8, 0.0], [0.0, 0.6]]),
    )
    return _rounded(
        np.concatenate([
            np.array(centre) + rng.standard_normal((each, 2)) @ np.array(root).T
            for centre, root in shapes
        ])
    )  # fmt: skip


def moons(seed: int = 1, each: int = 45) -> Points:
    """Two half circles that hook into each other."""
    rng = np.random.default_rng(seed)
    angle = np.pi * rng.random((2, each))
    upper = np.stack([np.cos(angle[0]), np.sin(angle[0])], axis=1)
    lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])], axis=1)
    both = np.concatenate([upper, lower])
    return _rounded(3 * both + 0.25 * rng.standard_normal(both.shape))


def lonely(seed: int = 2, each: int = 14) -> Points:
    """One cloud, and one point apart from it."""
    rng = np.random.default_rng(seed)
    return [*_rounded(rng.standard_normal((each, 2)) @ np.diag([1.3, 0.9])), [2.5, 2.8]]


def _rounded(points: np.ndarray) -> Points:
    return [[float(f"{v:.2f}") + 0.0 for v in row] for row in points.tolist()]  # no -0.0


def _case(X: Any, weights: Any = (), means: Any = (), covariances: Any = ()) -> dict[str, Any]:
    return {
        "X": X,
        "weights": list(weights),
        "means": list(means),
        "covariances": list(covariances),
    }


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    three = clouds()
    apart = _case(lonely(), [0.8, 0.2], [[0, 0], [2.5, 2.8]],
                  [[[1, 0], [0, 1]], [[0.6, 0], [0, 0.6]]])  # fmt: skip
    return {
        "clouds": Preset(
            "Three clouds",
            params(seed=5, steps=24),
            "Three equal ellipses part and find a cloud each.",
            _case(three),
            step=6,
        ),
        "exercise": Preset(
            "The exercise",
            params(components=2, steps=8),
            "Six points: one step is nearly all, the likelihood goes from −19.03 to −15.02.",
            _case(SIX, [0.5, 0.5], SIX_MEANS, SIX_COVARIANCES),
        ),
        "trapped": Preset(
            "A lower summit",
            params(seed=20, steps=40),
            "Another start on the same points ends lower; the race shows how many do.",
            _case(three),
        ),
        "collapse": Preset(
            "Collapse",
            params(components=2, covariance="spherical", steps=12, floor=0.0),
            "One component shrinks onto one point, and the likelihood grows without bound.",
            apart,
        ),
        "floor": Preset(
            "The floor",
            params(components=2, covariance="spherical", steps=12, floor=0.02),
            "The same start, but no variance below 0.02: nothing blows up.",
            apart,
        ),
        "k-means": Preset(
            "Towards k-means",
            params(held=0.01, seed=4, steps=12),
            "All variances held at 0.01: every point goes wholly to the nearest mean.",
            _case(three),
        ),
        "moons": Preset(
            "Two moons",
            params(components=2, seed=3, steps=30),
            "No two ellipses part these: the model is wrong, and EM cannot know.",
            _case(moons()),
        ),
    }
