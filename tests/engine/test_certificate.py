"""The independent methods themselves, on functions whose derivatives everybody knows."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.certificate import Certificate, Check, autograd, central_difference, maximiser


def check(got: object, want: object, tolerance: float = 1e-12, against: str = "brute force"):
    return Check("x", against, np.asarray(got, float), np.asarray(want, float), tolerance)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=1))
def test_a_deviation_is_relative_to_the_larger_of_one_and_the_number_wanted(
    pairs: list[tuple[float, float]],
) -> None:
    got, want = zip(*pairs, strict=True)
    slow = [abs(g - w) / max(1.0, abs(w)) for g, w in pairs]
    assert check(got, want).deviations.tolist() == slow
    assert check(got, want).deviation == max(slow)


@pytest.mark.parametrize(
    ("got", "want", "deviation"),
    [
        (math.nan, 1.0, math.inf),
        (1.0, math.nan, math.inf),
        (math.inf, math.inf, 0.0),
        (math.inf, -math.inf, math.inf),
        (1.0, math.inf, math.inf),
        (math.inf, 1.0, math.inf),
    ],
)
def test_what_is_not_finite_counts(got: float, want: float, deviation: float) -> None:
    assert check(got, want).deviation == deviation
    assert check(got, want).holds == (deviation == 0.0)


def test_a_deviation_equal_to_the_tolerance_still_holds() -> None:
    eighth = 0.125
    assert check(1 + eighth, 1.0, eighth).holds
    assert not check(1 + eighth, 1.0, np.nextafter(eighth, 0.0)).holds


def test_wrong_entries_are_pointed_at() -> None:
    one = check([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.0, 4.0]])
    assert one.wrong.tolist() == [[False, True], [False, False]]
    assert not one.holds


def test_one_number_can_stand_against_many() -> None:
    one = check(1.0, [1.0, 1.0, 2.0])
    assert one.got.shape == (3,)
    assert one.wrong.tolist() == [False, False, True]


def test_a_certificate_counts_every_entry_of_every_check() -> None:
    green = Certificate((check([1.0, 2.0], [1.0, 2.0]), check(3.0, 3.0, against="theory")))
    red = Certificate((*green.checks, check([5.0, 7.0, 9.0], [5.0, 7.5, 9.5])))
    assert (green.holds, green.count, green.wrong, green.deviation) == (True, 3, 0, 0.0)
    assert (red.holds, red.count, red.wrong) == (False, 6, 2)
    assert red.deviation == 0.5 / 7.5


def test_a_certificate_says_what_was_compared() -> None:
    many = [1.0] * 1234
    green = Certificate((check(many, many), check(1.0, 1.0), check(1.0, 1.0, against="theory")))
    assert str(green) == "1,235 numbers against brute force and theory: largest deviation none."
    red = Certificate((check([1.0, 2.0], [1.0, 3.0]),))
    assert str(red) == "1 of 2 numbers disagree with brute force: largest deviation 0.33."
    assert red.disagreement == "1 of 2 numbers disagree, by up to 0.33."
    lost = Certificate((check(math.nan, 1.0),))
    assert str(lost) == "1 of 1 numbers disagree with brute force."
    assert lost.disagreement == "1 of 1 numbers disagree."


@pytest.mark.parametrize(
    ("judges", "said"),
    [("abc", "a, b and c"), ("abcd", "a, b and 2 more"), ("abcde", "a, b and 3 more")],
)
def test_a_certificate_names_three_judges_at_most(judges: str, said: str) -> None:
    many = Certificate(tuple(check(1.0, 1.0, against=judge) for judge in judges))
    assert str(many) == f"1 numbers against {said}: largest deviation none."


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_autograd_differentiates_a_polynomial(x: float, y: float) -> None:
    slope = autograd(lambda x, y: x**3 * y + 2 * y, x=x, y=y)
    assert slope["x"] == pytest.approx(3 * x**2 * y, rel=1e-13, abs=1e-13)
    assert slope["y"] == pytest.approx(x**3 + 2, rel=1e-13, abs=1e-13)


def test_autograd_keeps_shapes_and_gives_zero_where_nothing_depends() -> None:
    matrix, vector = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    slope = autograd(lambda W, x, idle: (W @ x).sum(), W=matrix, x=vector, idle=np.ones((2, 2)))
    assert slope["W"].tolist() == [vector.tolist()] * 2
    assert slope["x"].tolist() == matrix.sum(axis=0).tolist()
    assert slope["idle"].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_autograd_works_in_double_precision() -> None:
    slope = autograd(lambda x: torch.exp(x), x=1.0)
    assert float(slope["x"]) == pytest.approx(math.e, rel=1e-15)


@given(st.floats(-20, 20), st.floats(-5, 5))
def test_central_differences_are_exact_to_a_float(x: float, y: float) -> None:
    slope = central_difference(lambda x, y: mpmath.sin(x) * mpmath.exp(y), x=x, y=y)
    assert slope["x"] == pytest.approx(math.cos(x) * math.exp(y), rel=1e-14, abs=1e-14)
    assert slope["y"] == pytest.approx(math.sin(x) * math.exp(y), rel=1e-14, abs=1e-14)


def test_central_differences_leave_the_precision_as_it_was() -> None:
    with mpmath.workdps(23):
        central_difference(lambda x: x * x, x=3.0)
        assert mpmath.mp.dps == 23


@given(st.lists(st.floats(0.05, 0.95), min_size=1, max_size=6))
def test_the_maximiser_finds_the_tops_of_many_parabolas(tops: list[float]) -> None:
    top = np.array(tops)
    assert maximiser(lambda p: -((p - top) ** 2)) == pytest.approx(top, abs=1e-9)


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_maximiser_finds_the_share_of_heads(heads: int, tails: int) -> None:
    # near an end the logarithm bends too sharply for a difference over 1e-2: 4e-7 at worst
    found = maximiser(lambda p: heads * np.log(p) + tails * np.log1p(-p))
    assert float(found) == pytest.approx(heads / (heads + tails), abs=1e-6)


def test_the_maximiser_walks_to_an_end_where_the_maximum_is_one() -> None:
    assert float(maximiser(lambda p: 5 * np.log(p))) == pytest.approx(1.0, abs=1e-12)
    assert float(maximiser(lambda p: 5 * np.log1p(-p))) == pytest.approx(0.0, abs=1e-12)


def test_the_maximiser_takes_other_intervals() -> None:
    assert float(maximiser(lambda x: -((x - 40) ** 2), -100.0, 100.0)) == pytest.approx(40)


def test_nothing_checked_is_nothing_certified() -> None:
    nothing = Certificate(())
    assert not nothing.holds
    assert str(nothing) == "Nothing was checked."


def test_a_number_that_two_methods_judge_counts_once() -> None:
    twice = Certificate((check(1.0, 1.0), check(1.0, 2.0, against="theory")))
    assert (twice.count, twice.wrong) == (1, 1)
    assert str(twice) == "1 of 1 numbers disagree with theory: largest deviation 0.5."
