"""Few pages are computed at once; nobody is forgotten, and nobody is waited for without end."""

import threading
import time

import pytest

from pages.ui import turns


class Crowd:
    """Threads that take a turn each, and the order in which they got it."""

    def __init__(self) -> None:
        self.turns = turns.Turns()
        self.most = 0
        self.order: list[int] = []
        self.leave = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []

    def _visit(self, number: int, new: bool) -> None:
        with self.turns.turn(new):
            self.order.append(number)
            self.most = max(self.most, self.turns.inside)
            self.leave.acquire(timeout=10)

    def come(self, *numbers: int, new: bool = False) -> None:
        """One after another, each when the one before waits or is inside."""
        for number in numbers:
            self.threads.append(threading.Thread(target=self._visit, args=(number, new)))
            self.threads[-1].start()
            time.sleep(0.03)

    def go(self) -> None:
        """Let them leave one by one, until all have been inside."""
        for _ in self.threads:
            self.leave.release()
            time.sleep(0.03)
        for thread in self.threads:
            thread.join(10)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    monkeypatch.setattr(turns, "LONG", 10)
    return Crowd()


def test_one_is_inside_and_all_come_in_their_order(crowd: Crowd) -> None:
    crowd.come(*range(8))
    assert crowd.order == [0]
    crowd.go()
    assert crowd.order == list(range(8))
    assert (crowd.most, crowd.turns.inside) == (1, 0)


def test_who_is_new_goes_before_those_who_wait(crowd: Crowd) -> None:
    crowd.come(0, 1, 2)
    crowd.come(7, 8, new=True)
    crowd.go()
    assert crowd.order == [0, 7, 8, 1, 2]


def test_a_turn_is_passed_on_when_the_page_breaks_off() -> None:
    some = turns.Turns()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), some.turn():
            raise ZeroDivisionError
    assert some.inside == 0


def test_beside_one_that_takes_long_a_few_others_begin(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONG", 0.05)
    crowd.come(*range(turns.MOST + 3))
    time.sleep(0.5)
    assert crowd.order == list(range(turns.MOST))
    crowd.go()
    assert crowd.order == list(range(turns.MOST + 3))
    assert (crowd.most, crowd.turns.inside) == (turns.MOST, 0)


def test_nobody_waits_for_ever(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONG", 0.05)
    monkeypatch.setattr(turns, "LONGEST", 0.4)
    crowd.come(*range(turns.MOST + 2))
    time.sleep(0.6)
    assert crowd.turns.inside == turns.MOST + 2
    crowd.go()
    assert crowd.turns.inside == 0
