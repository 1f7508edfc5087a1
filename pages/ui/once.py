"""What Streamlit works out anew for every run, and what never changes while the app is up."""

from collections.abc import Callable
from functools import cache
from typing import Any

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

Populate = Callable[..., None]


def remembered(populate: Populate) -> Populate:
    """The theme of a section, read from the configuration once.

    Streamlit goes through all its options six times a run; that was a tenth of the CPU of a full
    hall.
    """

    @cache
    def theme(section: str) -> Any:
        message = CustomThemeConfig()
        populate(message, section)
        return message

    def remember(message: Any, section: str = "theme") -> None:
        known = theme(section)
        if known.ByteSize():  # merging nothing would still say that the section is there
            message.MergeFrom(known)

    return remember


def remember_theme() -> None:
    """For the whole process, once its configuration is settled."""
    app_session._populate_theme_msg = remembered(app_session._populate_theme_msg)
