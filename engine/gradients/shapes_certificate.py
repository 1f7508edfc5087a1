"""What judges a chain of layers: torch's own layers.

A layer whose work is small is run on a picture of zeros; a larger one is run on torch's meta
device, which carries shapes and holds no memory. Parameters are counted on the torch layer.
"""

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check
from engine.gradients.shapes_layers import Conv, Flatten, Layer, Linear, Pool
from engine.gradients.shapes_solve import Answer

if TYPE_CHECKING:
    from engine.gradients.shapes import Shapes

MOST_RUN = 10**7  # multiplications of a layer that is really run
MOST_TRIED = 20  # side of a square of which every kernel and stride is tried
MOST_REACHED = 40  # answers that are put through torch
RAN, INFERRED = "the torch layer, run", "the torch layer on the meta device"
SMALLER = "torch on ever smaller inputs"
AUTOGRAD = "torch autograd"


def certificate(right: "Shapes", shown: "Shapes") -> Certificate:
    """What is ``shown`` against what torch makes of the chain of ``right``."""
    checks = []
    wanted = [_by_torch(right.rows[i].shape, layer) for i, layer in enumerate(right.layers)]
    for device, judge in (("cpu", RAN), ("meta", INFERRED)):
        places = [i for i, (_, used) in enumerate(wanted, 1) if used == device]
        if not places:
            continue
        names = ("height", "width", "channels", "weights", "biases")
        got = np.stack([getattr(shown, name)[places] for name in names])
        want = np.array([wanted[i - 1][0] for i in places], dtype=float).T
        checks += [
            Check("H, W, C", judge, got[:3], want[:3], 0.0),
            Check(r"\text{weights}, \text{biases}", judge, got[3:], want[3:], 0.0),
        ]
    checks += _cuts(right, shown) + _answers(right, shown)
    return Certificate(tuple(checks))


def torch_layer(layer: Layer, before: tuple[int, ...], device: str) -> Any:
    """The layer as torch has it; its numbers are never set, so no random generator is moved."""
    from torch import nn

    if isinstance(layer, Flatten):
        return nn.Flatten()
    if isinstance(layer, Pool):
        return nn.MaxPool2d(layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil)
    if isinstance(layer, Linear):
        made = nn.Linear(math.prod(before), layer.out, device="meta")
        made = nn.Sequential(nn.Flatten(), made)
    else:
        made = nn.Conv2d(
            before[2], layer.channels, layer.kernel, layer.stride, layer.padding, layer.dilation,
            device="meta",
        )  # fmt: skip
    return made if device == "meta" else made.to_empty(device=device)


def _by_torch(before: tuple[int, ...], layer: Layer) -> tuple[list[int], str]:
    """Height, width, channels, weights, biases; and on which device they were found."""
    import torch

    device = "cpu" if _work(before, layer) <= MOST_RUN else "meta"
    made = torch_layer(layer, before, device)
    with torch.no_grad():
        shape = made(torch.zeros(_torch_order(before), device=device)).shape[1:]
    sizes = [*shape[1:], shape[0]] if len(shape) == 3 else [1, 1, *shape]
    counted = {1: 0, 0: 0}
    for parameter in made.parameters():
        counted[int(parameter.ndim > 1)] += parameter.numel()
    return [*sizes, counted[1], counted[0]], device


def _torch_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """One example; torch has the channels first."""
    return (1, shape[2], shape[0], shape[1]) if len(shape) == 3 else (1, *shape)


def _work(before: tuple[int, ...], layer: Layer) -> int:
    numbers = math.prod(before)
    if isinstance(layer, Linear):
        return numbers * layer.out
    if isinstance(layer, Flatten):
        return numbers
    window = math.prod(layer.kernel)
    padded = math.prod(n + 2 * p for n, p in zip(before, layer.padding, strict=False))
    filters = layer.channels if isinstance(layer, Conv) else 1
    return padded * before[2] * window * filters


def _cuts(right: "Shapes", shown: "Shapes") -> list[Check]:
    """How many rows and columns may go from the end of the padded input before the output
    shrinks. What a ceil pooling leaves out gets no gradient."""
    got, want, ceils, unread = [], [], [], []
    for i, layer in enumerate(right.layers, 1):
        before = right.rows[i - 1].shape
        if isinstance(layer, Pool) and layer.ceil:
            ceils.append(np.maximum(0, shown.discarded[i] - layer.padding))
            unread.append([_unread(layer, before[axis], axis) for axis in (0, 1)])
        elif isinstance(layer, (Conv, Pool)):
            got.append(shown.discarded[i])
            want.append([_spare(layer, before, axis) for axis in (0, 1)])
    made = [Check("r", SMALLER, np.array(got), np.array(want, float), 0.0)] if got else []
    if ceils:
        made.append(Check("r", AUTOGRAD, np.array(ceils), np.array(unread, float), 0.0))
    return made


