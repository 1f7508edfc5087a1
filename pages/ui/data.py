"""A trace as rows: what the Data section shows and the CSV holds."""

import csv
import dataclasses
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.trace import Trace

WIDEST = 200


def records(trace: Trace) -> list[dict[str, Any]]:
    """One row per step, one column per number; or one row per number where nothing is stepped.

    A field with fewer entries than steps ends with the last step: before that its cells are empty.
    """
    fields = [f for f in dataclasses.fields(trace) if f.metadata.get("steps")]  # type: ignore[arg-type]
    if not fields:
        own = {f.name: getattr(trace, f.name) for f in dataclasses.fields(trace)}  # type: ignore[arg-type]
        given = vars(own.pop("params", SimpleNamespace()))
        return [{"name": n, "value": v} for n, v in _each("", {**given, **own})]
    arrays = {f.name: getattr(trace, f.name) for f in fields if len(getattr(trace, f.name))}
    narrow = {n: a for n, a in sorted(arrays.items(), key=_width) if a[0].size <= WIDEST}
    return [
        {"step": step} | dict(_flat({n: _entry(a, step - len(trace)) for n, a in narrow.items()}))
        for step in range(len(trace))
    ]


def _each(name: str, thing: Any) -> Iterator[tuple[str, float]]:
    """Every number in ``thing``, under the name that Python would find it by."""
    if isinstance(thing, float):
        yield name, thing
    elif isinstance(thing, np.ndarray):
        for at, value in np.ndenumerate(thing):
            yield f"{name}[{', '.join(map(str, at))}]" if at else name, float(value)
    elif isinstance(thing, tuple):
        for i, item in enumerate(thing):
            yield from _each(f"{name}[{i}]", item)
    elif isinstance(thing, dict):
        for key, item in thing.items():
            yield from _each(f"{name}.{key}" if name else key, item)
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        yield from _each(name, {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing)})


def _entry(array: np.ndarray, back: int) -> np.ndarray:
    """The entry ``back`` places from the end (-1 is the last); where there is none, Nones."""
    return array[back] if -back <= len(array) else np.full(array.shape[1:], None)


def _width(named: tuple[str, np.ndarray]) -> int:
    """Single numbers come first: what a reader looks for."""
    return named[1][0].size


def _flat(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, float | None]]:
    for name, array in arrays.items():
        for index, value in np.ndenumerate(array):
            yield name + "".join(f"[{i}]" for i in index), None if value is None else float(value)


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Full precision, one header line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
