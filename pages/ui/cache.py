"""Each computation once, for everybody: frozen results shared across sessions by content."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

import streamlit as st

from engine.trace import digest

T = TypeVar("T")


@st.cache_resource(max_entries=512, show_spinner=False)
def _computed(name: str, key: str, _compute: Callable[[], Any]) -> Any:
    return _compute()


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def cached(function: Callable[..., T], *args: Any, **more: Any) -> T:
    """``function(*args)``, computed once per content of its arguments.

    Only for results that nobody changes: traces, certificates, pictures.
    """
    return _computed(_name(function), digest(args, more), lambda: function(*args, **more))


class _AbsentError(Exception):
    """Nobody has asked for this yet."""


def _absent() -> Any:
    raise _AbsentError


QUICK = 0.5  # seconds; for less, nobody reads a word
_took: dict[str, float] = {}  # seconds, by function, the last time


def awaited(says: str, function: Callable[..., T], *args: Any) -> T:
    """The same, and a word while it is computed, if that may take long. A word starts a thread,
    so what is there already, and what took no time before, does without."""
    name, begun = _name(function), time.perf_counter()
    try:
        return _computed(name, digest(args, {}), _absent)
    except _AbsentError:
        with st.spinner(says) if _took.get(name, QUICK) >= QUICK else nullcontext():
            result = cached(function, *args)
        _took[name] = time.perf_counter() - begun
        return result


def made(make: Callable[..., T], function: Callable[..., Any], *args: Any) -> T:
    """``make(function, *args)``, computed once for each function and each content."""
    name = f"{_name(function)} by {_name(make)}"
    return _computed(name, digest(args), lambda: make(function, *args))
