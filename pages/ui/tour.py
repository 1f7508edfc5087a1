"""The tour: three stops, each a link to a lesson as it should be seen, and the line that leads on.

A stop is written down as a preset and what differs from it; its link is made from the lesson's own
numbers, so that a preset that changes takes the tour along.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import streamlit as st

from engine.params import Bound
from pages.catalog import lesson
from pages.ui.frame import lecture
from pages.ui.state import VERSION, Field, State
from pages.ui.typed import spelled


@dataclass(frozen=True)
class Stop:
    """``verb`` and ``card`` stand on its card, whose picture ``shows`` something; ``says`` what to
    do on the page.

    ``views`` are the page's ways of looking, which a link carries too; ``section`` is opened, and
    in it the ``question``.
    """

    slug: str
    verb: str
    card: str
    shows: str
    says: str
    preset: str
    step: int
    views: Mapping[str, Any] = field(default_factory=dict, hash=False)
    slip: str = ""
    section: str = "Slips"
    question: str = ""

    @property
    def below(self) -> bool:
        """Is it done below the figure, which projection leaves out?"""
        return bool(self.slip or self.question)

    @property
    def path(self) -> str:
        return f"{lesson(self.slug).chapter}/{self.slug}.py"


STOPS = (
    Stop(
        "bernoulli",
        "See it",
        "Nobody says which digit is which, and yet noise turns into digits.",
        "Five squares of noise, and below them the digits they become",
        "Press the space bar: ten blurs become digits.",
        preset="digits",
        step=0,
        views={"show": "means", "row": 1, "component": 0, "column": 0},
    ),
    Stop(
        "chain",
        "Break it",
        "A mistake that was really printed: an independent computation finds it.",
        "A chain of derivatives, four of them marked wrong, and a red certificate",
        "Below, switch the slip off: the certificate turns green.",
        preset="exercise",
        step=12,
        slip="eq23-second",
    ),
    Stop(
        "centres",
        "Predict it",
        "One number is blank: type your own, and hear how far off it is.",
        "Five points, the curve of their squared distances, and a question mark for the mean",
        "Below, type the mean of the five points.",
        preset="outlier",
        step=11,
        section="Predict",
        question="mean",
    ),
)


def number(slug: str) -> str | None:
    """Which stop this lesson is, as a link spells it."""
    return next((str(n) for n, stop in enumerate(STOPS, 1) if stop.slug == slug), None)


@cache
def link(stop: Stop) -> dict[str, str]:
    """The query of a stop: everything that a lesson's link carries, and the tour."""
    module = importlib.import_module(lesson(stop.slug).module)
    preset = module.PRESETS[stop.preset]
    lines = {name: Field("", Bound()) for name in preset.data}
    state = State(stop.slug, module.Params, lines, {}, module.PRESETS)
    values = {**state.of_preset(preset), **stop.views}
    slip = {"slip": stop.slip} if stop.slip else {}
    told = {"step": str(stop.step), "tour": str(number(stop.slug))}
    return {"v": VERSION} | {name: spelled(value) for name, value in values.items()} | slip | told


def arrive(state: State) -> None:
    """Open what a link cannot: the section below the stage, and its question."""
    if state.by_link and state.touring:
        stop = STOPS[int(state.tour or 1) - 1]
        state.put("section", stop.section)
        if stop.question:
            state.put("question", stop.question)


def line(state: State) -> bool:
    """Where one is, what to do here, and where to go next; False if this is no stop."""
    if not state.touring:
        return False
    at = int(state.tour or 1)
    says = STOPS[at - 1].says
    if STOPS[at - 1].below and st.session_state.get("project", lecture()):
        says = "Turn Project off to try it."
    with st.container(key="tour", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Tour {at} of {len(STOPS)}** · {says}", width="content")
        if at < len(STOPS):
            stop = STOPS[at]
            st.page_link(stop.path, label=f"Next: {stop.verb.lower()} ›", query_params=link(stop))
        else:
            st.page_link("home.py", label="All lessons ›")
        st.button("Leave", key="tour-leave", type="tertiary", on_click=leave)
    return True


def leave() -> None:
    st.session_state["tour"] = None
