"""Training on a page: start it, see how far it is, stop it; a tab that closes stops nothing.

The work is done by the processes of ``engine.training``; what stands here asks the manager of
this server how a job is, every second and only while it lives. A job is named by its settings, and
those are in the address, so a reload finds it.
"""

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from engine.params import Bound, ParamError
from engine.training.checkpoint import unpacked
from engine.training.index import StoreError
from engine.training.job import JobStatus
from engine.training.manager import Busy, Manager, manager
from engine.training.sweeping import Status
from engine.training.workers import SchedulerError
from pages.ui.state import Field, State

if TYPE_CHECKING:
    from pages.ui.lesson import Lesson

T = TypeVar("T")

POLL = 1.0  # seconds
REFUSALS = (Busy, StoreError, SchedulerError, ParamError)
UNKNOWN = "The training that this link names is not known here."
WORDS = {
    "interrupted": "Part of it is trained already.",
    "cancelled": "Stopped; what is trained is kept.",
    "failed": "It could not go on.",
}


def job_view() -> dict[str, Field]:
    """The field that holds the job's name: one of a lesson's ``views``."""
    return {"job": Field("", Bound(help="the training that is shown"), "Training")}


def held(
    specs: Sequence[Any], made: Callable[[Sequence[Status]], T], shipped: Callable[[], T]
) -> T:
    """What is ``made`` of these runs as far as this machine has trained them, or else what ships
    with the project."""
    try:
        status = manager().look(specs)
    except REFUSALS:  # the row above the figure says so
        return shipped()
    return made(status.runs) if status.step else shipped()


def arrays(runs: Sequence[Status]) -> list[dict[str, Any]]:
    """What the newest checkpoint of each run holds; it may be a little older than its points."""
    try:
        found = [manager().store.load(run.id)[0] if run.step else None for run in runs]
    except REFUSALS:
        return [{} for _ in runs]
    return [unpacked(data).state if data else {} for data in found]


def follow(
    page: "Lesson",
    specs: Sequence[Any],
    idle: str,
    shown: Any = None,
    more: Callable[[], None] | None = None,
) -> None:
    """The row above the figure. While these runs train, the page follows once a second: ``shown``
    is what it shows of them, the page's trace unless told. ``more`` stands beside the store."""

    def grown(status: JobStatus) -> None:
        mine = status.alive and status.step and status.id == manager().look(specs).id
        if mine and sum(len(run.points) for run in status.runs) != (shown or page.trace).count:
            st.rerun()

    if not page.projecting:
        training(page.state, specs, grown, _scheduler(page.state), idle, more)


def training(
    state: State,
    specs: Sequence[Any],
    draw: Callable[[JobStatus], None],
    scheduler: str = "",
    idle: str = "",
    more: Callable[[], None] | None = None,
) -> None:
    """The job begun here while it lives, or what is there of ``specs``: progress and buttons in one
    row of constant height, and what ``draw`` makes of it; ``idle`` is said while nothing trains.
    Draws itself anew while the job is alive."""
    try:
        jobs = manager()
        alive = _shown(jobs, state, specs).alive
    except REFUSALS as error:
        st.text(str(error))
        return

    def panel() -> None:
        try:
            status = _shown(jobs, state, specs)
        except REFUSALS as error:
            st.text(str(error))
            return
        refusal = state.get("refusal", "")
        state.put("refusal", "")
        with st.container(key="training"):
            left, right = st.columns([64, 36], vertical_alignment="center")
            with left:
                _progress(status, idle, refusal)
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                _where(state, more)
                _buttons(jobs, state, specs, status, scheduler)
        # Last: who begins the page anew before its buttons were asked loses a click on them.
        draw(status)
        if alive != status.alive:
            st.rerun()  # the whole page: it begins to follow, or nobody asks any more

    st.fragment(panel, run_every=POLL if alive else None)()


