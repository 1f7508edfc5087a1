"""Steps of gradient descent on a two-layer network, and what it makes of pictures, as machine code.

Weights W (d + 1, h) begin with the row of biases; V (c, h) and b (c,) are the second layer, turned
so that every inner loop runs over hidden units. Pixels that are 0 are left out, which changes
nothing as long as every number is finite, and all are: |P - Y| ≤ 1, so V moves by at most 100 c
times a picture, 1e10 in the longest run; then W by less than 1e25, and no logit reaches float32's
largest number.
"""

from typing import Any, NamedTuple

import numpy as np

from engine.compiled import native

BINS = 20  # of the histogram of tanh', from 0 to 1
SATURATED = 0.01


class Space(NamedTuple):
    """What a batch of B pictures writes."""

    h: Any  # (B, h) hidden activations
    g: Any  # (B, h) gradients by what goes into the tanh
    o: Any  # (B, c) logits, then P - Y


@native(reorder=True)
def squash(h):
    """h becomes tanh h."""
    if h.itemsize == 8:
        for j in range(len(h)):
            h[j] = np.tanh(h[j])
        return
    # The library's takes one number at a time. x P(x²) / Q(x²), fitted on [0, 9], is off by 2e-8;
    # beyond 9 float32's tanh is 1.
    one, far = np.float32(1), np.float32(81.36)
    for j in range(len(h)):
        x = h[j]
        z = min(x * x, far)
        over = np.float32(1.3319384863e-8) * z + np.float32(2.0583737718e-5)
        over = (over * z + np.float32(3.4940516261e-3)) * z + np.float32(1.3379732904e-1)
        under = np.float32(7.7621563605e-7) * z + np.float32(3.2831196661e-4)
        under = (under * z + np.float32(2.5871139874e-2)) * z + np.float32(4.6713048207e-1)
        h[j] = min(max(x * (over * z + one) / (under * z + one), -one), one)


@native(reorder=True)
def forward(W, V, b, pictures, n, h, o):
    """Hidden activations and logits of picture n."""
    column, value = pictures.column, pictures.value
    p, end = pictures.start[n], pictures.start[n + 1]
    for j in range(len(h)):
        h[j] = W[0, j]
    while p + 4 <= end:
        x0, x1, x2, x3 = value[p], value[p + 1], value[p + 2], value[p + 3]
        r0, r1, r2, r3 = column[p], column[p + 1], column[p + 2], column[p + 3]
        for j in range(len(h)):
            h[j] += x0 * W[r0, j] + x1 * W[r1, j] + x2 * W[r2, j] + x3 * W[r3, j]
        p += 4
    while p < end:
        x0, r0 = value[p], column[p]
        for j in range(len(h)):
            h[j] += x0 * W[r0, j]
        p += 1
    squash(h)
    for k in range(len(b)):
        total = b[k]
        for j in range(len(h)):
            total += V[k, j] * h[j]
        o[k] = total


@native(reorder=True)
def back(V, label, h, g, o):
    """From the logits to P - Y, and on to the gradient by what goes into the tanh."""
    one = V.dtype.type(1)
    for j in range(len(h)):
        g[j] = 0
    for k in range(len(o)):
        d = one / (one + np.exp(-o[k]))
        if k == label:
            d -= one
        o[k] = d
        for j in range(len(h)):
            g[j] += d * V[k, j]
    for j in range(len(h)):
        g[j] *= one - h[j] * h[j]


@native(reorder=True)
def descend(W, V, b, pictures, n, h, g, o, eta):
    """Take one picture's gradient off the weights."""
    column, value = pictures.column, pictures.value
    for j in range(len(h)):
        W[0, j] -= eta * g[j]
    for p in range(pictures.start[n], pictures.start[n + 1]):
        x, r = eta * value[p], column[p]
        for j in range(len(h)):
            W[r, j] -= x * g[j]
    for k in range(len(b)):
        d = eta * o[k]
        b[k] -= d
        for j in range(len(h)):
            V[k, j] -= d * h[j]


@native
def walk(W, V, b, pictures, labels, rows, rates, space):
    """One step for each of ``rates``, each on the next batch of ``rows``."""
    B = len(space.h)
    for step in range(len(rates)):
        batch = rows[step * B : (step + 1) * B]
        for i in range(len(batch)):
            n, h, g, o = batch[i], space.h[i], space.g[i], space.o[i]
            forward(W, V, b, pictures, n, h, o)
            back(V, labels[n], h, g, o)
        for i in range(len(batch)):  # all gradients are by the same weights
            descend(W, V, b, pictures, batch[i], space.h[i], space.g[i], space.o[i], rates[step])


@native
def look(W, V, b, pictures, labels, space, confusion, slopes):
    """Mean loss, and how many hidden activations are saturated.

    ``confusion`` gets what was said of what, ``slopes`` the counts of tanh' (none: not looked at).
    """
    h, o = space.h[0], space.o[0]
    loss, saturated = 0.0, 0
    for n in range(len(labels)):
        forward(W, V, b, pictures, n, h, o)
        label, said = labels[n], 0
        # log(1 + e1) + log(1 + e2) + … takes one logarithm: a factor is at most 2.
        product = 1.0
        for k in range(len(o)):
            z = np.float64(o[k])
            loss += max(-z if k == label else z, 0.0)
            product *= 1 + np.exp(-abs(z))
            if o[k] > o[said]:
                said = k
        loss += np.log(product)
        confusion[label, said] += 1
        for j in range(len(h) if len(slopes) else 0):
            slope = 1 - np.float64(h[j]) * np.float64(h[j])
            slopes[min(int(slope * len(slopes)), len(slopes) - 1)] += 1
            saturated += slope < SATURATED
    return loss / len(labels), saturated
