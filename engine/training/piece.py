"""A small piece of a run: what a worker does, be it this process, another, or another machine.

A piece takes the bytes of a checkpoint and returns the bytes of a later one. A worker keeps
nothing that is not also with the sender, so one that dies costs a piece.
"""

import dataclasses
import importlib
import json
import time
from types import ModuleType
from typing import Any

import numpy as np

from engine.training.checkpoint import Checkpoint, packed, unpacked

GLANCE = 0.05  # seconds between two looks at the clock, about
_kept: dict[str, tuple[str, int, Any]] = {}  # the training at hand, lest it is built anew


def piece(
    kind: str, path: str, spec: str, data: bytes | None, seconds: float, device: str = "cpu"
) -> tuple[bytes, int]:
    """Train for about ``seconds`` from where ``data`` stands; the new checkpoint and its step."""
    trainer = importlib.import_module(path)
    before = unpacked(data) if data else None
    name, steps = f"{path} {device} {spec}", int(trainer.Spec(**json.loads(spec)).steps)
    training = _continued(trainer, name, spec, before, device)
    _advance(training, steps, seconds)
    step = int(training.step)
    points = _columns(trainer, training.points, before.points if before else {})
    now = packed(Checkpoint(kind, spec, step, steps, points, training.state()))
    _kept["last"] = (name, step, training)
    return now, step


def _continued(
    trainer: ModuleType, name: str, spec: str, before: Checkpoint | None, device: str
) -> Any:
    held = _kept.pop("last", None)  # taken out: two threads never share one
    if held and before and held[:2] == (name, before.step):
        return held[2]
    state = before.state if before else None
    return trainer.Training(trainer.Spec(**json.loads(spec)), state=state, device=device)


def _advance(training: Any, steps: int, seconds: float) -> None:
    """In chunks that grow until one takes about a glance."""
    begin, chunk = time.perf_counter(), 1
    while training.step < steps:
        before, step = time.perf_counter(), training.step
        training.advance(min(steps, step + chunk))
        now = time.perf_counter()
        left = begin + seconds - now
        if left <= 0:
            return
        rate = (training.step - step) / max(now - before, 1e-9)
        chunk = max(1, min(8 * chunk, int(rate * min(GLANCE, left))))


def _columns(
    trainer: ModuleType, points: Any, before: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The points so far by field. A training may begin its list anew where it was continued."""
    if before and not len(before["step"]):
        before = {}  # of an empty column nobody knows the type
    last = int(before["step"][-1]) if before else -1
    new = [point for point in points if point.step > last]
    columns = {}
    for field in dataclasses.fields(trainer.Point):
        values = np.asarray([getattr(point, field.name) for point in new])
        if before and new:
            values = np.concatenate([before[field.name], values])
        columns[field.name] = values if new else before.get(field.name, values)
    return columns


def points_of(trainer: ModuleType, data: bytes) -> tuple[Any, ...]:
    """The points that a checkpoint holds."""
    columns = {name: column.tolist() for name, column in unpacked(data).points.items()}
    rows = zip(*columns.values(), strict=True)
    return tuple(trainer.Point(**dict(zip(columns, row, strict=True))) for row in rows)
