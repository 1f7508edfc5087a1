"""Params to widgets, and typed lines to widgets. No value passes here unchecked into a run."""

import streamlit as st

from pages.ui.state import Field, State

NAMES = {
    "input_shape": "input",
    "steps": "steps",
    "mixing": "mixing weight",
    "components": "components",
    "seed": "seed",
}


def listed(field: Field) -> bool:
    """Too many choices, or too long ones, to stand side by side: they are a list to open."""
    return sum(map(len, field.bound.choices)) > 22


def control(state: State, name: str) -> None:
    """The widget of one field; its value lives under the state's key."""
    field = state.fields[name]
    key, bound = state.key(name), field.bound
    label = field.label if field.label.startswith("$") else NAMES.get(name, field.label)
    st.session_state.setdefault(key, field.default)
    if listed(field):
        st.selectbox(label, bound.choices, key=key, help=bound.help)
    elif bound.choices:
        st.segmented_control(label, bound.choices, key=key, help=bound.help, required=True)
    elif isinstance(field.default, bool):
        st.toggle(label, key=key, help=bound.help)
    elif isinstance(field.default, str):
        st.text_input(label, key=key, help=bound.help, max_chars=2000)
    else:
        _number(label, key, field)


WIDEST = 1e12


def _number(label: str, key: str, field: Field) -> None:
    """Any number may be typed; what is out of bounds is said in a sentence, by ``Params``."""
    whole = isinstance(field.default, int)
    kind = int if whole else float
    st.number_input(
        label,
        kind(-WIDEST),
        kind(WIDEST),
        value=None,
        step=kind(field.bound.step or (1 if whole else 0.01)),
        key=key,
        help=field.bound.help,
        format="%d" if whole else "%.6g",
    )
