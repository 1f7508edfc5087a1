"""Lloyd's assignment on torch: every colour to its nearest centre, on a GPU where there is one.

The distances are summed in the order of ``lloyd.distances`` in float64, and a later centre has to
be strictly nearer, so the labels are those of the processor. The centres then move on the host:
sums in a fixed order give the same bits each time, which a GPU's would not.
"""

from typing import Any

import numpy as np

from engine.clusters.lloyd import Look, State, middle
from engine.device import fetch, namespace, send


def looker(x: np.ndarray, w: np.ndarray, norm: str, device: str) -> Look:
    """One assignment and one move; the colours travel to the device once."""
    torch = namespace(device)
    points = [send(np.ascontiguousarray(channel), device) for channel in x.T]

    def gap(centre: np.ndarray) -> Any:
        total = torch.zeros_like(points[0])
        for channel, value in zip(points, centre.tolist(), strict=True):
            away = channel - value
            total = total + (away * away if norm == "l2" else torch.abs(away))
        return total

    def look(centres: np.ndarray) -> State:
        least = gap(centres[0])
        labels = torch.zeros_like(least, dtype=torch.uint8)
        for k in range(1, len(centres)):
            d = gap(centres[k])
            closer = d < least
            labels[closer] = k
            least = torch.where(closer, d, least)
        return _moved(x, w, centres, fetch(labels), fetch(least), norm)

    return look


def _moved(
    x: np.ndarray, w: np.ndarray, centres: np.ndarray, labels: np.ndarray, least: np.ndarray,
    norm: str,
) -> State:  # fmt: skip
    K, moved = len(centres), centres.copy()
    sizes = np.bincount(labels, w, K)
    some = np.flatnonzero(sizes)
    if norm == "l2":
        sums = np.stack([np.bincount(labels, w * channel, K) for channel in x.T], axis=1)
        moved[some] = sums[some] / sizes[some, None]
    else:
        for k in some:
            moved[k] = middle(x[labels == k], w[labels == k], norm)
    return labels, sizes, float(w @ least), moved
