r"""EM for a mixture of Gaussians, exercise 004-4.

There are $N$ points $x_i$ of $D$ numbers. Each was made by one of $K$ Gaussians, and nobody wrote
down by which. Wanted are the Gaussians.

* $X$, shape $(N, D)$: the points.
* $\pi$, shape $(K,)$: how often each component is taken; $\sum_k \pi_k = 1$.
* $\mu$, shape $(K, D)$, and $\Sigma$, shape $(K, D, D)$: means and covariances.
* $\delta$, shape $(N, K)$: the responsibility of component $k$ for point $i$;
  $\sum_k \delta_{ik} = 1$, and $N_k = \sum_i \delta_{ik}$.

**The model.**

$$p(x_i) = \sum_k \pi_k\,N(x_i; \mu_k, \Sigma_k) \tag{1}$$
$$N(x; \mu, \Sigma) = \frac{1}{\sqrt{(2\pi)^D\,|\Sigma|}}
\exp\left(-\tfrac{1}{2}(x - \mu)^\top \Sigma^{-1} (x - \mu)\right) \tag{2}$$
$$\log L = \sum_i \log \sum_k \pi_k\,N(x_i; \mu_k, \Sigma_k) \tag{3}$$

**A lower bound.** The logarithm is concave, so any shares $\delta$ give

$$F(\delta, \theta) = \sum_i \sum_k \delta_{ik}
\log\frac{\pi_k\,N(x_i; \mu_k, \Sigma_k)}{\delta_{ik}} \le \log L(\theta) \tag{4}$$

**E-step.** The bound touches where $\delta$ is the posterior:

$$\delta_{ik} = \frac{\pi_k\,N(x_i; \mu_k, \Sigma_k)}{\sum_j \pi_j\,N(x_i; \mu_j, \Sigma_j)}
\tag{5}$$

**M-step.** Hold $\delta$. What of $F$ depends on $\theta$ falls apart into one Gaussian each:

$$\sum_k N_k \log \pi_k - \tfrac{1}{2} \sum_k \Bigl(N_k \log|\Sigma_k|
+ \sum_i \delta_{ik}\,(x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k)\Bigr) + \text{const}
\tag{6}$$

A multiplier for $\sum_k \pi_k = 1$, the gradient for $\mu_k$, and then, with this new $\mu_k$ put
in, the gradient for $\Sigma_k^{-1}$ give

$$\hat\pi_k = \frac{N_k}{N} \tag{7}$$
$$\hat\mu_k = \frac{1}{N_k} \sum_i \delta_{ik}\,x_i \tag{8}$$
$$\hat\Sigma_k = \frac{1}{N_k} \sum_i \delta_{ik}\,(x_i - \hat\mu_k)(x_i - \hat\mu_k)^\top \tag{9}$$

The new mean belongs in (9). The old one adds exactly
$(\hat\mu_k - \mu_k)(\hat\mu_k - \mu_k)^\top$.

**Families.** Fewer numbers for $\Sigma$: (6) is then highest at what the family keeps of (9),

$$\hat\Sigma_k^{\text{diag}} = \operatorname{diag}\hat\Sigma_k, \qquad
\hat\Sigma_k^{\text{spherical}} = \tfrac{1}{D} \operatorname{tr}(\hat\Sigma_k)\,I, \qquad
\hat\Sigma^{\text{tied}} = \sum_k \tfrac{N_k}{N}\,\hat\Sigma_k \tag{10}$$

**Collapse, and the floor.** A component on a single point has $|\Sigma_k| \to 0$ and
$\log L \to \infty$: the likelihood has no highest value. Demand that no direction has a variance
below a floor $\varepsilon$. Then (6) is highest where the eigenvalues of (9) are lifted to it,

$$\hat\Sigma_k = V \operatorname{diag}(\max(\lambda_d, \varepsilon))\,V^\top, \qquad
V \operatorname{diag}(\lambda_d)\,V^\top \text{ from (9) or (10)} \tag{11}$$

so the floor is part of the M-step, and what follows holds with it.

**The likelihood never falls.** E touches, M climbs, and the bound stays below:

$$\log L(\theta^t) = F(\delta^t, \theta^t) \le F(\delta^t, \theta^{t+1})
\le \log L(\theta^{t+1}) \tag{12}$$

**As a product.** With $P = \Sigma_k^{-1}$ the log-density is linear in $1$, $x_d$, $x_d x_e$:

$$\log N(x; \mu_k, \Sigma_k) = c_k + (P\mu_k)^\top x - \tfrac{1}{2} \sum_{d,e} P_{de}\,x_d x_e
\tag{13}$$

**Towards k-means.** Hold all $\Sigma_k = \sigma^2 I$. As $\sigma^2 \to 0$ only the nearest mean
counts, and (8) is the mean of the points that are nearest to it:

$$\delta_{ik} \to \left[\,k = \operatorname{argmin}_j \lVert x_i - \mu_j \rVert\,\right] \tag{14}$$
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.certificate import Certificate
from engine.data import DataError
from engine.device import fetch, pick, send
from engine.mixtures import em
from engine.mixtures import gaussian_batch as batch
from engine.mixtures.gaussian_certificate import certificate
from engine.mixtures.gaussian_covariances import settled as begun
from engine.mixtures.gaussian_lesson import SLIPS, presets, questions
from engine.mixtures.gaussian_restarts import Restarts, race, restarts
from engine.mixtures.gaussian_slice import Slice, slice_at
from engine.mixtures.gaussian_start import Start, begin, left_empty, model_of, points
from engine.mixtures.gaussian_stop import GaussianStop, settled, why
from engine.mixtures.gaussian_working import Following, following, picked, working
from engine.params import Knobs, ParamError, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "Following", "Gaussian", "GaussianStop", "Params", "Restarts", "Slice",
    "certify", "explore", "following", "picked", "questions", "race", "restarts", "run",
    "slice_at", "slipped", "working", "wrong_cells",
]  # fmt: skip

MOST_KEPT = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many Gaussians of which family, how far, and from which start."""

    components: int = knob(3, 1, 20, "how many Gaussians the points may come from", label="$K$")
    covariance: str = knob(
        "full",
        help="full: any ellipse; diag: upright; spherical: a circle; tied: one ellipse for all",
        label=r"$\Sigma$",
        choices=("full", "diag", "spherical", "tied"),
    )
    steps: int = knob(30, 1, 1000, "how many times E and M alternate", label="steps")
    seed: int = knob(0, 0, 1_000_000, "which points the means start on", label="seed")
    floor: float = knob(
        1e-6, 0, 1e6, "the least variance in any direction; 0 lets a component collapse",
        label=r"$\varepsilon$", step=1e-3,
    )  # fmt: skip
    held: float = knob(
        0.0, 0, 1e6, "hold every covariance at this variance times I; 0: learnt",
        label=r"$\sigma^2$", step=0.05,
    )  # fmt: skip


