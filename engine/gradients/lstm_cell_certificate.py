"""What judges the full cell: torch's LSTMCell with its autograd, and 50-digit differences.

Nothing here knows the formulas of the way home. Where a run is long, the differences are taken
along one drawn direction through all entries, instead of entry by entry.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.certificate import Certificate, Check, autograd, central_difference

if TYPE_CHECKING:
    from engine.gradients.lstm_cell import Cell

MOST_PRODUCTS = 30_000  # of 50-digit numbers: about a tenth of a second
LSTM, RNN, AUTOGRAD = "torch.nn.LSTMCell", "torch.nn.RNNCell", "torch autograd"
EXACT = "50-digit differences"
GIVEN = {"W_ih": "W_{ih}", "W_hh": "W_{hh}", "b": "b", "x": "x_t"}
NAMES = {
    "c": "c_t", "h": "h_t", "loss": "L",
    "dh": r"\partial L / \partial h_t", "dc": r"\partial L / \partial c_t",
    "plain_h": r"\tilde h_t", "plain_dh": r"\partial L / \partial \tilde h_t",
} | {f"d{name}": rf"\partial L / \partial {symbol}" for name, symbol in GIVEN.items()}  # fmt: skip
JUDGED = ("dW_ih", "dW_hh", "db", "dx", "c", "h", "dh", "dc", "plain_h", "plain_dh")


def certificate(right: "Cell", shown: "Cell") -> Certificate:
    """``shown`` against what torch and long arithmetic make of the problem of ``right``."""
    allowed = rounding(right)
    wanted = by_lstm_cell(right) | by_rnn_cell(right) | by_autograd(right)
    judge = {"dc": AUTOGRAD, "plain_h": RNN, "plain_dh": RNN}
    checks = [
        Check(NAMES[name], judge.get(name, LSTM), getattr(shown, name), want, allowed)
        for name, want in wanted.items()
    ]
    return Certificate((*checks, *by_difference(right, shown, allowed)))


def rounding(trace: "Cell") -> float:
    """What rounding may do to an entry, by trial: how far all entries move when every given number
    is nudged in its tenth digit tells what their last digit does."""
    from engine.gradients.lstm_cell import run

    rng, nudge, moved = np.random.default_rng(0), 1e-10, 0.0
    for _ in range(2):
        W_ih, W_hh, b, x = (
            v + nudge * rng.uniform(-1, 1, v.shape) * np.maximum(1, np.abs(v))
            for v in (trace.W_ih, trace.W_hh, trace.b, trace.x)
        )
        other = run(trace.params, x, (W_ih, W_hh, b), trace.target)
        for name in JUDGED:
            new, old = getattr(other, name), getattr(trace, name)
            moved = max(moved, float((np.abs(new - old) / np.maximum(1, np.abs(old))).max()))
    return max(1e-12, 1e-14 * len(trace.h) * moved / nudge)


def by_lstm_cell(trace: "Cell") -> dict[str, np.ndarray]:
    """Forward by torch's own cell, the derivatives by reverse mode through it."""
    import torch

    cell = torch.nn.LSTMCell(trace.x.shape[1], len(trace.target), dtype=torch.double)
    found = _driven(trace, cell, (trace.W_ih, trace.W_hh, trace.b), ("h", "c"))
    del found["dc"]  # of c_t torch keeps what comes along the cell, not what comes through h_t
    return found


def by_rnn_cell(trace: "Cell") -> dict[str, np.ndarray]:
    """The same with torch's plain cell on the block g."""
    import torch

    m, n = trace.x.shape[1], len(trace.target)
    cell = torch.nn.RNNCell(m, n, dtype=torch.double)
    block = tuple(w[2 * n : 3 * n] for w in (trace.W_ih, trace.W_hh, trace.b))
    found = _driven(trace, cell, block, ("h",))
    return {"plain_h": found["h"], "plain_dh": found["dh"]}


