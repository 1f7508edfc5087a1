"""What the lesson on probabilistic PCA says: known mistakes, formulas with numbers, questions.

The tags are those of ``engine.mixtures.ppca``.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.mixtures.ppca_cloud import power_iteration
from engine.predict import Question
from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.mixtures.ppca import Ppca

SLIPS = Slips(
    Slip(
        "normaliser",
        "003-3b, the density in the M-step",
        "σ for σᴶ",
        "The density is divided by σ where it must be σᴶ, so the new σ² is J times too large.",
        "It hides when J = 1 or σ² is fixed, and always in where u points.",
    ),
    Slip(
        "unshrunk",
        "003-3a, the remark “since uᵀx = z”",
        "z = uᵀx",
        "The projection is taken for E[z], so nothing is shrunk by σ² + |u|².",
        "It hides while σ² + |u|² = 1, and always in where u points.",
    ),
    Slip(
        "no-variance",
        "003-3a, reading s",
        "E[z²] = E[z]²",
        "The variance of z is left out of E[z²], as if z were known.",
        "It hides only as σ² goes to 0, and always in where u points.",
    ),
)


class Following(NamedTuple):
    """What the M-step makes of each state, the last one too: u (T + 1, J), σ² (T + 1,)."""

    direction: np.ndarray
    noise: np.ndarray


def following(trace: "Ppca", slip: Slip | None = None) -> Following:
    """The trace's own next numbers, and one more by (7) and (8)."""
    N, J = trace.X.shape
    m, s = trace.mean_z[-1], trace.mean_z2[-1]
    u = m @ trace.X / s.sum() if s.sum() > 0 else trace.direction[-1]
    noise = trace.noise[-1]
    if trace.params.learn_noise:
        left = ((trace.X - np.outer(m, u)) ** 2).sum() + (s - m**2).sum() * (u @ u)
        left = left / N if slip and slip.name == "normaliser" else left / (N * J)
        noise = max(left, trace.params.floor * float((trace.X**2).mean()))
    return Following(
        np.concatenate([trace.direction[1:], u[None]]), np.append(trace.noise[1:], noise)
    )