DEFAULT = Params()
PRESETS = presets(Params)


@dataclass(frozen=True, eq=False)
class Gaussian(Trace):
    """A run of EM: T + 1 states of K components over N points.

    ``covariances`` are whole matrices in every family. ``log_likelihood`` is (3). ``bound[t]`` is
    (4) after the M-step and before the E-step, so
    ``log_likelihood[t - 1] <= bound[t] <= log_likelihood[t]``; ``bound[0] = log_likelihood[0]``.
    A run whose components collapse ends with the last state that has a density. ``responsibility``
    holds every step, or one entry, the last, where the run was asked to keep no more. ``drawn``
    names what was not given. ``settled`` is the first step after which nothing moves any more.
    """

    params: Params
    X: Float[np.ndarray, "points columns"]
    drawn: tuple[str, ...]
    device: str
    stop: Stop
    settled: int
    weights: Float[np.ndarray, "states components"] = along_steps()
    means: Float[np.ndarray, "states components columns"] = along_steps()
    covariances: Float[np.ndarray, "states components columns columns"] = along_steps()
    responsibility: Float[np.ndarray, "kept points components"] = along_steps()
    log_likelihood: Float[np.ndarray, " states"] = along_steps()
    bound: Float[np.ndarray, " states"] = along_steps()


