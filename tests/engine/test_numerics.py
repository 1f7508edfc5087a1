"""Elementary functions against 50 digits, the identity they satisfy, and their far ends."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numerics import sigmoid, sigmoid_slope, xlogy


@given(st.floats(-2000, 2000))
def test_sigmoid_agrees_with_fifty_digits(u: float) -> None:
    with mpmath.workdps(50):
        exact = float(1 / (1 + mpmath.exp(-mpmath.mpf(u))))
    assert float(sigmoid(u)) == pytest.approx(exact, rel=1e-15, abs=1e-300)


@given(st.floats(allow_nan=False))
def test_sigmoid_of_both_signs_adds_to_one(u: float) -> None:
    assert float(sigmoid(u)) + float(sigmoid(-u)) == pytest.approx(1.0, rel=1e-15)
    assert 0.0 <= float(sigmoid(u)) <= 1.0


def test_sigmoid_of_an_array_is_sigmoid_of_its_entries() -> None:
    u = np.array([[-800.0, -1.0, 0.0], [1e-9, 1.0, 800.0]])
    out = sigmoid(u)
    assert out.shape == u.shape
    assert out.tolist() == [[float(sigmoid(float(v))) for v in row] for row in u]


def test_sigmoid_at_the_ends() -> None:
    assert float(sigmoid(-math.inf)) == 0.0
    assert float(sigmoid(math.inf)) == 1.0
    assert math.isnan(float(sigmoid(math.nan)))


def test_the_slope_of_the_worked_exercise() -> None:
    assert sigmoid_slope(0.7) == pytest.approx(0.221712873293, abs=5e-13)


@given(st.floats(-300, 300))
def test_both_forms_of_the_slope_agree_where_neither_overflows(u: float) -> None:
    s = float(sigmoid(u))
    assert sigmoid_slope(u) == pytest.approx(s * (1 - s), rel=1e-12, abs=1e-15)


def test_the_slope_in_u_is_nan_once_the_exponential_overflows() -> None:
    assert math.isnan(sigmoid_slope(-800.0))
    assert sigmoid_slope(800.0) == 0.0
    largest = math.log(np.finfo(float).max)
    assert math.isnan(sigmoid_slope(-largest - 1))
    assert not math.isnan(sigmoid_slope(-largest + 1))


@given(st.floats(0, 1e6), st.floats(1e-300, 1e6))
def test_xlogy_is_x_times_log_y(x: float, y: float) -> None:
    out = float(xlogy(np.array(x), np.array(y)))
    assert out == pytest.approx(x * math.log(y), rel=1e-15)


def test_xlogy_is_zero_at_the_limit_and_unbounded_beside_it() -> None:
    out = xlogy(np.array([0.0, 0.0, 2.0]), np.array([0.0, 5.0, 0.0]))
    assert out.tolist() == [0.0, 0.0, -math.inf]