def _driven(trace: "Cell", cell: Any, weights: Any, kept: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Run a cell of torch over the inputs; states, loss, and all gradients."""
    import torch

    for parameter, value in zip(cell.parameters(), (*weights, 0 * weights[2]), strict=True):
        parameter.data = torch.tensor(value)
    x = torch.tensor(trace.x, requires_grad=True)
    start = [torch.zeros(len(trace.target), dtype=torch.double, requires_grad=True) for _ in kept]
    states: list[Any] = [start]
    for row in x:
        out = cell(row, tuple(states[-1]) if len(kept) > 1 else states[-1][0])
        states.append(list(out) if len(kept) > 1 else [out])
        for state in states[-1]:
            state.retain_grad()
    loss = 0.5 * ((states[-1][0] - torch.tensor(trace.target)) ** 2).sum()
    loss.backward()
    found: dict[str, Any] = {"loss": loss.detach().numpy()}
    for k, name in enumerate(kept):
        found[name] = torch.stack([s[k].detach() for s in states]).numpy()
        came = [s[k].grad for s in states]  # none where nothing leads back
        found["d" + name] = np.stack(
            [np.zeros(len(trace.target)) if g is None else g.numpy() for g in came]
        )
    for name, parameter in zip(("dW_ih", "dW_hh", "db"), cell.parameters(), strict=False):
        found[name] = parameter.grad.numpy()
    return found | {"dx": np.asarray(x.grad)}


def by_autograd(trace: "Cell") -> dict[str, np.ndarray]:
    """dL by each c_t, all of it: a small number is added to the cell before the output looks."""
    import torch

    n, T = len(trace.target), len(trace.x)
    W_ih, W_hh, b, x, y = (
        torch.tensor(v) for v in (trace.W_ih, trace.W_hh, trace.b, trace.x, trace.target)
    )

    def loss(added: Any) -> Any:
        c, h = added[0], torch.zeros(n, dtype=torch.double)
        for t in range(T):
            i, f, g, o = (W_ih @ x[t] + W_hh @ h + b).reshape(4, n)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g) + added[t + 1]
            h = torch.sigmoid(o) * torch.tanh(c)
        return 0.5 * ((h - y) ** 2).sum()

    return {"dc": autograd(loss, added=np.zeros((T + 1, n)))["added"]}


def by_difference(right: "Cell", shown: "Cell", allowed: float) -> list[Check]:
    """dL by all that is given, by central differences: entry by entry, or along a direction."""
    point = {name: getattr(right, name) for name in GIVEN}
    T, size = len(right.x), sum(v.size for v in point.values())
    if 2 * size * T * (right.W_ih.size + right.W_hh.size) <= MOST_PRODUCTS:
        ways = {f"{n}_{k}": (n, k) for n, v in point.items() for k in range(v.size)}
        slopes = central_difference(_moved(right, ways), 50, **dict.fromkeys(ways, 0.0))
        found = {n: [slopes[f"{n}_{k}"] for k in range(v.size)] for n, v in point.items()}
        return [
            Check(
                NAMES["d" + n],
                EXACT,
                getattr(shown, "d" + n),
                np.reshape(found[n], v.shape),
                allowed,
            )
            for n, v in point.items()
        ]
    rng = np.random.default_rng(1)
    lines = {n: rng.choice([-1.0, 1.0], v.shape) for n, v in point.items()}
    slopes = central_difference(_moved(right, lines), 50, **dict.fromkeys(lines, 0.0))
    return [
        Check(
            f"{NAMES['d' + n]} \\cdot v", f"{EXACT} along a direction",
            float((getattr(shown, "d" + n) * v).sum()), slopes[n], allowed * v.size,
        )
        for n, v in lines.items()
    ]  # fmt: skip


def _moved(trace: "Cell", ways: dict[str, Any]) -> Any:
    """The loss as a function of how far one goes along each of ``ways``: an entry of a given
    array, or a direction through all of it."""
    import mpmath

    def sigmoid(u: Any) -> Any:
        return 1 / (1 + mpmath.exp(-u))

    def loss(**s: Any) -> Any:
        given = {n: [mpmath.mpf(v) for v in getattr(trace, n).ravel().tolist()] for n in GIVEN}
        for way, far in s.items():
            if not far:
                continue
            if isinstance(ways[way], tuple):
                name, k = ways[way]
                given[name][k] += far
            else:
                moved = zip(given[way], ways[way].ravel().tolist(), strict=True)
                given[way] = [v + far * step for v, step in moved]
        (T, m), n = trace.x.shape, len(trace.target)
        h = c = [mpmath.mpf(0)] * n
        for t in range(T):
            x, a = given["x"][t * m : t * m + m], []
            for r in range(4 * n):
                a.append(
                    mpmath.fdot(given["W_ih"][r * m : r * m + m], x)
                    + mpmath.fdot(given["W_hh"][r * n : r * n + n], h)
                    + given["b"][r]
                )
            c = [
                sigmoid(a[n + u]) * c[u] + sigmoid(a[u]) * mpmath.tanh(a[2 * n + u])
                for u in range(n)
            ]
            h = [sigmoid(a[3 * n + u]) * mpmath.tanh(c[u]) for u in range(n)]
        return sum((v - y) ** 2 for v, y in zip(h, trace.target.tolist(), strict=True)) / 2

    return loss
