"""First, back, play, next, last and scrub: moves every figure of the page in the browser.

Nothing goes to the server while one scrubs. Once the step rests, the address bar holds it and
Python is told once, which is the return value here.
"""

from collections.abc import Sequence

from pages.ui.component import component


def transport(key: str, captions: Sequence[str], opening: str, start: int, query: str) -> int:
    """One caption a step. ``opening`` names what was opened: while it stays the same, the browser
    keeps its own step; when it changes, the page stands at ``start``."""
    data = {"captions": list(captions), "opening": opening, "start": start, "query": query}
    state = component("transport")(key=key, data=data, on_at_change=lambda: None)
    at = state.get("at") or {}
    if at.get("opening") == opening and isinstance(at.get("step"), int):
        start = at["step"]
    return max(0, min(start, len(captions) - 1))
