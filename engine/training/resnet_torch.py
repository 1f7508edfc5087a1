"""All seeds of one width as one batched program, for a GPU; the same lines run on the CPU.

Every array has the seeds in front. A convolution is a product of matrices: the first of its patches
(a picture's are made once), those of the block of a (4 C) × (4 C) matrix in which each of the nine
taps stands wherever an output pixel sees an input pixel. On a GPU a step is one CUDA graph.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from engine import device as devices
from engine.params import ParamError
from engine.training import resnet_draws as draws
from engine.training.resnet import (
    NORMS,
    Point,
    Spec,
    checked,
    history_of,
    points_of,
    shapes,
)  # fmt: skip
from engine.training.resnet_layers import EPSILON, MOMENTUM

PIXELS = [(0, 0), (0, 1), (1, 0), (1, 1)]
TAPS = torch.tensor([[3 * (i - r + 1) + j - s + 1 for i, j in PIXELS] for r, s in PIXELS])
State = dict[str, np.ndarray]


def patches(X: np.ndarray) -> np.ndarray:
    """The nine pixels (N, 9, 16) that each of 16 places of the first convolution sees."""
    padded = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 0), (1, 0)))
    seen = [padded[:, i : i + 7 : 2, j : j + 7 : 2] for i in range(3) for j in range(3)]
    return np.stack(seen, 1).reshape(len(X), 9, 16)


class Batched:
    """Runs that differ in nothing but the seed."""

    def __init__(
        self, specs: list[Spec], states: list[State] | None = None, device: str = "auto"
    ) -> None:
        if not specs or any(replace(spec, seed=specs[0].seed) != specs[0] for spec in specs):
            raise ParamError("Runs of one batched program may differ in nothing but the seed.")
        self.specs, self.spec = specs, specs[0]
        self.device = devices.pick(device)
        place = "cuda" if self.device == "cuda" else "cpu"
        self.place, self.dtype = place, getattr(torch, self.spec.dtype)
        given = [draws.weights(spec) for spec in specs]
        if states is not None:
            given = [checked(spec, s) for spec, s in zip(specs, states, strict=True)]
        names = shapes(self.spec.width)
        self.weights = {
            name: torch.from_numpy(np.stack([g[name] for g in given])).to(place).requires_grad_()
            for name in names
        }
        self.running = torch.zeros(3, 2, len(specs), self.spec.width, dtype=self.dtype)
        self.running[:, 1] = 1
        self.step, self.points = 0, [[] for _ in specs]
        if states is not None:
            for row, norm in zip(self.running, NORMS, strict=True):
                for k, kind in enumerate(("mean", "var")):
                    stacked = np.stack([s[f"{norm}.running_{kind}"] for s in states])
                    row[k] = torch.from_numpy(stacked)
            if len({int(s["step"].item()) for s in states}) > 1:
                raise ParamError("Runs of one batched program go on from the same step.")
            self.step = int(states[0]["step"].item())
            self.points = [points_of(s["history"]) for s in states]
        self.running = self.running.to(place)
        self._load()
        self.graphs: dict[int, tuple[torch.cuda.CUDAGraph, torch.Tensor, torch.Tensor]] = {}

    def _load(self) -> None:
        sets = [draws.pictures(spec) for spec in self.specs]
        X, y, X_test, y_test = zip(*sets, strict=True)

        def sent(arrays: list[np.ndarray]) -> torch.Tensor:
            return torch.from_numpy(np.stack(arrays)).to(self.place)

        self.X, self.y = sent([patches(x) for x in X]), sent(list(y))
        self.X_test, self.y_test = sent([patches(x) for x in X_test]), sent(list(y_test))
        self.each = torch.arange(len(sets), device=self.place)[:, None]
        self.taps = TAPS.to(self.place)

    def _norm(self, y: torch.Tensor, k: int, known: bool) -> torch.Tensor:
        """Normalise (seeds, C, values) over the values, and note the statistics."""
        if not self.spec.norm:
            return y
        scale, shift = self.weights[f"{NORMS[k]}.weight"], self.weights[f"{NORMS[k]}.bias"]
        if known:
            mean, variance = self.running[k]
        else:
            mean, variance = y.mean(-1), y.var(-1, correction=0)
            with torch.no_grad():
                count = y.shape[-1]
                seen = torch.stack([mean, variance * count / (count - 1)])
                self.running[k].lerp_(seen, MOMENTUM)
        y = (y - mean[..., None]) * torch.rsqrt(variance + EPSILON)[..., None]
        return y * scale[..., None] + shift[..., None]

    def _convolve(self, h: torch.Tensor, name: str) -> torch.Tensor:
        """A 3 × 3 convolution of (seeds, C, 4, samples), as (seeds, C, 4 · samples)."""
        S, C, _, N = h.shape
        taps = self.weights[name].reshape(S, C, C, 9)[..., self.taps]
        matrix = taps.permute(0, 1, 3, 2, 4).reshape(S, 4 * C, 4 * C)
        return (matrix @ h.reshape(S, 4 * C, N)).reshape(S, C, 4 * N)

    def logits(self, X: torch.Tensor, known: bool = False) -> torch.Tensor:
        """Pictures as patches (seeds, N, 9, 16) to logits (seeds, N, 10)."""
        S, N, C = X.shape[0], X.shape[1], self.spec.width
        seen = X.permute(0, 2, 1, 3).reshape(S, 9, 16 * N)
        h = F.relu(self._norm(self.weights["stem.weight"].reshape(S, C, 9) @ seen, 0, known))
        h = F.max_pool2d(h.reshape(S * C, N, 4, 4), 2).reshape(S, C, N, 4).transpose(2, 3)
        f = F.relu(self._norm(self._convolve(h, "block.conv1.weight"), 1, known))
        f = self._norm(self._convolve(f.reshape(h.shape), "block.conv2.weight"), 2, known)
        f = f.reshape(h.shape)
        pooled = F.relu(h + f if self.spec.skip else f).mean(dim=2)
        made = self.weights["linear.weight"] @ pooled + self.weights["linear.bias"][..., None]
        return made.transpose(1, 2)

    def _descend(self, rows: torch.Tensor) -> torch.Tensor:
        """One step on the rows (seeds, N); the logits before it."""
        logits = self.logits(self.X[self.each, rows])
        used = [w for name, w in self.weights.items() if self.spec.norm or "norm" not in name]
        slopes = torch.autograd.grad(self._losses(logits, self.y[self.each, rows]).sum(), used)
        with torch.no_grad():
            for weight, slope in zip(used, slopes, strict=True):
                weight.sub_(slope, alpha=self.spec.lr)
        return logits.detach()

    def _losses(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        each = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
        return each.reshape(y.shape).mean(dim=1)

    def _graphed(self, rows: torch.Tensor) -> torch.Tensor:
        """The same step as one CUDA graph, recorded at the first batch of a size."""
        size = rows.shape[1]
        if size not in self.graphs:
            held = [*self.weights.values(), self.running]
            before, still = [t.detach().clone() for t in held], rows.clone()
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):  # libraries choose their kernels before the recording
                    self._descend(still)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                logits = self._descend(still)
            with torch.no_grad():
                for tensor, value in zip(held, before, strict=True):
                    tensor.copy_(value)
            self.graphs[size] = graph, still, logits
        graph, still, logits = self.graphs[size]
        still.copy_(rows)
        graph.replay()
        return logits

    def advance(self, until: int) -> None:
        """Train all up to step ``until``, with a point at every ``log_every`` and at the end."""
        spec = self.spec
        for i in range(self.step, min(until, spec.steps)):
            drawn = np.stack([draws.batch(s, i) for s in self.specs])
            rows = torch.from_numpy(drawn).to(self.place)
            logits = self._graphed(rows) if self.device == "cuda" else self._descend(rows)
            self.step = i + 1
            if self.step % spec.log_every == 0 or self.step == spec.steps:
                self._log(logits, self.y[self.each, rows])

    @torch.no_grad()
    def _log(self, logits: torch.Tensor, y: torch.Tensor) -> None:
        tested = self.logits(self.X_test, known=self.spec.evaluation == "running")
        numbers = []
        for found, wanted in ((logits, y), (tested, self.y_test)):
            wrong = (found.argmax(dim=2) != wanted).double().mean(dim=1)
            numbers.append((self._losses(found, wanted).tolist(), wrong.tolist()))
        (train_loss, train_error), (test_loss, test_error) = numbers
        for k, points in enumerate(self.points):
            points.append(
                Point(self.step, train_loss[k], test_loss[k], train_error[k], test_error[k])
            )

    def state(self, k: int) -> State:
        """Everything that run ``k`` goes on from, as the fast run keeps it."""
        made = {n: w[k].detach().cpu().numpy().copy() for n, w in self.weights.items()}
        for norm, row in zip(NORMS, self.running[:, :, k].cpu().numpy(), strict=True):
            made[f"{norm}.running_mean"], made[f"{norm}.running_var"] = row.copy()
        return made | {"history": history_of(self.points[k]), "step": np.array(self.step)}


class Run:
    """One run as a batch of one."""

    def __init__(self, spec: Spec, state: State | None = None, device: str = "auto") -> None:
        self.spec = spec
        self.batched = Batched([spec], None if state is None else [state], device)

    @property
    def step(self) -> int:
        return self.batched.step

    @property
    def points(self) -> list[Point]:
        return self.batched.points[0]

    def advance(self, until: int) -> None:
        """Train up to step ``until``."""
        self.batched.advance(until)

    def state(self) -> State:
        """Everything the run goes on from."""
        return self.batched.state(0)


def train_many(specs: list[Spec], device: str = "auto") -> Iterator[list[Point]]:
    """The points of all runs at each logged step."""
    runs = Batched(specs, device=device)
    while runs.step < runs.spec.steps:
        runs.advance((runs.step // runs.spec.log_every + 1) * runs.spec.log_every)
        yield [points[-1] for points in runs.points]
