"""The index: every chapter and lesson, drawn from the catalog."""

import streamlit as st

from pages.catalog import CHAPTERS, LESSONS, Lesson
from pages.ui.frame import ASSETS

st.session_state["page"] = "home"
theme = "dark" if st.context.theme.type == "dark" else "light"


def card(lesson: Lesson) -> None:
    """A lesson that stands shows itself; the whole card is its link."""
    with st.container(border=True, width=430, gap="small", key=f"card-{lesson.slug}"):
        picture = ASSETS / "pictures" / f"{lesson.slug}-{theme}.png"
        if picture.exists():
            st.image(str(picture), alt=f"The figure of {lesson.title}")
        st.page_link(f"{lesson.chapter}/{lesson.slug}.py", label=f"**{lesson.question}**")
        st.caption(f"{lesson.title} · exercise {lesson.exercise}")


st.title("Show your workings.", anchor=False)
st.markdown("Every number derived, stepped through, and certified by an independent computation.")
for chapter, name in CHAPTERS.items():
    st.header(name, anchor=False)
    mine = [lesson for lesson in LESSONS if lesson.chapter == chapter]
    with st.container(horizontal=True, gap="medium"):
        for lesson in mine:
            if lesson.built:
                card(lesson)
        planned = [f"- {entry.question} *{entry.title}*" for entry in mine if not entry.built]
        if planned:
            with st.container(width=430, gap=None):
                st.caption("Planned")
                st.markdown("\n".join(planned))
