"""Small trees that vote: the best cut under weights, over all features and thresholds at once.

What is optimal: a tree of depth 1 is *the* stump of least weighted error, of all features, all
thresholds halfway between neighbouring values, and all pairs of classes. In a tree of depth 2 or 3
the upper cuts are greedy (least weighted Gini impurity, as CART has it), and the last cut of every
branch is again the best stump for what arrives there.

Ties (to 1e-12 of the weight): no cut before a cut, then the first feature, the lowest threshold,
the lowest class.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.compiled import native

TIE = 1e-12
NONE = -1  # the feature of a node without a cut: everything goes left


class Tree(NamedTuple):
    """A whole binary tree: node j has the children 2j + 1 (value <= threshold) and 2j + 2."""

    feature: np.ndarray
    threshold: np.ndarray
    leaf: np.ndarray


@dataclass(frozen=True, eq=False)
class Sorted:
    """Points sorted once: ``values`` (D, N) in rising order, ``order`` says whose they are."""

    X: np.ndarray
    values: np.ndarray
    order: np.ndarray


def presorted(X: np.ndarray) -> Sorted:
    """Every feature in rising order."""
    columns = np.ascontiguousarray(X.T)
    order = np.argsort(columns, axis=1, kind="stable")
    return Sorted(X, np.take_along_axis(columns, order, axis=1), order)


@native
def best_cut(values, order, y, weight, classes, gini):
    """Feature and place of the best cut (behind that place), or -1, -1.

    The cost of a side is its weight without its heaviest class, or ``gini`` times its impurity.
    """
    D, N = values.shape
    total, heap = 0.0, np.zeros(classes)
    for i in order[0]:
        total += weight[i]
        heap[y[i]] += weight[i]
    edge, best = TIE * total, total - heap.max()
    if gini:
        best = np.inf
    feature, place, right = -1, -1, np.empty(N)
    for d in range(D):
        if values[d, 0] == values[d, N - 1]:
            continue
        heap[:] = 0.0
        side, top, squares = 0.0, 0.0, 0.0
        for p in range(N - 1, 0, -1):
            i = order[d, p]
            w = weight[i]
            squares += w * (2 * heap[y[i]] + w)
            side += w
            heap[y[i]] += w
            top = max(top, heap[y[i]])
            right[p] = side - top
            if gini:
                right[p] = side - squares / side if side > 0 else 0.0
        heap[:] = 0.0
        side, top, squares = 0.0, 0.0, 0.0
        for p in range(N - 1):
            i = order[d, p]
            w = weight[i]
            squares += w * (2 * heap[y[i]] + w)
            side += w
            heap[y[i]] += w
            top = max(top, heap[y[i]])
            if values[d, p] < values[d, p + 1]:
                cost = side - top
                if gini:
                    cost = side - squares / side if side > 0 else 0.0
                if cost + right[p + 1] < best - edge:
                    best, feature, place = cost + right[p + 1], d, p
    return feature, place


def grow(points: Sorted, y: np.ndarray, weight: np.ndarray, classes: int, depth: int) -> Tree:
    """The tree that votes under these weights."""
    inner = 2**depth - 1
    tree = Tree(np.full(inner, NONE), np.zeros(inner), np.zeros(inner + 1, int))
    _grow(tree, points, np.arange(len(y)), y, weight, classes, depth, 0)
    return tree


def _grow(
    tree: Tree, points: Sorted, here: np.ndarray, y: np.ndarray, weight: np.ndarray, classes: int,
    depth: int, node: int,
) -> None:  # fmt: skip
    """Fill in what is below ``node``, where the points ``here`` arrive."""
    if depth == 0:
        heap = np.bincount(y[here], weight[here], classes)
        tree.leaf[node - len(tree.feature)] = int(np.argmax(heap >= heap.max() - TIE * heap.sum()))
        return
    values, order = points.values, points.order
    if len(here) < len(y):
        arrives = np.zeros(len(y), bool)
        arrives[here] = True
        kept = arrives[order]
        values, order = (a[kept].reshape(len(a), len(here)) for a in (values, order))
    one = (y[here] == y[here[0]]).all()
    feature, place = NONE, -1
    if not one:
        feature, place = best_cut(values, order, y, weight, classes, depth > 1)
    if feature == NONE:
        for child in (2 * node + 1, 2 * node + 2):
            _grow(tree, points, here, y, weight, classes, depth - 1, child)
        return
    low, high = values[feature, place], values[feature, place + 1]
    middle = low + 0.5 * (high - low)
    tree.feature[node], tree.threshold[node] = feature, low if middle >= high else middle
    right = points.X[here, feature] > tree.threshold[node]
    for child, side in ((2 * node + 1, here[~right]), (2 * node + 2, here[right])):
        _grow(tree, points, side, y, weight, classes, depth - 1, child)


def votes_of(tree: Tree, X: np.ndarray) -> np.ndarray:
    """The class that a tree gives each row of X."""
    node, rows = np.zeros(len(X), int), np.arange(len(X))
    while len(node) and node[0] < len(tree.feature):
        feature = tree.feature[node]
        right = (feature != NONE) & (X[rows, feature] > tree.threshold[node])
        node = 2 * node + 1 + right
    return tree.leaf[node - len(tree.feature)]


def stacked(trees: list[Tree]) -> list[np.ndarray]:
    """Features, thresholds and leaves of all trees; nothing where there are none."""
    if not trees:
        return [np.zeros((0, 0), int), np.zeros((0, 0)), np.zeros((0, 0), int)]
    return [np.stack(part) for part in zip(*trees, strict=True)]
