"""A start worth having: many cheap runs on a coarse picture, and the best of them."""

import numpy as np

from engine.clusters import lloyd
from engine.clusters.collapse import Colours
from engine.clusters.octree import grown
from engine.clusters.starts import plusplus

RESTARTS, SOON = 20, 6  # starts, and the steps after which a third of them go on
FEW = 10_000  # colours; with no more, cells would save too little
STEPS = 30


def best_start(colours: Colours, params: lloyd.Params) -> np.ndarray:
    """The best of twenty k-means++ starts, each refined on the means of cells of 8 x 8 x 8 colours.

    Some thousand cells stand for a hundred thousand colours. Of few colours, or for more centres
    than a fourth of the cells, the colours themselves are taken.
    """
    cells, weights = _cells(colours)
    if len(colours.points) <= FEW or len(cells) < 4 * params.k:
        cells, weights = colours.points, colours.weights
    tree, rng = grown(cells, weights), np.random.default_rng(params.seed)

    def refined(firsts: list[np.ndarray], steps: int) -> list[np.ndarray]:
        """Where the starts end, the best first."""
        asked = lloyd.Params(k=params.k, norm=params.norm, steps=steps)
        runs = (lloyd.descend(cells, weights, first, asked, tree) for first in firsts)
        return [run.centres[-1] for run in sorted(runs, key=lambda run: run.distortion[-1])]

    firsts = [plusplus(cells, weights, params.k, params.norm, rng) for _ in range(RESTARTS)]
    return refined(refined(firsts, SOON)[: RESTARTS // 3], STEPS)[0]


def _cells(colours: Colours) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each cell's colours, and its weight; colours of a cell stand side by side."""
    corner = colours.rgb >> 3
    begins = np.flatnonzero(np.r_[True, (corner[1:] != corner[:-1]).any(axis=1)])
    weights = np.add.reduceat(colours.weights, begins)
    sums = np.add.reduceat(colours.points * colours.weights[:, None], begins, axis=0)
    return sums / weights[:, None], weights
