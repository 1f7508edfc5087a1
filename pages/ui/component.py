"""Our own pieces of the page: HTML, CSS and JS files of pages/ui/js, registered once."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.components.v2 import component as register

JS = Path(__file__).parent / "js"


@cache
def component(name: str) -> Callable[..., Any]:
    """The component made of ``<name>.html``, ``.css`` and ``.js`` and what all of them share."""

    def read(file: str) -> str:
        return (JS / file).read_text(encoding="utf-8")

    return register(
        f"workings_{name}",
        html=read(f"{name}.html"),
        css=read("shared.css") + read(f"{name}.css"),
        js=read("shared.js") + read(f"{name}.js"),
    )


def plain(value: Any) -> Any:
    """Arrays and floats as JSON can carry them: NaN and infinity become the words a page shows."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return value
