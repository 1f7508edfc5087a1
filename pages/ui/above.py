"""What stands above the stage: title and question, presets, knobs."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from pages.catalog import CHAPTERS, Lesson
from pages.ui import tour
from pages.ui.controls import control, listed
from pages.ui.frame import lecture
from pages.ui.modes import choose_mode
from pages.ui.state import State


def header(entry: Lesson, state: State) -> Any:
    """Chapter and question; returns the place of what one takes away."""
    left, right = st.columns([66, 34], vertical_alignment="bottom")
    with left, st.container(gap=None):
        if not tour.line(state):
            chapter = CHAPTERS[entry.chapter]
            st.caption(f"{chapter} › {entry.title} · exercise {entry.exercise}")
        st.title(entry.question, anchor=False)
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        place = st.container(width="content")
        st.session_state.setdefault("project", lecture())
        st.toggle("Project", key="project", help="Only the figure and what belongs to it")
    return place


def trouble(sentence: str, state: State) -> None:
    """Why other settings are shown than one asked for, and the way back to those."""
    with st.container(key="trouble", horizontal=True, vertical_alignment="center"):
        st.warning(sentence, icon=":material/undo:")
        if state.broke_off:
            st.button("Try again", key=state.key("again"), on_click=state.again)


def presets(entry: Lesson, state: State) -> None:
    """The answer, and what one can begin with."""
    with st.container(horizontal=True, vertical_alignment="center"):
        choose_mode(entry.slug)
        st.markdown(entry.answer)
    current = state.current_preset()
    if state.get("preset") != current:
        state.put("preset", current)
    known = state.presets
    with st.container(horizontal=True, vertical_alignment="center"):
        st.pills(
            "Presets",
            list(known),
            format_func=lambda name: known[name].title,
            key=state.key("preset"),
            label_visibility="collapsed",
        )
        st.markdown(known[current].says if current else "Your own numbers.")


def knobs(state: State, folded: Collection[str]) -> dict[str, Any]:
    """A control for each field, those that are ``folded`` under More; returns where they stand."""
    names = [name for name in state.knobs if name not in folded]
    fields = {n: state.fields[n] for n in names}
    wide = {n for n, f in fields.items() if not listed(f) and sum(map(len, f.bound.choices)) > 18}
    wide |= {names[0]} & set(state.data)
    narrow = {n: 1.6 for n, f in fields.items() if listed(f)}
    narrow |= {n: 1.4 for n, f in fields.items() if [len(c) for c in f.bound.choices] == [2, 2]}
    widths = [3 if name in wide else narrow.get(name, 2) for name in names]
    more = [1.4] if folded else []
    columns = st.columns([*widths, *more], vertical_alignment="bottom" if more else "top")
    for name, column in zip(names, columns, strict=False):
        with column:
            control(state, name)
    if more:
        with columns[-1], st.popover("More"):
            for name in folded:
                control(state, name)
    return {name.split(".")[0]: column for name, column in zip(names, columns, strict=False)}
