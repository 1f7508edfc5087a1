"""A trainer whose every step depends on all before it, in microseconds: what the tests train."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.params import Knobs, knob


@dataclass(frozen=True, kw_only=True)
class Spec(Knobs):
    """``pause`` is seconds a step; ``trap`` what happens at the step of that name."""

    width: int = knob(3, 1, 100_000, "numbers that are trained")
    seed: int = knob(0, 0, 1000, "which random numbers")
    steps: int = knob(400, 1, 1_000_000, "how many steps")
    log_every: int = knob(10, 1, 1000, "steps between two points")
    pause: float = knob(0.0, 0, 1, "seconds that a step sleeps")
    trap: str = knob("none", choices=("none", "raise", "memory", "die", "die once"), help="what")
    trap_at: int = knob(50, 0, 1_000_000, "at which step")


@dataclass(frozen=True)
class Point:
    """A number of the trajectory."""

    step: int
    loss: float


class Training:
    """The logistic map, stirred by Philox(seed, step): chaotic, so an error cannot hide."""

    def __init__(self, spec: Spec, state: dict | None = None, device: str = "cpu") -> None:
        self.spec, self.points = spec, []
        self.step = int(state["step"]) if state else 0
        self.x = np.array(state["x"]) if state else np.linspace(0.1, 0.9, spec.width)

    def advance(self, until: int) -> None:
        while self.step < until:
            self._trap()
            noise = np.random.Generator(np.random.Philox(key=[self.spec.seed, self.step]))
            self.x = (3.9 * self.x * (1 - self.x) + noise.random(self.x.size) * 1e-3) % 1
            self.step += 1
            time.sleep(self.spec.pause)
            if self.step % self.spec.log_every == 0:
                self.points.append(Point(self.step, float(self.x.sum())))

    def state(self) -> dict[str, np.ndarray]:
        return {"step": np.array(self.step), "x": self.x}

    def _trap(self) -> None:
        if self.spec.trap == "none" or self.step != self.spec.trap_at:
            return
        if self.spec.trap == "raise":
            raise ValueError("the toy is broken.\nwith a second line")
        if self.spec.trap == "memory":
            raise MemoryError
        if self.spec.trap == "die once":
            mark = Path(os.environ["TOY_MARK"])
            if mark.exists():
                return
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