def working(trace: "Ppca", chosen: int = 0, slip: Slip | None = None) -> tuple[Line, ...]:
    """m and s of point ``chosen``, the first entry of the next u, the next σ², log L, and the gap
    to power iteration, at every step.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    mistake, (N, J) = slip.name if slip else "", trace.X.shape
    after, total = following(trace, slip), float((trace.X**2).sum())
    first = trace.mean_z @ trace.X[:, 0]
    u1, second = after.direction[:, 0], trace.mean_z2.sum(axis=1)
    kept = second > 0
    line = r"\frac{\sum_i m_i x_{i1}}{\sum_i s_i}", r"\frac{@first@}{@second@}"
    numbers = {"first": first, "second": np.where(kept, second, 1.0)}
    lines = [
        *_point(trace, chosen, mistake),
        Line(r"\hat u_1", *line, u1, numbers, 7, "direction"),
    ]
    if trace.params.learn_noise:
        share = r"\frac{1}{N}" if mistake == "normaliser" else r"\frac{1}{N J}"
        filled = r"\frac{1}{@N@}" if mistake == "normaliser" else r"\frac{1}{@N@ \cdot @J@}"
        pull = (after.direction * (trace.mean_z @ trace.X)).sum(axis=1)
        lines.append(
            Line(
                r"\hat\sigma^2",
                share + r"\left(\|X\|_F^2 - \hat u^T X^T m\right)",
                filled + r"\left(@total@ - @pull@\right)",
                after.noise,
                {"N": float(N), "J": float(J), "total": total, "pull": pull},
                8,
                "noise",
                mistake == "normaliser",
            )
        )
    return (*lines, _likelihood(trace), _gap(trace))


def _point(trace: "Ppca", chosen: int, mistake: str) -> list[Line]:
    """E[z] and E[z²] of one point."""
    u, noise, i = trace.direction, trace.noise, chosen + 1
    length = (u * u).sum(axis=1)
    m, s = trace.mean_z[:, chosen], trace.mean_z2[:, chosen]
    numbers: dict[str, float | np.ndarray] = {
        "p": u @ trace.X[chosen],
        "noise": noise,
        "length": length,
        "m": m,
    }
    bare = mistake == "unshrunk"
    mean = Line(
        rf"m_{{{i}}}",
        rf"u^T x_{{{i}}}" if bare else rf"\frac{{u^T x_{{{i}}}}}{{\sigma^2 + u^T u}}",
        "@p@" if bare else r"\frac{@p@}{@noise@ + @length@}",
        m, numbers, 4, "mean_z", bare,
    )  # fmt: skip
    sure = mistake == "no-variance"
    square = Line(
        rf"s_{{{i}}}",
        rf"m_{{{i}}}^2" if sure else rf"\frac{{\sigma^2}}{{\sigma^2 + u^T u}} + m_{{{i}}}^2",
        "@m@^2" if sure else r"\frac{@noise@}{@noise@ + @length@} + @m@^2",
        s, numbers, 5, "mean_z2", sure,
    )  # fmt: skip
    return [mean, square]


def _likelihood(trace: "Ppca") -> Line:
    """(3) with its two terms."""
    (N, J), u, noise = trace.X.shape, trace.direction, trace.noise
    c = noise + (u * u).sum(axis=1)
    logs = (J - 1) * np.log(noise) + np.log(c)
    apart = -2 / N * trace.log_likelihood - J * math.log(2 * math.pi) - logs
    return Line(
        r"\log L",
        r"-\frac{N}{2}\left(J \log 2\pi + \log|C| + \mathrm{tr}(C^{-1} S)\right)",
        r"-\frac{@N@}{2}\left(@const@ + @logs@ + @apart@\right)",
        trace.log_likelihood,
        {"N": float(N), "const": J * math.log(2 * math.pi), "logs": logs, "apart": apart},
        3,
        "log_likelihood",
    )


def _gap(trace: "Ppca") -> Line:
    """How far u points from where power iteration does: nowhere, but for rounding."""
    length = np.linalg.norm(trace.direction, axis=1, keepdims=True)
    there = power_iteration(trace.X, trace.direction[0], len(trace) - 1)
    here = np.divide(trace.direction, length, out=there.copy(), where=length > 0)
    formula = r"\left\|\frac{u^t}{\|u^t\|} - \frac{S^t u^0}{\|S^t u^0\|}\right\|"
    return Line(r"\text{gap}", formula, "", np.linalg.norm(here - there, axis=1), {}, 10, "gap")


def questions(trace: "Ppca", step: int, chosen: int = 0) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give."""
    u, noise, x = trace.direction[step], float(trace.noise[step]), trace.X[chosen]
    m, s = trace.mean_z[step], trace.mean_z2[step]
    length, p = float(u @ u), float(u @ x)
    c, i = noise + length, chosen + 1
    after = following(trace)
    nxt = float(after.direction[step, 0])
    pull = m @ trace.X
    asked = [
        Question("mean_z", rf"m_{{{i}}}", float(m[chosen]), {
            "That is the projection: divide it by σ² + |u|².": p,
            "That is the point on the line nearest to x: σ² shrinks it further.": _ratio(p, length),
            "You divided by σ² only: |u|² belongs below as well.": p / noise,
            "You took the root of σ² + |u|².": p / math.sqrt(c),
        }, step, ("mean_z2",)),
        Question("mean_z2", rf"s_{{{i}}}", float(s[chosen]), {
            "E[z²] is not E[z]²: add the variance σ²/(σ² + |u|²).": float(m[chosen] ** 2),
            "That is the variance alone: add E[z]².": noise / c,
            "Add σ²/(σ² + |u|²), not σ².": float(m[chosen] ** 2) + noise,
            "Square E[z] before you add the variance.": float(m[chosen]) + noise / c,
        }, step),
        Question("direction", r"\hat u_1", nxt, {
            "You left the variance out of Σ s.": _ratio(float(pull[0]), float(m @ m)),
            "You divided by N, not by Σ s.": float(pull[0]) / len(m),
            "Divide by Σ s.": float(pull[0]),
            "That is the present u; the next one is asked.": float(u[0]),
            "You divided by Σ m, not by Σ s.": _ratio(float(pull[0]), float(m.sum())),
        }, step),
    ]  # fmt: skip
    if trace.params.learn_noise:
        asked.append(_ask_noise(trace, step, float(after.noise[step]), after.direction[step]))
    return tuple(asked)


def _ask_noise(trace: "Ppca", step: int, value: float, new: np.ndarray) -> Question:
    (N, J), total = trace.X.shape, float((trace.X**2).sum())
    pull = trace.mean_z[step] @ trace.X
    mistakes = {
        "J times too large: the density is divided by σᴶ, not by σ.": J * value,
        "Divide by N J, not by J alone.": N * value,
        "You used the present u where the next one belongs.": (
            (total - float(trace.direction[step] @ pull)) / (N * J)
        ),
        "That is the mean square of the data: take away what u explains.": total / (N * J),
        "Take away what u explains once, not twice.": (total - 2 * float(new @ pull)) / (N * J),
        "That is the present σ²; the next one is asked.": float(trace.noise[step]),
    }
    return Question("noise", r"\hat\sigma^2", value, mistakes, step)


def _ratio(a: float, b: float) -> float:
    """a / b, or infinity, which no answer equals."""
    return a / b if b != 0 else math.inf
