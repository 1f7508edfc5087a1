"""Data that do not ship with the project: fetched when somebody asks for them."""

from collections.abc import Callable, Iterator

import streamlit as st

from engine.data import DataError

Download = Callable[[], Iterator[tuple[int, int]]]  # yields bytes so far, bytes in all


def offered(what: str, here: Callable[[], bool], download: Download) -> Callable[[], None]:
    """Draws a button that fetches ``what`` and shows how far it is; a word where it is here."""

    def offer() -> None:
        if here():
            st.caption(f"{what}: on this machine.")
        elif st.button(f"Download {what}", icon=":material/download:"):
            bar = st.progress(0.0)
            try:
                for done, total in download():
                    bar.progress(done / total, f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")
            except DataError as error:
                st.text(str(error))
            else:
                st.rerun()

    return offer
