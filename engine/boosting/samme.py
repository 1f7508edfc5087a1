r"""Multiclass AdaBoost by gradient boosting, exercise 004-3.

There are $N$ points $x_i$ of classes $y_i \in \{1..K\}$, and weak classifiers $f$ that are little
better than guessing. Each is asked in turn, under weights that dwell on what went wrong so far, and
gets a say $\alpha$.

* $f_t(x)$: the class that round $t$ votes for; $f_t^k(x) = 1\{f_t(x) = k\}$.
* $g$, shape $(N, K)$: what the votes of all rounds add up to; $A = \sum_t \alpha_t$.
* $D_t$, shape $(N,)$: the weights of round $t$; $\sum_i D_t(i) = 1$.

**What is minimised.**

$$g^k(x) = \sum_t \alpha_t f_t^k(x), \qquad h(x) = \operatorname{argmax}_k g^k(x) \tag{1}$$
$$L(g) = \sum_i \exp\Bigl(\tfrac{1}{K-1} \sum_{k \ne y_i} g^k(x_i) - g^{y_i}(x_i)\Bigr) \tag{2}$$

**Weights.** Each point weighs what it has in the loss so far:

$$D_t(i) = \frac{1}{Z_t} \exp\Bigl(\tfrac{1}{K-1} \sum_{k \ne y_i} g_{t-1}^k(x_i)
- g_{t-1}^{y_i}(x_i)\Bigr), \qquad Z_t = L(g_{t-1}) \tag{3}$$
$$\epsilon_t = \sum_i D_t(i)\,1\{f_t(x_i) \ne y_i\} \tag{4}$$

**Which classifier.** Add $\alpha f$ to $g$: the loss falls fastest where the slope is least, that
is for the least weighted error $\epsilon$.

$$\frac{\partial L}{\partial \alpha}\Big|_0
= Z_t \sum_i D_t(i) \Bigl[\tfrac{1}{K-1} 1\{f \ne y_i\} - 1\{f = y_i\}\Bigr]
= Z_t \Bigl(\tfrac{K}{K-1}\,\epsilon - 1\Bigr) \tag{5}$$

**How much say.** Along this direction

$$Z(\alpha) = \epsilon_t\,e^{\alpha/(K-1)} + (1 - \epsilon_t)\,e^{-\alpha} \tag{6}$$

is convex, and its minimum and what is left of the loss there are

$$\alpha_t = \tfrac{K-1}{K} \Bigl[\log\tfrac{1-\epsilon_t}{\epsilon_t} + \log(K-1)\Bigr] \tag{7}$$
$$\frac{Z_{t+1}}{Z_t} = K \Bigl(\frac{\epsilon_t}{K-1}\Bigr)^{\frac{K-1}{K}}
(1-\epsilon_t)^{\frac{1}{K}} \le 1 \tag{8}$$

with equality only for $\epsilon_t = \frac{K-1}{K}$: a vote helps as long as it beats guessing,

$$\alpha_t > 0 \iff \epsilon_t < \tfrac{K-1}{K} \tag{9}$$

**The next weights** make the vote just counted as good as a guess:

$$D_{t+1}(i) = D_t(i)\,\frac{e^{\alpha_t/(K-1)}\,[f_t \ne y_i] + e^{-\alpha_t}\,[f_t = y_i]}
{Z_{t+1}/Z_t} \tag{10}$$
$$\sum_i D_{t+1}(i)\,1\{f_t(x_i) \ne y_i\} = \tfrac{K-1}{K} \tag{11}$$

**SAMME** (Zhu et al. 2009) is the same algorithm with another unit for $\alpha$: the same $D_t$,
the same $f_t$, the same $h$.

$$\alpha_t^S = \log\tfrac{1-\epsilon_t}{\epsilon_t} + \log(K-1), \qquad
\alpha_t = \tfrac{K-1}{K}\,\alpha_t^S \tag{12}$$

**No bound for three classes.** In shares of the say, a point has the loss

$$\ell_i = \exp\frac{A - K g^{y_i}(x_i)}{K-1} \tag{13}$$

which is at least 1 where $g^{y_i} \le A/K$. But an error only needs $g^{y_i} \le A/2$. So for
$K > 2$ a point may be wrong at a loss below 1, and $L/N$ bounds the share of points with
$\ell_i \ge 1$, not the training error.
"""

