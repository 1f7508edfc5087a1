"""What the lesson on two coins says: known mistakes, formulas with numbers, questions, cases.

The tags are those of ``engine.mixtures.coins``.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.mixtures.coins_sets import log_binomial
from engine.numerics import xlogy
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips
from engine.working import Line

if TYPE_CHECKING:
    from engine.mixtures.coins import Coins, Params

# The printed formulas of 000-2 are right. These are readers' slips, and the reading that fits the
# printed numbers 0.80/0.34 and 0.8533/0.36: hard clusters of 5 sets of 25 tosses.
SLIPS = Slips(
    Slip(
        "hard",
        "000-2.2, the numbers",
        "Hard clusters",
        "Each set goes wholly to its likelier coin: the printed 0.8533 and 0.36 are 64/75 and "
        "18/50.",
        "It hides when the coins are so far apart that every Q is 0 or 1.",
    ),
    Slip(
        "same-n",
        "000-2.1, reading (19) and (20)",
        "The same n for every set",
        "The M-step divides by the mean length of the sets times ΣQ: a chance can even pass 1.",
        "It hides when all sets are equally long.",
        "unequal",
    ),
    Slip(
        "no-weight",
        "000-2.1, reading (18)",
        "Mixing weight left out",
        "The E-step drops π, which cancels at one half only.",
        "It hides while the mixing is fixed at one half.",
        "free",
    ),
)


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""
    classic = {"heads": [5, 9, 8, 4, 7], "tosses": 10}
    low = (0.4, 0.2)
    free = [3, 8, 2, 4, 3, 9, 2, 5, 1, 3, 4, 2, 8, 3, 6, 2, 4, 3, 1, 5, 9, 3, 2, 4]
    return {
        "classic": Preset(
            "Classic", params(), "The coins part: 0.71 and 0.58 after one step.", classic, 1
        ),
        "low-start": Preset(
            "Low start", params(start=low), "From far below, the same two coins.", classic, 1
        ),
        "print-1": Preset(
            "Printed 0.80, 0.34",
            params(start=low),
            "Three sets of 20 heads, two of 8 and 9: EM lands on the printed 0.80 and 0.34.",
            {"heads": [20, 20, 20, 8, 9], "tosses": 25},
            10,
        ),
        "print-2": Preset(
            "Printed 0.85, 0.36",
            params(start=low, steps=20),
            "EM lands on the printed 0.8533 and 0.3600 and then nothing moves.",
            {"heads": [21, 21, 22, 9, 9], "tosses": 25},
            20,
        ),
        "diagonal": Preset(
            "Equal start",
            params(start=(0.55, 0.55)),
            "Equal coins share every set half and half and never part.",
            classic,
            1,
        ),
        "unequal": Preset(
            "Unequal sets",
            params(start=(0.7, 0.3), steps=20),
            "A long set counts for more: the M-step divides by expected tosses, not by sets.",
            {"heads": [2, 36, 5, 9, 28, 3], "tosses": [3, 60, 6, 30, 40, 12]},
            1,
        ),
        "free": Preset(
            "Free mixing",
            params(steps=60, mixing="free"),
            "Few sets are coin A's: its weight falls from one half to where the sets put it.",
            {"heads": free, "tosses": 10},
            10,
        ),
    }


def working(trace: "Coins", chosen: int = 0, slip: Slip | None = None) -> tuple[Line, ...]:
    """Q of set ``chosen``, the next numbers that follow from all Q, and log L, at every step.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the mistaken form.
    """
    Q, N = trace.responsibility, len(trace.heads)
    heads, tosses, mistake = trace.heads @ Q, trace.tosses @ Q, slip.name if slip else ""
    after = following(trace, slip)
    lines = [_share(trace, chosen, mistake)]
    for c, coin in enumerate("AB"):
        below, filled = rf"\sum_i Q_i({coin})\,n_i", r"\frac{@heads@}{@tosses@}"
        if mistake == "same-n":
            below, filled = rf"\bar n \sum_i Q_i({coin})", r"\frac{@heads@}{@mean@ \cdot @sets@}"
        formula = rf"\frac{{\sum_i Q_i({coin})\,x_i}}{{{below}}}"
        numbers = {"heads": heads[:, c], "tosses": tosses[:, c]}
        numbers |= {"mean": float(trace.tosses.mean()), "sets": Q[:, :, c].sum(axis=1)}
        lines.append(
            Line(
                rf"\hat\theta_{coin}",
                formula,
                filled,
                after[:, c],
                numbers,
                7,
                f"theta_{coin}",
                mistake == "same-n",
            )
        )
    if trace.params.mixing == "free":
        weight = Q[:, :, 0].sum(axis=1)
        value = np.append(trace.mixing[1:, 0], weight[-1] / N)
        numbers = {"weight": weight, "sets": float(N)}
        formula, filled = r"\frac{1}{N} \sum_i Q_i(A)", r"\frac{@weight@}{@sets@}"
        lines.append(Line(r"\hat\pi_A", formula, filled, value, numbers, 8, "pi_A"))
    one = np.logaddexp(*_log_joint(trace, chosen).T) + _coefficient(trace, chosen)
    numbers = {"one": one, "others": trace.log_likelihood - one}
    formula = r"\sum_i \log\left(\pi_A\,p_A(x_i) + \pi_B\,p_B(x_i)\right)"
    return (
        *lines,
        Line(
            r"\log L",
            formula,
            "@one@ + @others@",
            trace.log_likelihood,
            numbers,
            2,
            "log_likelihood",
        ),
    )


def _share(trace: "Coins", chosen: int, mistake: str) -> Line:
    """Q_i(A) as the ratio (4), the weights shown where they do not cancel."""
    free = trace.params.mixing == "free" and mistake != "no-weight"
    formula, filled = [], []
    for c in "AB":
        formula.append((rf"\pi_{c}\," if free else "") + rf"\theta_{c}^{{x}}(1-\theta_{c})^{{n-x}}")
        filled.append(
            (rf"@pi{c}@ \cdot " if free else "") + rf"@{c}@^{{@x@}} \cdot @not{c}@^{{@y@}}"
        )
    numbers: dict[str, float | np.ndarray] = {
        "x": float(trace.heads[chosen]),
        "y": float(trace.tosses[chosen] - trace.heads[chosen]),
    }
    for i, c in enumerate("AB"):
        theta = trace.theta[:, i]
        numbers |= {c: theta, f"not{c}": 1 - theta, f"pi{c}": trace.mixing[:, i]}
    ratio = r"\frac{{{0}}}{{{0} + {1}}}"
    if mistake == "hard":  # 1 if true, 0 if not
        ratio = r"\left[\,{0} \ge {1}\,\right]"
    shares = trace.responsibility[:, chosen, 0]
    symbol = rf"Q_{{{chosen + 1}}}(A)"
    return Line(
        symbol, ratio.format(*formula), ratio.format(*filled), shares, numbers, 4, "responsibility"
    )


def following(trace: "Coins", slip: Slip | None = None) -> np.ndarray:
    """The theta that follows each state, (T + 1, 2): the trace's own, and one more by (7)."""
    Q = trace.responsibility[-1]
    tosses = trace.tosses @ Q
    if slip and slip.name == "same-n":
        tosses = trace.tosses.mean() * Q.sum(axis=0)
    last = np.divide(trace.heads @ Q, tosses, out=trace.theta[-1].copy(), where=tosses > 0)
    return np.concatenate([trace.theta[1:], last[None]])


