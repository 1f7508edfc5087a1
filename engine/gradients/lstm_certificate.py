"""What the gate table is judged by: 50 digits, the unrolled sum, torch, closed forms.

The tags are those of ``engine.gradients.lstm``.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check
from engine.gradients.lstm_lesson import EXERCISE, EXERCISE_X

if TYPE_CHECKING:
    from engine.gradients.lstm import Lstm

DIGITS = 50
EXACT, TORCH = "50 digits", "torch"
SYMBOLS = {
    "z": "z", "zi": "z_i", "fi": "f(z_i)", "zf": "z_f", "ff": "f(z_f)", "zo": "z_o", "fo": "f(z_o)",
    "c": "c_t", "y": "y_t",
}  # fmt: skip


def tolerance(trace: "Lstm") -> float:
    """1e-12, widened where large contributions cancel in the cell."""
    return max(1e-12, 1e-14 * float(abs(trace.memory).sum(axis=1).max()))


def certificate(trace: "Lstm") -> Certificate:
    """All checks of one table."""
    allowed = tolerance(trace)
    exact = in_50_digits(trace)
    jacobian, y = by_torch(trace)
    checks = [
        Check(symbol, EXACT, getattr(trace, name), exact[name], allowed)
        for name, symbol in SYMBOLS.items()
    ]
    checks += [
        Check("c_t", "the sum (5)", trace.c, exact["sum"], allowed),
        Check("m_{t,s}", TORCH, trace.kept[1:], jacobian, 1e-12),
        Check("y_t", TORCH, trace.y, y, allowed),
    ]
    return Certificate((*checks, *unmoved(trace), *closed_forms(trace)))


def in_50_digits(trace: "Lstm", shift: float | None = None) -> dict[str, np.ndarray]:
    """The whole table in 50 digits, each entry rounded once; ``sum`` is c by (5), not by (3)."""
    import mpmath

    p = trace.params
    with mpmath.workdps(DIGITS):
        k, s = mpmath.mpf(p.sharpness), mpmath.mpf(p.shift if shift is None else shift)

        def gate(u: Any) -> Any:
            if p.gates == "step":
                return mpmath.mpf(1 if u >= 0 else 0)
            return 1 / (1 + mpmath.exp(-k * u))

        columns: dict[str, list] = {name: [] for name in (*SYMBOLS, "sum")}
        c = mpmath.mpf(0)
        for x1, x2, x3, x4 in trace.x.tolist():
            moved = [x1 + s, x2 - s, mpmath.mpf(x3), mpmath.mpf(x4), mpmath.mpf(1)]
            sums = [mpmath.fdot(row, moved) for row in trace.weights.tolist()]
            z, zi, zf, zo = sums
            c = gate(zi) * z + gate(zf) * c
            row = (z, zi, gate(zi), zf, gate(zf), zo, gate(zo), c, gate(zo) * c)
            for name, value in zip(SYMBOLS, row, strict=True):
                columns[name].append(value)
            put_in = [g * v for g, v in zip(columns["fi"], columns["z"], strict=True)]
            since = (mpmath.fprod(columns["ff"][r + 1 :]) * part for r, part in enumerate(put_in))
            columns["sum"].append(mpmath.fsum(since))
        return {name: np.array([float(v) for v in column]) for name, column in columns.items()}


def by_torch(trace: "Lstm") -> tuple[np.ndarray, np.ndarray]:
    """d c_t / d z^s, (T, T), by reverse mode through the loop (3), and y, from torch's own sigmoid
    of the sums (1). Nothing here knows (5)."""
    import torch

    p = trace.params
    z = torch.tensor(trace.z)
    sums = (torch.tensor(u) for u in (trace.zi, trace.zf, trace.zo))
    hard = p.gates == "step"
    i, f, o = ((u >= 0).double() if hard else torch.sigmoid(p.sharpness * u) for u in sums)

    def cells(z: Any) -> Any:
        c, kept = torch.zeros((), dtype=torch.float64), []
        for t in range(len(z)):
            c = i[t] * z[t] + f[t] * c
            kept.append(c)
        return torch.stack(kept)

    jacobian = torch.autograd.functional.jacobian(cells, z, vectorize=True)
    return np.asarray(jacobian), np.asarray(o * cells(z))


def unmoved(trace: "Lstm") -> tuple[Check, ...]:
    """(6): the table of the input that was not moved, where no row sees the null direction."""
    if not trace.params.shift or (trace.weights[:, 0] != trace.weights[:, 1]).any():
        return ()
    still, allowed = in_50_digits(trace, 0.0), tolerance(trace)
    return tuple(
        Check(symbol, "the table without s", getattr(trace, name), still[name], allowed)
        for name, symbol in SYMBOLS.items()
    )


def closed_forms(trace: "Lstm") -> tuple[Check, ...]:
    """(7), where the first four inputs and the weights are the exercise's."""
    import mpmath

    first = trace.x[:4]
    ours = first.shape == (4, 4) and (first == EXERCISE_X).all() and trace.params.gates == "sigmoid"
    if not ours or (trace.weights != EXERCISE).any() or trace.params.sharpness != 1:
        return ()
    with mpmath.workdps(DIGITS):
        here, there = (1 / (1 + mpmath.exp(-u)) for u in (mpmath.mpf(10), mpmath.mpf(90)))
        y1, c4 = float(3 * there * (1 - here)), float(4 * here)
    against = "closed forms (7)"
    return (
        Check("y_1", against, trace.y[0], y1, 1e-12),
        Check("c_4", against, trace.c[3], c4, 1e-12),
    )
