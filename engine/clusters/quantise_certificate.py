"""Judges of a quantised picture that know none of the pruning that made it."""

from typing import TYPE_CHECKING

import numpy as np

from engine.certificate import Certificate, Check

if TYPE_CHECKING:
    from engine.clusters.quantise import Painted

MOST_PAIRS = 1_000_000  # colours times centres times states, all distances written out
MOST_PIXELS = 2_000_000


def certificate(trace: "Painted") -> Certificate:
    """All checks of one run, or of one with a slip in it."""
    checks = [_labels(trace), _distortion(trace), _falls(trace), *_centres(trace)]
    if np.isfinite(trace.optimum):
        gap = (trace.distortion - trace.optimum) / max(trace.optimum, 1.0)
        name = "D - D^*"
        checks.append(Check(name, "the global optimum", np.minimum(gap, 0), 0 * gap, 1e-9))
    if trace.pixels <= MOST_PIXELS:
        checks += _painted(trace)
    return Certificate(tuple(checks))


def _labels(trace: "Painted") -> Check:
    """The nearest entry by all distances: of every colour, or of every so-many-th."""
    run = trace.made.trace
    every = -(-run.labels.size * trace.k // MOST_PAIRS)
    x, got = run.points[::every], run.labels[:, ::every]
    want = np.empty_like(got)
    for t, centres in enumerate(run.centres):
        total = np.zeros((len(x), len(centres)))
        for d in range(x.shape[1]):
            away = x[:, d, None] - centres[None, :, d]
            total += away * away if run.params.norm == "l2" else np.abs(away)
        want[t] = total.argmin(axis=1)
    which = "all distances" if every == 1 else f"all distances of each {_th(every)} colour"
    return Check("r_n", which, got, want, 0)


def _th(n: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(n % 10 if n % 100 not in (11, 12, 13) else 0, "th")
    return f"{n}{ending}"


def _distortion(trace: "Painted") -> Check:
    """From each pixel's colour and its entry's, with the labels painted."""
    run = trace.made.trace
    want = np.zeros(len(run))
    for t, (centres, labels) in enumerate(zip(run.centres, run.labels, strict=True)):
        each = np.zeros(len(run.points))
        for x, at in zip(run.points.T, centres.T, strict=True):
            away = x - at[labels]
            each += away * away if run.params.norm == "l2" else np.abs(away)
        want[t] = run.weights @ each
    scale = max(float(want[0]), 1.0)
    return Check("D / D_0", "sums over all colours", run.distortion / scale, want / scale, 1e-11)


def _falls(trace: "Painted") -> Check:
    rise = np.diff(trace.distortion) / max(float(trace.distortion[0]), 1.0)
    return Check("D_{t+1} - D_t", "a fall at every step", np.maximum(rise, 0), 0 * rise, 1e-12)


def _centres(trace: "Painted") -> list[Check]:
    """Each living entry is the middle of what it painted a step before.

    Steps that put a dead entry elsewhere are left out: other clusters gave colours up for it.
    """
    run, w = trace.made.trace, trace.made.trace.weights
    got, want, more = [], [], []
    for t in range(len(run) - 1):
        if run.reseeded[t + 1].any():
            continue
        labels, K = run.labels[t], run.params.k
        size = np.bincount(labels, w, K)
        some = size > 0
        for d, x in enumerate(run.points.T):
            moved = run.centres[t + 1, :, d]
            if run.params.norm == "l2":
                mean = np.bincount(labels, w * x, K)[some] / size[some]
                got.append(moved[some])
                want.append(mean)
                continue
            for side in (x < moved[labels], x > moved[labels]):
                share = np.bincount(labels, w * side, K)[some] / size[some]
                more.append(np.maximum(share - 0.5, 0))
    checks = []
    if got:
        a, b = np.concatenate(got), np.concatenate(want)
        checks.append(Check(r"\mu_k", "sums over all colours", a, b, 1e-9))
    if more:
        over = np.concatenate(more)
        half = "half of the pixels on either side"
        checks.append(Check(r"\mu_k", half, over, 0 * over, 1e-12))
    return checks


def _painted(trace: "Painted") -> list[Check]:
    """The last picture, pixel by pixel: how many have each colour, what is lost, how alike."""
    painted, palette = trace.made.recovered(), trace.palette[-1]
    kept = trace.made.colours.rgb[trace.made.colours.index].reshape(trace.picture.pixels.shape)
    error = np.square(painted.astype(int) - kept).mean()
    psnr = 10 * np.log10(255**2 / error) if error else np.inf
    flat = trace.made.labels().ravel()
    shares = np.bincount(flat, minlength=len(palette)) / flat.size
    checks = [
        Check(r"N_k / P", "the pixels painted", trace.shares[-1], shares, 1e-12),
        Check(r"\mathrm{PSNR}", "the pixels painted", trace.psnr[-1:], [psnr], 1e-10),
    ]
    if trace.pixels * len(trace) <= 60_000_000 and min(kept.shape[:2]) >= 7:
        alike = _ssim(_grey(kept), _grey(painted))
        checks.append(Check(r"\mathrm{SSIM}", "the pixels painted", trace.ssim[-1:], [alike], 1e-9))
    return checks


def _grey(rgb: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(rgb.astype(int), -1, 0)
    return (299 * red + 587 * green + 114 * blue + 500) // 1000


def _ssim(x: np.ndarray, y: np.ndarray, side: int = 7) -> float:
    """By differences of cumulative sums over the whole picture."""

    def mean(values: np.ndarray) -> np.ndarray:
        S = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        return (S[side:, side:] - S[:-side, side:] - S[side:, :-side] + S[:-side, :-side]) / side**2

    mx, my, unbiased = mean(x), mean(y), side**2 / (side**2 - 1)
    xx, yy, xy = (
        (mean(a) - b) * unbiased for a, b in ((x * x, mx**2), (y * y, my**2), (x * y, mx * my))
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mx * my + c1) * (2 * xy + c2) / ((mx**2 + my**2 + c1) * (xx + yy + c2))
    return float(alike.mean())
