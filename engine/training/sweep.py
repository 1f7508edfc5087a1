r"""What width buys: a small ResNet with 1, 2, 4 and 64 channels, exercise 001-3.

Pictures $x \in [0, 1]^{8 \times 8}$, ten classes, C channels. The network, with the shape of what
leaves each part:

$$x \xrightarrow{\text{conv } 3 \times 3,\ \text{stride } 2} (C, 4, 4)
\xrightarrow{\text{norm, ReLU, max-pool}} (C, 2, 2) \xrightarrow{\text{block}} (C, 2, 2)
\xrightarrow{\text{average}} C \xrightarrow{\text{linear}} 10 \tag{1}$$

$$\text{block}(h) = \text{ReLU}\big(h + \text{norm}(K_2 * \text{ReLU}(\text{norm}(K_1 * h)))\big)
\tag{2}$$

The norm is over the batch: for each channel, with mean and variance over pictures and places,

$$\text{norm}(u) = \gamma\,\frac{u - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta, \qquad
\mu = \frac{1}{n} \sum_i u_i, \quad \sigma^2 = \frac{1}{n} \sum_i (u_i - \mu)^2 \tag{3}$$

On the way back $\mu$ and $\sigma^2$ depend on every $u_i$. A bias before the norm is subtracted
again: its gradient is 0. So the convolutions have none, and the parameters are

$$P = \underbrace{9C}_{\text{first}} + \underbrace{18 C^2}_{\text{block}} +
\underbrace{6C}_{\text{norms}} + \underbrace{10C + 10}_{\text{linear}} = 18 C^2 + 25 C + 10
\tag{4}$$

Each of 4,000 steps takes 128 of 898 pictures without replacement:

$$W \leftarrow W - \eta\,\frac{\partial L}{\partial W}, \qquad
L = -\frac{1}{128} \sum_i \log p_{i, y_i} \tag{5}$$

Every 25 steps L of the batch just used ("train") and of 899 other pictures ("test") is logged, and
the share of wrong answers e. The lines are means over R seeds, the bands one standard deviation:

$$\bar L = \frac{1}{R} \sum_r L_r, \qquad s^2 = \frac{1}{R - 1} \sum_r (L_r - \bar L)^2 \tag{6}$$

$$\text{gap} = \bar L^{\,\text{test}} - \bar L \tag{7}$$

Who guesses has

$$L = -\log \tfrac{1}{10} = \log 10 = 2.303, \qquad e = 0.9 \tag{8}$$

The starter code never calls eval(), so the test set is normed by its own mean and variance. With
wider networks the training error falls faster and further; how smooth the curves are depends on
the batches.

``run`` trains (``engine.training.sweeping``), ``recorded`` has what ships with the project,
``collected`` makes curves of either.
"""

from collections.abc import Sequence
from typing import Any

from engine.certificate import Certificate
from engine.slips import Slip
from engine.training.curves import Curves, Params, alone, checked_widths, collected, smoothed, specs
from engine.training.recorded import MISTAKEN, RECORDED, TRAINED, mistaken, recorded
from engine.training.store import Store
from engine.training.sweep_certificate import certificate, gradients
from engine.training.sweep_lesson import BESIDE, SLIPS, TESTED, beside, presets, questions, working
from engine.training.sweep_parameters import CONVOLUTIONS, Entry, counted, ledger, lengths, off
from engine.training.sweeping import Status, Sweep, run

__all__ = [
    "BESIDE", "CONVOLUTIONS", "MISTAKEN", "PRESETS", "RECORDED", "SLIPS", "TESTED", "TRAINED",
    "Curves", "Params", "Status", "Sweep", "beside", "certify", "collected", "compute", "layers",
    "parameters", "questions", "recorded", "run", "slipped", "smoothed", "specs", "trained",
    "verb", "working",
]  # fmt: skip

PRESETS = presets()


def trained(runs: Sequence[Status], widths: tuple[int, ...], params: Params) -> Curves:
    """The curves of runs in the order of ``specs``, as far as they are."""
    return collected(widths, params, [status.points for status in runs], TRAINED)


def compute(widths: Any, params: Params) -> Curves:
    """Train it all in this process, or go on with what the store of this machine holds."""
    chosen = checked_widths(widths)
    return trained(run(specs(chosen, params), Store()).wait(), chosen, params)


def verb(trace: Curves) -> str:
    """The function of this module that gives these curves again."""
    return "recorded" if trace.origin == RECORDED else "compute"


def slipped(trace: Curves, slip: Slip) -> Curves:
    """What training by the mistaken gradients gives, where that ships; a wrong count trains
    nothing else."""
    if slip.name not in SLIPS:
        raise KeyError(slip.name)
    return mistaken(trace, slip.name)


def certify(trace: Curves, slip: Slip | None = None) -> Certificate:
    """On this machine: parameters against torch's count, gradients of one step against autograd,
    losses against a plain torch loop in float64, the first point shown against the same steps."""
    return certificate(trace, slip)


def parameters(trace: Curves, slip: Slip | None = None) -> list[int]:
    """Of each width, by (4)."""
    name = slip.name if slip else ""
    return [counted(width, trace.params.norm, name) for width in trace.widths]


def layers(
    trace: Curves, slip: Slip | None, chosen: int
) -> tuple[list[Entry], list[float], list[bool]]:
    """One width layer by layer: shape and parameters, the length of the first step's gradient, and
    whether a slip changes it."""
    [spec] = specs([trace.widths[chosen]], alone(trace.params))
    name = slip.name if slip else ""
    right, shown = gradients(spec), gradients(spec, name)
    return (
        ledger(spec.width, trace.params.norm, name),
        lengths(shown),
        off(right, shown),
    )
