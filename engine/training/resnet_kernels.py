"""One training step of the small ResNet, differentiated by hand, for machine code."""

from typing import Any, NamedTuple

import numpy as np

from engine.compiled import native
from engine.training.resnet_layers import (
    EPSILON,
    MOMENTUM,
    gather,
    masked,
    norm_back,
    normalise,
    rectified,
    softmax,
    statistics,
    stem,
    stem_back,
    stem_slope,
    stem_statistics,
    summed,
)  # fmt: skip
from engine.training.resnet_products import drop, lift, multiply, outer, tapped, untapped


class Net(NamedTuple):
    """Weights, or gradients by them, as views of one flat array; a norm holds scale and shift."""

    stem: Any  # (C, 9)
    norm0: Any  # (2, C)
    conv1: Any  # (9, C, C)
    norm1: Any
    conv2: Any
    norm2: Any
    linear: Any  # (1, 10, C)
    bias: Any  # (10,)


class Space(NamedTuple):
    """What a pass over N samples writes."""

    x: Any  # (81, N) pictures with a blank row above and a blank column to the left
    moments: Any  # (90,) sums over samples and places of the patches and of their products
    best: Any  # (C, 4, N) what max-pooling kept, normalised
    which: Any  # (C, 4, N) and where it stood
    u1: Any  # (9, C, N) lifted input of the first convolution of the block
    v1: Any  # (C, 4, N) its output, normalised
    u2: Any  # (9, C, N)
    v2: Any  # (C, 4, N)
    out: Any  # (C, 4, N) what leaves the block
    m: Any  # (9, C, N)
    d: Any  # (C, 4, N) gradients on their way back
    e: Any  # (C, 4, N)
    pooled: Any  # (1, C, N)
    logits: Any  # (1, 10, N)
    chances: Any  # (1, 10, N)
    total: Any  # (2, N) largest logit and sum of exponentials
    bits: Any  # (N,) room for whole numbers
    power: Any  # (N,) the same room, read as floats
    stats: Any  # (3, 2, C) mean and 1 / standard deviation of each norm
    taps: Any  # (2, 9, C, C) the nine matrices of each convolution
    products: Any  # (9, C, C) gradients by them


class Mode(NamedTuple):
    """What a pass does."""

    norm: bool
    skip: bool
    known: bool  # running statistics in place of those of the samples
    train: bool
    fresh: bool  # other pictures than before


@native
def settle(count, stats, running, mode):
    """Which statistics a norm goes by; those of the samples are noted in the running ones."""
    for c in range(stats.shape[1]):
        if not mode.norm:
            stats[0, c], stats[1, c] = 0, 1
        elif mode.known:
            stats[0, c] = running[0, c]
            stats[1, c] = 1 / np.sqrt(running[1, c] + EPSILON)
        else:
            variance = (1 / np.float64(stats[1, c]) ** 2 - EPSILON) * count / (count - 1)
            running[0, c] += MOMENTUM * (stats[0, c] - running[0, c])
            running[1, c] += MOMENTUM * (variance - running[1, c])


@native(reorder=True)
def head(h, v, norm, skip, out, pooled):
    """Skip connection, ReLU, global average."""
    for c in range(len(pooled)):
        scale, shift, to = norm[0, c], norm[1, c], pooled[c]
        zero = shift - shift
        keep = zero + 1 if skip else zero
        for n in range(len(to)):
            to[n] = 0
        for p in range(4):
            before, value, row = h[c, p], v[c, p], out[c, p]
            for n in range(len(to)):
                y = scale * value[n] + shift + keep * before[n]
                y = zero if y < zero else y  # NaN stays NaN
                row[n] = y
                to[n] += y
        for n in range(len(to)):
            to[n] /= 4


@native(reorder=True)
def loss_back(chances, labels, rows, bias):
    """``chances`` becomes the gradient of the mean loss by the logits."""
    for n in range(len(rows)):
        chances[labels[rows[n]], n] -= 1
    for j in range(10):
        row, total = chances[j], chances[j, 0] - chances[j, 0]
        for n in range(len(rows)):
            row[n] /= len(rows)
            total += row[n]
        bias[j] = total


@native(reorder=True)
def head_back(pooled, out, d):
    """Back through the average and the last ReLU."""
    for c in range(len(pooled)):
        g, zero = pooled[c], pooled[c, 0] - pooled[c, 0]
        for p in range(4):
            row, y = d[c, p], out[c, p]
            for n in range(len(g)):
                row[n] = g[n] / 4 if y[n] > zero else zero


