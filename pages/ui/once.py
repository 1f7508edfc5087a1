"""What Streamlit works out anew for every run, every widget or every chart, where once is enough.

Together that was a fifth of the CPU of a full hall. The tests hold what is here against Streamlit
itself.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from streamlit.components.v2.bidi_component.constants import EVENT_DELIM
from streamlit.elements import vega_charts
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.session_state import (
    STREAMLIT_INTERNAL_KEY_PREFIX,
    SessionState,
    WStates,
    _is_internal_key,
    _is_stale_widget,
)

INTERNAL = f"{STREAMLIT_INTERNAL_KEY_PREFIX}_"
Populate = Callable[..., None]
Remove = Callable[[WStates, frozenset[str], list[str] | None], None]


def remembered(populate: Populate) -> Populate:
    """The theme of a section, read from the configuration once.

    Streamlit goes through all its options six times a run.
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


WHOLE: Callable[[SessionState], dict[str, Any]] = vars(SessionState)["filtered_state"].fget


class Named(Mapping[str, Any]):
    """What of a session has a name. Each number field asks whether its own value is None: here it
    looks that one up; Streamlit first makes a dict of all there is, and for each component's value
    a class of its own."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    def __contains__(self, key: object) -> bool:
        name = str(key)
        return not is_element_id(name) and not _is_internal_key(name) and name in self._state

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return self._state[key]

    def __iter__(self) -> Iterator[str]:
        state = self._state
        name_of = state._key_id_mapper.id_key_mapping
        readable = state._new_widget_state.widget_metadata.keys() | state._old_state.keys()
        for key in state._keys():
            if _is_internal_key(key):
                continue
            if not is_element_id(key):
                yield key
            elif key in name_of and key in readable:
                yield name_of[key]

    def __len__(self) -> int:
        return sum(1 for _ in self)


def forgetful(remove: Remove) -> Remove:
    """What a widget was is forgotten with what it held.

    Streamlit keeps it, with all that its callbacks hold, for as long as a visitor stays.
    """

    def removed(states: WStates, active: frozenset[str], fragments: list[str] | None) -> None:
        remove(states, active, fragments)
        states.widget_metadata = {
            name: known
            for name, known in states.widget_metadata.items()
            if _owner(name) in active or not _is_stale_widget(known, active, fragments)
        }

    return removed


def _owner(name: str) -> str:
    """The component that a name belongs to by which Streamlit hears of its events, or the name."""
    of_event = name.startswith(INTERNAL)
    return name.removeprefix(INTERNAL).partition(EVENT_DELIM)[0] if of_event else name


def spare() -> None:
    """For the whole process, once its configuration is settled."""
    app_session._populate_theme_msg = remembered(app_session._populate_theme_msg)
    SessionState.filtered_state = property(Named)  # type: ignore[assignment, method-assign]
    WStates.remove_stale_widgets = forgetful(WStates.remove_stale_widgets)  # type: ignore[method-assign]
    # It reads a chart back to rename what Altair has numbered: a text alone decides what comes out.
    vega_charts._stabilize_vega_json_spec = lru_cache(256)(vega_charts._stabilize_vega_json_spec)
