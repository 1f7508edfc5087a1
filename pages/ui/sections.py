"""What stands below the stage: the certificate, slips, predict, derivation, source, data."""

import re
from typing import TYPE_CHECKING

import streamlit as st

from engine.certificate import Certificate
from engine.predict import judge
from engine.slips import Slip
from pages.ui.data import records
from pages.ui.sheet import sheet

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson

NAMES = ("Slips", "Predict", "Derivation", "Source", "Data")


def certificate(shown: Certificate, slip: Slip | None) -> None:
    """Green when it holds, red when not; never hidden."""
    line, details = st.columns([84, 16], vertical_alignment="center")
    with line:
        if shown.holds and slip:
            st.success(f"**Certified.** The slip is on, but here it hides. {slip.hides}")
        elif shown.holds:
            st.success(f"**Certified.** {shown}", icon=":material/verified:")
        else:
            why = f"{shown.disagreement} {slip.what} {slip.hides}" if slip else str(shown)
            st.error(f"**Not certified.** {why}", icon=":material/gpp_bad:")
    with details, st.popover("Details", width="stretch"):
        rows = [
            f"| {'✓' if check.holds else '✗'} | ${check.name}$ | {check.against} "
            f"| {check.got.size:,} | {check.deviation:.1e} | {check.tolerance:.0e} |"
            for check in shown.checks
        ]
        head = "| | what | against | numbers | deviation | allowed |\n|---|---|---|---|---|---|"
        st.markdown("\n".join([head, *rows]))


def draw(page: "Lesson") -> None:
    """The sections; only the open one is computed and sent."""
    key = page.state.key("section")
    st.session_state.setdefault(key, NAMES[0])
    chosen = st.segmented_control(
        "Section", NAMES, key=key, label_visibility="collapsed", required=True
    )
    {
        "Slips": _slips,
        "Predict": _predict,
        "Derivation": _derivation,
        "Source": _source,
        "Data": _data,
    }[chosen or NAMES[0]](page)


def _slips(page: "Lesson") -> None:
    slips = page.module.SLIPS
    chosen = st.pills(
        "Switch a known mistake on",
        list(slips),
        format_func=lambda name: slips[name].title,
        key=page.state.key("slip"),
    )
    if chosen:
        slip = slips[chosen]
        st.caption(f"Exercise {slip.exercise}")
        if slip.shows and page.state.current_preset() != slip.shows:
            preset = page.module.PRESETS[slip.shows]
            st.button(
                f"Show it on “{preset.title}”",
                on_click=page.state.show,
                args=(slip.shows, chosen),
                type="tertiary",
            )


def _predict(page: "Lesson") -> None:
    state = page.state
    questions = {q.name: q for q in page.questions()}
    names = list(questions)
    if state.get("question") not in questions:
        state.put("question", names[0])
        state.stand(questions[names[0]].step)
        st.rerun()

    def ask() -> None:
        if name := state.get("question"):
            state.stand(questions[name].step)

    st.pills(
        "Predict",
        names,
        format_func=lambda name: f"${questions[name].symbol}$",
        key=state.key("question"),
        on_change=ask,
        required=True,
    )
    question = questions[state.get("question") or names[0]]
    row = st.form(f"predict-{question.name}", border=False).container(
        horizontal=True, vertical_alignment="bottom"
    )
    answer = row.number_input(
        f"${question.symbol}$ =",
        -1e12,
        1e12,
        value=None,
        format="%.6g",
        width=240,
        key=f"predict-answer-{page.entry.slug}-{question.name}",
    )
    checked = row.form_submit_button("Check")
    revealed = row.form_submit_button("Reveal")
    asked = (question.name, page.trace.digest(), page.step)
    if checked and answer is not None:
        verdict = judge(question, answer)
        state.put("verdict", (asked, verdict))
        revealed = verdict.right
    if revealed and state.get("solved") != asked:
        state.put("solved", asked)
        st.rerun()
    told, verdict = state.get("verdict") or (None, None)
    if told == asked and verdict:
        (st.success if verdict.right else st.warning)(verdict.sentence)
    if state.get("solved") == asked:
        st.markdown(f"${question.symbol} = {question.value:.6g}$")


def _derivation(page: "Lesson") -> None:
    st.markdown(displayed(page.module.__doc__))


def displayed(text: str) -> str:
    """Put every $$ on a line of its own: Markdown takes a formula over two lines only so."""
    return re.sub(r"\$\$(.+?)\$\$", lambda m: f"\n$$\n{m[1].strip()}\n$$\n", text, flags=re.DOTALL)


def _source(page: "Lesson") -> None:
    st.code(page.source(), language="python")


def _data(page: "Lesson") -> None:
    if page.sheet:
        sheet(page, *page.sheet())
    st.dataframe(records(page.slipped()), hide_index=True, alt="Every number of the trace")
