"""The mixture of exponentials on the shared loop: the published step, and the theorem."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.mixtures.exponentials import fit

CASE = json.loads((Path(__file__).parents[2] / "golden.json").read_text())["s004.4.expmix"]


def test_the_published_step():
    trace = fit(CASE["x"], CASE["pi"], CASE["tau"], 1)
    np.testing.assert_allclose(trace.responsibility[0], CASE["delta"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(trace.scales[1], CASE["tau1"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(trace.weights[1], CASE["pi1"], rtol=0, atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 50), min_size=1, max_size=12),
    st.floats(0.05, 0.95),
    st.tuples(st.floats(0.1, 20), st.floats(0.1, 20)),
)
def test_the_likelihood_never_falls_and_the_mean_is_kept(x, share, scales):
    trace = fit(x, [share, 1 - share], scales, 15)
    L = trace.log_likelihood
    assert (np.diff(L) >= -1e-10 * np.maximum(1, abs(L[1:]))).all()
    mean = (trace.weights[1:] * trace.scales[1:]).sum(axis=1)
    np.testing.assert_allclose(mean, np.mean(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1.0], [1.0], [1.0]), "x must be numbers in"),
        (([1.0], [0.5, 0.4], [1, 2]), "weights must sum to 1, got 0.9."),
        (([1.0], [0.5, 0.5], [1.0]), "weights and scales must be equally long, got 2 and 1."),
    ],
)
def test_bad_data_is_named(arguments, message):
    with pytest.raises(DataError, match=message):
        fit(*arguments)
