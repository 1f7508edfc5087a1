"""E-step, M-step and bound for a batch of starts, along the axes of the cloud.

The data enter as the eigenvalues of S only: a start costs the same for a million points as for
five. Nothing is subtracted, so nothing cancels, however small the noise. Equation numbers are those
of ``engine.mixtures.ppca``.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.device import namespace, send
from engine.mixtures.em import Theta

if TYPE_CHECKING:
    from engine.mixtures.ppca import Params

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class Machine:
    """``theta`` is v = Q'u, (starts, J), and the noise, (starts,)."""

    xp: Any
    values: Any  # eigenvalues of S
    others: Any  # for each axis, the sum of the eigenvalues of all others
    beside: Any  # (J, J), 1 off the diagonal: picks all other axes
    total: float  # trace of S
    points: int
    learn: bool
    floor: float
    slip: str
    device: str

    @classmethod
    def on(
        cls, device: str, values: np.ndarray, points: int, params: "Params", slip: str = ""
    ) -> "Machine":
        """The steps for one cloud on one device."""
        beside = 1 - np.eye(len(values))
        return cls(
            xp=namespace(device),
            values=send(values, device),
            others=send(beside @ values, device),
            beside=send(beside, device),
            total=float(values.sum()),
            points=points,
            learn=params.learn_noise,
            floor=params.floor * float(values.mean()),
            slip=slip,
            device=device,
        )

    def theta(self, v: np.ndarray, noise: float) -> Theta:
        """The starts v (starts, J), all with one noise; in memory axis by axis, which is faster
        where J is small."""
        at_least = max(noise, self.floor)
        return send(np.asfortranarray(v), self.device), send(np.full(len(v), at_least), self.device)

    def e_step(self, theta: Theta) -> tuple[Any, Any]:
        """v, u'Su, what m is of u'x, the doubt in s and the posterior's variance; (3)."""
        v, noise = theta
        squares = v * v
        c = noise + squares.sum(-1)
        along, variance = squares @ self.values, noise / c
        shrink = self.xp.ones_like(c) if self.slip == "unshrunk" else 1 / c  # (4)
        doubt = variance if self.slip != "no-variance" else self.xp.zeros_like(c)  # (5)
        apart = self.total / c + (squares @ self.others) / (c * noise)  # tr(C⁻¹ S)
        J = len(self.values)
        logs = J * LOG_2PI + (J - 1) * self.xp.log(noise) + self.xp.log(c)
        return (v, along, shrink, doubt, variance), -0.5 * self.points * (logs + apart)

    def m_step(self, found: Any, theta: Theta) -> Theta:
        """(7) and (8)."""
        old, along, shrink, doubt, _ = found
        second = along * shrink**2 + doubt
        some = second > 0  # without its doubt, a u of 0 has nothing to divide by
        share = shrink / self.xp.where(some, second, self.xp.ones_like(second))
        v = self.values * old * share[:, None]
        if not bool(some.all()):
            v = self.xp.where(some[:, None], v, old)
        if not self.learn:
            return v, theta[1]
        left = self.left(found, v) if self.slip else self._left(found, theta[1], v, share)
        if self.slip != "normaliser":
            left = left / len(self.values)
        return v, self.xp.clip(left, self.floor, None)

    def _left(self, found: Any, noise: Any, v: Any, share: Any) -> Any:
        """``left`` where v is the next u and no slip is made: tr S - û'Su / c, all terms positive.

        With the mean of s as B and û = λ v / (c B) it is σ² tr S / (c B) plus, over the axes,
        û v / c times the eigenvalues of all other axes.
        """
        old, _, shrink, _, _ = found
        return self.total * noise * share + (v * old) @ self.others * shrink

    def left(self, found: Any, v: Any) -> Any:
        """The mean of |x|² - 2 m u'x + s |u|² where u is ``v``.

        Along axis l the data are independent with mean square λ_l, and m is ``shrink`` times the
        sum of old_l x_l; so this is a sum of squares.
        """
        old, _, shrink, doubt, _ = found
        squares = v * v
        k = shrink[:, None] * old
        own = (1 - k * v) ** 2 + k * k * (squares @ self.beside)
        return own @ self.values + doubt * squares.sum(-1)

    def bound(self, found: Any, theta: Theta) -> Any:
        """F of (9): Q of (6) with all constants, plus the entropy."""
        (_, along, shrink, doubt, variance), (v, noise) = found, theta
        J = len(self.values)
        second = along * shrink**2 + doubt
        density = J * (LOG_2PI + self.xp.log(noise)) + self.left(found, v) / noise
        entropy = 1 + self.xp.log(variance)  # twice, and less log 2π, which the prior has too
        return -0.5 * self.points * (density + second - entropy)
