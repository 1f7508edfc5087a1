"""The optimum on a line: golden cases, brute force over all partitions, never above Lloyd."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clusters import lloyd, optimal
from engine.data import DataError


@pytest.mark.parametrize("k", [2, 4, 8])
def test_the_sixteen_greys(k: int, golden: dict) -> None:
    case = golden[f"s000.3.k{k}"]
    found = optimal.one_dimensional(np.ravel(case["img"]), k)
    assert found.distortion == pytest.approx(case["optimum_sse"], rel=1e-13)
    np.testing.assert_allclose(found.centres, case["optimum_centres"], rtol=1e-14)


def cost(x: np.ndarray, w: np.ndarray) -> float:
    return float(w @ (x - w @ x / w.sum()) ** 2)


weighted = st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 4)), min_size=1, max_size=6)


@given(pairs=weighted, k=st.integers(1, 4))
@settings(max_examples=50)
def test_no_partition_is_better(pairs: list, k: int) -> None:
    x, w = np.array(pairs, float).T
    found = optimal.one_dimensional(x, k, w)
    least = [np.inf] * k
    for labels in itertools.product(range(k), repeat=len(x)):
        used = set(labels)
        groups = (np.equal(labels, c) for c in used)
        total = sum(cost(x[g], w[g]) for g in groups)
        for j in range(len(used) - 1, k):
            least[j] = min(least[j], total)
    np.testing.assert_allclose(found.by_count, least, rtol=1e-9, atol=1e-9)
    assert found.distortion == pytest.approx(least[-1], rel=1e-9, abs=1e-9)
    nearest = ((x[:, None] - found.centres) ** 2).min(axis=1)
    assert w @ nearest == pytest.approx(least[-1], rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 1000), k=st.integers(1, 8))
def test_lloyd_never_ends_below(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.choice(256, 40, replace=False).astype(float), rng.integers(1, 50, 40).astype(float)
    best = optimal.one_dimensional(x, k, w)
    params = lloyd.Params(k=k, start="plusplus", seed=seed, steps=100)
    trace = lloyd.run(x[:, None], params, w)
    assert best.distortion <= trace.distortion[-1] * (1 + 1e-12)
    settled = lloyd.run(x[:, None], lloyd.Params(k=k, steps=1), w, best.centres[:, None])
    np.testing.assert_allclose(settled.centres[-1], settled.centres[0], rtol=1e-12)


def test_far_from_zero_and_with_weights_of_nothing() -> None:
    x = np.array([1e6, 1e6 + 1, 1e6 + 5, 1e6 + 6, 3.0])
    found = optimal.one_dimensional(x, 2, [1, 1, 1, 1, 0])
    np.testing.assert_array_equal(found.centres, [1e6 + 0.5, 1e6 + 5.5])
    assert found.distortion == 1


def test_more_centres_than_values_lose_nothing() -> None:
    found = optimal.one_dimensional([7, 7, 3], 5)
    assert found.centres.tolist() == [3, 7]
    assert found.distortion == 0
    assert found.by_count.tolist() == [pytest.approx(32 / 3), 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("values", "k", "weights"),
    [([], 1, None), ([1.0], 0, None), ([1.0], 1, [0.0]), ([1, 2], 1, [1.0])],
)
def test_bad_input_is_refused(values, k, weights) -> None:
    with pytest.raises(DataError):
        optimal.one_dimensional(values, k, weights)


def test_too_many_different_values_are_refused() -> None:
    with pytest.raises(DataError, match=r"got 2,001\.$"):
        optimal.one_dimensional(np.arange(2001), 2)
