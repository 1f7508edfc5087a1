"""The loops of the octree, for machine code: building it, and assigning points through it."""

import numpy as np

from engine.compiled import native

FEW = 4  # a box of no more points is not worth opening
SAFE = 1e-9  # a centre is dropped only if it is farther by more than rounding could make it


@native
def count_boxes(codes, shifts):
    """How many boxes the tree of these sorted codes has."""
    count = len(shifts)
    for j in range(1, len(codes)):
        differ = codes[j] ^ codes[j - 1]
        for level in range(len(shifts)):
            if differ >> shifts[level]:
                count += len(shifts) - level
                break
    return count


@native
def build(codes, shifts, points, weights, span, box):
    """Fill ``span`` and ``box`` depth first; a box has low, high, weight, sum and inertia."""
    depth, n, made = len(shifts), len(codes), 0
    path = np.zeros(depth, np.int64)
    parent = np.full(len(span), -1)
    for j in range(n):
        first = 0
        if j > 0:
            differ, first = codes[j] ^ codes[j - 1], depth
            for level in range(depth):
                if differ >> shifts[level]:
                    first = level
                    break
        for level in range(first, depth):
            if j > 0:
                span[path[level], 1], span[path[level], 3] = j, made
        for level in range(first, depth):
            path[level] = made
            span[made, 0], span[made, 2] = j, level
            if level > 0:
                parent[made] = path[level - 1]
            made += 1
        leaf = path[depth - 1]
        for d in range(3):
            x = points[j, d]
            if span[leaf, 0] == j:
                box[leaf, d] = box[leaf, 3 + d] = x
            box[leaf, d], box[leaf, 3 + d] = min(box[leaf, d], x), max(box[leaf, 3 + d], x)
            box[leaf, 7 + d] += weights[j] * x
        box[leaf, 6] += weights[j]
    for level in range(depth):
        span[path[level], 1], span[path[level], 3] = n, made
    for i in range(made - 1, -1, -1):
        p = parent[i]
        if p < 0:
            continue
        last = span[i, 1] == span[p, 1]  # children come from the last to the first
        for d in range(3):
            low, high = box[i, d], box[i, 3 + d]
            box[p, d] = low if last else min(box[p, d], low)
            box[p, 3 + d] = high if last else max(box[p, 3 + d], high)
            box[p, 7 + d] += box[i, 7 + d]
        box[p, 6] += box[i, 6]
    for i in range(made - 1, -1, -1):
        if box[i, 6] == 0:
            continue
        if span[i, 2] == depth - 1:
            for j in range(span[i, 0], span[i, 1]):
                for d in range(3):
                    gap = points[j, d] - box[i, 7 + d] / box[i, 6]
                    box[i, 10] += weights[j] * gap * gap
        p = parent[i]
        if p >= 0:
            box[p, 10] += box[i, 10]
            for d in range(3):
                gap = box[i, 7 + d] / box[i, 6] - box[p, 7 + d] / box[p, 6]
                box[p, 10] += box[i, 6] * gap * gap


@native
def candidates_l2(box, centres, given, many, kept, gaps):
    """Of the ``many`` centres ``given``, keep those that may be nearest to a point of the box."""
    m0, m1, m2 = (box[0] + box[3]) / 2, (box[1] + box[4]) / 2, (box[2] + box[5]) / 2
    h0, h1, h2 = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    best, least = 0, np.inf
    for q in range(many):
        c = given[q]
        g0, g1, g2 = m0 - centres[c, 0], m1 - centres[c, 1], m2 - centres[c, 2]
        gap = g0 * g0 + g1 * g1 + g2 * g2
        gaps[q] = gap
        if gap < least:
            best, least = c, gap
    a0, a1, a2 = centres[best, 0], centres[best, 1], centres[best, 2]
    left = 0
    for q in range(many):
        c = given[q]
        reach = (
            abs(a0 - centres[c, 0]) * h0
            + abs(a1 - centres[c, 1]) * h1
            + abs(a2 - centres[c, 2]) * h2
        )
        if gaps[q] - least - reach <= SAFE * (gaps[q] + reach):
            kept[left] = c
            left += 1
    return left


