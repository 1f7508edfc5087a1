"""The frame around every page: configuration, navigation, run."""

import streamlit as st

from pages.ui.frame import ICON, frame
from pages.ui.menu import menu
from pages.ui.mishap import break_off
from pages.ui.turns import turns

st.set_page_config(page_title="Workings", page_icon=str(ICON), layout="wide")

with turns.turn(new="framed" not in st.session_state):
    page = st.navigation(menu(), position="top")
    frame(page.url_path)
    try:
        page.run()
    except Exception as error:
        break_off(page.url_path, error)
