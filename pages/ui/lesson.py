"""The anatomy of every lesson, in the places where a class looks for it.

Title and question, presets and knobs, stage and working, transport, certificate, and below them
slips, predict, derivation, source, data. A page calls these in order.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from engine.data import DataError
from engine.params import Bound, ParamError
from engine.predict import Question
from pages.catalog import lesson
from pages.ui import above, sections, tour
from pages.ui.cache import awaited, cached
from pages.ui.controls import control
from pages.ui.frame import lecture
from pages.ui.handout import Handout, hand_out
from pages.ui.modes import mode_field
from pages.ui.state import Field, State
from pages.ui.table import Table, table
from pages.ui.transport import transport
from pages.ui.typed import Unreadable
from pages.ui.vega import sendable


class Lesson:
    """One run of one lesson's page.

    ``data`` names typed lines and says what they hold; ``views`` are ways of looking at the same
    result; ``ask`` gives the questions to predict, ``module.questions(trace)`` unless told;
    ``split`` is how stage and working share the width; ``folded`` fields wait under More;
    a ``wide`` figure has the whole width in projection; ``turned`` says what a change brings.
    """

    def __init__(
        self,
        module: Any,
        data: Mapping[str, str] | None = None,
        views: Mapping[str, Field] | None = None,
        ask: Callable[["Lesson"], Sequence[Question]] | None = None,
        split: tuple[int, int] = (63, 37),
        folded: Sequence[str] = (),
        wide: bool = False,
        turned: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        self.module = module
        self.entry = lesson(module.__name__.rsplit(".", 1)[-1])
        lines = {name: Field("", Bound(help=text), name) for name, text in (data or {}).items()}
        views = {**(views or {}), **mode_field(self.entry.slug)}
        self.state = State(
            self.entry.slug,
            module.Params,
            lines,
            views,
            module.PRESETS,
            module.SLIPS,
            turned,
            tour.number(self.entry.slug),
        )
        self.sheet: Callable[[], tuple[Any, Any]] | None = None  # typed matrices as a table
        self._ask = ask or (lambda page: page.module.questions(page.trace))
        trouble = self.state.enter()
        tour.arrive(self.state)
        self.trace: Any = None
        self.captions: Sequence[str] = ()
        self._handout_place = above.header(self.entry, self.state)
        if trouble:
            above.trouble(trouble, self.state)
        self.projecting = bool(st.session_state.get("project", lecture()))
        self._slots: dict[str, Any] = {}
        if not self.projecting:
            above.presets(self.entry, self.state)
            self._slots = above.knobs(self.state, folded)
        self._trouble = st.empty()  # what is wrong with a folded field, where one sees it
        with st.container(key="projecting" if self.projecting else "reading"):
            # In projection a wide figure takes the width, and the working stands below it.
            if self.projecting and wide:
                left = right = st.container()
            else:
                left, right = st.columns(split, gap="medium")
        self._stage, self._below = left.container(key="stage"), left.container()
        self._working = right.container(key="working")
        self._seal = left.container(key="certificate")
        self._rest = st.container()

    @property
    def slip(self) -> Any:
        """The slip that is switched on, if any."""
        return self.module.SLIPS.get(self.state.get("slip") or "")

    @property
    def question(self) -> Question | None:
        """The question that blanks a cell just now."""
        return self._question

    # -- computing ---------------------------------------------------------------------------

    def run(self, compute: Callable[..., Any], *read: Callable[[str], Any], **more: Any) -> Any:
        """``compute(*data, params, **more)`` of what is set. ``read`` turns each typed line into
        data; ``more`` are data that nobody types.

        What cannot be used is said in one sentence at its field, and the last good result stays.
        """
        good = self.state.get("good")
        try:
            lines = [self._read(n, f) for n, f in zip(self.state.data, read, strict=True)]
            self.trace = cached(compute, *lines, self.state.params(), **more)
            self.state.put("good", self.trace)
        except (DataError, ParamError) as error:
            if self.state.by_link:
                self.state.refuse_link()
            self._say(str(error))
            self.trace = good if good is not None else self._first_preset(compute)
        self._question = self._asked()
        return self.trace

    def instead(self, trace: Any) -> Any:
        """Show this trace and not the one computed: one that is being made elsewhere."""
        self.trace = trace
        self._question = self._asked()
        return trace

    def _read(self, name: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(self.state.get(name))
        except Unreadable as error:
            raise DataError(f"{name} must be numbers, {error}.") from None

    def _say(self, sentence: str) -> None:
        named = re.findall(r"\w+", sentence.split(" must ")[0])
        field = next((n for n in self._slots if n in named), None)
        place = self._slots[field] if field else self._trouble
        place.error(re.sub(r"^\w+\.Params\.", "", sentence), icon=":material/error:")

    def _first_preset(self, compute: Callable[..., Any]) -> Any:
        preset = next(iter(self.module.PRESETS.values()))
        return cached(compute, *preset.data.values(), preset.params)

    def _asked(self) -> Question | None:
        if self.state.get("section") != "Predict":
            return None
        asked = self.state.get("question")
        open_ones = (q for q in self.questions() if q.name == asked)
        question = next(open_ones, None)
        solved = self.state.get("solved") == (asked, self.trace.digest(), self.step)
        return None if solved else question

    def questions(self) -> Sequence[Question]:
        return self._ask(self)

    @property
    def step(self) -> int:
        return min(int(self.state.get("step", 0)), len(self.trace) - 1)

    def slipped(self) -> Any:
        """The trace to show: with the mistake in it while a slip is on."""
        return cached(self.module.slipped, self.trace, self.slip) if self.slip else self.trace

    # -- stage, working, transport, certificate ----------------------------------------------

    def stage(self) -> AbstractContextManager:
        return self._stage

    def working(self) -> AbstractContextManager:
        return self._working

    def key(self, piece: str) -> str:
        """The key of one of our components; not a setting, so not under the state's names."""
        return f"{self.entry.slug}-{piece}"

    @property
    def opening(self) -> str:
        """Names what was opened last; what a component reports of an earlier opening is stale."""
        return f"{self.entry.slug}/{self.state.get('opening')}"

    def chart(self, says: str, draw: Callable[..., Any], *args: Any, tall: bool = False) -> None:
        """The chart ``draw(*args, start)``, as high as the screen allows; ``says`` names it.

        ``start`` is where the lesson was opened, not the present step: a chart whose
        specification stays the same is not drawn anew when the step rests.
        """
        name = f"{'tall' if tall else 'low'}-{says.lower().replace(' ', '-')}"
        with st.container(key=name):
            spec = sendable(draw, *args, self.state.get("opened", 0))
            st.vega_lite_chart(spec=spec, alt=says, height="stretch")

    def view(self, name: str) -> None:
        """The control of one way of looking, above its figure."""
        field = self.state.fields[name]
        if self.projecting:
            return
        if isinstance(field.default, bool):
            st.toggle(name, key=self.state.key(name))
        else:
            st.segmented_control(
                name,
                field.bound.choices,
                key=self.state.key(name),
                required=True,
                label_visibility="collapsed",
            )

    def numbers(self, *names: str) -> None:
        """Ways of looking that are numbers, side by side."""
        if not self.projecting:
            for name, column in zip(names, st.columns(len(names)), strict=True):
                with column:
                    control(self.state, name)

    def hold(self, values: Mapping[str, Any]) -> None:
        """Ways of looking that the result decides; before their controls are drawn."""
        for name, value in values.items():
            if self.state.get(name) != value:
                self.state.put(name, value)

    def choose(self, name: str, value: Any) -> None:
        """Take over what a component reports as chosen."""
        if value != self.state.get(name):
            self.state.put(name, value)
            st.rerun()

    def table(
        self, piece: str, content: Table, row: int, opened: Sequence[Mapping[str, Any]]
    ) -> None:
        """A table with one row chosen; a click on another sets what that one says."""
        table(self.key(piece), content, self.opening, row, self.put(opened))

    def put(self, choices: Sequence[Mapping[str, Any]]) -> Callable[[int], None]:
        """For a click on one of several: set what that one says, before the page runs."""

        state = self.state  # a click outlives this run: it holds no trace

        def chosen(place: int) -> None:
            for name, value in choices[place].items():
                state.put(name, value)

        return chosen

    def transport(self, captions: Iterable[str]) -> int:
        self.captions = list(captions)
        start = min(self.step, len(self.captions) - 1)  # a slip may settle sooner
        with self._below:
            step = transport(
                self.key("transport"), self.captions, self.opening, start, self.state.query()
            )
        self.state.put("step", step)
        return step

    def finish(self, handout: Handout) -> None:
        """Certificate and sections: drawn last, because checking may have to import torch."""
        if not self.projecting:
            with self._rest:
                sections.draw(self)
        with self._seal:
            # On a cold server the judges have to be imported first.
            says, certify = "Checking every number …", self.module.certify
            certificate = awaited(says, certify, self.trace, self.slip)
            sections.certificate(certificate, self.slip)
        with self._handout_place:
            hand_out(self, handout, certificate)
        self.state.drawn(self.step)

    def source(self) -> str:
        return inspect.getsource(self.module)