def _log_joint(trace: "Coins", chosen: int) -> np.ndarray:
    """log of pi_c theta_c^x (1 - theta_c)^(n - x) for one set at every step, (T + 1, 2)."""
    one = slice(chosen, chosen + 1)
    x, n = trace.heads[one], trace.tosses[one]
    log_mixing = xlogy(np.ones(2), trace.mixing)
    return xlogy(x, trace.theta) + xlogy(n - x, 1 - trace.theta) + log_mixing


def _coefficient(trace: "Coins", chosen: int) -> float:
    one = slice(chosen, chosen + 1)
    return float(log_binomial(trace.heads[one], trace.tosses[one])[0])


def questions(trace: "Coins", step: int, chosen: int = 0) -> tuple[Question, ...]:
    """What to predict at a step, with the values that typical mistakes give."""
    Q = trace.responsibility[step]
    after = following(trace)[step]
    asked = [_ask_share(trace, step, chosen)]
    x, n = trace.heads, trace.tosses
    hard = np.stack([Q[:, 0] >= 0.5, Q[:, 0] < 0.5], axis=1)
    for c, coin in enumerate("AB"):
        heads, tosses = float(x @ Q[:, c]), float(n @ Q[:, c])
        my_heads, my_tosses = float(x @ hard[:, c]), float(n @ hard[:, c])
        mistakes = {
            "You divided by all tosses, not by the tosses expected of this coin.": heads / n.sum(),
            "That is this coin's share of all heads: divide by tosses.": _ratio(heads, x.sum()),
            "You gave each set wholly to its likelier coin.": _ratio(my_heads, my_tosses),
            "That is the other coin.": after[1 - c],
            "That is the present value; the next one is asked.": trace.theta[step, c],
            "You left out Q: that is the overall share of heads.": x.sum() / n.sum(),
            "You divided heads by tails, not by tosses.": _ratio(heads, tosses - heads),
            "You divided by the mean length of the sets; each Q needs its own n.": _ratio(
                heads, n.mean() * Q[:, c].sum()
            ),
        }
        asked.append(
            Question(
                f"theta_{coin}", rf"\hat\theta_{coin}", float(after[c]), _floats(mistakes), step
            )
        )
    return tuple(asked)


def _ask_share(trace: "Coins", step: int, chosen: int) -> Question:
    theta = trace.theta[step]
    x, y = trace.heads[chosen], trace.tosses[chosen] - trace.heads[chosen]
    value = float(trace.responsibility[step, chosen, 0])
    p = theta**x * (1 - theta) ** y
    free = trace.params.mixing == "free"
    a, b = (p * trace.mixing[step] if free else p).tolist()

    def of_both(v: np.ndarray) -> float:
        a, b = v.tolist()
        return _ratio(a, a + b)

    mistakes = {
        "You forgot to divide by the sum of both.": a,
        "You divided by the other coin's term, not by the sum of both.": _ratio(a, b),
        "That is coin B's share: the coins are swapped.": trace.responsibility[step, chosen, 1],
        "You used the heads only; the tails speak as well.": of_both(theta**x),
        "You used the tails only; the heads speak as well.": of_both((1 - theta) ** y),
        "You compared single tosses: raise the chances to the powers x and n - x.": of_both(theta),
        "You left out the mixing weight.": of_both(p),
        "You gave the whole set to the likelier coin.": float(value >= 0.5),
    }
    symbol = rf"Q_{{{chosen + 1}}}(A)"
    return Question("responsibility", symbol, value, _floats(mistakes), step)


def _ratio(a: float, b: float) -> float:
    """a / b, or infinity, which no answer equals."""
    return a / b if b > 0 else math.inf


def _floats(mistakes: dict[str, Any]) -> dict[str, float]:
    return {sentence: float(value) for sentence, value in mistakes.items()}
