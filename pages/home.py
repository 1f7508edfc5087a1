"""The index: the tour, then every chapter and lesson, drawn from the catalog."""

import streamlit as st

from pages.catalog import CHAPTERS, LESSONS, Lesson
from pages.ui.tour import STOPS, Stop, leave, link

st.session_state["page"] = "home"
leave()
theme = "dark" if st.context.theme.type == "dark" else "light"


def picture(name: str, says: str) -> None:
    """By its address: the browser fetches it once, and the page carries no bytes of it."""
    st.markdown(f"![{says}](/assets/pictures/{name}-{theme}.png)")


def stop(number: int, at: Stop) -> None:
    """A stop of the tour shows what one will see there; the whole card is its link."""
    with st.container(border=True, gap=None, key=f"card-tour-{number}"):
        picture(f"tour-{number}", at.shows)
        label = f"**{number} · {at.verb}** {at.card}"
        st.page_link(at.path, label=label, query_params=link(at))


def card(lesson: Lesson) -> None:
    """A lesson that stands shows itself; the whole card is its link."""
    with st.container(border=True, gap=None, key=f"card-{lesson.slug}"):
        picture(lesson.slug, f"The figure of {lesson.title}")
        label = f"**{lesson.question}** {lesson.title} · exercise {lesson.exercise}"
        st.page_link(f"{lesson.chapter}/{lesson.slug}.py", label=label)


st.title("Show your workings.", anchor=False)
st.markdown("Every number derived, stepped through and certified. **Three stops, five minutes:**")
with st.container(key="tour-cards"):
    for number, at in enumerate(STOPS, 1):
        stop(number, at)

with st.container(key="index"):
    for chapter, name in CHAPTERS.items():
        mine = [lesson for lesson in LESSONS if lesson.chapter == chapter]
        built = [lesson for lesson in mine if lesson.built]
        planned = [f"- {entry.question} *{entry.title}*" for entry in mine if not entry.built]
        # The key says how wide the shelf is: as many cards as it holds.
        with st.container(key=f"shelf-{min(4, len(built) + bool(planned))}-{chapter}"):
            st.header(name, anchor=False)
            for lesson in built:
                card(lesson)
            if planned:
                with st.container(gap=None):
                    st.caption("Planned")
                    st.markdown("\n".join(planned))
