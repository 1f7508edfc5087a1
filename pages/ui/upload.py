"""A visitor's own picture: kept in this session, written nowhere, seen by nobody else."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson

HELP = "PNG, JPEG, GIF, WebP, BMP or TIFF, at most 10 MB. It stays in this session."
NO_ROOM = "There was not enough memory for this picture; a smaller one needs less."
NONE = "A link holds no uploaded picture: choose the file here. Until then, the usual one is shown."


def upload(page: "Lesson", read: Callable[[bytes], Any]) -> Any:
    """What ``read`` makes of the file chosen last, or None.

    ``read`` raises a ValueError in one sentence that repeats nothing of the file or its name.
    """
    key = page.key("upload")

    def taken() -> None:
        file = st.session_state.get(key)
        page.state.put("refused_file", "")
        if file is None:
            page.state.put("own", None)
            return
        try:
            page.state.put("own", read(file.getvalue()))
        except ValueError as error:
            page.state.put("refused_file", str(error))
        except MemoryError:
            page.state.put("refused_file", NO_ROOM)

    if not page.projecting:
        st.file_uploader("Your own picture", key=key, help=HELP, on_change=taken)
    if said := page.state.get("refused_file"):
        st.error(said, icon=":material/error:")
    own = page.state.get("own")
    if own is None and not said:
        st.info(NONE, icon=":material/image:")
    return own


def compiling(first: bool) -> Any:
    """A word while machine code is made, where nothing else would tell why one waits."""
    words = "Getting the machine code ready: the first run ever compiles it, for some seconds."
    return st.spinner(words) if first else nullcontext()
