"""A run on the CPU: the arrays that the kernels of ``resnet_kernels`` work on, and its course."""

import math

import numpy as np

from engine.training import resnet_draws as draws
from engine.training import resnet_kernels as kernels
from engine.training.resnet import (
    NORMS,
    Point,
    Spec,
    checked,
    history_of,
    points_of,
    shapes,
)  # fmt: skip
from engine.training.resnet_kernels import Mode, Net, Space


def net(flat: np.ndarray, width: int) -> Net:
    """The layers of one flat array of parameters, as views; scale and shift lie together."""
    C = width
    sizes = ((C, 9), (2, C), (9, C, C), (2, C), (9, C, C), (2, C), (1, 10, C), (10,))
    views, at = [], 0
    for shape in sizes:
        views.append(flat[at : at + math.prod(shape)].reshape(shape))
        at += math.prod(shape)
    return Net(*views)


def space(width: int, N: int, dtype: str, taps: np.ndarray) -> Space:
    """Room for a pass over N samples."""
    C, whole = width, "int32" if dtype == "float32" else "int64"
    maps, lifted = (C, 4, N), (9, C, N)
    made = {
        "x": (81, N), "moments": (90,), "best": maps, "which": maps, "u1": lifted, "v1": maps,
        "u2": lifted, "v2": maps, "out": maps, "m": lifted, "d": maps, "e": maps,
        "pooled": (1, C, N), "logits": (1, 10, N), "chances": (1, 10, N), "total": (2, N),
        "bits": (N,), "stats": (3, 2, C), "products": (9, C, C),
    }  # fmt: skip
    kinds = {"which": whole, "bits": whole}
    arrays = {k: np.zeros(s, kinds.get(k, dtype)) for k, s in made.items()}
    return Space(taps=taps, power=arrays["bits"].view(dtype), **arrays)


def moments(X: np.ndarray) -> np.ndarray:
    """Of each picture the sums over the 16 places of the nine pixels seen, and of their products.

    Pixels are sixteenths: the sums are exact, in either precision and any order.
    """
    padded = np.pad(X.reshape(-1, 8, 8).astype(float), ((0, 0), (1, 0), (1, 0)))
    seen = [padded[:, i : i + 7 : 2, j : j + 7 : 2] for i in range(3) for j in range(3)]
    patches = np.stack(seen, 1).reshape(len(X), 9, 16)
    products = patches @ patches.transpose(0, 2, 1)
    return np.hstack([patches.sum(axis=2), products.reshape(-1, 81)]).astype(X.dtype)


def turned(k: np.ndarray) -> np.ndarray:
    """A 3 × 3 convolution of the block with its taps first, and back; anything else as it is."""
    if k.ndim == 4 and k.shape[1] == k.shape[0]:
        return np.ascontiguousarray(k.reshape(*k.shape[:2], 9).transpose(2, 0, 1))
    if k.ndim == 3:
        return np.ascontiguousarray(k.transpose(1, 2, 0).reshape(*k.shape[1:], 3, 3))
    return k


class Run:
    """One run. ``advance`` may be called in any pieces: the numbers are the same."""

    def __init__(
        self, spec: Spec, state: dict[str, np.ndarray] | None = None, device: str = "cpu"
    ) -> None:
        self.spec, C = spec, spec.width
        given = draws.weights(spec) if state is None else checked(spec, state)
        self.names = shapes(C)
        self.theta = np.concatenate([turned(given[name]).reshape(-1) for name in self.names])
        self.slope = np.zeros_like(self.theta)
        self.running = np.zeros((3, 2, C), spec.dtype)
        self.running[:, 1] = 1
        self.step, self.points = 0, []
        if state is not None:
            for row, norm in zip(self.running, NORMS, strict=True):
                row[:] = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
            self.step, self.points = int(state["step"].item()), points_of(state["history"])
        X, y, X_test, y_test = draws.pictures(spec)
        self.data, self.test = (X, moments(X), y), (X_test, moments(X_test), y_test)
        self.net, self.dnet = net(self.theta, C), net(self.slope, C)
        self.taps = np.zeros((2, 9, C, C), spec.dtype)
        self.spaces: dict[int, Space] = {}

    def advance(self, until: int) -> None:
        """Train up to step ``until``, a point at every ``log_every`` and at the end."""
        spec = self.spec
        while self.step < min(until, spec.steps):
            due = min(spec.steps, (self.step // spec.log_every + 1) * spec.log_every)
            stop = min(until, due)
            for rows in draws.batches(spec, self.step, stop):
                self._run(rows, train=True)
            self.step = stop
            if stop == due:
                self._log(rows[-1])

    def _run(self, batches: np.ndarray, train: bool) -> None:
        """One pass after another over rows of the training pictures, or over the test set."""
        spec, theta, slope = self.spec, self.theta, self.slope
        known = not train and spec.evaluation == "running"
        fresh = train or batches.shape[1] not in self.spaces
        mode = Mode(spec.norm, spec.skip, known, train, fresh)
        kernels.run(
            theta, slope, theta.dtype.type(spec.lr), self.net, self.dnet,
            self._space(batches.shape[1]), self.data if train else self.test, batches,
            self.running, mode,
        )  # fmt: skip

    def _space(self, N: int) -> Space:
        if N not in self.spaces:
            self.spaces[N] = space(self.spec.width, N, self.spec.dtype, self.taps)
        return self.spaces[N]

    def _judged(self, labels: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
        room = self._space(len(rows))
        return kernels.judged(room.logits[0], room.total, labels, rows)

    def _log(self, rows: np.ndarray) -> None:
        train_loss, train_error = self._judged(self.data[2], rows)
        everything = np.arange(len(self.test[2]))
        self._run(everything[None], train=False)
        test_loss, test_error = self._judged(self.test[2], everything)
        self.points.append(Point(self.step, train_loss, test_loss, train_error, test_error))

    def state(self) -> dict[str, np.ndarray]:
        """Everything the run goes on from: parameters, statistics, history, step."""
        made, at, C = {}, 0, self.spec.width
        for name, shape in self.names.items():
            flat = self.theta[at : at + math.prod(shape)].copy()
            made[name] = turned(flat.reshape(9, C, C)) if "conv" in name else flat.reshape(shape)
            at += math.prod(shape)
        for row, norm in zip(self.running, NORMS, strict=True):
            made[f"{norm}.running_mean"], made[f"{norm}.running_var"] = row.copy()
        return made | {"history": history_of(self.points), "step": np.array(self.step)}
