"""What stands around every page: style, and memory of what was set on other pages."""

import os
from pathlib import Path

import streamlit as st

from pages.catalog import LESSONS

ASSETS = Path(__file__).parents[2] / "assets"
STYLE, ICON = ASSETS / "style.css", ASSETS / "icon.svg"
PROJECTOR = ASSETS / "projector.css"


def lecture() -> bool:
    """Was the app started for projection?"""
    return os.environ.get("WORKINGS_LECTURE") == "1"


def frame(here: str) -> None:
    """Style the page, and keep the numbers of lessons whose controls are not drawn just now.

    Only of those: writing a number that is on the page would drop what a visitor is just typing.
    """
    st.html(STYLE)
    projecting = bool(st.session_state.get("project", lecture()))
    if lecture() or projecting:
        st.html(PROJECTOR)
    modes = {entry.slug: [mode.slug for mode in entry.all_modes] for entry in LESSONS}
    ours = tuple(f"{slug}." for slugs in modes.values() for slug in slugs)
    page = tuple(f"{slug}." for slug in modes.get(here, ()))
    drawn = {}
    for slug in page:
        section = st.session_state.get(f"{slug}section")
        drawn |= {f"{slug}slip": section == "Slips", f"{slug}question": section == "Predict"}
    for key in list(st.session_state):
        on_page = str(key).startswith(page) and not projecting and drawn.get(str(key), True)
        if str(key).startswith(ours) and not on_page:
            st.session_state[key] = st.session_state[key]
