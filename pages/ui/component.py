"""Our own pieces of the page: HTML, CSS and JS files of pages/ui/js, registered once."""

import dataclasses
import json
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
        return registered(data=packed(data), **more)

    return draw


def packed(data: dict[str, Any]) -> bytes:
    """How many numbers, the numbers of all arrays, then everything else as JSON.

    An array so costs nothing to write or to read; ``received`` in shared.js makes a flat
    Float64Array of it. And Streamlit hands bytes on as they are: a dict it would write out twice.
    """
    apart, count = [np.zeros(1)], 0

    def place(value: Any) -> dict[str, list[int]]:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"a component takes no {type(value).__name__}.")
        nonlocal count
        apart.append(value)
        count += value.size
        return {"$": [count - value.size, value.size]}

    text = json.dumps(data, default=place, separators=(",", ":"), allow_nan=False)
    apart[0][0] = count
    return b"".join(array.astype("<f8").tobytes() for array in apart) + text.encode()


def unpacked(data: bytes) -> dict[str, Any]:
    """What ``packed`` was given, for who reads a page without a browser; arrays are flat."""
    count = int(np.frombuffer(data, "<f8", 1)[0])
    numbers = np.frombuffer(data, "<f8", count, 8)

    def array(value: dict[str, Any]) -> Any:
        return numbers[value["$"][0] :][: value["$"][1]] if "$" in value else value

    return json.loads(data[8 * (count + 1) :], object_hook=array)


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
