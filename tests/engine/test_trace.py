"""Traces: what goes in cannot change any more, and every number counts in the digest."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from engine.trace import Stop, Trace, along_steps, digest


class Why(Stop):
    DONE = "It took all its steps."


@dataclass(frozen=True, eq=False)
class Path(Trace):
    """A walk: one place a step, and what was known before."""

    data: np.ndarray
    place: np.ndarray = along_steps()
    value: np.ndarray = along_steps()
    stop: Why = Why.DONE


def path(last: float = 3.0) -> Path:
    return Path(np.arange(2.0), np.array([[0.0, 1.0], [2.0, last]]), np.array([5.0, 6.0]))


def test_arrays_are_read_only_copies() -> None:
    mine = np.array([5.0, 6.0])
    trace = Path(np.arange(2.0), np.zeros((2, 2)), mine)
    mine[0] = -1.0
    assert trace.value.tolist() == [5.0, 6.0]
    for name in ("data", "place", "value"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(trace, name)[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.value = mine  # type: ignore[misc]


def test_a_step_has_the_stepped_fields_only() -> None:
    state = path().at(1)
    assert state.place.tolist() == [2.0, 3.0]
    assert state.value == 6.0
    assert not hasattr(state, "data")
    assert len(path()) == 2


@pytest.mark.parametrize("step", [2, 99, -3])
def test_a_step_that_is_not_there_is_named(step: int) -> None:
    with pytest.raises(IndexError, match=rf"^step must lie in \[0, 1\], got {step}\.$"):
        path().at(step)


def test_a_reason_to_stop_reads_as_its_sentence() -> None:
    assert str(path().stop) == "It took all its steps."


def test_equal_traces_have_equal_digests_and_others_do_not() -> None:
    assert path().digest() == path().digest()
    assert path().digest() != path(np.nextafter(3.0, 4.0)).digest()
    assert dataclasses.replace(path(), value=np.array([6.0, 5.0])).digest() != path().digest()


def test_a_digest_sees_shape_type_order_and_grouping() -> None:
    flat = np.arange(4.0)
    different = [
        (flat,), (flat.reshape(2, 2),), (flat.astype(np.float32),), (flat[::-1],),
        (flat[:2], flat[2:]), ("a", "b"), ("b", "a"), ("ab",), (1, 2), (12,), (12.0,), ("12",),
        (b"ab", b"c"), (b"a", b"bc"), (b"12",),
    ]  # fmt: skip
    assert len({digest(*things) for things in different}) == len(different)


def test_a_digest_sees_every_number_of_arrays_inside_a_tuple() -> None:
    # repr shortens arrays of more than a thousand entries and rounds the others
    one = np.linspace(0, 1, 5000)
    other = one.copy()
    other[2500] += 1e-12
    assert digest((one, one)) != digest((one, other))
    assert digest((one, one)) == digest((one.copy(), one.copy()))


def test_a_digest_does_not_depend_on_memory_order() -> None:
    square = np.arange(6.0).reshape(2, 3)
    assert digest(square) == digest(np.asfortranarray(square))


def test_a_view_of_a_changing_array_is_copied() -> None:
    numbers = np.arange(3.0)
    view = numbers[:]
    view.setflags(write=False)
    trace = Path(view, np.zeros((2, 2)), np.zeros(2))
    numbers[0] = 99.0
    assert trace.data[0] == 0.0
