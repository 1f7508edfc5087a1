"""Each computation once, for everybody: frozen results shared across sessions by content."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from engine.trace import digest

T = TypeVar("T")


@st.cache_resource(max_entries=512, show_spinner=False)
def _computed(name: str, key: str, _compute: Callable[[], Any]) -> Any:
    return _compute()


def cached(function: Callable[..., T], *args: Any, **more: Any) -> T:
    """``function(*args)``, computed once per content of its arguments.

    Only for results that nobody changes: traces, certificates, pictures.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    return _computed(name, digest(args, more), lambda: function(*args, **more))


def specified(draw: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)``, encoded once; the tests check it against the schema."""
    name = f"{draw.__module__}.{draw.__qualname__} as Vega-Lite"
    return _computed(name, digest(args), lambda: drawn(draw, *args))


def drawn(draw: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)``."""
    # While another thread still imports pandas, Altair would take it for whole.
    import pandas  # noqa: F401

    return draw(*args).to_dict(validate=False)
