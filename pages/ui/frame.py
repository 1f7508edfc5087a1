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
    """Style the page, and keep the numbers whose controls are not drawn just now.

    Only of those: writing a number that is on the page would drop what a visitor is just typing.
    """
    st.html(STYLE)
    projecting = bool(st.session_state.get("project", lecture()))
    if lecture() or projecting:
        st.html(PROJECTOR)
    entry = next((entry for entry in LESSONS if entry.slug == here), None)
    slugs = [mode.slug for mode in entry.all_modes] if entry else []
    page = tuple(f"{slug}." for slug in slugs)
    if st.session_state.get("framed") != here:
        _turn(here, page)
    drawn = {}
    for slug in page:
        section = st.session_state.get(f"{slug}section")
        drawn |= {f"{slug}slip": section == "Slips", f"{slug}question": section == "Predict"}
    for key in list(st.session_state):
        if str(key).startswith(page) and (projecting or not drawn.get(str(key), True)):
            st.session_state[key] = st.session_state[key]


def _turn(here: str, page: tuple[str, ...]) -> None:
    """Another page: put the numbers of the other lessons away and take those of this one out.

    Streamlit goes through all that lies in the session again and again, at every run.
    """
    away = st.session_state.setdefault("away", {})
    ours = tuple(f"{mode.slug}." for entry in LESSONS for mode in entry.all_modes)
    for key in list(st.session_state):
        if str(key).startswith(ours) and not str(key).startswith(page):
            away[key] = st.session_state[key]
            del st.session_state[key]
    for key in [key for key in away if key.startswith(page)]:
        value = away.pop(key)
        if key not in st.session_state:
            st.session_state[key] = value
    st.session_state["framed"] = here
