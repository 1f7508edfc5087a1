"""Each computation once, for everybody: frozen results shared across sessions by content."""

from collections.abc import Callable
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


def awaited(says: str, function: Callable[..., T], *args: Any) -> T:
    """The same, and a word while it is computed. What is there already is simply taken: the word
    alone would start a thread at every run."""
    try:
        return _computed(_name(function), digest(args, {}), _absent)
    except _AbsentError:
        with st.spinner(says):
            return cached(function, *args)


def specified(draw: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)``, encoded once; the tests check it against the schema."""
    return _computed(f"{_name(draw)} as Vega-Lite", digest(args), lambda: drawn(draw, *args))


def drawn(draw: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)``."""
    # While another thread still imports pandas, Altair would take it for whole.
    import pandas  # noqa: F401

    return draw(*args).to_dict(validate=False)
