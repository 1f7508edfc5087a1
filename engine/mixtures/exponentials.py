r"""A mixture of exponentials by the loop that all mixtures share.

It is the sibling of exercise 004-4. Component $k$ has the density
$\frac{1}{\tau_k} e^{-x / \tau_k}$ for $x \ge 0$. The E-step is Bayes' rule, and the M-step gives
each component the weighted mean: $\hat\tau_k = \sum_i \delta_{ik}\,x_i / \sum_i \delta_{ik}$.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.data import DataError, array, same_length
from engine.mixtures import em
from engine.trace import Trace, along_steps

LEAST = 1e-200  # a smaller sum of responsibilities counts as 0, a smaller scale as collapsed


@dataclass(frozen=True, eq=False)
class Exponentials(Trace):
    """A fit by EM: T + 1 states of K components over N numbers."""

    x: Float[np.ndarray, " points"]
    weights: Float[np.ndarray, "states components"] = along_steps()
    scales: Float[np.ndarray, "states components"] = along_steps()
    responsibility: Float[np.ndarray, "states points components"] = along_steps()
    log_likelihood: Float[np.ndarray, " states"] = along_steps()


def fit(x: Any, weights: Any, scales: Any, steps: int = 10) -> Exponentials:
    """``steps`` steps of EM on x (N,), from weights (K,) and scales (K,)."""
    data = array("x", x, low=0)
    pi, tau = array("weights", weights, low=0, high=1), array("scales", scales, low=1e-100)
    same_length(weights=pi, scales=tau)
    if abs(pi.sum() - 1) > 1e-6:
        raise DataError(f"weights must sum to 1, got {pi.sum():.6g}.")

    def e_step(theta: em.Theta) -> tuple[Any, Any]:
        pi, tau = (part[:, None] for part in theta)
        tau = np.maximum(tau, LEAST)
        joint = np.log(np.maximum(pi, LEAST)) - np.log(tau) - data[None, :, None] / tau
        q, likelihood = em.responsibilities(np, joint)
        return q, likelihood.sum(-1)

    def m_step(q: Any, theta: em.Theta) -> em.Theta:
        counts = q.sum(1)
        safe = np.where(counts > LEAST, counts, 1)
        means = np.where(counts > LEAST, data @ q / safe, theta[1])
        return counts / len(data), means

    way = em.climb(np, e_step, m_step, (pi[None], tau[None]), steps, keep=True)
    pi, tau = (np.concatenate([theta[k] for theta, _ in way.path]) for k in (0, 1))
    q = np.concatenate([found for _, found in way.path])
    return Exponentials(data, pi, tau, q, way.log_likelihood[:, 0])
