"""A round of boosting with its numbers put in. The tags are those of ``engine.boosting.samme``."""

from typing import TYPE_CHECKING

import numpy as np

from engine.boosting.samme_data import picked
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.boosting.samme import Samme

SAY = r"\log\frac{1-\epsilon}{\epsilon} + \log(K-1)"
FILLED = r"\log\frac{@right@}{@error@} + \log @others@"
SUM_OF = 4  # weights that are added up in sight


def working(trace: "Samme", slip: Slip | None = None, i: int = -1) -> tuple[tuple[Line, ...], ...]:
    """The lines of every step, for the point that is picked.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    i, mistake = picked(trace, i + 1), slip.name if slip else ""
    start = [
        Line(rf"D_1({i + 1})", r"\frac{1}{N}", r"\frac{1}{@N@}", float(trace.weights[0, i]),
             {"N": float(len(trace.y))}, 3, "weight"),
        Line("Z_1", r"L(0) = N", "", float(trace.loss[0]), {}, 2, "loss"),
    ]  # fmt: skip
    rounds = range(1, len(trace))
    return tuple(start), *(tuple(_round(trace, t, i, mistake)) for t in rounds)


def _round(trace: "Samme", t: int, i: int, mistake: str) -> list[Line]:
    K, D, wrong = len(trace.labels), trace.weights[t - 1], trace.votes[t - 1] != trace.y
    now, off = trace.at(t), bool(wrong[i])
    size = float(K)
    lines = [_error(D, wrong, now.error), _slope(trace, t, mistake)]
    lines += _say(trace, t, mistake)
    lines.append(
        Line(r"\frac{Z_{t+1}}{Z_t}",
             r"\epsilon\,e^{\alpha/(K-1)} + (1-\epsilon)\,e^{-\alpha}",
             r"@error@ \cdot @up@ + @right@ \cdot @down@", now.ratio,
             {"error": now.error, "right": 1 - now.error, "up": np.exp(now.alpha / (K - 1)),
              "down": np.exp(-now.alpha)}, 6, "ratio")
    )  # fmt: skip
    power = r"e^{\alpha/(K-1)}" if off else r"e^{-\alpha}"
    factor = float(np.exp(now.alpha / (K - 1) if off else -now.alpha))
    lines.append(
        Line(rf"D_{{t+1}}({i + 1})",
             rf"\frac{{D_t({i + 1})\,{power}}}{{Z_{{t+1}}/Z_t}}",
             r"\frac{@D@ \cdot @factor@}{@ratio@}", float(now.weights[i]),
             {"D": float(D[i]), "factor": factor, "ratio": now.ratio}, 10, "weight")
    )  # fmt: skip
    g, A = float(now.scores[i, trace.y[i]]), float(now.scores[i].sum())
    with np.errstate(over="ignore"):
        own = float(np.exp((A - K * g) / (K - 1)))
    lines.append(
        Line(rf"\ell_{{{i + 1}}}", r"\exp\frac{A - K g^y}{K-1}",
             r"\exp\frac{@A@ - @K@ \cdot @g@}{@others@}", own,
             {"A": A, "K": size, "g": g, "others": size - 1}, 13, "own_loss")
    )  # fmt: skip
    return lines


def _error(D: np.ndarray, wrong: np.ndarray, error: float) -> Line:
    """Few wrong points are added up, many are counted at their mean weight."""
    found = np.flatnonzero(wrong)
    numbers = {f"d{j}": float(D[n]) for j, n in enumerate(found)}
    filled = " + ".join(f"@{name}@" for name in numbers) or "0"
    if len(found) > SUM_OF:
        numbers = {"n": float(len(found)), "mean": float(D[wrong].mean())}
        filled = r"@n@ \cdot @mean@"
    formula = r"\sum_i D(i)\,1\{f \ne y_i\}"
    return Line(r"\epsilon_t", formula, filled, error, numbers, 4, "error")


def _slope(trace: "Samme", t: int, mistake: str) -> Line:
    printed = mistake == "indicator"
    error, Z = float(trace.error[t - 1]), float(trace.loss[t - 1])
    K = float(len(trace.labels))
    formula = r"Z \left(\frac{K}{K-1}\,\epsilon - 1\right)"
    filled = r"@Z@ \left(@share@ \cdot @error@ - 1\right)"
    if printed:
        formula = r"-Z\,\frac{K-2}{K-1}\,\epsilon"
        filled = r"-@Z@ \cdot @share@ \cdot @error@"
    share = (K - 2) / (K - 1) if printed else K / (K - 1)
    numbers = {"Z": Z, "share": share, "error": error}
    symbol = r"\left.\frac{\partial L}{\partial \alpha}\right|_0"
    return Line(symbol, formula, filled, float(trace.slope[t - 1]), numbers, 5, "slope", printed)


def _say(trace: "Samme", t: int, mistake: str) -> list[Line]:
    """Both alphas; a classifier that never errs has what outvotes all others."""
    K, now = float(len(trace.labels)), trace.at(t)
    printed = mistake == "no-log"
    numbers = {"right": 1 - now.error, "error": now.error, "others": K - 1, "share": (K - 1) / K,
               "say": now.alpha_samme, "before": float(trace.alpha[: t - 1].sum())}  # fmt: skip
    if now.error == 0:
        mine = Line(r"\alpha_t", r"1 + \sum_{s<t} \alpha_s", "1 + @before@", now.alpha,
                    numbers, None, "alpha")  # fmt: skip
        return [mine]
    say, filled = (s.split(" + ")[0] if printed else s for s in (SAY, FILLED))
    return [
        Line(r"\alpha_t^S", say, filled, now.alpha_samme, numbers, 12, "alpha_samme", printed),
        Line(r"\alpha_t", r"\tfrac{K-1}{K}\,\alpha^S", r"@share@ \cdot @say@", now.alpha,
             numbers, 7, "alpha"),
    ]  # fmt: skip
