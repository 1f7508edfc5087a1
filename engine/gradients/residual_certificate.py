"""The block, judged by torch's autograd and by 50-digit differences, which know only (1) to (3)."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check, autograd

if TYPE_CHECKING:
    from engine.gradients.residual import Residual

GIVEN, MADE = ("W", "b", "V", "c", "x"), ("z", "h", "r", "y")
TORCH, DIGITS = "torch autograd", "50-digit differences"
KINK = 1e-9


def certificate(trace: "Residual") -> Certificate:
    """All entries of all adjoints twice; routes and stack once.

    At the kink of a ReLU there is no slope to take differences of; there torch judges alone.
    """
    allowed, checks = slack(trace), []
    by_torch = _by_torch(trace)
    by_digits = {} if _at_a_kink(trace) else _by_digits(trace)
    for name in (*GIVEN, *MADE):
        symbol, got = rf"\bar {name}", getattr(trace, "d" + name)
        checks.append(Check(symbol, TORCH, got, by_torch[name], allowed))
        if name in by_digits:
            checks.append(Check(symbol, DIGITS, got, by_digits[name], allowed))
    checks.append(_routes(trace, allowed))
    checks += _blocks(trace)
    return Certificate(tuple(checks))


def slack(trace: "Residual") -> float:
    """What rounding may do to an adjoint: sums cancel, so it grows with their largest terms."""
    reach = _reach(trace) * max(1, abs(trace.dy).max(initial=0))
    return max(1e-12, 1e-15 * reach * max(1, abs(trace.x).max(), abs(trace.h).max()))


def _reach(trace: "Residual") -> float:
    return float((1 + abs(trace.V).sum(0).max()) * (1 + abs(trace.W).sum(0).max()))


def _at_a_kink(trace: "Residual") -> bool:
    nearest = min(abs(trace.z).min(), abs(trace.r).min())
    return trace.params.phi == "relu" and bool(nearest < KINK)


def forward(unit: Callable[[Any], Any], skips: tuple[float, float], **v: Any) -> Any:
    """(1) to (3), begun at x or at any value on the way, in torch."""
    first, second = skips
    if "y" not in v:
        if "h" not in v:
            z = v["z"] if "z" in v else v["W"] @ v["x"] + v["b"]
            v["h"] = unit(z) + first * v["x"]
        r = v["r"] if "r" in v else v["V"] @ v["h"] + v["c"]
        v["y"] = unit(r) + second * v["h"]
    return 0.5 * ((v["y"] - v["t"]) ** 2).sum()


def _by_torch(trace: "Residual") -> dict[str, np.ndarray]:
    import torch

    unit = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[trace.params.phi]
    f = partial(forward, unit, trace.params.skips)
    point = {name: getattr(trace, name) for name in (*GIVEN, "t")}
    found = autograd(f, **point)
    for name in MADE:
        found[name] = autograd(f, **point | {name: getattr(trace, name)})[name]
    return found


def _by_digits(trace: "Residual") -> dict[str, np.ndarray]:
    """Central differences of every given entry, in plain sums of 50-digit numbers."""
    import mpmath

    mp = mpmath.mp
    units = {
        "tanh": mpmath.tanh,
        "relu": lambda u: u if u > 0 else mp.zero,
        "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    }
    unit, (first, second) = units[trace.params.phi], trace.params.skips
    n, found = len(trace.x), {}
    with mpmath.workdps(50):
        point = {name: _exact(getattr(trace, name)) for name in (*GIVEN, "t")}

        def layer(M: Any, u: Any, bias: Any, skip: float) -> list[Any]:
            sums = [mpmath.fdot(M[i * n : i * n + n], u) + bias[i] for i in range(n)]
            return [unit(s) + skip * before for s, before in zip(sums, u, strict=True)]

        def loss() -> Any:
            h = layer(point["W"], point["x"], point["b"], first)
            y = layer(point["V"], h, point["c"], second)
            return sum((a - b) ** 2 for a, b in zip(y, point["t"], strict=True)) / 2

        step = mpmath.mpf(10) ** -17
        for name in GIVEN:
            slopes = []
            for k, value in enumerate(point[name]):
                point[name][k] = value + step
                up = loss()
                point[name][k] = value - step
                slopes.append(float((up - loss()) / (2 * step)))
                point[name][k] = value
            found[name] = np.array(slopes).reshape(getattr(trace, name).shape)
    return found


def _exact(values: np.ndarray) -> list[Any]:
    import mpmath

    return [mpmath.mpf(float(v)) for v in values.ravel()]


def _routes(trace: "Residual", allowed: float) -> Check:
    """The four products add up to the Jacobian that torch finds."""
    import torch

    unit = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[trace.params.phi]
    weights = [torch.tensor(getattr(trace, name).copy()) for name in ("W", "b", "V", "c")]
    block = partial(_block, unit, weights, trace.params.skips)
    jacobian = torch.autograd.functional.jacobian(block, torch.tensor(trace.x.copy()))
    total = sum(path.product for path in trace.paths)
    return Check(r"\partial y / \partial x", "torch autograd", total, np.asarray(jacobian), allowed)


def _block(unit: Any, weights: list[Any], skips: tuple[float, float], x: Any) -> Any:
    """One block for one x (n,) or many (m, n)."""
    W, b, V, c = weights
    h = unit(x @ W.T + b) + skips[0] * x
    return unit(h @ V.T + c) + skips[1] * h


def _blocks(trace: "Residual") -> list[Check]:
    """Each block of the stack by itself, at the state it got: a long stack would magnify rounding
    until no two programs agree."""
    import torch

    unit = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[trace.params.phi]
    weights = [torch.tensor(getattr(trace, name).copy()) for name in ("W", "b", "V", "c")]
    checks = []
    for kind, (skip, words) in enumerate(((1.0, "with skips"), (0.0, "without"))):
        states, back = trace.stack.states[kind], trace.stack.back[kind]
        below = torch.tensor(states[:-1].copy(), requires_grad=True)
        above = _block(unit, weights, (skip, skip), below)
        above.backward(torch.tensor(back[:-1][::-1].copy()))
        reach = _reach(trace)
        high = reach * np.maximum(1, abs(states[:-1]).max(axis=1, keepdims=True))
        far = reach * abs(back[:-1]).max(axis=1, keepdims=True)
        far[far == 0] = 1
        assert below.grad is not None
        down = below.grad.numpy()[::-1]
        name = rf"\text{{{words}: }}"
        out = above.detach().numpy()
        checks.append(Check(name + r"x_k", TORCH, states[1:] / high, out / high, 1e-13))
        checks.append(Check(name + r"\bar x_k", TORCH, back[1:] / far, down / far, 1e-11))
        left, length = trace.stack.left[kind, 1:] / far[:, 0], np.linalg.norm(down / far, axis=1)
        checks.append(Check(name + r"g_k", TORCH, left, length, 1e-11))
    return checks
