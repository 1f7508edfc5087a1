"""The 3 × 3 convolutions of the block on 2 × 2 maps, as few products of small matrices.

Samples stand in the last axis, so every inner loop runs over them. A padded 3 × 3 convolution of a
2 × 2 map sees all four pixels from each. Along one axis, with taps k0 k1 k2,

    y0 = k1 x0 + k2 x1 = k1 (x0 + x1) + (k2 - k1) x1
    y1 = k0 x0 + k1 x1 = k1 (x0 + x1) + (k0 - k1) x0

has three products in place of four; along both axes there are nine matrix products in place of 16.
``lift`` makes the nine inputs, ``tapped`` the nine matrices, ``drop`` adds the nine outputs up. The
way back is the same with the matrices transposed and the pixels read backwards.
"""

from engine.compiled import native


@native(reorder=True)
def tapped(k, w):
    """The nine matrices of a convolution; ``k`` has a square for each tap."""
    k0, k1, k2, k3, k4 = k[0], k[1], k[2], k[3], k[4]
    k5, k6, k7, k8 = k[5], k[6], k[7], k[8]
    w0, w1, w2, w3, w4 = w[0], w[1], w[2], w[3], w[4]
    w5, w6, w7, w8 = w[5], w[6], w[7], w[8]
    for o in range(len(k0)):
        for i in range(len(k0)):
            left, middle, right = k3[o, i], k4[o, i], k5[o, i]
            above, below = k1[o, i] - middle, k7[o, i] - middle
            w0[o, i], w1[o, i], w2[o, i] = middle, right - middle, left - middle
            w3[o, i], w4[o, i] = below, k8[o, i] - right - below
            w5[o, i], w6[o, i] = k6[o, i] - left - below, above
            w7[o, i], w8[o, i] = k2[o, i] - right - above, k0[o, i] - left - above


@native(reorder=True)
def untapped(g, d):
    """The gradient by the taps from those by the nine matrices."""
    g0, g1, g2, g3, g4 = g[0], g[1], g[2], g[3], g[4]
    g5, g6, g7, g8 = g[5], g[6], g[7], g[8]
    d0, d1, d2, d3, d4 = d[0], d[1], d[2], d[3], d[4]
    d5, d6, d7, d8 = d[5], d[6], d[7], d[8]
    for o in range(len(g0)):
        for i in range(len(g0)):
            below, above = g3[o, i] - g4[o, i] - g5[o, i], g6[o, i] - g7[o, i] - g8[o, i]
            d0[o, i], d1[o, i], d2[o, i] = g8[o, i], above, g7[o, i]
            d3[o, i] = g2[o, i] - g5[o, i] - g8[o, i]
            d4[o, i] = g0[o, i] - g1[o, i] - g2[o, i] - below - above
            d5[o, i] = g1[o, i] - g4[o, i] - g7[o, i]
            d6[o, i], d7[o, i], d8[o, i] = g5[o, i], below, g4[o, i]


@native(reorder=True)
def lift(h, u, flip):
    """Of each 2 × 2 map the nine inputs; ``flip`` reads its pixels backwards."""
    f = 3 if flip else 0
    for c in range(len(h)):
        h0, h1, h2, h3 = h[c, f], h[c, 1 ^ f], h[c, 2 ^ f], h[c, 3 ^ f]
        u0, u1, u2, u3, u4 = u[0, c], u[1, c], u[2, c], u[3, c], u[4, c]
        u5, u6, u7, u8 = u[5, c], u[6, c], u[7, c], u[8, c]
        for n in range(len(h0)):
            top, low, left, right = h0[n] + h1[n], h2[n] + h3[n], h0[n] + h2[n], h1[n] + h3[n]
            u0[n], u1[n], u2[n] = left + right, right, left
            u3[n], u4[n], u5[n] = low, h3[n], h2[n]
            u6[n], u7[n], u8[n] = top, h1[n], h0[n]


