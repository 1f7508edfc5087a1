"""Numbers and lines as a person writes them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.working import Line, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.59869, "0.5987"),
        (-1.5, "-1.5"),
        (2.0, "2"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.001, "0.001"),
        (12345.6, "12346"),
        (9999.7, "10000"),
        (-9999.7, "-10000"),
        (2.3456e-16, r"2.346 \cdot 10^{-16}"),
        (-0.00012, r"-1.2 \cdot 10^{-4}"),
        (3e7, r"3 \cdot 10^{7}"),
        (math.nan, r"\text{NaN}"),
        (math.inf, r"\infty"),
        (-math.inf, r"-\infty"),
    ],
)
def test_a_number_as_a_person_writes_it(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_to_four_digits_and_never_in_e_notation(value: float) -> None:
    text = number(value)
    assert "e" not in text
    mantissa, _, exponent = text.partition(r" \cdot 10^")
    read = float(f"{mantissa}e{exponent.strip('{}') or 0}")
    assert read == pytest.approx(value, rel=5.001e-4)


def line(x: float, y: float) -> Line:
    return Line("f", "xy", r"@x@ \cdot @y@", x * y, {"x": x, "y": y})


def test_a_line_is_formula_then_numbers_then_value() -> None:
    assert line(0.5, 3.0).tex() == r"f = xy = 0.5 \cdot 3 = 1.5"


def test_a_negative_factor_gets_brackets_but_not_in_front() -> None:
    assert line(-0.5, -3.0).tex() == r"f = xy = -0.5 \cdot (-3) = 1.5"
    inside = Line("s", r"\sigma(x)", r"\sigma(@x@)", 0.5, {"x": -2.0})
    assert inside.tex() == r"s = \sigma(x) = \sigma(-2) = 0.5"


def test_a_line_without_slots_leaves_the_middle_out() -> None:
    assert Line("a", "b", "", 0.25).tex() == "a = b = 0.25"


def test_a_line_follows_the_step_and_keeps_what_does_not_change() -> None:
    values = np.array([1.0, -4.0])
    moving = Line("y", "2x", r"@two@ \cdot @x@", 2 * values, {"two": 2.0, "x": values})
    assert moving.tex(0) == r"y = 2x = 2 \cdot 1 = 2"
    assert moving.tex(1) == r"y = 2x = 2 \cdot (-4) = -8"
    still = Line("y", "x", "@x@", np.array(3.0), {"x": np.array(3.0)})
    assert still.tex(1) == "y = x = 3 = 3"
    assert moving.filled(1) == r"2 \cdot (-4)"


def test_a_line_names_the_numbers_it_asks_for_once_each() -> None:
    slope = Line("d", "s(1 - s) x", r"@s@\,(1 - @s@) \cdot @x@", 0.5, {"s": 0.5, "x": 2.0})
    assert slope.slots() == ["s", "x"]
    assert Line("a", "b", "", 0.25).slots() == []


def test_a_slot_without_a_number_is_an_error() -> None:
    with pytest.raises(KeyError):
        Line("y", "x", "@x@", 1.0, {}).filled()


def test_a_negative_number_under_a_power_gets_brackets() -> None:
    line = Line("y", "x^2", "@x@^{2}", 2.25, {"x": -1.5})
    assert line.filled() == "(-1.5)^{2}"


def test_a_power_of_ten_under_a_power_gets_brackets() -> None:
    line = Line("y", "x^2", "@x@^{2}", 1e-10, {"x": 1e-5})
    assert line.filled() == r"(1 \cdot 10^{-5})^{2}"
