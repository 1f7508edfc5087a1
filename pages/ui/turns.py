"""Whose turn it is: one page is computed at a time, the others wait in the order they came.

Two hundred who share a core slice by slice all end last; in a row most of them end early. Who has
just come in goes first, so that everybody soon sees something. What takes long does not hold up the
rest: the next one begins beside it, and nobody waits for ever.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 1  # Python computes one thing at a time; more would only push each other aside
LONG = 0.2  # seconds after which the next one begins beside whoever is still at it
MOST = 4  # that may be at it then
LONGEST = 10.0  # seconds that anybody waits


class Turns:
    """A ticket for each who waits; who leaves calls the next one, and wakes nobody else."""

    def __init__(self) -> None:
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._waiting: list[tuple[bool, int, threading.Event]] = []
        self._called = 0.0  # when somebody went in last
        self.inside = 0

    @contextmanager
    def turn(self, new: bool = False) -> Iterator[None]:
        """Wait for a turn, those who are ``new`` before all others, and pass it on."""
        self._enter(new)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, new: bool) -> None:
        came = time.monotonic()
        with self._lock:
            if self.inside < AT_ONCE:
                self._go_in(came)
                return
            ticket = (not new, next(self._numbers), threading.Event())
            heapq.heappush(self._waiting, ticket)
        while not ticket[2].wait(LONG):
            with self._lock:
                now, called = time.monotonic(), ticket not in self._waiting
                first = not called and self._waiting[0] is ticket
                beside = first and now - self._called > LONG and self.inside < MOST
                if not called and (beside or now - came > LONGEST):
                    self._waiting.remove(ticket)
                    heapq.heapify(self._waiting)
                    self._go_in(now)
                    return

    def _go_in(self, now: float) -> None:
        self.inside, self._called = self.inside + 1, now

    def _leave(self) -> None:
        with self._lock:
            self.inside -= 1
            if self._waiting and self.inside < AT_ONCE:
                self._go_in(time.monotonic())
                heapq.heappop(self._waiting)[2].set()


turns = Turns()
