"""Charts as they are sent: each drawn once for everybody, its rows ready for the wire."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from pages.ui.cache import made

Draw = Callable[..., Any]
Rows = Sequence[dict[str, Any]]


def sendable(draw: Draw, *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)`` with its rows in Arrow's form, for whoever changes it."""
    return copy.deepcopy(made(_wired, draw, *args))


def drawn(draw: Draw, *args: Any) -> dict[str, Any]:
    """The Vega-Lite of ``draw(*args)``; the tests check it against the schema."""
    # While another thread still imports pandas, Altair would take it for whole.
    import pandas  # noqa: F401

    return draw(*args).to_dict(validate=False)


def _wired(draw: Draw, *args: Any) -> dict[str, Any]:
    from pages.charts.theme import CONFIG  # Altair: a lesson without charts does without

    spec = drawn(draw, *args)
    tables = {name: arrow(rows) for name, rows in spec["datasets"].items()}
    return {**spec, "config": spec["config"] | CONFIG, "datasets": tables}


def arrow(rows: Rows) -> bytes:
    """Rows as an Arrow stream, which Streamlit passes on as it is; else it makes one by way of
    pandas, for every table of every chart at every run. What is no number is nothing."""
    import pyarrow

    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pyarrow.array([_told(row.get(name)) for row in rows]) for name in names}
    table = pyarrow.table(columns)
    out = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return out.getvalue().to_pybytes()


def _told(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
