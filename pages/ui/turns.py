"""Whose turn it is: few pages are computed at once, the others wait in the order they came.

Two hundred who share a core slice by slice all end last; in a row most of them end early. Nobody
waits for ever: what takes longer than that has its reasons, and the next one begins beside it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
LONGEST = 10.0  # seconds that one waits for a turn
_turns = threading.Semaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Wait for a turn, and pass it on."""
    mine = _turns.acquire(timeout=LONGEST)
    try:
        yield
    finally:
        if mine:
            _turns.release()
