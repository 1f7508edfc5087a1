"""What a reader takes along: link, figure (SVG, PNG), data (CSV), handout, notebook.

The figures are taken from the page as they stand, at the step they stand at, so the handout is
put together in the browser; Python gives it everything else.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.certificate import Certificate
from engine.working import Line
from pages.ui.component import component
from pages.ui.data import as_csv, records
from pages.ui.mathml import mathml

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson

ROWS, COLUMNS = 60, 10


@dataclass(frozen=True, eq=False)
class Handout:
    """``lines`` are the workings to print; ``data`` and ``shown`` go into the notebook, data by
    place or by name, and ``verb`` is what the notebook calls with them."""

    lines: Sequence[Line]
    data: Sequence[Any] | Mapping[str, Any]
    shown: dict[str, Any]
    verb: str = "run"


def hand_out(page: "Lesson", content: Handout, certificate: Certificate) -> None:
    """The menu at the top right."""
    slug = page.entry.slug
    with st.popover("Hand out", icon=":material/ios_share:"):
        key = page.key("handout")
        asked = (st.session_state.get(key) or {}).get("make")
        document = _document(page, content, certificate) if asked else ""
        component("handout")(
            key=key,
            data={"name": slug, "document": document, "nonce": asked or 0},
            on_make_change=lambda: None,
        )
        st.download_button(
            "Data (CSV)",
            lambda: as_csv(records(page.slipped())),
            f"{slug}.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "Notebook",
            lambda: _notebook(page, content),
            f"{slug}.ipynb",
            "application/x-ipynb+json",
            icon=":material/function:",
            on_click="ignore",
            width="stretch",
        )


def _notebook(page: "Lesson", content: Handout) -> str:
    from pages.ui.notebook import notebook  # nbformat: only who asks for one waits for it

    title = page.entry.question
    given = content.data, page.trace.params, content.shown, content.verb
    return notebook(page.module, title, *given)


def _document(page: "Lesson", content: Handout, certificate: Certificate) -> str:
    """The self-contained page, with a mark where the browser puts the figures."""
    slip = page.slip
    rows = records(page.slipped())
    lines = "".join(f"<p class=line>{mathml(line.tex(page.step))}</p>" for line in content.lines)
    note = (
        f"<p><b>Slip on: {html.escape(slip.title)}.</b> {html.escape(slip.what)}</p>"
        if slip
        else ""
    )
    verdict = "Certified." if certificate.holds else "Not certified."
    values = page.state.values()
    settings = ", ".join(
        f"{_label(page.state.fields[n].label)} = {html.escape(str(values[n]))}"
        for n in page.state.knobs
    )
    return _FRAME.format(
        title=html.escape(page.entry.question),
        answer=html.escape(page.entry.answer),
        settings=settings,
        caption=html.escape(
            f"step {page.step} of {len(page.captions) - 1}: {page.captions[page.step]}"
        ),
        lines=lines,
        verdict=f'<p class="{"good" if certificate.holds else "bad"}"><b>{verdict}</b> '
        f"{html.escape(str(certificate))}</p>{note}",
        table=_table(rows[:ROWS]),
        more=f"<p>{len(rows) - ROWS} more rows are in the CSV.</p>" if len(rows) > ROWS else "",
        exercise=html.escape(page.entry.exercise),
    )


def _label(label: str) -> str:
    return mathml(label.strip("$")) if label.startswith("$") else html.escape(label)


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])[:COLUMNS]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in names) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.6g}" if isinstance(value, float) else str(value))


_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #16202c; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
figure {{ margin: 1rem 0; }} figure svg {{ width: 100%; height: auto; }}
math {{ font: 1.15em "STIX Two Math", "Cambria Math", math; math-style: normal; }}
.line {{ margin: 0.5rem 0; overflow-x: auto; }}
.good {{ border-left: 6px solid #1a9a78; padding-left: 0.8rem; }}
.bad {{ border-left: 6px solid #c2187a; padding-left: 0.8rem; }}
table {{ border-collapse: collapse; font-size: 0.85em; }} .data {{ overflow-x: auto; }}
th, td {{ border-bottom: 1px solid #c9d1db; padding: 0.15rem 0.6rem; text-align: right; }}
footer {{ color: #55606d; border-top: 1px solid #c9d1db; margin-top: 2rem; padding-top: 0.5rem; }}
</style></head><body>
<h1>{title}</h1><p>{answer}</p><p>{settings}</p>
<figure><!--figure--><figcaption>{caption}</figcaption></figure>
<h2>Working</h2>{lines}
<h2>Certificate</h2>{verdict}
<h2>Data</h2><div class="data">{table}</div>{more}
<footer>Workings, exercise {exercise}. <a href="<!--link-->">The live page</a></footer>
</body></html>
"""
