"""What the next step makes of each state of a mixture of Gaussians, and the numbers put in.

The tags are those of ``engine.mixtures.gaussian``.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data import DataError
from engine.mixtures import gaussian_batch as batch
from engine.mixtures.gaussian_covariances import settled
from engine.mixtures.gaussian_start import model_of
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.mixtures.gaussian import Gaussian

Place = tuple[int, int, int]  # point, component, column
PARTS = 3  # columns up to which the lifted eigenvalues are put in


class Following(NamedTuple):
    """The parameters that follow each state: the trace's own, and one M-step more."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def following(trace: "Gaussian", slip: Slip | None = None) -> Following:
    """(7), (8) and (9) after each state, (T + 1, ...)."""
    if len(trace.responsibility) < len(trace):
        raise DataError('X was run with keep="last", so its other responsibilities are gone.')
    model = model_of(trace.params, True, slip.name if slip else "")
    data = batch.cloud(trace.X, "cpu", precise=True)
    last = (trace.weights[-1:], trace.means[-1:] - data.shift, trace.covariances[-1:])
    q = np.ascontiguousarray(trace.responsibility[-1].T)[None]
    found = batch.Expected(q.sum(-1), None, None, None, q)
    pi, mu, sigma = batch.m_step(data, model, found, settled(np, model, *last))[:3]
    if not np.isfinite(batch.e_step(data, model, settled(np, model, pi, mu, sigma))[1]).all():
        sigma = trace.covariances[-1:]  # collapsed: what would follow is no mixture
    pairs = ((trace.weights, pi), (trace.means, mu + data.shift), (trace.covariances, sigma))
    return Following(*(np.concatenate([now[1:], new]) for now, new in pairs))


def picked(trace: "Gaussian", point: Any, component: Any, column: Any) -> Place:
    """Point, component and column counted from 0, each brought within its bounds; a 0 asks for
    the point that is least decided over the run, or for the component that ends with it."""
    (N, D), q = trace.X.shape, trace.responsibility
    i = min(int(point or 0), N) - 1
    i = int(q.max(axis=2).sum(axis=0).argmin()) if i < 0 else i
    k = min(int(component or 0), q.shape[2]) - 1
    return i, int(q[-1, i].argmax()) if k < 0 else k, min(int(column or 1), D) - 1


def working(
    trace: "Gaussian", slip: Slip | None = None, i: int = -1, k: int = -1, d: int = 0
) -> tuple[Line, ...]:
    """Point i, component k, column d, those of ``picked`` unless told: density, responsibility,
    and the next numbers that follow from all responsibilities, at every step.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    mistake = slip.name if slip else ""
    (N, D), (i, k, d) = trace.X.shape, picked(trace, i + 1, k + 1, d + 1)
    q = trace.responsibility[:, :, k]
    counts, after = q.sum(axis=1), following(trace, slip)
    kk, dd = k + 1, d + 1
    weight = {"count": counts, "N": float(N)}
    mean = {"sum": q @ trace.X[:, d], "count": counts}
    one = trace.log_likelihood - _likelihood(trace, i)
    lines = [
        *_e_lines(trace, i, k, mistake),
        Line(rf"\hat\pi_{{{kk}}}", r"\frac{N_k}{N}", r"\frac{@count@}{@N@}", after.weights[:, k],
             weight, 7, "weight"),
        Line(rf"\hat\mu_{{{kk},{dd}}}", r"\frac{1}{N_k} \sum_i \delta_{ik}\,x_{i,d}",
             r"\frac{@sum@}{@count@}", after.means[:, k, d], mean, 8, "mean"),
    ]  # fmt: skip
    if not trace.params.held:
        lines.append(_spread_line(trace, after, k, d, d, mistake))
        if D > 1 and trace.params.covariance in ("full", "tied"):
            lines.append(_spread_line(trace, after, k, d, (d + 1) % D, mistake))
    numbers = {"one": trace.log_likelihood - one, "others": one}
    formula = r"\sum_i \log \sum_k \pi_k\,N(x_i; \mu_k, \Sigma_k)"
    symbol = r"\log L"
    lines.append(
        Line(symbol, formula, "@one@ + @others@", trace.log_likelihood, numbers, 3,
             "log_likelihood")
    )  # fmt: skip
    return tuple(lines)


def _e_lines(trace: "Gaussian", i: int, k: int, mistake: str) -> list[Line]:
    """The density (2) of point i under component k, and its share (5)."""
    D = trace.X.shape[1]
    log, half, root = densities(trace, i)
    bare, power = mistake == "no-determinant", r"(2\pi)^D"
    if bare:
        root = np.full_like(root, (2 * np.pi) ** (D / 2))
    seen = np.exp(-half) / root if bare else np.exp(log)
    weights = np.ones_like(trace.weights) if mistake == "no-weight" else trace.weights
    x, kk = i + 1, k + 1
    below = power if bare else rf"{power}\,|\Sigma_k|"
    density = Line(
        rf"N(x_{{{x}}}; {kk})",
        rf"\frac{{e^{{-\frac{{1}}{{2}}(x_i - \mu_k)^\top \Sigma_k^{{-1}} (x_i - \mu_k)}}}}"
        rf"{{\sqrt{{{below}}}}}",
        r"\frac{e^{-@half@}}{@root@}", seen[:, k], {"half": half[:, k], "root": root[:, k]}, 2,
        "density", bare,
    )  # fmt: skip
    front = "" if mistake == "no-weight" else r"\pi_k\,"
    filled = r"\frac{@n@}{@all@}" if mistake == "no-weight" else r"\frac{@pi@ \cdot @n@}{@all@}"
    share = Line(
        rf"\delta_{{{x},{kk}}}",
        rf"\frac{{{front}N(x_i; k)}}{{\sum_j {front.replace('k', 'j')}N(x_i; j)}}",
        filled, trace.responsibility[:, i, k],
        {"pi": trace.weights[:, k], "n": seen[:, k], "all": (weights * seen).sum(axis=1)},
        5, "responsibility", mistake == "no-weight",
    )  # fmt: skip
    return [density, share]


def densities(trace: "Gaussian", i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of point i under every component at every step, (T + 1, K): the log of (2), half the squared
    distance in widths, and the root below."""
    gap = trace.X[i] - trace.means
    half = 0.5 * np.einsum(
        "tkd,tkd->tk", gap, np.linalg.solve(trace.covariances, gap[..., None])[..., 0]
    )
    half_log = 0.5 * np.linalg.slogdet(trace.covariances)[1]
    half_log = half_log + 0.5 * trace.X.shape[1] * np.log(2 * np.pi)
    return -half - half_log, half, np.exp(half_log)


