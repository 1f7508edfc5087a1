"""What vouches for a sweep on the machine that shows it."""

import functools
from typing import Any

import numpy as np

from engine.certificate import Certificate, Check
from engine.slips import Slip
from engine.training import resnet
from engine.training.curves import Curves, Params, alone, specs
from engine.training.sweep_parameters import counted

RATE = 0.1  # of the gradients that are judged
SHORT = 2  # steps over which hand-made and plain training are compared


def certificate(trace: Curves, slip: Slip | None) -> Certificate:
    """Parameters counted, gradients against autograd, losses against the plain loop, the useless
    bias, and the first point of what is shown trained again here."""
    name = slip.name if slip else ""
    alike = alone(trace.params)
    checks = []
    for place, width in enumerate(trace.widths):
        checks += _of_width(width, alike, name)
        first = trace.train_loss[0, place, 0]
        if np.isfinite(first):
            checks.append(
                Check(
                    rf"L_{{{trace.after[0]}}},\ C = {width}",
                    "the same steps trained here",
                    first,
                    _first_point(width, alike, int(trace.after[0])),
                    1e-3,
                )
            )
    return Certificate(tuple(checks))


@functools.lru_cache(maxsize=128)
def _of_width(width: int, params: Params, slip: str) -> tuple[Check, ...]:
    """The first gradients do not depend on the rate, only the steps that are taken with it do."""
    [spec] = specs([width], params)
    exact = resnet.Spec(**{**vars(spec), "dtype": "float64", "steps": SHORT, "log_every": SHORT})
    fast, plain = list(resnet.train(exact, "cpu")), list(resnet.plain(exact))
    steps = Check(
        rf"L_{SHORT},\ C = {width}",
        "a plain torch loop",
        [(p.train_loss, p.test_loss) for p in fast],
        [(p.train_loss, p.test_loss) for p in plain],
        1e-9,
    )
    counts, gradient, *bias = _first(resnet.Spec(**{**vars(exact), "lr": RATE}), slip)
    return counts, gradient, steps, *bias


@functools.lru_cache(maxsize=128)
def _first(exact: resnet.Spec, slip: str) -> tuple[Check, ...]:
    """Parameters, the gradients of the first batch, and the useless bias."""
    module, width = resnet.initial(exact), exact.width
    checks = [
        Check(
            rf"P,\ C = {width}",
            "torch's module, counted",
            counted(width, exact.norm, slip),
            sum(p.numel() for p in module.parameters()),
            0,
        )
    ]
    want = gradients(exact)
    got = gradients(exact, "constant-norm") if slip == "constant-norm" else stepped(exact)
    checks.append(
        Check(
            rf"\partial L / \partial W,\ C = {width}",
            "autograd",
            np.concatenate([got[name].ravel() for name in want]),
            np.concatenate([value.ravel() for value in want.values()]),
            1e-9,
        )
    )
    if exact.norm:
        by_bias, _ = resnet.bias_gradient(exact)
        checks.append(
            Check(
                rf"\partial L / \partial b,\ C = {width}",
                "a bias before the norm",
                by_bias,
                0,
                1e-9,
            )
        )
    return tuple(checks)


@functools.lru_cache(maxsize=128)
def _first_point(width: int, params: Params, step: int) -> float:
    [spec] = specs([width], params)
    short = resnet.Spec(**{**vars(spec), "steps": step, "log_every": step})
    return next(iter(resnet.train(short, "cpu"))).train_loss


def stepped(spec: resnet.Spec) -> dict[str, np.ndarray]:
    """The gradients that the fast run itself takes in its first step: (W before - W after) / lr."""
    one = resnet.Spec(**{**vars(spec), "lr": 1.0, "steps": 1, "log_every": 1})
    run = resnet.Training(one)
    before = run.state()
    run.advance(1)
    after = run.state()
    return {name: before[name] - after[name] for name in resnet.shapes(spec.width)}


@functools.lru_cache(maxsize=64)
def gradients(spec: resnet.Spec, slip: str = "") -> dict[str, np.ndarray]:
    """By autograd, on the first batch. The slip ``constant-norm`` takes mean and variance of a
    batch for constants."""
    import torch
    from torch.nn import functional as F

    module = network(spec, slip)
    X, y, _, _ = resnet.digits(spec)
    rows = torch.from_numpy(np.array(resnet.batch(spec, 0)))
    F.cross_entropy(module(X[rows]), y[rows]).backward()
    return {name: p.grad.numpy().copy() for name, p in module.named_parameters()}


def network(spec: resnet.Spec, slip: str = "") -> Any:
    """The torch network of a spec; with the slip ``constant-norm`` its norms send back too
    little."""
    import torch

    module = resnet.initial(spec)
    if slip == "constant-norm":
        for norm in [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]:
            norm.forward = functools.partial(_constant, norm)  # type: ignore[reportAttributeAccessIssue]
    return module


def _constant(norm, x):  # type: ignore[no-untyped-def]
    mean = x.mean((0, 2, 3), keepdim=True).detach()
    deviation = (x.var((0, 2, 3), unbiased=False, keepdim=True) + norm.eps).sqrt().detach()
    scale, shift = norm.weight[:, None, None], norm.bias[:, None, None]
    return scale * (x - mean) / deviation + shift
