"""Each computation once, by content; nothing shared can be changed."""

import dataclasses

import numpy as np
import pytest

from engine.gradients import chain
from engine.mixtures import coins
from pages.ui.cache import cached, specified

HEADS = [5, 9, 8, 4, 7]


def test_equal_content_gives_the_same_object() -> None:
    one = cached(coins.run, HEADS, 10, coins.Params())
    other = cached(coins.run, list(HEADS), 10, coins.Params(start=(0.6, 0.5)))
    assert one is other


@pytest.mark.parametrize(
    ("heads", "tosses", "params"),
    [
        ([5, 9, 8, 4, 6], 10, coins.Params()),
        (HEADS, 11, coins.Params()),
        (HEADS, [10, 10, 10, 10, 11], coins.Params()),
        (HEADS, 10, coins.Params(start=(0.6, 0.5 + 2**-52))),
        (HEADS, 10, coins.Params(steps=11)),
        (HEADS, 10, coins.Params(mixing="free")),
    ],
)
def test_one_number_apart_gives_another(heads: list, tosses: object, params: object) -> None:
    one = cached(coins.run, HEADS, 10, coins.Params())
    other = cached(coins.run, heads, tosses, params)
    assert other is not one
    assert other.digest() == coins.run(heads, tosses, params).digest()


def test_two_functions_do_not_share() -> None:
    params = chain.Params()
    trace = cached(chain.run, params)
    assert cached(chain.working, trace) is not cached(chain.questions, trace)
    assert cached(chain.working, trace) is cached(chain.working, chain.run(params))


def test_a_slip_is_content_too() -> None:
    trace = chain.run(chain.Params())
    first, second = (cached(chain.slipped, trace, slip) for slip in list(chain.SLIPS.values())[:2])
    assert first.digest() != second.digest()


def total(values: np.ndarray) -> float:
    return float(values.sum())


def test_large_arrays_that_differ_in_one_entry_are_told_apart() -> None:
    """Streamlit's own hash looks at a sample of an array of this size."""
    values = np.zeros(600_000)
    other = values.copy()
    for place in (0, 299_999, 599_999):
        other[:] = 0
        other[place] = 1
        assert cached(total, values) == 0
        assert cached(total, other.copy()) == 1
        cleared = other.reshape(2, -1)
        assert cached(total, cleared) == 1


def test_what_is_shared_is_frozen() -> None:
    trace = cached(coins.run, HEADS, 10, coins.Params())
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.settled = 0
    for field in dataclasses.fields(trace):
        value = getattr(trace, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


def test_an_error_is_not_kept() -> None:
    calls = []

    def fails_once(value: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            raise coins.DataError("once")
        return value

    with pytest.raises(coins.DataError):
        cached(fails_once, 7)
    assert cached(fails_once, 7) == 7
    assert calls == [7, 7]


def test_a_chart_is_encoded_once() -> None:
    from pages.charts import coins as charts

    trace = cached(coins.run, HEADS, 10, coins.Params())
    one = specified(charts.ascent, trace, None, 1)
    assert specified(charts.ascent, coins.run(HEADS, 10), None, 1) is one
    assert specified(charts.ascent, trace, None, 2) is not one
    assert one == charts.ascent(trace, None, 1).to_dict()