def run(
    X: Any,
    params: Params = DEFAULT,
    weights: Any = None,
    means: Any = None,
    covariances: Any = None,
    keep: str = "all",
    device: str = "cpu",
) -> Gaussian:
    """EM on points X (N, D) from ``weights`` (K,), ``means`` (K, D) and ``covariances`` (K, D, D).

    What is not given is drawn. ``keep="last"`` keeps the responsibilities of the last step only,
    for data too large to keep all.
    """
    x = points(X)
    start = begin(x, params, weights, means, covariances)
    if keep not in ("all", "last"):
        raise ParamError(f"keep must be all or last, got {str(keep)[:40]!r}.")
    most = MOST_KEPT // (params.components * (params.steps + 1))
    if keep == "all" and len(x) > most:
        raise DataError(
            f"X may hold at most {most:,} points when all {params.steps + 1:,} steps are kept, "
            f'got {len(x):,}; keep="last" keeps one.'
        )
    given = (("weights", weights), ("means", means), ("covariances", covariances))
    drawn = tuple(name for name, value in given if left_empty(value))
    return _em(x, params, start, drawn, keep, pick(device))


def explore(X: Any, weights: Any, means: Any, covariances: Any, params: Params) -> Gaussian:
    """``run`` in the order of the page: what is left empty is drawn."""
    return run(X, params, weights, means, covariances)


def _em(
    X: np.ndarray, params: Params, start: Start, drawn: tuple[str, ...], keep: str, device: str,
    slip: str = "",
) -> Gaussian:  # fmt: skip
    """All steps; ``slip`` names the mistake to make, none as a rule."""
    data, model = batch.cloud(X, device, precise=True), model_of(params, True, slip)
    xp, seen = data.xp, []

    def e_step(theta: em.Theta) -> tuple[Any, Any]:
        found, likelihood = batch.e_step(data, model, theta)
        seen.append(found)
        if keep == "last" and len(seen) > 2:
            seen.pop(0).q = None  # the bound still needs the one before
        return found, likelihood

    def bound(found: batch.Expected, theta: em.Theta) -> Any:
        joint = batch.log_joint(data, model, theta)
        return em.touching(xp, xp.swapaxes(joint, 1, 2), xp.swapaxes(found.q, 1, 2))

    theta = (start[0], start[1] - data.shift, start[2])
    theta = begun(xp, model, *(send(part[None], device) for part in theta))
    way = em.climb(
        xp, e_step, lambda found, old: batch.m_step(data, model, found, old), theta, params.steps,
        bound, keep=True,
    )  # fmt: skip
    n = int(way.died[0]) if way.died[0] >= 0 else params.steps + 1
    if n == 0:
        raise DataError("covariances must be positive in every direction; a larger floor helps.")
    pi, mu, sigma = (np.concatenate([fetch(way.path[t][0][k]) for t in range(n)]) for k in range(3))
    shares = [found for _, found in way.path[:n]]
    if keep == "last":
        shares = [batch.e_step(data, model, way.path[n - 1][0])[0]]
    Q = np.stack([fetch(found.q)[0].T for found in shares])
    rest = settled(X, pi, mu, sigma)
    stop = why(params, bool(way.died[0] >= 0), mu, sigma, rest)
    return Gaussian(
        params, X, drawn, device, stop, rest, pi, mu + data.shift, sigma, Q,
        way.log_likelihood[:n, 0], way.bound[:n, 0],
    )  # fmt: skip


def slipped(trace: Gaussian, slip: Slip) -> Gaussian:
    """The same run with one mistake in every step."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    keep = "all" if len(trace.responsibility) == len(trace) else "last"
    start = (trace.weights[0], trace.means[0], trace.covariances[0])
    return _em(trace.X, trace.params, start, trace.drawn, keep, trace.device, slip.name)


def certify(trace: Gaussian, slip: Slip | None = None) -> Certificate:
    """E-steps against Bayes' rule in 50 digits, M-steps against numeric maximisers, and the
    theorem (12) over the whole run."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Gaussian, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number, over the steps both runs have."""
    shown, out = slipped(trace, slip), {}
    for name in ("weights", "means", "covariances", "responsibility"):
        a, b = getattr(trace, name), getattr(shown, name)
        n = min(len(a), len(b))
        out[name] = np.ones(b.shape, bool)
        out[name][:n] = ~(abs(a[:n] - b[:n]) <= 1e-9 * np.maximum(1, abs(a[:n])))
    return out
