"""Weighted medians of all clusters along every axis, for machine code."""

import numpy as np

from engine.compiled import native


@native
def medians(orders, points, weights, labels, sizes, moved):
    """Weighted medians of all clusters at once: one walk along each axis, in rising order."""
    run, low = np.empty(len(sizes)), np.empty(len(sizes))
    state = np.empty(len(sizes), np.int8)  # 0: below half, 1: at half, 2: past it
    for d in range(len(orders)):
        run[:], state[:] = 0.0, 0
        for j in orders[d]:
            c, weight = labels[j], weights[j]
            if state[c] == 2 or weight == 0:
                continue
            x = points[j, d]
            if state[c] == 1:
                moved[c, d], state[c] = (low[c] + x) / 2, 2
                continue
            run[c] += weight
            if run[c] * 2 > sizes[c]:
                moved[c, d], state[c] = x, 2
            elif run[c] * 2 == sizes[c]:
                low[c], state[c] = x, 1


@native
def byte_medians(points, weights, labels, sizes, moved, dims):
    """The same for coordinates that are bytes: from a histogram for each cluster, unsorted."""
    held = np.empty((len(sizes), 256))
    for d in range(dims):
        held[:] = 0.0
        for j in range(len(labels)):
            held[labels[j], int(points[j, d])] += weights[j]
        for c in range(len(sizes)):
            if sizes[c] == 0:
                continue
            run, value = 0.0, -1
            while run * 2 < sizes[c]:
                value += 1
                run += held[c, value]
            after = value
            if run * 2 == sizes[c]:
                after += 1
                while held[c, after] == 0:
                    after += 1
            moved[c, d] = (value + after) / 2