def _unread(layer: Pool, size: int, axis: int) -> int:
    """How many cells at the end of a side no window reads."""
    import torch

    cells = torch.ones(1, 1, size, requires_grad=True)
    kernel, stride, padding = layer.kernel[axis], layer.stride[axis], layer.padding[axis]
    mean = torch.nn.functional.avg_pool1d(cells, kernel, stride, padding, ceil_mode=True)
    mean.sum().backward()
    assert cells.grad is not None
    return size - 1 - int(cells.grad[0, 0].nonzero().max())


def _spare(layer: Conv | Pool, before: tuple[int, ...], axis: int) -> int:
    """By bisection: the most cells that can be spared along one side."""
    size = before[axis] + 2 * layer.padding[axis]
    dilation = layer.dilation[axis] if isinstance(layer, Conv) else 1
    places = functools.partial(_places, layer.kernel[axis], layer.stride[axis], dilation)
    whole = places(size)
    spared, too_many = 0, min(size, layer.stride[axis])
    while too_many - spared > 1:
        middle = (spared + too_many) // 2
        if places(size - middle) == whole:
            spared = middle
        else:
            too_many = middle
    return spared


def _places(kernel: int, stride: int, dilation: int, size: int) -> int:
    """How many outputs torch makes of ``size`` cells in a row; 0 where it refuses."""
    import torch

    x, w = torch.empty(1, 1, size, device="meta"), torch.empty(1, 1, kernel, device="meta")
    try:
        return torch.nn.functional.conv1d(x, w, stride=stride, dilation=dilation).shape[2]
    except RuntimeError:
        return 0


def _answers(right: "Shapes", shown: "Shapes") -> list[Check]:
    """Every answer reaches the target; and where all can be tried, there are no others."""
    checks, done = [], set()
    for i, found in enumerate(shown.answers):
        before = right.rows[max(i - 1, 0)].shape
        if right.target is None or len(before) == 1 or before in done:
            continue
        done.add(before)
        some = found[:MOST_REACHED]
        if some:
            got = [[*right.target[:2], answer.filters] for answer in some]
            want = [_reached(before, answer, right) for answer in some]
            source = rf"{before[0]}\times{before[1]}\times{before[2]} \to"
            checks.append(Check(source, INFERRED, np.array(got), np.array(want), 0.0))
        if max(before[:2]) <= MOST_TRIED and right.params.padding == 0:
            name = rf"\text{{answers}}_{{{i}}}"
            count = _tried(before, right)
            checks.append(Check(name, "every kernel and stride tried", len(found), count, 0.0))
    return checks


def _reached(before: tuple[int, ...], answer: Answer, trace: "Shapes") -> list[int]:
    """What torch makes of the input with this kernel and stride, as many filters as channels are
    wanted, and the pooling."""
    assert trace.target is not None
    conv = Conv(trace.target[2], answer.kernel, answer.stride, answer.padding)
    shape, _ = _shape_on_meta(before, conv, trace.params.pool)
    return shape


def _tried(before: tuple[int, ...], trace: "Shapes") -> int:
    assert trace.target is not None
    side, count = min(before[:2]), 0
    for kernel in range(1, side + 1):
        for stride in range(1, kernel + 1):
            conv = Conv(trace.target[2], kernel, stride)
            shape, fits = _shape_on_meta(before, conv, trace.params.pool)
            count += fits and shape == list(trace.target)
    return count


def _shape_on_meta(before: tuple[int, ...], conv: Conv, pool: int) -> tuple[list[int], bool]:
    import torch
    from torch.nn import functional as F

    x = torch.empty(_torch_order(before), device="meta")
    w = torch.empty(conv.channels, before[2], *conv.kernel, device="meta")
    y = F.conv2d(x, w, stride=conv.stride, padding=conv.padding)
    if min(y.shape[2:]) < pool:
        return [0, 0, 0], False
    c, height, width = F.max_pool2d(y, pool).shape[1:]
    return [height, width, c], True
