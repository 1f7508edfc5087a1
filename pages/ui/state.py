"""What a lesson is set to: widget keys, presets and links, all three the same flat names.

``Params.start = (0.6, 0.5)`` of the lesson ``coins`` lives under the widget keys
``coins.start.0`` and ``coins.start.1`` and in a link as ``start.0=0.6&start.1=0.5``. A link always
carries every field and a version, so that a default that changes later cannot change what an old
link shows.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from engine.params import Bound
from engine.preset import Preset
from pages.ui.late import Values, hearing, wished
from pages.ui.typed import spelled

VERSION = "1"
LONGEST = 2000
UNKNOWN = "This link holds something unknown here, so the lesson opens as usual."


@dataclass(frozen=True)
class Field:
    """One value a person sets: its default, its bounds, and how a link spells it."""

    default: Any
    bound: Bound
    label: str = ""

    def parse(self, text: str) -> Any:
        """The value that ``text`` means; ValueError if it means none or is out of bounds."""
        if self.bound.choices:
            if text not in self.bound.choices:
                raise ValueError(text)
            return text
        if isinstance(self.default, str):
            if not text.isprintable():
                raise ValueError(text)
            return text
        if isinstance(self.default, bool):
            return {"True": True, "False": False}[text]
        value = type(self.default)(text)
        if not self.bound.admits(value):
            raise ValueError(text)
        return value


def fields_of(params: type) -> dict[str, Field]:
    """The flat fields of a Params class; a tuple becomes one field per item."""
    out: dict[str, Field] = {}
    for f in dataclasses.fields(params):
        bound: Bound = f.metadata["bound"]
        if isinstance(f.default, tuple):
            labels = bound.label.strip("$").split(", ")
            for i, (value, label) in enumerate(zip(f.default, labels, strict=True)):
                out[f"{f.name}.{i}"] = Field(value, bound, f"${label}$")
        else:
            out[f.name] = Field(f.default, bound, bound.label or f.name)
    return out


class State:
    """The settings of one lesson in this session: typed data, knobs, and ways of looking."""

    def __init__(
        self,
        slug: str,
        params: type,
        data: Mapping[str, Field],
        views: Mapping[str, Field],
        presets: Mapping[str, Preset],
        slips: Collection[str] = (),
        turned: Callable[[Values, Values], Values] | None = None,
        tour: str | None = None,
    ) -> None:
        """``turned`` says, of the values before and now, what a change brings with it; ``tour``
        is which stop of the tour this lesson is, if it is one."""
        self.slug = slug
        self.tour = tour
        self._turned = turned
        self.params_class = params
        self.presets = presets
        self.slips = slips
        self.data = tuple(data)
        self.knobs = (*data, *fields_of(params))
        self.fields = {**data, **fields_of(params), **views}
        self.followed = (*self.fields, "slip", "preset")

    def key(self, name: str) -> str:
        return f"{self.slug}.{name}"

    def get(self, name: str, default: Any = None) -> Any:
        return st.session_state.get(self.key(name), default)

    def put(self, name: str, value: Any) -> None:
        st.session_state[self.key(name)] = value
        if name in self.followed:
            self.get("told", {})[name] = value

    def values(self) -> dict[str, Any]:
        return {name: self.get(name, field.default) for name, field in self.fields.items()}

    # -- opening -----------------------------------------------------------------------------

    def enter(self) -> str:
        """Called first on every run. On arrival it reads the link, if there is one; otherwise
        a lesson never seen before opens on its first preset. Returns a sentence if the link was
        no good, or if the run before broke off."""
        arrived = st.session_state.get("page") != self.slug
        st.session_state["page"] = self.slug
        switched = st.session_state.pop("switched", False)  # the address is the other mode's
        self.by_link = arrived and bool(st.query_params) and not switched
        self._listen(arrived)
        refused = bool(self.get("refused"))
        self.put("refused", False)
        if self.by_link:
            try:
                self.open(*self._read(st.query_params.to_dict()))
                st.session_state["tour"] = st.query_params.get("tour")
            except (ValueError, KeyError, OverflowError):
                refused = True
        if refused:
            st.session_state["tour"] = None
        self.broke_off = bool(said := self.get("mishap"))
        if said:
            self.put("mishap", "")
            self.put("back", True)
            tried = {**self.values(), "slip": self.get("slip")}
            self.put("tried", (tried, self.get("step", 0)))
            self._return()
        elif refused or self.get("opening") is None:
            self.open_preset(next(iter(self.presets)))
        return said or (UNKNOWN if refused else "")

    def drawn(self, step: int) -> None:
        """The page stands whole: here one returns if the next thing breaks off."""
        self.put("whole", ({**self.values(), "slip": self.get("slip")}, step, self.get("section")))
        self.put("back", False)

    def again(self) -> None:
        """What broke off, as it was set: perhaps there is room now."""
        self.open(*self.get("tried"))

    def _return(self) -> None:
        """Back to what was drawn last, or to how the lesson opens."""
        if whole := self.get("whole"):
            values, step, section = whole
            self.open(values, step)
            if section:
                self.put("section", section)
        else:
            self.open_preset(next(iter(self.presets)))

    def _listen(self, arrived: bool) -> None:
        """Take over what the message wishes; the address says which answer its sender had seen."""
        now = {name: self.get(name) for name in self.followed}
        told, heard = (now, now) if arrived else (self.get("told"), self.get("heard"))
        seen = {n: text for n, text in st.query_params.items() if n not in ("step", "tour")}
        late = not arrived and bool(seen) and seen != self._shown(told)
        wish = wished(now, told, heard, late)
        self.put("heard", hearing(now, told, heard, late))
        self.put("told", dict(wish))
        for name in self.followed:
            if wish[name] != now[name]:
                self.put(name, wish[name])
        if self._turned and not arrived:
            for name, value in self._turned(told, wish).items():
                self.put(name, value)
        # A second click on the preset that is open takes its mark away: open it anew.
        if preset := wish["preset"] != told["preset"] and (wish["preset"] or told["preset"]):
            self.open_preset(preset)

    def refuse_link(self) -> None:
        """The link's values are of the right kind, but the engine cannot use them: begin anew."""
        self.put("refused", True)
        st.rerun()

    def open(self, values: Mapping[str, Any], step: int) -> None:
        """Set everything, ways of looking too, and stand at ``step``."""
        for name, field in self.fields.items():
            self.put(name, values.get(name, field.default))
        self.put("slip", values.get("slip"))
        self.stand(step)

    def stand(self, step: int) -> None:
        """Make the transport stand at a step that Python chooses."""
        self.put("step", step)
        self.put("opened", step)
        self.put("opening", self.get("opening", 0) + 1)

    def open_preset(self, name: str) -> None:
        preset = self.presets[name]
        self.open(self.of_preset(preset), preset.step)

    def show(self, preset: str, slip: str) -> None:
        """A preset with a slip switched on."""
        self.open_preset(preset)
        self.put("slip", slip)

    def of_preset(self, preset: Preset) -> dict[str, Any]:
        """A preset in flat names."""
        values: dict[str, Any] = {name: spelled(value) for name, value in preset.data.items()}
        for name, value in dataclasses.asdict(preset.params).items():
            if isinstance(value, tuple):
                values |= {f"{name}.{i}": item for i, item in enumerate(value)}
            else:
                values[name] = value
        return values

    def current_preset(self) -> str | None:
        """The preset whose values are set just now."""
        values = {name: self.get(name) for name in self.knobs}
        same = (n for n, p in self.presets.items() if self.of_preset(p) == values)
        return next(same, None)

    # -- links -------------------------------------------------------------------------------

    def query(self) -> str:
        """Everything but the step, as the query of a link."""
        tour = {"tour": self.tour} if self.touring else {}
        return urlencode(self._shown({**self.values(), "slip": self.get("slip")}) | tour)

    @property
    def touring(self) -> bool:
        """Is the visitor on the tour, and is this the stop?"""
        return self.tour is not None and st.session_state.get("tour") == self.tour

    def _shown(self, values: Mapping[str, Any]) -> dict[str, str]:
        given = {n: f.default if values[n] is None else values[n] for n, f in self.fields.items()}
        slip = {"slip": values["slip"]} if values["slip"] else {}
        return {"v": VERSION} | {n: spelled(value) for n, value in given.items()} | slip

    def _read(self, query: Mapping[str, str]) -> tuple[dict[str, Any], int]:
        """Values and step of a link; ValueError or KeyError if anything in it is no good."""
        if query["v"] != VERSION or any(len(text) > LONGEST for text in query.values()):
            raise ValueError("version or length")
        if set(query) - set(self.fields) - {"v", "step", "slip", "tour"}:
            raise ValueError("unknown field")
        if query.get("tour", self.tour) != self.tour:
            raise ValueError("tour")
        values: dict[str, Any] = {n: f.parse(query[n]) for n, f in self.fields.items()}
        if (slip := query.get("slip")) is not None and slip not in self.slips:
            raise ValueError("slip")
        values["slip"] = slip
        step = int(query.get("step", "0")) if len(query.get("step", "0")) < 7 else -1
        if step < 0:
            raise ValueError("step")
        return values, step

    # -- what the engine gets ----------------------------------------------------------------

    def params(self) -> Any:
        """The Params these settings mean; ParamError if they are out of bounds."""
        given: dict[str, Any] = {}
        values = self.values()
        for f in dataclasses.fields(self.params_class):
            if isinstance(f.default, tuple):
                given[f.name] = tuple(values[f"{f.name}.{i}"] for i in range(len(f.default)))
            else:
                given[f.name] = values[f.name]
        return self.params_class(**given)
