"""A message that left before our answer got there repeats what it had said before."""

import pytest

from pages.ui.late import hearing, wished

# A visitor typed 3 into a, which had stood at 1 as b does; we answered, among others, with b = 2.
TOLD, HEARD = {"a": 3, "b": 2}, {"a": 3, "b": 1}


@pytest.mark.parametrize(
    ("now", "late", "wish"),
    [
        ({"a": 3, "b": 1}, True, {"a": 3, "b": 2}),  # repeated: b stays as we told it
        ({"a": 3, "b": 1}, False, {"a": 3, "b": 1}),  # had seen b = 2, and set it back
        ({"a": 1, "b": 1}, True, {"a": 1, "b": 2}),  # typed the first number again
        ({"a": 3, "b": 7}, True, {"a": 3, "b": 7}),  # set b before the answer came
        ({"a": 3, "b": 2}, True, {"a": 3, "b": 2}),  # has part of the answer
    ],
)
def test_what_is_repeated_is_no_wish(now: dict, late: bool, wish: dict) -> None:
    assert wished(now, TOLD, HEARD, late) == wish


def test_a_run_without_a_message_does_not_count_as_heard() -> None:
    """It finds what we have told, while the browser still holds the number of before."""
    heard = hearing(TOLD, TOLD, HEARD, late=True)
    assert wished({"a": 3, "b": 1}, TOLD, heard, late=True) == TOLD


def test_once_the_answer_is_seen_the_message_is_what_the_browser_holds() -> None:
    assert hearing(TOLD, TOLD, HEARD, late=False) == TOLD


def test_a_second_late_message_is_compared_with_the_first() -> None:
    first = {"a": 5, "b": 1}
    told = wished(first, TOLD, HEARD, late=True)
    heard = hearing(first, TOLD, HEARD, late=True)
    assert wished(first, told, heard, late=True) == {"a": 5, "b": 2}
    assert wished({"a": 3, "b": 1}, told, heard, late=True) == {"a": 3, "b": 2}
