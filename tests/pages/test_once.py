"""What is remembered is what Streamlit would say at every run."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.elements import vega_charts
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState, WStates
from streamlit.testing.v1 import AppTest

import app as server
from pages.ui.once import WHOLE, Named, remembered, spare

PLAIN = app_session._populate_theme_msg
REMOVE, USUAL = WStates.remove_stale_widgets, gc.get_threshold()
READ = vega_charts._stabilize_vega_json_spec
SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.light.sidebar")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    app_session._populate_theme_msg = PLAIN
    vega_charts._stabilize_vega_json_spec = READ
    WStates.remove_stale_widgets = REMOVE  # type: ignore[method-assign]
    gc.set_threshold(*USUAL)
    SessionState.filtered_state = property(WHOLE)  # type: ignore[assignment, method-assign]


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
    plain = sent(PLAIN)
    assert plain.custom_theme.light.primary_color == "#175a9f"
    populate = remembered(PLAIN)
    for _ in range(2):
        assert sent(populate) == plain


def test_the_configuration_is_read_once_for_each_section(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    known = app_session.config.get_options_for_section

    def options(section: str) -> dict:
        read.append(section)
        return known(section)

    monkeypatch.setattr(app_session.config, "get_options_for_section", options)
    populate = remembered(PLAIN)
    for _ in range(3):
        sent(populate)
    assert sorted(read) == sorted(SECTIONS)


def test_the_running_app_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit still asks by this name, so that ours is the one that answers."""
    names = app_session.AppSession._create_new_session_message.__code__.co_names
    assert "_populate_theme_msg" in names
    monkeypatch.delitem(sys.modules, "engine.training.manager", raising=False)  # stays open

    async def up() -> list[object]:
        async with server.lifespan(server.app):
            fields = vars(SessionState)["filtered_state"].fget
            return [app_session._populate_theme_msg, fields, WStates.remove_stale_widgets]

    populate, fields, remove = asyncio.run(up())
    assert fields is Named
    assert populate is not PLAIN
    assert remove is not REMOVE
    assert gc.get_threshold() == server.RARELY


STATES = (
    {},
    {"plain": 3, "nothing": None},
    {"plain": 3, "$$ID-0123-typed": 4.0, "$$ID-0123-None": 5.0},
)


@pytest.mark.parametrize("held", STATES, ids=len)
def test_what_has_a_name_is_what_streamlit_would_list(held: dict[str, Any]) -> None:
    state = SessionState()
    for key, value in held.items():
        if key.startswith("$$"):
            name = key.rsplit("-", 1)[-1]
            state._new_widget_state.set_from_value(key, value)
            metadata = WidgetMetadata(key, lambda v: v, lambda v: v, "double_value")
            state._set_widget_metadata(metadata)
            if name != "None":
                state._set_key_widget_mapping(key, name)
        else:
            state[key] = value
    whole, named = WHOLE(state), Named(state)
    assert len(whole) == sum(not key.endswith("-None") for key in held)
    assert dict(named) == whole
    assert len(named) == len(whole)
    for key in (*held, *whole, "typed", "missing", "None"):
        assert (key in named) == (key in whole), key
        assert named.get(key, "none") == whole.get(key, "none")


def test_a_number_field_looks_up_one_value_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    spare()
    assert app_session._populate_theme_msg is not PLAIN
    listed: list[int] = []

    def whole(state: SessionState) -> dict[str, Any]:
        listed.append(1)
        return WHOLE(state)

    monkeypatch.setattr("pages.ui.once.WHOLE", whole)

    def page() -> None:
        import streamlit as st

        st.session_state.setdefault("size", 2.5)
        st.number_input("Size", 0.0, 9.0, value=None, key="size")
        st.text_input("Name", key="name")
        st.selectbox("Which", ["a", "b"], key="which")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.number_input(key="size").value == 2.5
    assert app.number_input(key="size").set_value(4.0).run().number_input(key="size").value == 4.0
    assert listed == []


def test_a_chart_drawn_again_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(spec: str) -> str:
        read.append(spec)
        return READ(spec)

    monkeypatch.setattr(vega_charts, "_stabilize_vega_json_spec", counted)
    spare()

    def page() -> None:
        import streamlit as st

        line = {"mark": "line", "encoding": {"x": {"field": "a"}}, "params": [{"name": "param_7"}]}
        st.vega_lite_chart({"values": [{"a": 1}]}, line)

    app = AppTest.from_function(page).run()
    first = app.get("vega_lite_chart")[0].proto.spec
    assert "param_7" not in first
    assert app.run().get("vega_lite_chart")[0].proto.spec == first
    assert len(read) == 1


def test_a_widget_that_is_gone_is_forgotten() -> None:
    spare()

    def page() -> None:
        import streamlit as st

        from pages.ui.component import component

        def piece(key: str) -> None:
            component("handout")(key=key, data={}, on_make_change=lambda: None)

        st.session_state.setdefault("which", "both")
        st.number_input("Stays", key="stays")
        piece("piece-stays")
        if st.session_state["which"] == "both":
            st.number_input("Goes", key="goes", on_change=lambda: None)
            piece("piece-goes")

    app = AppTest.from_function(page).run()
    state = app.session_state._state._state

    def known() -> set[str]:
        return {name.split("-", 2)[2] for name in state._new_widget_state.widget_metadata}

    # Of a component's events Streamlit hears by a name of their own, which no element has.
    stays = {"stays", "piece-stays", "piece-stays__events"}
    goes = {"goes", "piece-goes", "piece-goes__events"}
    app.number_input(key="stays").set_value(4.0).run()
    assert known() == stays | goes
    app.session_state["which"] = "one"
    app.run()
    assert known() == stays
    assert app.number_input(key="stays").value == 4.0
    app.session_state["which"] = "both"
    assert app.run().number_input(key="goes").value == 0.0
    assert app.number_input(key="goes").set_value(3.0).run().number_input(key="goes").value == 3.0
