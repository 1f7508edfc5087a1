"""Few pages are computed at once; nobody is forgotten, and nobody is waited for without end."""

import threading
import time

import pytest

from pages.ui import turns


class Crowd:
    """Threads that take a turn each, and what was seen of them."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.order: list[int] = []
        self._lock = threading.Lock()
        self.go_on = threading.Event()

    def visit(self, number: int) -> None:
        with turns.turn():
            with self._lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
                self.order.append(number)
            self.go_on.wait(10)
            with self._lock:
                self.inside -= 1

    def come(self, count: int) -> list[threading.Thread]:
        """One after another, each before the next has come."""
        all_of_them = [threading.Thread(target=self.visit, args=(n,)) for n in range(count)]
        for one in all_of_them:
            one.start()
            time.sleep(0.02)
        return all_of_them


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_turns", threading.Semaphore(turns.AT_ONCE))


def test_few_are_inside_and_all_come_in_their_order() -> None:
    crowd = Crowd()
    all_of_them = crowd.come(12)
    assert crowd.order == list(range(turns.AT_ONCE))
    crowd.go_on.set()
    for one in all_of_them:
        one.join(10)
    assert crowd.most == turns.AT_ONCE
    assert sorted(crowd.order) == list(range(12))
    assert crowd.inside == 0


def test_a_turn_is_passed_on_when_the_page_breaks_off() -> None:
    for _ in range(turns.AT_ONCE + 3):
        with pytest.raises(ZeroDivisionError), turns.turn():
            raise ZeroDivisionError
    assert turns._turns._value == turns.AT_ONCE


def test_who_waits_too_long_goes_in_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.05)
    crowd = Crowd()
    all_of_them = crowd.come(turns.AT_ONCE + 1)
    time.sleep(0.3)
    assert crowd.inside == turns.AT_ONCE + 1
    crowd.go_on.set()
    for one in all_of_them:
        one.join(10)
    assert turns._turns._value == turns.AT_ONCE