@native(reorder=True)
def drop(m, y, flip):
    """The 2 × 2 maps from the nine outputs; ``flip`` writes their pixels backwards."""
    for c in range(len(y)):
        for p in range(4):
            i, j = 3 * (1 + p // 2), 1 + p % 2
            m0, m1, m2, m3 = m[0, c], m[i, c], m[j, c], m[i + j, c]
            row = y[c, 3 - p if flip else p]
            for n in range(len(row)):
                row[n] = m0[n] + m1[n] + m2[n] + m3[n]


@native(reorder=True)
def multiply(w, turned, u, m):
    """m = w u, or w' u, of each matrix; 16 products for any four rows of u and m that are read."""
    outs, ins, N = m.shape[1], u.shape[1], u.shape[2]
    outs4, ins4 = outs - outs % 4, ins - ins % 4
    down, over = (1, outs) if turned else (ins, 1)
    for k in range(len(w)):
        f = w[k].reshape(-1)
        for o in range(0, outs4, 4):
            m0, m1, m2, m3 = m[k, o], m[k, o + 1], m[k, o + 2], m[k, o + 3]
            for n in range(N):
                m0[n] = m1[n] = m2[n] = m3[n] = 0
            for i in range(0, ins4, 4):
                u0, u1, u2, u3 = u[k, i], u[k, i + 1], u[k, i + 2], u[k, i + 3]
                a = o * down + i * over
                b, c, d = a + down, a + 2 * down, a + 3 * down
                a0, a1, a2, a3 = f[a], f[a + over], f[a + 2 * over], f[a + 3 * over]
                b0, b1, b2, b3 = f[b], f[b + over], f[b + 2 * over], f[b + 3 * over]
                c0, c1, c2, c3 = f[c], f[c + over], f[c + 2 * over], f[c + 3 * over]
                d0, d1, d2, d3 = f[d], f[d + over], f[d + 2 * over], f[d + 3 * over]
                for n in range(N):
                    p, q, r, s = u0[n], u1[n], u2[n], u3[n]
                    m0[n] += a0 * p + a1 * q + a2 * r + a3 * s
                    m1[n] += b0 * p + b1 * q + b2 * r + b3 * s
                    m2[n] += c0 * p + c1 * q + c2 * r + c3 * s
                    m3[n] += d0 * p + d1 * q + d2 * r + d3 * s
        for o in range(outs):
            to, first = m[k, o], ins4 if o < outs4 else 0
            if first == 0:
                for n in range(N):
                    to[n] = 0
            for i in range(first, ins):
                factor, row = f[o * down + i * over], u[k, i]
                for n in range(N):
                    to[n] += factor * row[n]


@native(reorder=True)
def outer(d, u, g):
    """g = d u' of each matrix, sixteen sums at a time."""
    outs, ins, N = d.shape[1], u.shape[1], u.shape[2]
    outs4, ins4, zero = outs - outs % 4, ins - ins % 4, d[0, 0, 0] - d[0, 0, 0]
    for k in range(len(g)):
        for o in range(0, outs4, 4):
            d0, d1, d2, d3 = d[k, o], d[k, o + 1], d[k, o + 2], d[k, o + 3]
            g0, g1, g2, g3 = g[k, o], g[k, o + 1], g[k, o + 2], g[k, o + 3]
            for i in range(0, ins4, 4):
                u0, u1, u2, u3 = u[k, i], u[k, i + 1], u[k, i + 2], u[k, i + 3]
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
                c0 = c1 = c2 = c3 = e0 = e1 = e2 = e3 = zero
                for n in range(N):
                    p, q, r, s = u0[n], u1[n], u2[n], u3[n]
                    a, b, c, e = d0[n], d1[n], d2[n], d3[n]
                    a0, a1, a2, a3 = a0 + a * p, a1 + a * q, a2 + a * r, a3 + a * s
                    b0, b1, b2, b3 = b0 + b * p, b1 + b * q, b2 + b * r, b3 + b * s
                    c0, c1, c2, c3 = c0 + c * p, c1 + c * q, c2 + c * r, c3 + c * s
                    e0, e1, e2, e3 = e0 + e * p, e1 + e * q, e2 + e * r, e3 + e * s
                g0[i], g0[i + 1], g0[i + 2], g0[i + 3] = a0, a1, a2, a3
                g1[i], g1[i + 1], g1[i + 2], g1[i + 3] = b0, b1, b2, b3
                g2[i], g2[i + 1], g2[i + 2], g2[i + 3] = c0, c1, c2, c3
                g3[i], g3[i + 1], g3[i + 2], g3[i + 3] = e0, e1, e2, e3
        for o in range(outs):
            row = d[k, o]
            for i in range(ins4 if o < outs4 else 0, ins):
                factor, total = u[k, i], zero
                for n in range(N):
                    total += row[n] * factor[n]
                g[k, o, i] = total
