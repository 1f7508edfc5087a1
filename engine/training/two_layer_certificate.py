"""What vouches for a race on the machine that shows it."""

import functools

import numpy as np

from engine.certificate import Certificate, Check
from engine.slips import Slip
from engine.training import two_layer
from engine.training.two_layer_race import TESTED, Race, flipped, specs
from engine.training.two_layer_reference import gradients
from engine.training.two_layer_spec import Spec, budget

NEAR = 1e-3


def certificate(trace: Race, slip: Slip | None) -> Certificate:
    """Gradients of the first batch, rates added up, answers counted, the first epoch again."""
    meant = specs(trace)
    taken = specs(flipped(trace, slip.name)) if slip else meant
    checks: list[Check] = []
    for place, (name, spec, used) in enumerate(zip(trace.names, meant, taken, strict=True)):
        checks += [*_slopes(name, spec, used.direction), *_rates(name, spec, used)]
        checks += _counted(trace, name, place)
        if np.isfinite(trace.test_loss[:2, place]).all():
            checks += _again(trace, name, spec, place)
    return Certificate(tuple(checks))


@functools.lru_cache(maxsize=128)
def _slopes(name: str, spec: Spec, direction: str) -> tuple[Check, ...]:
    found = gradients(Spec(**{**vars(spec), "direction": direction}))
    checks = []
    for i, W in enumerate(("W_1", "W_2")):
        symbol = rf"\partial \ell / \partial {W},\ {name}"
        got, want = found.taken[i], found.autograd[i]
        scale = max(1.0, float(np.abs(want).max()))  # huge weights have huge gradients
        checks.append(Check(symbol, "autograd", got / scale, want / scale, 1e-10))
        some = got[tuple(found.entries[i].T)]
        symbol = rf"\partial \ell / \partial {W} \text{{ in 12 places}},\ {name}"
        checks.append(
            Check(symbol, "central differences", some / scale, found.differences[i] / scale, 1e-7)
        )
    return tuple(checks)


@functools.lru_cache(maxsize=256)
def _rates(name: str, spec: Spec, used: Spec) -> tuple[Check, ...]:
    """What ``used`` reaches by the closed form, against the rates of ``spec`` one by one."""
    t = np.arange(spec.steps) // (1 if spec.decay_unit == "step" else spec.epoch_steps)
    sums = np.concatenate([[0.0], np.cumsum(spec.lr * np.exp(-spec.decay * t))])
    steps = np.arange(spec.epochs + 1) * spec.epoch_steps
    got = [budget(used).spent(int(step)) for step in steps]
    return (Check(rf"\sum \eta,\ {name}", "rates added one by one", got, sums[steps], 1e-9),)


def _counted(trace: Race, name: str, place: int) -> tuple[Check, ...]:
    """Test errors against what the confusion matrices have on their diagonals."""
    table = trace.confusion[:, place].astype(float)
    there = np.isfinite(table).all(axis=(1, 2))
    if not there.any():
        return ()
    right = np.trace(table[there], axis1=1, axis2=2)
    got = TESTED[trace.params.data] * (1 - trace.test_error[there, place])
    return (Check(rf"\text{{right}},\ {name}", "answers counted", got, right, 1e-4),)


def _again(trace: Race, name: str, spec: Spec, place: int) -> list[Check]:
    wanted, twin = _first_epoch(spec)
    got = trace.train_loss[:2, place], trace.test_loss[:2, place]
    # Where rounding decides, in float32 and float64 differently, another machine may differ too.
    near = np.abs(np.subtract(wanted, twin)) <= NEAR * np.maximum(1, np.abs(twin))
    checks = []
    for epoch in (0, 1):
        if near[:, epoch].all():
            losses = [loss[epoch] for loss in got], [loss[epoch] for loss in wanted]
            checks.append(
                Check(rf"\ell_{epoch},\ {name}", "the same epoch trained here", *losses, NEAR)
            )
    return checks


@functools.lru_cache(maxsize=128)
def _first_epoch(spec: Spec) -> tuple[tuple, tuple]:
    found = []
    for dtype in (spec.dtype, "float64"):
        run = two_layer.Training(Spec(**{**vars(spec), "epochs": 1, "dtype": dtype}))
        run.advance(run.steps)
        found.append(tuple(zip(*((p.train_loss, p.test_loss) for p in run.points), strict=True)))
    return found[0], found[1]
