"""Altair, without its needless work: nine tenths of the time a chart takes is copying.

Each method of a chart copies all of it, unset properties included, through constructors of sixty
arguments, and each shorthand like ``"x:Q"`` hashes the schemas of all classes anew. The copies here
are as deep, without the constructors, and the hashes are kept. Nothing is checked on the way: the
tests check every chart against Vega-Lite's schema, and that it is the one that plain Altair makes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import altair as alt
from altair.utils import schemapi

LEAVES = frozenset({str, int, float, bool, type(None), type(alt.Undefined)})
PLAIN = {name: getattr(schemapi, name) for name in ("_deep_copy", "_FromDict", "DEBUG_MODE")}


def deep_copy(thing: Any, by_ref: set[str]) -> Any:
    """All lists, dicts and schema objects in ``thing`` anew; data and what ``by_ref`` names are
    kept: no method of a chart changes them."""

    def item(value: Any) -> Any:
        return value if type(value) in LEAVES else deep_copy(value, by_ref)

    def items(given: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value if type(value) in LEAVES or name in by_ref else deep_copy(value, by_ref)
            for name, value in given.items()
        }

    if isinstance(thing, alt.InlineData):
        return thing
    if isinstance(thing, alt.LayerChart):  # its constructor lifts the parameters of the layers
        return type(thing)(*map(item, thing._args), **items(thing._kwds))
    if isinstance(thing, schemapi.SchemaBase):
        copy = object.__new__(type(thing))
        vars(copy).update(vars(thing))
        vars(copy)["_args"] = tuple(item(value) for value in thing._args)
        vars(copy)["_kwds"] = items(thing._kwds)
        return copy
    if isinstance(thing, list):
        return [item(value) for value in thing]
    return items(thing) if isinstance(thing, dict) else thing


class FromDict(schemapi._FromDict):
    """Which class a schema belongs to, found out once."""

    def __init__(self, _: Any) -> None:
        self.class_dict = _classes()


@cache
def _classes() -> Any:
    return PLAIN["_FromDict"](alt.VegaLiteSchema._default_wrapper_classes()).class_dict


QUICK = {"_deep_copy": deep_copy, "_FromDict": FromDict, "DEBUG_MODE": False}


def _use(pieces: dict[str, Any]) -> None:
    for name, piece in pieces.items():
        setattr(schemapi, name, piece)


@contextmanager
def plain() -> Iterator[None]:
    """Altair as it is, to compare with."""
    _use(PLAIN)
    try:
        yield
    finally:
        _use(QUICK)


_use(QUICK)
