"""Loops that NumPy cannot take in, as machine code.

``native`` marks a function that Numba compiles when it is first called. The code is kept on disk,
so only the very first call ever waits; importing a module with such functions costs nothing.
Where the disk is full or not ours to write it is compiled all the same, and kept for this process.
``native(reorder=True)`` lets it add in another order and fuse products with sums, without which no
sum over an array uses the processor's vectors.
What a function calls becomes part of its own code. A call by name would find another copy in the
process that compiled it than in one that read it from disk, and float32 sums would differ between
them in the last digits.
"""

import functools
import hashlib
import inspect
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_REFUSED = 20  # functions that one call may compile, each of them refused by the disk
REORDER = frozenset({"contract", "nsz", "reassoc"})  # NaN and infinity keep their meaning


# Cleared while another process compiles ahead of us: a first call waits for its code, for a while,
# instead of compiling the same beside it.
AHEAD = threading.Event()
AHEAD.set()
LONGEST = 120.0  # seconds


class Native:
    """A function that becomes machine code at its first call and then runs without the GIL."""

    def __init__(self, function: Callable[..., Any], reorder: bool = False) -> None:
        self.plain, self.reorder = inspect.unwrap(function), reorder
        functools.update_wrapper(self, self.plain)

    def __call__(self, *args: Any) -> Any:
        for _ in range(MOST_REFUSED):
            try:
                return self.code(*args)
            except OSError:  # a full disk: it is compiled now, and only not kept
                continue
        return self.code(*args)

    @functools.cached_property
    def called(self) -> dict[str, "Native"]:
        """The native functions that this one calls, by the names it knows them by."""
        scope = self.plain.__globals__
        names = [n for n in self.plain.__code__.co_names if isinstance(scope.get(n), Native)]
        return {name: scope[name] for name in names}

    @functools.cached_property
    def version(self) -> str:
        """A digest of the files of all that it calls, and of this one, which says how to compile.

        Numba keeps code by the date of the function's own file only, but by its name too.
        """
        files = {function.plain.__code__.co_filename for function in self.called.values()}
        files.add(__file__)
        inner = "".join(sorted(function.version for function in self.called.values()))
        text = b"".join(Path(file).read_bytes() for file in sorted(files))
        return hashlib.sha256(text + inner.encode()).hexdigest()[:12]

    @functools.cached_property
    def code(self) -> Any:
        """What Numba made of the function, other native functions it calls included."""
        import numba  # a quarter of a second, and it brings SciPy

        AHEAD.wait(LONGEST)
        plain = self.plain
        scope = dict(plain.__globals__)
        for name, function in self.called.items():
            scope[name] = function.code
        twin = types.FunctionType(plain.__code__, scope, plain.__name__)
        twin.__qualname__ = f"{plain.__qualname__}_{self.version}"
        fastmath = set(REORDER) if self.reorder else False
        made = {
            "nogil": True, "error_model": "numpy", "fastmath": fastmath, "forceinline": True,
        }  # fmt: skip
        try:
            return numba.njit(cache=True, **made)(twin)
        except RuntimeError:  # no folder where code could be kept
            return numba.njit(**made)(twin)


def native(function: Callable[..., Any] | None = None, *, reorder: bool = False) -> Any:
    """Compile ``function`` when it is first called."""
    if function is None:
        return functools.partial(Native, reorder=reorder)
    return Native(function, reorder)
