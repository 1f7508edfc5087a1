"""Who trains a run: a process, named so that it cannot be mistaken for a later one.

The number of a process is given to another one some day. Its starting time is not.
"""

import functools
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Owner(NamedTuple):
    """A process on a machine; ``start`` is when it began, in whatever its system counts."""

    host: str
    pid: int
    start: str


def me() -> Owner:
    """This process."""
    return _owner(os.getpid())


@functools.lru_cache(maxsize=1)
def _owner(pid: int) -> Owner:
    return Owner(_host(), pid, started(pid))


def _host() -> str:
    """The machine; two containers of one machine count processes each on their own."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{os.readlink(space) if space.exists() else ''}"


def started(pid: int) -> str:
    """When process ``pid`` began, or nothing if there is none."""
    if sys.platform == "linux":
        return _linux(pid)
    if sys.platform == "win32":
        return _windows(pid)
    told = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    stat, _, start = told.stdout.strip().partition(" ")
    return "" if stat.startswith("Z") else start.strip()


def _linux(pid: int) -> str:
    try:
        about = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    fields = about.rpartition(")")[2].split()  # the name before it may hold anything
    state, ticks = fields[0], fields[19]
    return "" if state in "ZX" else f"{boot}:{ticks}"


def _windows(pid: int) -> str:
    import ctypes

    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(0x1000, False, pid)  # only to ask
    if not handle:
        return ""
    times = [ctypes.c_ulonglong() for _ in range(4)]  # made, ended, kernel, user
    told = kernel.GetProcessTimes(handle, *[ctypes.byref(t) for t in times])
    kernel.CloseHandle(handle)
    return str(times[0].value) if told and not times[1].value else ""


def gone(owner: Owner) -> bool:
    """Is it certain that this process has ended? Of another machine nothing is certain."""
    mine = me()
    if owner.host != mine.host:
        return False
    return owner != mine and started(owner.pid) != owner.start
