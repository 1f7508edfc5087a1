"""One page, several engine modules: which of them is open.

Each mode is a lesson of the catalog with its own numbers, slips and step. The link of a further
mode names it, ``mode=lstm_cell``; a link that names none opens the first.
"""

import streamlit as st

from engine.params import Bound
from pages.catalog import host
from pages.ui.state import Field


def open_mode(slug: str) -> str:
    """The mode of the page ``slug`` that is open, kept on other pages and chosen by a link.

    The numbers of the modes whose controls are not drawn stay what they are.
    """
    slugs, key = _slugs(slug), f"{slug}.mode"
    if st.session_state.get("page") not in slugs and st.query_params:
        named = st.query_params.get("mode")
        st.session_state[key] = named if named in slugs[1:] else slug
    mode = st.session_state.setdefault(key, slug)
    for name in list(st.session_state):
        owner = str(name).partition(".")[0]
        if owner in slugs and owner != mode and name != key:
            st.session_state[name] = st.session_state[name]
    return mode


def mode_field(slug: str) -> dict[str, Field]:
    """What the link of a further mode holds beside its numbers: its name."""
    further = host(slug).slug != slug
    return {"mode": Field(slug, Bound(choices=(slug,)))} if further else {}


def choose_mode(slug: str) -> None:
    """The control that changes between the modes of a page, if it has several."""
    entry = host(slug)
    if not entry.modes:
        return
    key, titles = f"{entry.slug}.mode", {mode.slug: mode.mode for mode in entry.all_modes}

    def change() -> None:
        st.session_state["switched"] = True

    st.segmented_control(
        "Mode", list(titles), format_func=titles.__getitem__, key=key, on_change=change,
        required=True, label_visibility="collapsed",
    )  # fmt: skip


def _slugs(slug: str) -> list[str]:
    return [mode.slug for mode in host(slug).all_modes]
