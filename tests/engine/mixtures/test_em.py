"""The loop that all mixtures share: its order, its bound, and starts that become singular."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.device import TORCH_ON_CPU, namespace, send
from engine.mixtures import em

X = np.array([0.1, 0.4, 2.0, 2.2, 2.4])


def normal(device: str = "cpu") -> tuple[Any, Any, Any, Any]:
    """Unit variances and equal weights: only the means move."""
    xp, x = namespace(device), send(X, device)

    def joint(theta: em.Theta) -> Any:
        gap = x[None, :, None] - theta[0][:, None, :]
        return -0.5 * gap**2 - 0.5 * np.log(2 * np.pi) - np.log(2)

    def e_step(theta: em.Theta) -> tuple[Any, Any]:
        q, each = em.responsibilities(xp, joint(theta))
        return q, each.sum(-1)

    def m_step(q: Any, theta: em.Theta) -> em.Theta:
        return ((q * x[None, :, None]).sum(1) / q.sum(1),)

    return xp, e_step, m_step, lambda q, theta: em.touching(xp, joint(theta), q)


def plain(mu: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        p = np.exp(-0.5 * (X[:, None] - mu) ** 2)
        q = p / p.sum(1, keepdims=True)
        mu = (q * X[:, None]).sum(0) / q.sum(0)
    return mu


@pytest.mark.parametrize("device", ["cpu", TORCH_ON_CPU])
def test_it_alternates_as_a_plain_loop_does(device: str) -> None:
    starts = np.array([[0.0, 1.0], [2.0, -1.0], [0.3, 0.3]])
    xp, e, m, _ = normal(device)
    end = em.climb(xp, e, m, (send(starts, device),), 7)
    want = np.stack([plain(start, 7) for start in starts])
    np.testing.assert_allclose(end.theta[0], want, rtol=1e-12)
    assert end.log_likelihood.shape == end.bound.shape == (1, 3)
    assert end.died.tolist() == [-1, -1, -1]


@given(st.lists(st.floats(-3, 5), min_size=2, max_size=2), st.integers(1, 12))
def test_the_bound_lies_between_two_likelihoods(start: list[float], steps: int) -> None:
    xp, e, m, bound = normal()
    way = em.climb(xp, e, m, (np.array([start]),), steps, bound, keep=True)
    likelihood, lower = way.log_likelihood[:, 0], way.bound[:, 0]
    assert len(way.path) == len(likelihood) == steps + 1
    assert lower[0] == likelihood[0]
    assert (likelihood[:-1] <= lower[1:] + 1e-12).all()
    assert (lower <= likelihood + 1e-12).all()


def test_a_singular_start_stands_still_and_the_others_go_on() -> None:
    xp, e, m, _ = normal()

    def breaks(q: Any, theta: em.Theta) -> em.Theta:
        (new,) = m(q, theta)
        new[1] = np.nan
        return (new,)

    starts = np.array([[0.0, 1.0], [2.0, -1.0]])
    end = em.climb(xp, e, breaks, (starts,), 6)
    assert end.died.tolist() == [-1, 1]
    np.testing.assert_allclose(end.theta[0][0], plain(starts[0], 6), rtol=1e-12)
    assert not np.isfinite(end.log_likelihood[0, 1])
    assert em.best_of(end.log_likelihood[-1]) == 0


@given(arrays(float, (2, 3, 4), elements=st.floats(-800, 800)))
def test_a_softmax_of_any_size_adds_up_to_one(joint: np.ndarray) -> None:
    q, total = em.responsibilities(np, joint)
    np.testing.assert_allclose(q.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(total, np.logaddexp.reduce(joint, axis=-1), rtol=1e-12, atol=1e-12)


def test_a_component_that_cannot_have_made_it_has_no_share() -> None:
    q, total = em.responsibilities(np, np.array([[-np.inf, 0.0], [-np.inf, -np.inf]]))
    assert q[0].tolist() == [0.0, 1.0]
    assert total[0] == 0.0
    assert total[1] == -np.inf


def test_the_bound_counts_equal_examples() -> None:
    joint = np.log([[[0.2, 0.3], [0.1, 0.6]]])
    q, total = em.responsibilities(np, joint)
    assert em.touching(np, joint, q, np.array([3.0, 1.0]))[0] == pytest.approx(
        3 * total[0, 0] + total[0, 1]
    )
