"""The cases of the lesson on probabilistic PCA."""

from typing import TYPE_CHECKING

from engine.preset import Preset

if TYPE_CHECKING:
    from engine.mixtures.ppca import Params

# The clouds are drawn from normal distributions and rounded; the cross is mirrored at both axes
# and holds quarters only, so that its S is diagonal to the last bit.
_CLOUD = """
3.9, 1.7; -1.6, -2.6; -1.6, -1.3; -3.3, -1.8; -1.7, 0.3; 1.1, 2.3; 1.7, 0.6; 0.8, 2.3;
-1.1, 0.2; -0.6, 1.6; -0.8, -0.9; 0.8, 0.6; -2.5, -0.8; 0.4, -0.3; 0, 0.2; -3.6, 0.4;
0.5, -2.9; -0.7, 1.6; -1.5, 1.3; 3.6, 0.4; -2.8, -3.1; 2.9, 0.1; -1.2, -2.5; 0.4, 0.1;
1.2, 1.8; -1, -0.8; -1.5, -0.7; -0.7, -2; -0.2, 3.2; 1.8, 0.6; 1, -0.7; 2.4, 0.6; 3.6,
1.1; 0.1, -0.6
"""
_OFF = """
1.35, 2.15; 2.6, 2.2; 4.2, 0.55; 1.85, 2.05; 4.2, 1.55; 2.7, 1; 2.1, 3.45; 2.45, 0.9;
2.3, 1.4; 1.85, 2.25; 2.05, 2.75; 2.5, 1.6; 3.55, 1.65; 0.65, 3.45; 1.5, 2.8; 1.2, 3.2;
2.6, 1.7; 1.35, 2.75; 1, 2.45; 2.7, 1.1; 4.45, 0.75; 0.4, 4.05; 1.4, 3; 2.2, 0.95; 2.4,
1.9; 3.55, 0.25; 3.3, 0.55; 2.1, 1.8; 4.7, 0.4; 5.95, -0.65
"""
_THREE = """
3.1, 3.8, 1.2; 0.4, -1.6, 1.4; 1.1, 1.1, 0; -1, -0.8, 0; 4.1, 1.1, 2.2; -0.7, -0.9,
-0.9; 0, -1.7, -0.3; 1.2, -0.6, -0.2; 3.2, 1.8, 1.1; 1.3, 3.4, 0.7; -1, -1.2, -1.4; 0.2,
-1.4, -0.3; 0, -2, -0.3; 1.6, 0.8, 1.1; -1.9, -0.3, -1.9; 0.6, 3.2, 0.3; -1.6, 0, 0.3;
-0.9, -2, -0.2; -2.3, 0, -0.8; -1.8, 1, -0.8; 1.3, -0.5, 0.2; 0.9, -0.4, -0.5; -1, -0.8,
-0.2; 1.4, -0.4, 1.3; 0.3, -0.5, 1.3; -3.9, -1, -1.5; -0.1, -0.6, -1.2; -2.7, -0.6,
-1.1; -2.6, -0.3, -1.9; 1.8, 1.7, 2.5; -3.7, -1.2, -2.9; -0.2, -2.9, 0.2; 1.6, 0.8, 0.8;
0, 1.1, 0.3; -0.2, -0.4, -0.4; 1.5, 2.5, 2
"""
_CROSS = """
3, 0.5; 3, -0.5; -3, 0.5; -3, -0.5; 2.25, 1.25; 2.25, -1.25; -2.25, 1.25; -2.25, -1.25;
1.5, 0.75; 1.5, -0.75; -1.5, 0.75; -1.5, -0.75; 0.75, 1.75; 0.75, -1.75; -0.75, 1.75;
-0.75, -1.75; 0.5, 0.25; 0.5, -0.25; -0.5, 0.25; -0.5, -0.25; 1.25, 2; 1.25, -2; -1.25,
2; -1.25, -2
"""


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    turning = {"X": _points(_CLOUD), "direction": [-0.6, 1.6]}
    exercise = [[2, 1, 0.5], [-1, 0.5, -1], [3, 1.5, 1], [-2, -1.5, 0], [0.5, -1, 1.5]]
    cross = _points(_CROSS)
    held = {"noise": 0.25, "learn_noise": False}
    return {
        "turning": Preset(
            "Turning",
            params(noise=0.3, steps=12),
            "u swings round to the long axis of the cloud, as fast as power iteration.",
            turning,
            2,
        ),
        "exercise": Preset(
            "Exercise",
            params(noise=0.8, steps=30),
            "Five points of the exercise: after one step u = (1.37, 0.83, 0.24), σ² = 0.879.",
            {"X": exercise, "direction": [1, 0.5, -0.5]},
            1,
        ),
        "three": Preset(
            "Three dimensions",
            params(noise=0.5, steps=16, seed=6),
            "C is an ellipsoid, and its shadow an ellipse. The start is drawn.",
            {"X": _points(_THREE), "direction": []},
            1,
        ),
        "near-saddle": Preset(
            "Near the saddle",
            params(**held, steps=45),
            "A millionth off the right angle: EM seems done for twenty steps, then it turns.",
            {"X": cross, "direction": [1e-6, 1]},
            12,
        ),
        "saddle": Preset(
            "On the saddle",
            params(**held, steps=20),
            "Exactly at right angles to q₁: EM settles on the wrong axis for good.",
            {"X": cross, "direction": [0, 1]},
            20,
        ),
        "drowned": Preset(
            "σ² past λ₁",
            params(noise=5.0, learn_noise=False, steps=20),
            "A fixed σ² of 5 is more than λ₁ = 4.4: u shrinks to 0.",
            turning,
            6,
        ),
        "off-centre": Preset(
            "Off centre",
            params(noise=0.5, steps=12),
            "The model's mean is 0, so u points at the cloud and not along it.",
            {"X": _points(_OFF), "direction": [1.2, -1]},
            6,
        ),
        "zero": Preset(
            "u = 0",
            params(noise=1.0, steps=8),
            "With u = 0 every E[z] is 0, and u = 0 it stays; only σ² moves.",
            {"X": _points(_CLOUD), "direction": [0, 0]},
            1,
        ),
    }


def _points(text: str) -> list[list[float]]:
    return [[float(word) for word in row.split(",")] for row in text.split(";")]
