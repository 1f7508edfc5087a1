"""A knob takes what lies in its bounds and answers everything else in one sentence."""

import dataclasses
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.params import Knobs, ParamError, bound_of, knob


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """One knob of each kind."""

    steps: int = knob(10, 1, 1000, "how often", label="$T$", step=5)
    rate: float = knob(0.5, -2, 2, "how fast")
    start: tuple[float, float] = knob((0.6, 0.5), 0, 1, "where", exclusive=True)
    free: bool = knob(False, help="whether")
    mixing: str = knob("fixed", help="which", choices=("fixed", "free"))


def refusal(**given: Any) -> str:
    with pytest.raises(ParamError) as caught:
        Params(**given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps": 0}, "test_params.Params.steps must lie in [1, 1000], got 0."),
        ({"steps": 2.5}, "test_params.Params.steps must be a whole number, got 2.5."),
        ({"steps": True}, "test_params.Params.steps must be a whole number, got True."),
        ({"steps": math.nan}, "test_params.Params.steps must be a whole number, got nan."),
        ({"steps": math.inf}, "test_params.Params.steps must be a whole number, got inf."),
        ({"steps": None}, "test_params.Params.steps must be a whole number, got nothing."),
        (
            {"steps": 10**5000},
            "test_params.Params.steps must lie in [1, 1000], "
            "got a whole number of more than 15 digits.",
        ),
        ({"rate": 3}, "test_params.Params.rate must lie in [-2, 2], got 3."),
        ({"rate": math.nan}, "test_params.Params.rate must lie in [-2, 2], got nan."),
        ({"rate": 1j}, "test_params.Params.rate must be a number, got 1j."),
        ({"rate": "0.5"}, "test_params.Params.rate must be a number, got '0.5'."),
        ({"start": (1.2, 0.5)}, "test_params.Params.start must lie in (0, 1), got 1.2."),
        ({"start": (0.5, 0)}, "test_params.Params.start must lie in (0, 1), got 0."),
        ({"start": (0.5,)}, "test_params.Params.start must be 2 numbers, got (0.5,)."),
        ({"start": "ab"}, "test_params.Params.start must be 2 numbers, got 'ab'."),
        ({"start": 0.5}, "test_params.Params.start must be 2 numbers, got 0.5."),
        ({"free": 1}, "test_params.Params.free must be True or False, got 1."),
        ({"mixing": "z"}, "test_params.Params.mixing must be one of fixed, free, got 'z'."),
        ({"mixing": None}, "test_params.Params.mixing must be one of fixed, free, got nothing."),
    ],
)
def test_a_refusal_names_field_bound_and_value(given: dict[str, Any], sentence: str) -> None:
    assert refusal(**given) == sentence


def test_a_refusal_stays_short_whatever_was_typed() -> None:
    assert len(refusal(rate="x" * 10_000)) < 120
    assert len(refusal(rate=[10**5000])) < 120
    assert len(refusal(start=tuple(range(10_000)))) < 120


def test_bounds_belong_to_a_closed_interval_only() -> None:
    assert Params(steps=1).steps == 1
    assert Params(steps=1000).steps == 1000
    assert refusal(start=(0, 0.5))
    assert refusal(start=(0.5, 1))


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float64(3.0), np.uint8(3)])
def test_whole_numbers_of_every_kind_become_int(value: Any) -> None:
    assert Params(steps=value).steps == 3
    assert type(Params(steps=value).steps) is int


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), Fraction(1)])
def test_numbers_of_every_kind_become_float(value: Any) -> None:
    assert Params(rate=value).rate == 1.0
    assert type(Params(rate=value).rate) is float


def test_an_array_of_two_becomes_a_tuple_of_floats() -> None:
    start = Params(start=np.array([0.3, 0.4])).start  # type: ignore[arg-type]
    assert start == (0.3, 0.4)
    assert [type(value) for value in start] == [float, float]


@given(st.floats(-2, 2), st.integers(1, 1000))
def test_what_lies_in_the_bounds_is_kept_exactly(rate: float, steps: int) -> None:
    params = Params(rate=rate, steps=steps)
    assert (params.rate, params.steps) == (rate, steps)


@given(
    st.one_of(
        st.none(), st.text(), st.binary(), st.floats(), st.integers(), st.complex_numbers(),
        st.booleans(), st.lists(st.floats()), st.dictionaries(st.text(), st.integers()),
    )
)  # fmt: skip
def test_nothing_but_a_param_error_ever_comes_out(value: Any) -> None:
    for field in dataclasses.fields(Params):
        try:
            kept = getattr(Params(**{field.name: value}), field.name)
        except ParamError as error:
            text = str(error)
            assert text.startswith(f"test_params.Params.{field.name} must ")
            assert text.endswith(".")
        else:
            numbers = kept if isinstance(kept, tuple) else (kept,)
            bound = bound_of(Params, field.name)
            assert bound.low is None or all(bound.admits(number) for number in numbers)


def test_a_bound_tells_a_control_all_it_needs() -> None:
    bound = bound_of(Params, "steps")
    assert (bound.low, bound.high, bound.help, bound.label, bound.step) == (
        1, 1000, "how often", "$T$", 5,
    )  # fmt: skip
    assert bound_of(Params(), "mixing").choices == ("fixed", "free")
