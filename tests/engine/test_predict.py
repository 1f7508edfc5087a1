"""Judging an answer: three digits, a named mistake, or a direction."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.predict import Question, judge

QUESTION = Question("dw", "w", 0.25, {"You left out 1 - a.": 0.5, "You left out a.": -0.1})


@pytest.mark.parametrize(
    ("answer", "right", "sentence"),
    [
        (0.25, True, "Right."),
        (0.2501, True, "Right."),
        (0.5, False, "You left out 1 - a."),
        (-0.1, False, "You left out a."),
        (-0.25, False, "Right size, wrong sign."),
        (0.1, False, "Not yet. Too small in size."),
        (0.4, False, "Not yet. Too large in size."),
        (-0.4, False, "Not yet. The sign differs."),
        (0.0, False, "Not yet. Too small in size."),
        (math.nan, False, "Type a finite number."),
        (-math.inf, False, "Type a finite number."),
    ],
)
def test_each_answer_gets_its_sentence(answer: float, right: bool, sentence: str) -> None:
    verdict = judge(QUESTION, answer)
    assert (verdict.right, verdict.sentence) == (right, sentence)


@given(st.floats(-1e6, 1e6))
def test_an_answer_typed_to_three_digits_is_right(value: float) -> None:
    assert judge(Question("f", "f", value), float(f"{value:.3g}")).right


@given(st.floats(-1e6, 1e6), st.floats(1.02, 10))
def test_an_answer_two_percent_off_is_wrong(value: float, factor: float) -> None:
    assume(abs(value) > 1e-9)
    assert not judge(Question("f", "f", value), value * factor).right


def test_a_mistake_that_gives_the_right_number_is_no_mistake() -> None:
    question = Question("f", "f", 2.0, {"You left out w.": 2.0})
    assert judge(question, 2.0).right
    assert judge(question, 2.0 * 1.004).sentence == "Right."
    near = Question("f", "f", 2.0, {"You left out w.": 2.009})
    assert judge(near, 2.018).sentence == "Not yet. Too large in size."


def test_nothing_is_close_to_a_value_that_is_not_finite() -> None:
    verdict = judge(Question("f", "f", math.nan, {"It overflows.": math.inf}), 1.0)
    assert not verdict.right
    assert verdict.sentence.startswith("Not yet.")


def test_zero_must_be_zero() -> None:
    question = Question("f", "f", 0.0)
    assert judge(question, 0.0).right
    assert judge(question, 0.001).sentence == "Not yet. Too large in size."