import dataclasses
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.boosting.samme_certificate import certificate
from engine.boosting.samme_data import BoostingStop, Points, begin, given_votes, picked
from engine.boosting.samme_lesson import SLIPS, presets, questions
from engine.boosting.samme_regions import Cut, Regions, cuts, regions
from engine.boosting.samme_rounds import boosted
from engine.boosting.samme_trees import Tree, stacked, votes_of
from engine.boosting.samme_working import working
from engine.certificate import Certificate
from engine.params import Knobs, knob
from engine.slips import Slip
from engine.trace import Stop, Trace, along_steps

__all__ = [
    "PRESETS", "SLIPS", "BoostingStop", "Cut", "Params", "Regions", "Samme", "certify", "cuts",
    "explore", "from_votes", "picked", "predict", "questions", "regions", "run", "scores_at",
    "slipped", "working", "wrong_cells",
]  # fmt: skip

TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many votes, and by how deep a tree each."""

    rounds: int = knob(40, 1, 500, "how many weak classifiers vote at most", label="rounds")
    depth: int = knob(1, 1, 3, "1: the best stump; 2, 3: small trees", label="depth")
    digits: int = knob(
        300, 20, 1797, "how many handwritten digits, where no points are given", label="digits",
        step=50,
    )  # fmt: skip


DEFAULT = Params()
PRESETS = presets(Params)


@dataclass(frozen=True, eq=False)
class Samme(Trace):
    """T rounds over N points of K classes.

    Entry t of what has T + 1 entries is the state after t rounds: ``weights[t]`` is what round
    t + 1 sees, ``loss[t]`` is (2) and so Z of round t + 1. What has T entries is of round t + 1.
    ``at_risk`` is the share of points with (13) at least 1. ``votes``, ``y`` count classes from 0,
    ``labels`` are their names. ``refused`` is the error of a classifier that was not taken.
    """

    params: Params
    X: Float[np.ndarray, "points columns"]
    y: Int[np.ndarray, " points"]
    labels: Int[np.ndarray, " classes"]
    drawn: bool
    stop: Stop
    refused: float | None
    votes: Int[np.ndarray, "rounds points"]
    feature: Int[np.ndarray, "trees nodes"]
    threshold: Float[np.ndarray, "trees nodes"]
    leaf: Int[np.ndarray, "trees leaves"]
    weights: Float[np.ndarray, "states points"] = along_steps()
    scores: Float[np.ndarray, "states points classes"] = along_steps()
    loss: Float[np.ndarray, " states"] = along_steps()
    training_error: Float[np.ndarray, " states"] = along_steps()
    at_risk: Float[np.ndarray, " states"] = along_steps()
    error: Float[np.ndarray, " rounds"] = along_steps()
    alpha: Float[np.ndarray, " rounds"] = along_steps()
    alpha_samme: Float[np.ndarray, " rounds"] = along_steps()
    ratio: Float[np.ndarray, " rounds"] = along_steps()
    slope: Float[np.ndarray, " rounds"] = along_steps()

    def at(self, step: int) -> SimpleNamespace:
        """The state after ``step`` rounds, with the numbers of the round that led to it."""
        rounds = ("error", "alpha", "alpha_samme", "ratio", "slope")
        if not -len(self) <= step < len(self):
            raise IndexError(f"step must lie in [0, {len(self) - 1}], got {step}.")
        t = step % len(self)
        of_round = {name: getattr(self, name)[t - 1] if t else None for name in rounds}
        states = {name: getattr(self, name)[t] for name in self._stepped() if name not in rounds}
        return SimpleNamespace(**states, **of_round)


def run(X: Any, y: Any, params: Params = DEFAULT, votes: Any = None) -> Samme:
    """Boost on points X (N, D) of classes y (N,), whole numbers; both empty for the digits.

    With ``votes`` (rounds, N) there is nothing to learn: they are counted in their order.
    """
    points, given = begin(X, y, votes, params)
    return _boost(points, params, given)


def from_votes(votes: Any, y: Any, classes: Any) -> Samme:
    """Count given votes (rounds, N) on points of class y (N,), both from 0 to ``classes`` - 1."""
    points, given = given_votes(votes, y, classes)
    return _boost(points, Params(rounds=len(given)), given)


def explore(X: Any, y: Any, votes: Any, params: Params) -> Samme:
    """``run`` in the order of the page."""
    return run(X, y, params, votes)


def _boost(points: Points, params: Params, given: np.ndarray | None, slip: str = "") -> Samme:
    """All rounds; ``slip`` names the mistake to make, none as a rule."""
    X, y, labels, drawn = points
    done = boosted(points, params.rounds, params.depth, given, slip)
    g, N = np.stack(done.scores), len(y)
    own, A = g[:, np.arange(N), y], g.sum(axis=2)
    at_risk = (len(labels) * own <= A + TINY * abs(A)).mean(axis=1)  # (13)
    votes = np.array(done.votes, int).reshape(len(done.votes), N)
    feature, threshold, leaf = stacked(done.trees)
    error, alpha, alpha_samme, ratio, slope = np.array(done.rounds).reshape(-1, 5).T
    return Samme(
        params=params, X=X, y=y, labels=labels, drawn=drawn, stop=done.stop, refused=done.refused,
        votes=votes, feature=feature, threshold=threshold, leaf=leaf,
        weights=np.stack(done.weights), scores=g, loss=np.array(done.loss),
        training_error=(g.argmax(axis=2) != y).mean(axis=1), at_risk=at_risk,
        error=error, alpha=alpha, alpha_samme=alpha_samme, ratio=ratio, slope=slope,
    )  # fmt: skip


def slipped(trace: Samme, slip: Slip) -> Samme:
    """The same weak classifiers, counted with one mistake in every round."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    points = Points(trace.X, trace.y, trace.labels, trace.drawn)
    again = _boost(points, trace.params, trace.votes, slip.name)
    kept = ("stop", "refused", "feature", "threshold", "leaf")
    return dataclasses.replace(again, **{name: getattr(trace, name) for name in kept})


