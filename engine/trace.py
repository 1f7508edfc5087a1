"""Frozen trajectories: what happened at every step, and why it stopped.

A trace is a frozen dataclass of read-only arrays. Fields marked ``along_steps()`` have the step
as their leading axis, index 0 = the initial state. ``run`` fills a trace once; looking at another
step never computes anything.
"""

import dataclasses
import enum
import functools
import hashlib
import json
from types import SimpleNamespace
from typing import Any

import numpy as np


class Stop(enum.Enum):
    """Base of the reasons to stop; each value is a sentence for a person."""

    def __str__(self) -> str:
        return str(self.value)


def along_steps() -> Any:
    """A trace field whose leading axis is the step."""
    return dataclasses.field(metadata={"steps": True})


def frozen(values: np.ndarray) -> np.ndarray:
    """A read-only array of its own: results are cached and shared.

    A view may be read-only and still change with the array behind it, so it is copied too.
    """
    if values.flags.writeable or not values.flags.owndata:
        values = np.array(values, order="C")
        values.setflags(write=False)
    return values


class Trace:
    """Base of every trace: read-only arrays, ``len``, ``at(step)`` and a content digest."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, f.name, frozen(value))
            elif isinstance(value, tuple) and any(isinstance(v, np.ndarray) for v in value):
                kept = [frozen(v) if isinstance(v, np.ndarray) else v for v in value]
                make = getattr(value, "_make", tuple)  # a NamedTuple keeps its names
                object.__setattr__(self, f.name, make(kept))

    @classmethod
    @functools.cache
    def _stepped(cls) -> tuple[str, ...]:
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        return tuple(f.name for f in fields if f.metadata.get("steps"))

    def __len__(self) -> int:
        """Number of states, the initial one included."""
        return len(getattr(self, self._stepped()[0]))

    def at(self, step: int) -> SimpleNamespace:
        """The state at one step: every stepped field without its leading axis.

        >>> trace.at(3).theta           # doctest: +SKIP
        """
        if not -len(self) <= step < len(self):
            raise IndexError(f"step must lie in [0, {len(self) - 1}], got {step}.")
        return SimpleNamespace(**{name: getattr(self, name)[step] for name in self._stepped()})

    def digest(self) -> str:
        """A hash of every number in the trace, computed once: equal digests, equal traces."""
        if "_digest" not in self.__dict__:
            fields = dataclasses.fields(self)  # type: ignore[arg-type]
            content = [getattr(self, f.name) for f in fields]
            object.__setattr__(self, "_digest", digest(type(self).__name__, content))
        return self.__dict__["_digest"]


def digest(*things: Any) -> str:
    """A short content hash of arrays, traces, dataclasses, lists, numbers and strings."""
    state = hashlib.blake2b(digest_size=12)
    _feed(state, things)
    return state.hexdigest()


def _plain(things: Any) -> bytes:
    """A list of numbers, words and such lists, spelled at once; nothing if it holds more."""
    try:
        return json.dumps(things).encode()
    except TypeError:
        return b""


def _feed(state: Any, thing: Any) -> None:
    """Every kind is marked and closed, so that [1, [2]] and [[1], 2] differ."""
    if type(thing) in (float, int, str, bool):  # most of what there is
        state.update(repr(thing).encode())
    elif isinstance(thing, bytes):
        state.update(b"%d:" % len(thing))
        state.update(thing)
    elif isinstance(thing, Trace):
        state.update(thing.digest().encode())
    elif isinstance(thing, np.ndarray):
        state.update(f"{thing.dtype}{thing.shape}".encode())
        state.update(np.ascontiguousarray(thing).tobytes())
    elif isinstance(thing, (list, tuple)):
        if plain := _plain(thing):
            state.update(plain)
        else:
            for item in thing:
                _feed(state, item)
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        state.update(type(thing).__name__.encode())
        for f in dataclasses.fields(thing):
            _feed(state, getattr(thing, f.name))
    elif isinstance(thing, dict):
        for item in thing.items():
            _feed(state, item)
    else:
        state.update(repr(thing).encode())
    state.update(b"\0")
