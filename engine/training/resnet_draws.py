"""Everything random about a run, from counters: nothing to save, the same on every machine.

Philox turns (seed, purpose, number, place) into 64 random bits. A purpose is a stream of its own.
"""

import math

import numpy as np

from engine.compiled import native
from engine.digits import digits
from engine.training.resnet import Spec, shapes

BATCHES, WEIGHTS, SPLIT = 0, 1, 2
U = np.uint64
LOW, HALF = U(2**32 - 1), U(32)
M0, M1 = U(0xD2E7470EE14C6C93), U(0xCA5A826395121157)
W0, W1 = U(0x9E3779B97F4A7C15), U(0xBB67AE8584CAA73B)
TRAINING = 898  # of 1,797 pictures


def bits(seed: int, purpose: int, number: int, count: int) -> np.ndarray:
    """``count`` random 64-bit whole numbers of one stream."""
    philox = np.random.Philox(key=seed + (purpose << 64), counter=number << 64)
    return philox.random_raw(count)


def chosen(raw: np.ndarray, size: int) -> np.ndarray:
    """``len(raw)`` of ``size`` things without replacement: the first swaps of a shuffle."""
    order = list(range(size))
    for k, word in enumerate(raw.tolist()):
        other = k + ((word >> 32) * (size - k) >> 32)
        order[k], order[other] = order[other], order[k]
    return np.array(order[: len(raw)])


def split(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of the 1,797 pictures train and which test."""
    size = len(digits()[1])
    order = chosen(bits(seed, SPLIT, 0, size), size)
    return order[:TRAINING], order[TRAINING:]


def pictures(spec: Spec) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X (898, 64) from 0 to 1, y, and the same of the test set (899)."""
    images, labels = digits()
    X = (images.reshape(-1, 64) / images.max()).astype(spec.dtype)
    train, test = split(spec.seed)
    return X[train], labels[train].astype(np.int64), X[test], labels[test].astype(np.int64)


def batch(spec: Spec, i: int) -> np.ndarray:
    """Which of the training pictures step ``i`` (from 0) sees."""
    if spec.protocol == "starter":
        return chosen(bits(spec.seed, BATCHES, i, spec.batch), TRAINING)
    epoch, part = divmod(i, batches_per_epoch(spec))
    order = chosen(bits(spec.seed, BATCHES, epoch, TRAINING), TRAINING)
    return order[part * spec.batch : (part + 1) * spec.batch]


def batches_per_epoch(spec: Spec) -> int:
    """Full batches, and with ``ragged="keep"`` the rest as one more."""
    if spec.ragged == "keep":
        return math.ceil(TRAINING / spec.batch)
    return TRAINING // spec.batch


def weights(spec: Spec) -> dict[str, np.ndarray]:
    """Starting weights by torch's rules: uniform within ±1 / √inputs; norms scale 1, shift 0."""
    made, drawn = {}, 0
    for name, shape in shapes(spec.width).items():
        count = math.prod(shape)
        if "norm" in name:
            value = np.full(shape, float(name.endswith("weight")))
        else:
            inputs = spec.width if name.startswith("linear") else math.prod(shape[1:])
            raw = bits(spec.seed, WEIGHTS, drawn, count)
            drawn += 1
            value = (raw >> np.uint64(11)) * 2.0**-52 - 1  # uniform in [-1, 1)
            value = value.reshape(shape) / math.sqrt(inputs)
        made[name] = value.astype(spec.dtype)
    return made


def batches(spec: Spec, first: int, stop: int) -> list[np.ndarray]:
    """The batches of the steps from ``first`` to before ``stop``, in arrays of equal batches."""
    if spec.protocol == "starter":
        rows = np.empty((stop - first, spec.batch), np.int64)
        draw(spec.seed, first, TRAINING, rows)
        return [rows]
    each = batches_per_epoch(spec)
    epochs = np.empty(((stop - 1) // each + 1 - first // each, TRAINING), np.int64)
    draw(spec.seed, first // each, TRAINING, epochs)
    made = []
    for i in range(first, stop):
        epoch, part = divmod(i, each)
        row = epochs[epoch - first // each]
        made.append(np.ascontiguousarray(row[None, part * spec.batch : (part + 1) * spec.batch]))
    return made


@native
def high(a, b):
    """The upper half of the product of two 64-bit numbers."""
    a0, a1, b0, b1 = a & LOW, a >> HALF, b & LOW, b >> HALF
    middle = a1 * b0 + (a0 * b0 >> HALF)
    return a1 * b1 + (middle >> HALF) + ((a0 * b1 + (middle & LOW)) >> HALF)


@native
def draw(seed, first, size, rows):
    """Row i gets the places that ``chosen`` takes with the bits of the number first + i."""
    order = np.empty(size, np.int64)
    for i in range(len(rows)):
        row = rows[i]
        for k in range(size):
            order[k] = k
        c0 = c1 = c2 = c3 = U(0)
        for k in range(len(row)):
            if k % 4 == 0:  # ten rounds of Philox 4×64 on the next count
                c0, c1, c2, c3 = U(k // 4 + 1), U(first + i), U(0), U(0)
                k0, k1 = U(seed), U(BATCHES)
                for _ in range(10):
                    h0, h1 = high(M0, c0), high(M1, c2)
                    c0, c1, c2, c3 = h1 ^ c1 ^ k0, M1 * c2, h0 ^ c3 ^ k1, M0 * c0
                    k0, k1 = k0 + W0, k1 + W1
            word = c0 if k % 4 == 0 else c1 if k % 4 == 1 else c2 if k % 4 == 2 else c3
            other = k + np.int64((word >> HALF) * U(size - k) >> HALF)
            order[k], order[other] = order[other], order[k]
            row[k] = order[k]
