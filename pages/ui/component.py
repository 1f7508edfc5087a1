"""Our own pieces of the page: HTML, CSS and JS files of pages/ui/js, registered once."""

import dataclasses
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

    registered = register(
        f"workings_{name}",
        html=read(f"{name}.html"),
        css=read("shared.css") + read(f"{name}.css"),
        js=read("shared.js") + read(f"{name}.js"),
    )

    def draw(*, data: dict[str, Any], **more: Any) -> Any:
        # A list could be a table: Streamlit would import pandas to find out. A tuple could not.
        bare = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return registered(data=bare, **more)

    return draw


LEAVES = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """Arrays, dataclasses and floats as JSON can carry them: NaN and infinity become the words a
    page shows."""
    kind = type(value)
    if kind in LEAVES:
        return value
    if kind is float:
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [item if type(item) in LEAVES else plain(item) for item in value]
    if isinstance(value, dict):
        return {k: item if type(item) in LEAVES else plain(item) for k, item in value.items()}
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        return plain(value.item())
    if dataclasses.is_dataclass(value):
        return plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    return value