@native(reorder=True)
def descend(theta, gradient, lr):
    """One step of gradient descent."""
    for k in range(len(theta)):
        theta[k] -= lr * gradient[k]


@native(reorder=True)
def skipped(pooled, out, d):
    """Add what came back along the skip connection."""
    for c in range(len(pooled)):
        g, zero = pooled[c], pooled[c, 0] - pooled[c, 0]
        for p in range(4):
            row, y = d[c, p], out[c, p]
            for n in range(len(g)):
                row[n] += g[n] / 4 if y[n] > zero else zero


@native
def run(theta, gradient, lr, net, slope, space, data, batches, running, mode):
    """Look at one batch after another (rows of ``batches``), and learn if ``mode.train``."""
    x, d, e, m, u1, u2 = space.x, space.d, space.e, space.m, space.u1, space.u2
    best, v1, v2, out, pooled = space.best, space.v1, space.v2, space.out, space.pooled
    stats, taps, products, moments = space.stats, space.taps, space.products, space.moments
    N, chances = x.shape[1], space.chances
    for i in range(len(batches)):
        rows = batches[i]
        if mode.fresh:
            gather(data[0], rows, x)
            summed(data[1], rows, moments)
        stem(x, net.stem, net.norm0[0], best, space.which)
        stem_statistics(net.stem, moments, 16 * N, stats[0, 0], stats[0, 1])
        settle(16 * N, stats[0], running[0], mode)
        normalise(best, stats[0, 0], stats[0, 1])
        rectified(best, net.norm0, d)
        tapped(net.conv1, taps[0])
        lift(d, u1, False)
        multiply(taps[0], False, u1, m)
        drop(m, v1, False)
        statistics(v1, stats[1, 0], stats[1, 1])
        settle(4 * N, stats[1], running[1], mode)
        normalise(v1, stats[1, 0], stats[1, 1])
        rectified(v1, net.norm1, e)
        tapped(net.conv2, taps[1])
        lift(e, u2, False)
        multiply(taps[1], False, u2, m)
        drop(m, v2, False)
        statistics(v2, stats[2, 0], stats[2, 1])
        settle(4 * N, stats[2], running[2], mode)
        normalise(v2, stats[2, 0], stats[2, 1])
        head(d, v2, net.norm2, mode.skip, out, pooled[0])
        multiply(net.linear, False, pooled, space.logits)
        logits = space.logits[0]
        softmax(logits, net.bias, chances[0], space.total, space.bits, space.power)
        if not mode.train:
            continue
        loss_back(chances[0], data[2], rows, slope.bias)
        outer(chances, pooled, slope.linear)
        multiply(net.linear, True, chances, pooled)
        head_back(pooled[0], out, d)
        norm_back(d, v2, net.norm2, stats[2, 1], slope.norm2, mode.norm)
        lift(d, m, True)
        outer(m, u2, products)
        untapped(products, slope.conv2)
        multiply(taps[1], True, m, u2)
        drop(u2, e, True)
        masked(e, v1, net.norm1)
        norm_back(e, v1, net.norm1, stats[1, 1], slope.norm1, mode.norm)
        lift(e, m, True)
        outer(m, u1, products)
        untapped(products, slope.conv1)
        multiply(taps[0], True, m, u1)
        drop(u1, d, True)
        if mode.skip:
            skipped(pooled[0], out, d)
        masked(d, best, net.norm0)
        stem_back(x, d, space.which, slope.stem)
        norm_back(d, best, net.norm0, stats[0, 1], slope.norm0, False)
        if mode.norm:
            stem_slope(
                net.stem, moments, 16 * N, stats[0, 0], stats[0, 1], net.norm0[0], slope.norm0,
                slope.stem,
            )  # fmt: skip
        else:
            slope.norm0[:] = 0
            slope.norm1[:] = 0
            slope.norm2[:] = 0
        descend(theta, gradient, lr)


@native
def judged(logits, total, labels, rows):
    """Mean cross-entropy and error of what a pass left."""
    loss, wrong = 0.0, 0
    for n in range(len(rows)):
        label, guess = labels[rows[n]], 0
        for j in range(1, 10):
            if logits[j, n] > logits[guess, n]:
                guess = j
        gap = np.float64(total[0, n]) - np.float64(logits[label, n])
        loss += gap + np.log(np.float64(total[1, n]))
        wrong += guess != label
    return loss / len(rows), wrong / len(rows)