@native
def assign_l2(span, box, points, weights, centres, labels, sums):
    """Nearest centres by squared distance; ``sums`` gets weight and weighted sum of each cluster.

    Returns the distortion. A settled box adds its inertia and its weight times the squared distance
    of its mean: no difference of large numbers.
    """
    depths, K = 1 + span[:, 2].max(), len(centres)
    kept, left = np.empty((depths + 1, K), np.int64), np.empty(depths + 1, np.int64)
    kept[0], left[0], gaps = np.arange(K), K, np.empty(K)
    total, i = 0.0, 0
    while i < len(span):
        first, end, depth, after = span[i, 0], span[i, 1], span[i, 2], span[i, 3]
        mine = kept[depth + 1]
        many = candidates_l2(box[i], centres, kept[depth], left[depth], mine, gaps)
        left[depth + 1] = many
        if many == 1:
            c, weight = mine[0], box[i, 6]
            labels[first:end] = c
            sums[c, 0] += weight
            total += box[i, 10]
            for d in range(3):
                sums[c, 1 + d] += box[i, 7 + d]
                if weight > 0:
                    gap = box[i, 7 + d] / weight - centres[c, d]
                    total += weight * gap * gap
            i = after
        elif after == i + 1 or end - first <= FEW:
            for j in range(first, end):
                x0, x1, x2 = points[j, 0], points[j, 1], points[j, 2]
                best, least = 0, np.inf
                for q in range(many):
                    c = mine[q]
                    g0, g1, g2 = x0 - centres[c, 0], x1 - centres[c, 1], x2 - centres[c, 2]
                    gap = g0 * g0 + g1 * g1 + g2 * g2
                    if gap < least:
                        best, least = c, gap
                weight = weights[j]
                labels[j] = best
                sums[best, 0] += weight
                sums[best, 1] += weight * x0
                sums[best, 2] += weight * x1
                sums[best, 3] += weight * x2
                total += weight * least
            i = after
        else:
            i += 1
    return total


@native
def candidates_l1(box, centres, given, many, kept, gaps):
    """The same by absolute distance, where the difference of two is monotone along each axis."""
    best, least = 0, np.inf
    for q in range(many):
        c, gap = given[q], 0.0
        for d in range(3):
            gap += abs((box[d] + box[3 + d]) / 2 - centres[c, d])
        gaps[q] = gap
        if gap < least:
            best, least = c, gap
    left = 0
    for q in range(many):
        c, worst = given[q], 0.0
        for d in range(3):
            a, b = centres[best, d], centres[c, d]
            low, high = box[d], box[3 + d]
            worst += min(abs(low - b) - abs(low - a), abs(high - b) - abs(high - a))
        if worst <= SAFE * (gaps[q] + least):
            kept[left] = c
            left += 1
    return left


@native
def assign_l1(span, box, points, weights, centres, labels, sizes):
    """Nearest centres by absolute distance; ``sizes`` gets the weights. Returns the distortion."""
    depths, K = 1 + span[:, 2].max(), len(centres)
    kept, left = np.empty((depths + 1, K), np.int64), np.empty(depths + 1, np.int64)
    kept[0], left[0], gaps = np.arange(K), K, np.empty(K)
    total, i = 0.0, 0
    while i < len(span):
        first, end, depth, after = span[i, 0], span[i, 1], span[i, 2], span[i, 3]
        mine = kept[depth + 1]
        many = candidates_l1(box[i], centres, kept[depth], left[depth], mine, gaps)
        left[depth + 1] = many
        if many > 1 and after > i + 1 and end - first > FEW:
            i += 1
            continue
        for j in range(first, end):
            best, least = 0, np.inf
            for q in range(many):
                c = mine[q]
                gap = abs(points[j, 0] - centres[c, 0]) + abs(points[j, 1] - centres[c, 1])
                gap += abs(points[j, 2] - centres[c, 2])
                if gap < least:
                    best, least = c, gap
            labels[j] = best
            sizes[best] += weights[j]
            total += weights[j] * least
        i = after
    return total
