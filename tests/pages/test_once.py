"""What is remembered is what Streamlit would say at every run."""

import pytest
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session

from pages.ui.once import remembered

SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.light.sidebar")


def sent(populate: object) -> NewSession:
    """The parts of a session's first message that carry the theme, as Streamlit fills them."""
    message = NewSession()
    theme = message.custom_theme
    for section in SECTIONS:
        part = theme
        for name in section.split(".")[1:]:
            part = getattr(part, name)
        populate(part, section)  # type: ignore[operator]
    return message


def test_the_theme_is_the_same_the_first_time_and_after() -> None:
    plain = sent(app_session._populate_theme_msg)
    assert plain.custom_theme.light.primary_color == "#175a9f"
    populate = remembered(app_session._populate_theme_msg)
    for _ in range(2):
        assert sent(populate) == plain


def test_the_configuration_is_read_once_for_each_section(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    known = app_session.config.get_options_for_section

    def options(section: str) -> dict:
        read.append(section)
        return known(section)

    monkeypatch.setattr(app_session.config, "get_options_for_section", options)
    populate = remembered(app_session._populate_theme_msg)
    for _ in range(3):
        sent(populate)
    assert sorted(read) == sorted(SECTIONS)


def test_the_running_app_remembers() -> None:
    """Streamlit still asks by this name, so that ours is the one that answers."""
    names = app_session.AppSession._create_new_session_message.__code__.co_names
    assert "_populate_theme_msg" in names