def _likelihood(trace: "Gaussian", i: int) -> np.ndarray:
    """What point i gives to log L at every step."""
    log = densities(trace, i)[0] + np.log(np.maximum(trace.weights, batch.ALMOST_NOTHING))
    return np.logaddexp.reduce(log, axis=1)


def sums(trace: "Gaussian", after: Following, d: int, e: int, mistake: str) -> np.ndarray:
    """The sums of (9) in row d and column e for every component, (T + 1, K)."""
    mean = trace.means if mistake == "old-mean" else after.means
    gap = trace.X[None, :, None, [d, e]] - mean[:, None, :, [d, e]]
    return np.einsum("tnk,tnk->tk", trace.responsibility, gap[..., 0] * gap[..., 1])


def _spread_line(trace: "Gaussian", after: Following, k: int, d: int, e: int, mistake: str) -> Line:
    """The entry (d, e) of the next covariance by (9), (10) or (11)."""
    p, (N, D) = trace.params, trace.X.shape
    counts = trace.responsibility.sum(axis=1)
    hat = r"\mu" if mistake == "old-mean" else r"\hat\mu"
    symbol = rf"\hat\Sigma_{{{k + 1},{d + 1}{e + 1}}}"
    value, name = after.covariances[:, k, d, e], "variance" if d == e else "covariance"
    gaps = rf"(x_{{i,d}} - {hat}_{{k,d}})"
    gaps = gaps + "^2" if d == e else gaps + rf"(x_{{i,e}} - {hat}_{{k,e}})"
    formula, filled = rf"\frac{{1}}{{N_k}} \sum_i \delta_{{ik}}\,{gaps}", r"\frac{@sum@}{@count@}"
    total = sums(trace, after, d, e, mistake)
    numbers = {"sum": total[:, k], "count": counts[:, k], "floor": p.floor}
    if p.covariance == "spherical":
        every = sum(sums(trace, after, c, c, mistake) for c in range(D))
        formula = rf"\frac{{1}}{{D\,N_k}} \sum_i \delta_{{ik}}\,\lVert x_i - {hat}_k \rVert^2"
        filled, numbers = r"\frac{@sum@}{@D@ \cdot @count@}", numbers | {"D": float(D)}
        numbers["sum"] = np.asarray(every)[:, k]
    if p.covariance == "tied":
        formula = rf"\frac{{1}}{{N}} \sum_k \sum_i \delta_{{ik}}\,{gaps}"
        numbers |= {"sum": total.sum(axis=1), "count": float(N)}
    if lifted(trace, after, k):
        if p.covariance in ("diag", "spherical"):
            formula, filled = (
                rf"\max\left({formula}, \varepsilon\right)",
                (rf"\max\left({filled}, @floor@\right)"),
            )
        else:
            formula = r"\left[V \max(\lambda, \varepsilon)\,V^\top\right]_{de}"
            filled, numbers = _lifted_terms(trace, after, k, d, e, mistake)
    tag = 10 if p.covariance in ("spherical", "tied") else 9
    tag = 11 if lifted(trace, after, k) else tag
    return Line(symbol, formula, filled, value, numbers, tag, name, mistake == "old-mean")


def lifted(trace: "Gaussian", after: Following, k: int) -> bool:
    """Does the floor hold component k up anywhere in the run?"""
    least = np.linalg.eigvalsh(after.covariances[:, k]).min()
    return bool(least <= trace.params.floor * (1 + 1e-6))


def _lifted_terms(
    trace: "Gaussian", after: Following, k: int, d: int, e: int, mistake: str
) -> tuple[str, dict]:
    """The entry as a sum over principal axes, where they are few."""
    D = trace.X.shape[1]
    if D > PARTS:
        return "", {}
    counts, tied = trace.responsibility.sum(axis=1), trace.params.covariance == "tied"
    plain = np.empty((len(trace), D, D))
    for a in range(D):
        for b in range(D):
            total = sums(trace, after, a, b, mistake)
            whole = total.sum(axis=1) / len(trace.X)
            plain[:, a, b] = whole if tied else total[:, k] / np.maximum(counts[:, k], 1e-200)
    values, vectors = np.linalg.eigh(plain)
    terms, numbers = [], {"floor": trace.params.floor}
    for c in range(D):
        numbers |= {f"v{c}": vectors[:, d, c] * vectors[:, e, c], f"l{c}": values[:, c]}
        terms.append(rf"@v{c}@ \cdot \max(@l{c}@, @floor@)")
    return " + ".join(terms), numbers
