"""A notebook that recomputes what the page shows, with ``engine`` alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def notebook(
    module: Any,
    title: str,
    data: Sequence[Any] | Mapping[str, Any],
    params: Any,
    shown: dict[str, Any],
    verb: str = "run",
) -> str:
    """Run, certify, compare: ``shown`` maps expressions of ``trace`` to the numbers on the page.

    It runs wherever ``engine`` can be imported: in the project's folder, say.
    """
    package, name = module.__name__.rsplit(".", 1)
    if isinstance(data, Mapping):
        arguments = ", ".join([*(f"{key}={item!r}" for key, item in data.items()), "params=params"])
    else:
        arguments = ", ".join([*(repr(item) for item in data), "params"])
    cells = [
        new_markdown_cell(f"# {title}\n\nEvery number of the page, computed again."),
        new_code_cell(
            "import numpy as np\n"
            f"from {package} import {name}\n\n"
            f"params = {name}.{params!r}\n"
            f"trace = {name}.{verb}({arguments})"
        ),
        new_markdown_cell("What the page showed, against what has just been computed:"),
        new_code_cell(
            f"shown = {shown!r}\n"
            "for expression, value in shown.items():\n"
            "    again = eval(expression)\n"
            "    print(f'{expression} = {again}')\n"
            "    assert np.allclose(again, value, rtol=1e-12, atol=1e-15, equal_nan=True)"
        ),
        new_markdown_cell("The certificate, and what each known mistake does to it:"),
        new_code_cell(
            f"print({name}.certify(trace))\n"
            f"for slip in {name}.SLIPS.values():\n"
            f"    print(slip.title, '->', {name}.certify(trace, slip))"
        ),
        new_markdown_cell((module.__doc__ or "").strip()),
    ]
    book = new_notebook(cells=cells)
    for i, cell in enumerate(book.cells):
        cell["id"] = f"cell-{i}"  # the same page gives the same file
    return nbformat.writes(book)