def _shown(jobs: Manager, state: State, specs: Sequence[Any]) -> JobStatus:
    name = str(state.get("job") or "")
    status = jobs.status(name) if name else None
    if name and status is None:
        st.caption(UNKNOWN)
    return status if status and status.alive else jobs.look(specs)


def _progress(status: JobStatus, idle: str, refusal: str) -> None:
    """How far, how fast, how long still; or why it was not begun."""
    if refusal or status.message:
        st.text(refusal or status.message)
    elif status.alive or 0 < status.part < 1:
        said = WORDS.get(status.state, "")
        st.progress(status.part, text=f"{progress_text(status)}{' · ' * bool(said)}{said}")
    elif said := WORDS.get(status.state) or idle:
        st.caption(said)


def progress_text(status: JobStatus) -> str:
    """One line, read at a glance."""
    if status.state == "queued":
        return f"Waiting, place {status.place} in the queue" if status.place else "Waiting"
    parts = [f"{status.step:,} of {status.steps:,} steps"]
    if status.state == "running":
        if status.rate >= 1:
            parts.append(f"{status.rate:,.0f} a second")
        if status.remaining is not None:
            parts.append(f"{duration(status.remaining)} left")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """About how long, in words.

    >>> [duration(s) for s in (0.4, 42, 100, 5400)]
    ['1 s', '42 s', '2 min', '1.5 h']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5000 else f"{seconds / 3600:.1f} h"


def _buttons(
    jobs: Manager, state: State, specs: Sequence[Any], status: JobStatus, scheduler: str
) -> None:
    wanted = jobs.look(specs)
    if status.alive:
        stop = functools.partial(jobs.cancel, status.id)
        st.button("Stop", key=state.key("stop"), icon=":material/stop:", on_click=stop)
    if wanted.alive and wanted.id != status.id:
        begin = "Show these settings"
    elif wanted.state in ("new", "interrupted", "cancelled", "failed"):
        begin = "Train" if wanted.state == "new" else "Go on"
    elif wanted.id != status.id:
        begin = "Show these settings"
    else:
        return
    st.button(
        begin,
        key=state.key("train"),
        icon=":material/play_arrow:",
        type="primary",
        on_click=_begin,
        args=(jobs, state, specs, wanted, scheduler),
    )


def _begin(
    jobs: Manager, state: State, specs: Sequence[Any], wanted: JobStatus, scheduler: str
) -> None:
    try:
        name = wanted.id if wanted.state == "done" else jobs.start(specs, scheduler)
    except REFUSALS as error:
        state.put("refusal", str(error))
    else:
        state.put("job", name)


def _scheduler(state: State) -> str:
    """Whose workers train: those of the address typed, or set for the whole server."""
    typed = "" if _open() else state.get("scheduler")
    return str(typed or os.environ.get("WORKINGS_SCHEDULER", ""))


def _open() -> bool:
    """Is this the hall's server? Who only visits it chooses no machine for it."""
    return os.environ.get("WORKINGS_OPEN") == "1"


def _where(state: State, more: Callable[[], None] | None) -> None:
    """Where it trains, and what is kept of it."""
    with st.popover("", icon=":material/database:", help="Where it trains and what is kept"):
        if not _open():
            st.text_input(
                "Dask scheduler",
                key=state.key("scheduler"),
                placeholder=os.environ.get("WORKINGS_SCHEDULER") or "this machine",
                help="tcp://host:8786, or empty for this machine's processors",
                max_chars=200,
            )
        stored(state)
        if more:
            more()


def stored(state: State) -> None:
    """How much the store holds, and a button that clears what nobody trains."""
    try:
        jobs = manager()
        megabytes = jobs.store.size() / 1e6
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Trained runs on this machine: {megabytes:,.1f} MB")
            if st.button("Clear", key=state.key("clear"), icon=":material/delete:"):
                jobs.clear()
                st.rerun()
    except REFUSALS as error:
        st.text(str(error))
