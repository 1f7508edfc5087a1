"""The pages of the navigation, drawn from the catalog."""

from copy import copy
from functools import cache

import streamlit as st

from pages.catalog import CHAPTERS, LESSONS


@cache
def _made() -> dict[str, list]:
    """Looked up on disk once, and not for each visitor at each move."""
    menu: dict[str, list] = {"": [st.Page("home.py", title="Workings", default=True)]}
    for chapter, name in CHAPTERS.items():
        built = [lesson for lesson in LESSONS if lesson.chapter == chapter and lesson.built]
        if built:
            menu[name] = [
                st.Page(entry.page, title=entry.title, url_path=entry.slug) for entry in built
            ]
    return menu


def menu() -> dict[str, list]:
    """A page of one's own each: Streamlit marks on it whether it may run."""
    return {name: [copy(page) for page in pages] for name, pages in _made().items()}
