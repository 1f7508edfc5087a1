"""CIE L*a*b* of sRGB colours and back: white D65, two degrees, as scikit-image has it."""

import numpy as np

TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
TO_RGB = np.linalg.inv(TO_XYZ)
WHITE = np.array([0.95047, 1.0, 1.08883])
BEND, SLOPE, LIFT = 0.008856, 7.787, 16 / 116


def from_rgb(colours: np.ndarray) -> np.ndarray:
    """uint8 colours (N, 3) as L*, a*, b*."""
    byte = np.arange(256) / 255
    linear = np.where(byte > 0.04045, ((byte + 0.055) / 1.055) ** 2.4, byte / 12.92)
    t = linear[colours] @ TO_XYZ.T / WHITE
    f = np.where(t > BEND, np.cbrt(t), SLOPE * t + LIFT)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    """The nearest uint8 colours; what a screen cannot show is clipped."""
    y = (lab[:, 0] + 16) / 116
    f = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    t = np.where(f > np.cbrt(BEND), f**3, (f - LIFT) / SLOPE)
    linear = np.clip(t * WHITE @ TO_RGB.T, 0, 1)
    srgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.round(srgb * 255).astype(np.uint8)
