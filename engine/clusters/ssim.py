r"""How alike two grey pictures look: the structural similarity of Wang and others (2004).

In every window of 7 x 7 pixels, with means $m$, variances $s^2$ and covariance $s_{xy}$,

$$\mathrm{SSIM} =
\frac{(2 m_x m_y + c_1)(2 s_{xy} + c_2)}{(m_x^2 + m_y^2 + c_1)(s_x^2 + s_y^2 + c_2)},
\qquad c_1 = (0.01 \cdot 255)^2, \quad c_2 = (0.03 \cdot 255)^2 \tag{1}$$

and its mean over all windows inside the picture. The sums are whole numbers, so they are exact.
"""

import numpy as np
from jaxtyping import UInt8

from engine.compiled import native
from engine.data import DataError

WINDOW = 7
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(
    x: UInt8[np.ndarray, "height width"], y: UInt8[np.ndarray, "rows columns"], every: int = 1
) -> float:
    """The mean of (1), over the windows of every so-many-th row.

    A picture lower or narrower than a window is judged by the largest odd window that fits.

    >>> ssim(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8))
    1.0
    """
    if x.shape != y.shape or x.ndim != 2 or x.size == 0:
        raise DataError(f"pictures must have one shape (height, width), got {x.shape}, {y.shape}.")
    side = min(WINDOW, *((n - 1) // 2 * 2 + 1 for n in x.shape))
    return float(_mean(np.ascontiguousarray(x), np.ascontiguousarray(y), side, every))


@native
def _mean(x, y, side, every):
    """Sums of the columns of a row of windows, kept from row to row; then along the row."""
    height, width = x.shape
    column, window = np.zeros((5, width), np.int64), np.zeros(5, np.int64)
    n = side * side
    unbiased = n / (n - 1) if n > 1 else 1.0
    total, windows = 0.0, 0
    for top in range(0, height - side + 1, every):
        fresh = top == 0 or every != 1
        if fresh:
            column[:] = 0
        for row in range(top if fresh else top + side - 1, top + side):
            for c in range(width):
                a, b = np.int64(x[row, c]), np.int64(y[row, c])
                column[0, c] += a
                column[1, c] += b
                column[2, c] += a * a
                column[3, c] += b * b
                column[4, c] += a * b
                if not fresh:
                    a, b = np.int64(x[top - 1, c]), np.int64(y[top - 1, c])
                    column[0, c] -= a
                    column[1, c] -= b
                    column[2, c] -= a * a
                    column[3, c] -= b * b
                    column[4, c] -= a * b
        window[:] = 0
        for c in range(width):
            for i in range(5):
                window[i] += column[i, c]
                if c >= side:
                    window[i] -= column[i, c - side]
            if c >= side - 1:
                mx, my = window[0] / n, window[1] / n
                xx = (window[2] / n - mx * mx) * unbiased
                yy = (window[3] / n - my * my) * unbiased
                xy = (window[4] / n - mx * my) * unbiased
                alike = (2 * mx * my + C1) * (2 * xy + C2)
                total += alike / ((mx * mx + my * my + C1) * (xx + yy + C2))
                windows += 1
    return total / windows
