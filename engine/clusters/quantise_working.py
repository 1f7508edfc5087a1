r"""The working of one pixel: how far its colour is from the palette, and where its entry goes.

The tags are those of ``engine.clusters.quantise``.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.clusters.quantise import Painted

CHANNELS = {"rgb": "RGB", "lab": "Lab", "grey": "v"}


def picked(trace: "Painted", row: Any, col: Any) -> tuple[int, int]:
    """Row and column of the pixel that is worked, from 0; 0 or nothing asks for a place above and
    right of the middle."""
    height, width = trace.picture.pixels.shape[:2]
    asked = ((row, height, (2 * height + 4) // 5), (col, width, (3 * width + 3) // 4))
    y, x = (min(int(n) if n and n > 0 else usual, size) - 1 for n, size, usual in asked)
    return y, x


def around(trace: "Painted", row: int, col: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixel's colour (C,), its entry at each state, and its distances (states, K)."""
    run, width = trace.made.trace, trace.picture.pixels.shape[1]
    n = int(trace.made.colours.index[row * width + col])
    gaps = run.points[n] - run.centres
    each = gaps * gaps if run.params.norm == "l2" else np.abs(gaps)
    return run.points[n], run.labels[:, n].astype(int), each.sum(axis=2)


def working(
    trace: "Painted", slip: Slip | None = None, row: int = -1, col: int = -1
) -> tuple[Line, ...]:
    """The lines of one pixel; ``trace`` is the run with the slip in it, if there is one."""
    row, col = (row, col) if row >= 0 else picked(trace, 0, 0)
    x, r, d = around(trace, row, col)
    states = np.arange(len(r))
    lines = [_distance(trace, x, r, "r", "distance", d[states, r])]
    if trace.k > 1:
        others = np.where(np.arange(trace.k) == r[:, None], np.inf, d)
        s = others.argmin(axis=1)
        lines.append(_distance(trace, x, s, "s", "second", d[states, s]))
    late = bool(slip and slip.name == "old-labels")
    palette = r"\mu_k^{\text{old}}" if late else r"\mu_k"
    nearest = Line(
        "r", rf"\operatorname{{argmin}}_k d(x, {palette})", "", r + 1.0, {}, 1, "label", late
    )
    lines += [nearest, _move(trace, r, slip), _bits(trace)]
    if np.isfinite(trace.psnr).all():
        mse = 255.0**2 / 10 ** (trace.psnr / 10)
        ratio = r"10 \log_{10} \frac{255^2}{%s}"
        psnr = Line(
            r"\mathrm{PSNR}", ratio % r"\mathrm{MSE}", ratio % "@mse@", trace.psnr, {"mse": mse}, 6
        )
        lines.append(psnr)
    return tuple(lines)


def _distance(
    trace: "Painted", x: np.ndarray, at: np.ndarray, letter: str, name: str, value: np.ndarray
) -> Line:
    centres = trace.centres[np.arange(len(at)), at]
    square = trace.params.norm == "l2"
    one, sums = (r"(%s - %s)^2", "d") if square else (r"|%s - %s|", "d")
    parts = r" \allowbreak + ".join(one % (f"@x{c}@", f"@m{c}@") for c in range(len(x)))
    numbers: dict = {f"x{c}": float(v) for c, v in enumerate(x)}
    numbers |= {f"m{c}": centres[:, c] for c in range(len(x))}
    formula = r"\sum_c " + one % ("x_c", rf"\mu_{{{letter}c}}")
    return Line(rf"{sums}(x, \mu_{letter})", formula, parts, value, numbers, 1, name)


def _move(trace: "Painted", r: np.ndarray, slip: Slip | None) -> Line:
    """Where the first channel of the pixel's entry goes."""
    run = trace.made.trace
    w, channel, total = run.weights, run.points[:, 0], float(run.weights.sum())
    letter = CHANNELS[trace.params.space][0]
    symbol = rf"\mu_{{r,{letter}}}'"
    size, sums, middle = np.empty(len(r)), np.empty(len(r)), np.empty(len(r))
    for t, label in enumerate(r):
        mine = run.labels[t] == label
        size[t], sums[t] = w[mine].sum(), w[mine] @ channel[mine]
        if run.params.norm == "l1":
            order = np.argsort(channel[mine], kind="stable")
            ordered, ends = channel[mine][order], np.cumsum(w[mine][order])
            half = ends[-1] / 2
            low, high = np.searchsorted(ends, half), np.searchsorted(ends, half, side="right")
            middle[t] = (ordered[low] + ordered[high]) / 2
    if run.params.norm == "l1":
        formula = rf"\operatorname{{median}}\{{x_{{n{letter}}} : r_n = r\}}"
        return Line(symbol, formula, "", middle, {}, 2, "move")
    printed = bool(slip and slip.name == "all-pixels")
    below, number = ("P", np.full(len(r), total)) if printed else ("N_r", size)
    formula = rf"\frac{{1}}{{{below}}} \sum_{{n:\,r_n = r}} w_n x_{{n{letter}}}"
    numbers = {"sum": sums, "count": number}
    return Line(
        symbol, formula, r"\frac{@sum@}{@count@}", sums / number, numbers, 2, "move", printed
    )


def _bits(trace: "Painted") -> Line:
    C = 1 if trace.params.space == "grey" else 3
    numbers = {"K": float(trace.k), "C": float(C), "P": float(trace.pixels)}
    text = r"\lceil \log_2 %s \rceil + \frac{8 \cdot %s \cdot %s}{%s}"
    formula, filled = text % ("K", "C", "K", "P"), text % ("@K@", "@C@", "@K@", "@P@")
    return Line(r"\text{bits}", formula, filled, trace.bits, numbers, 5, "bits")
