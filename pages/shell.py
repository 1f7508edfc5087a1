"""The frame around every page: configuration, navigation, run."""

import streamlit as st

from pages.catalog import CHAPTERS, LESSONS
from pages.ui.frame import ICON, frame
from pages.ui.mishap import break_off

st.set_page_config(page_title="Workings", page_icon=str(ICON), layout="wide")

home = st.Page("home.py", title="Workings", default=True)
menu: dict[str, list] = {"": [home]}
for chapter, name in CHAPTERS.items():
    built = [lesson for lesson in LESSONS if lesson.chapter == chapter and lesson.built]
    if built:
        menu[name] = [
            st.Page(entry.page, title=entry.title, url_path=entry.slug) for entry in built
        ]

page = st.navigation(menu, position="top")
frame(page.url_path)
try:
    page.run()
except Exception as error:
    break_off(page.url_path, error)
