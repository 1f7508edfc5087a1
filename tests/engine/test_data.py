"""Arrays at the door: kept exactly, frozen, or refused in one sentence."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import DataError, array, same_length


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=20))
def test_numbers_come_through_unchanged(values: list[float]) -> None:
    out = array("x", values)
    assert out.dtype == np.float64
    assert out.tolist() == values


def test_the_array_is_a_read_only_copy() -> None:
    mine = np.array([1.0, 2.0])
    out = array("x", mine)
    with pytest.raises(ValueError, match="read-only"):
        out[0] = 9.0
    mine[0] = 7.0
    assert out.tolist() == [1.0, 2.0]
    assert mine.flags.writeable


@pytest.mark.parametrize(
    ("value", "options", "sentence"),
    [
        ("abc", {}, "x must be numbers only."),
        ([1, "a"], {}, "x must be numbers only."),
        ([1, [2, 3]], {}, "x must be numbers only."),
        ([1 + 2j], {}, "x must be numbers only."),
        (np.array([1 + 2j]), {}, "x must be numbers only."),
        (["5", "7"], {}, "x must be numbers only."),
        (np.array(["2026-11-20"], dtype="datetime64[D]"), {}, "x must be numbers only."),
        ([10**5000], {"low": 0, "high": 9}, "x must be numbers in [0, 9]; one is larger."),
        ([], {}, "x is empty; it needs at least one number."),
        (5, {}, "x must have 1 dimension, got 0."),
        ([[1, 2]], {}, "x must have 1 dimension, got 2."),
        ([1, 2], {"ndim": 2}, "x must have 2 dimensions, got 1."),
        ([1, 2, 3], {"most": 2}, "x may hold at most 2 numbers, got 3."),
        ([1, math.nan], {}, "x must be numbers in [-1e+100, 1e+100], got nan at place 2."),
        ([math.inf], {"low": 0}, "x must be numbers in [0, 1e+100], got inf at place 1."),
        ([0, 11], {"low": 0, "high": 10}, "x must be numbers in [0, 10], got 11 at place 2."),
        (
            [0.5, 1],
            {"low": 0, "high": 10, "whole": True},
            "x must be whole numbers in [0, 10], got 0.5 at place 1.",
        ),
        (
            [[1, 2], [3, -4]],
            {"ndim": 2, "low": 0, "high": 9},
            "x must be numbers in [0, 9], got -4 at place 2, 2.",
        ),
    ],
)
def test_a_refusal_is_one_sentence(value: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        array("x", value, **options)
    assert str(caught.value) == sentence


def test_bounds_are_allowed_values() -> None:
    assert array("x", [0, 10], low=0, high=10, whole=True).tolist() == [0.0, 10.0]


def test_the_first_two_lengths_that_differ_are_named() -> None:
    same_length(a=np.zeros(3), b=np.ones(3))
    with pytest.raises(DataError, match=r"^b and c must be equally long, got 3 and 2\.$"):
        same_length(a=np.zeros(3), b=np.ones(3), c=np.ones(2))


def test_a_data_error_is_a_value_error() -> None:
    assert issubclass(DataError, ValueError)
