"""The layers of the small ResNet around its products, forward and back, for machine code.

Arrays are (channels, 4 pixels, samples). The first convolution is linear in the picture, so mean
and variance of its output follow from the moments of the picture's patches, which are summed up
once per picture; and as a norm is monotone, max-pooling may come before it. What pooling leaves out
is never normalised.
"""

import numpy as np

from engine.compiled import native

EPSILON, MOMENTUM = 1e-5, 0.1  # of every norm


@native(reorder=True)
def gather(images, rows, x):
    """Copy pictures (64 pixels each) into ``x``, pixels first."""
    for n in range(len(rows)):
        image = images[rows[n]]
        for i in range(8):
            for j in range(8):
                x[9 * i + j + 10, n] = image[8 * i + j]


@native(reorder=True)
def summed(moments, rows, out):
    """Add up the moments of some pictures."""
    out[:] = 0
    for n in range(len(rows)):
        one = moments[rows[n]]
        for k in range(len(out)):
            out[k] += one[k]


@native(reorder=True)
def stem(x, weights, scale, best, which):
    """First convolution and max-pooling; a negative ``scale`` of the norm keeps the smallest."""
    for c in range(len(weights)):
        w = weights[c] if scale[c] >= 0 else -weights[c]
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
        for p in range(4):
            most, where = best[c, p], which[c, p]
            for q in range(4):
                at = 36 * (p // 2) + 4 * (p % 2) + 18 * (q // 2) + 2 * (q % 2)
                x0, x1, x2, x3, x4 = x[at], x[at + 1], x[at + 2], x[at + 9], x[at + 10]
                x5, x6, x7, x8 = x[at + 11], x[at + 18], x[at + 19], x[at + 20]
                if q == 0:
                    most[:] = -np.inf
                for n in range(x.shape[1]):
                    y = w0 * x0[n] + w1 * x1[n] + w2 * x2[n] + w3 * x3[n] + w4 * x4[n]
                    y += w5 * x5[n] + w6 * x6[n] + w7 * x7[n] + w8 * x8[n]
                    keep = y <= most[n]  # False for NaN, which stays
                    most[n] = most[n] if keep else y
                    where[n] = where[n] if keep else q
            if scale[c] < 0:
                for n in range(x.shape[1]):
                    most[n] = -most[n]


@native(reorder=True)
def stem_statistics(weights, moments, count, mean, over):
    """Mean and 1 / standard deviation of the first convolution; ``count`` values per channel."""
    for c in range(len(weights)):
        first, second = 0.0, 0.0
        for s in range(9):
            ws, ms = np.float64(weights[c, s]), moments[s] / count
            first += ws * ms
            for t in range(9):
                spread = moments[9 + 9 * s + t] / count - ms * (moments[t] / count)
                second += ws * weights[c, t] * spread
        mean[c], over[c] = first, 1 / np.sqrt(second + EPSILON)


@native(reorder=True)
def stem_back(x, d, which, sums):
    """``sums`` (C, 9) gets gradient times input, at the places that max-pooling kept."""
    for c in range(len(sums)):
        zero = d[c, 0, 0] - d[c, 0, 0]
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = zero
        for p in range(4):
            slope, where = d[c, p], which[c, p]
            for q in range(4):
                at = 36 * (p // 2) + 4 * (p % 2) + 18 * (q // 2) + 2 * (q % 2)
                x0, x1, x2, x3, x4 = x[at], x[at + 1], x[at + 2], x[at + 9], x[at + 10]
                x5, x6, x7, x8 = x[at + 11], x[at + 18], x[at + 19], x[at + 20]
                for n in range(x.shape[1]):
                    g = slope[n] if where[n] == q else zero
                    s0 += g * x0[n]
                    s1 += g * x1[n]
                    s2 += g * x2[n]
                    s3 += g * x3[n]
                    s4 += g * x4[n]
                    s5 += g * x5[n]
                    s6 += g * x6[n]
                    s7 += g * x7[n]
                    s8 += g * x8[n]
        sums[c, 0], sums[c, 1], sums[c, 2], sums[c, 3], sums[c, 4] = s0, s1, s2, s3, s4
        sums[c, 5], sums[c, 6], sums[c, 7], sums[c, 8] = s5, s6, s7, s8


@native(reorder=True)
def stem_slope(weights, moments, count, mean, over, scale, dnorm, slope):
    """``slope`` by the normalised output becomes the one by the weights, through the moments."""
    for c in range(len(weights)):
        centre, factor = np.float64(mean[c]), np.float64(over[c])
        sums = slope[c].copy()
        for t in range(9):
            common = -centre * moments[t]
            for s in range(9):
                common += weights[c, s] * np.float64(moments[9 + 9 * s + t])
            taken = dnorm[1, c] * np.float64(moments[t]) + dnorm[0, c] * common * factor
            slope[c, t] = (sums[t] - taken / count) * scale[c] * factor


@native(reorder=True)
def statistics(y, mean, over):
    """Mean and 1 / standard deviation of each channel, over pixels and samples."""
    for c in range(len(y)):
        row, zero = y[c].reshape(-1), y[c, 0, 0] - y[c, 0, 0]
        first, second = zero, zero
        for n in range(len(row)):
            first += row[n]
        centre = row.dtype.type(first / len(row))
        for n in range(len(row)):
            second += (row[n] - centre) * (row[n] - centre)
        mean[c], over[c] = centre, 1 / np.sqrt(second / len(row) + EPSILON)


@native(reorder=True)
def normalise(v, mean, over):
    """Take the mean off and divide by the standard deviation."""
    for c in range(len(v)):
        row, centre, factor = v[c].reshape(-1), mean[c], over[c]
        for n in range(len(row)):
            row[n] = (row[n] - centre) * factor


@native(reorder=True)
def rectified(v, norm, h):
    """max(0, scale v + shift)."""
    for c in range(len(v)):
        row, to, scale, shift = v[c].reshape(-1), h[c].reshape(-1), norm[0, c], norm[1, c]
        zero = shift - shift
        for n in range(len(row)):
            y = scale * row[n] + shift
            to[n] = zero if y < zero else y  # NaN stays NaN


@native(reorder=True)
def masked(d, v, norm):
    """Let a gradient through where the ReLU of scale v + shift did."""
    for c in range(len(d)):
        row, value, scale, shift = d[c].reshape(-1), v[c].reshape(-1), norm[0, c], norm[1, c]
        zero = shift - shift
        for n in range(len(row)):
            row[n] = row[n] if scale * value[n] + shift > zero else zero


@native(reorder=True)
def norm_back(d, v, norm, over, dnorm, on):
    """From the gradient by scale v + shift to the one by the values before the norm, in place."""
    for c in range(len(d)):
        row, value, zero = d[c].reshape(-1), v[c].reshape(-1), d[c, 0, 0] - d[c, 0, 0]
        first, second = zero, zero
        for n in range(len(row)):
            first += row[n]
            second += row[n] * value[n]
        dnorm[0, c], dnorm[1, c] = second, first
        if on:
            a = norm[0, c] * over[c]
            b, s = row.dtype.type(a * first / len(row)), row.dtype.type(a * second / len(row))
            for n in range(len(row)):
                row[n] = a * row[n] - b - s * value[n]


@native(reorder=True)
def softmax(logits, bias, chances, total, bits, power):
    """Chances of the ten digits; ``total`` keeps the largest logit and the sum of exponentials."""
    top, sums = total[0], total[1]
    for j in range(len(logits)):
        for n in range(len(top)):
            logits[j, n] += bias[j]
    for n in range(len(top)):
        top[n], sums[n] = logits[0, n], 0
    for j in range(1, len(logits)):
        for n in range(len(top)):
            top[n] = max(top[n], logits[j, n])
    for j in range(len(logits)):
        row, to = logits[j], chances[j]
        if chances.itemsize == 8:
            for n in range(len(top)):
                to[n] = np.exp(row[n] - top[n])
        else:  # 2^k e^r with a polynomial in r: the library's exp takes one number at a time
            for n in range(len(top)):
                x = max(row[n] - top[n], np.float32(-87))
                k = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
                r = x - k * np.float32(0.693359375) + k * np.float32(2.12194440e-4)
                y = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
                y = (y * r + np.float32(8.3334519073e-3)) * r + np.float32(4.1665795894e-2)
                y = (y * r + np.float32(1.6666665459e-1)) * r + np.float32(5.0000001201e-1)
                to[n] = y * r * r + r + np.float32(1)
                bits[n] = (np.int32(k) + 127) << 23
            for n in range(len(top)):
                to[n] *= power[n]
        for n in range(len(top)):
            sums[n] += to[n]
    for j in range(len(logits)):
        for n in range(len(top)):
            chances[j, n] /= sums[n]