def scores_at(trace: Samme, points: np.ndarray) -> np.ndarray:
    """What the votes add up to at other points (M, D), after every round, (T + 1, M, K)."""
    out = np.zeros((len(trace), len(points), len(trace.labels)))
    rows = np.arange(len(points))
    trees = zip(trace.feature, trace.threshold, trace.leaf, strict=True)
    for t, tree in enumerate(trees):
        out[t + 1] = out[t]
        out[t + 1, rows, votes_of(Tree(*tree), points)] += trace.alpha[t]
    return out


def predict(trace: Samme, X: Any) -> np.ndarray:
    """The labels that the whole vote gives rows of X."""
    return trace.labels[scores_at(trace, np.asarray(X, float))[-1].argmax(1)]


def certify(trace: Samme, slip: Slip | None = None) -> Certificate:
    """Against Zhu's own algorithm, numeric minima, autograd, and every stump there is."""
    return certificate(slipped(trace, slip) if slip else trace)


def wrong_cells(trace: Samme, slip: Slip) -> dict[str, np.ndarray]:
    """Masks by field name: True where a slip changes the number."""
    shown, out = slipped(trace, slip), {}
    for name in ("error", "alpha", "alpha_samme", "ratio", "slope", "weights", "scores", "loss"):
        a, b = getattr(trace, name), getattr(shown, name)
        out[name] = ~(abs(a - b) <= 1e-9 * np.maximum(1, abs(a)))
    return out
