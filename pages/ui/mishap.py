"""What a visitor is told when a page breaks off: one sentence, never a trace.

The settings go back to those drawn last, so the last good picture stays. What is neither memory
nor a device is a mistake of ours, and the server's log has it.
"""

import logging

import streamlit as st

from engine.device import DeviceError, exhausted, gone
from pages.catalog import LESSONS, host

MEMORY = "There was not enough memory for these settings: smaller numbers or fewer steps need less."
DEVICE = "The graphics card does not answer, so this was not computed."
OURS = "That could not be shown: a mistake of ours, and the server's log has it."
LOG = logging.getLogger("workings")


def sentence(error: BaseException) -> str:
    """What to say of it; of a mistake of ours nothing more than that."""
    if exhausted(error):
        return MEMORY
    return DEVICE if isinstance(error, DeviceError) or gone(error) else OURS


def detailed() -> bool:
    """Does whoever started the server want mistakes in full, as `make dev` and the tests do?"""
    return st.get_option("client.showErrorDetails") != "none"


def break_off(here: str, error: Exception) -> None:
    """Go back to what was drawn last, unless that is what broke off: then only a sentence is left.

    ``here`` is the page's place in the address.
    """
    said = sentence(error)
    if said == OURS and detailed():
        raise error
    LOG.error("%s: %s", here or "home", said, exc_info=error)
    slug = str(st.session_state.get("page"))
    known = {mode.slug for entry in LESSONS for mode in entry.all_modes}
    if slug in known and host(slug).slug == here and not st.session_state.get(f"{slug}.back"):
        st.session_state[f"{slug}.mishap"] = said
        st.rerun()
    st.error(said, icon=":material/error:")


def on_script_error(error: Exception) -> bool:
    """For the server: what breaks off elsewhere, in a callback or a fragment; it has logged it."""
    if detailed():
        return False
    st.error(sentence(error), icon=":material/error:")
    return True
