"""Formula, substituted formula, value along one way through the network, step by step.

The way goes through the picked weight and on by its strongest path; the tags are those of
``engine.gradients.mlp``.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.gradients.mlp_lesson import Step, steps
from engine.gradients.mlp_paths import pair
from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.mlp import Backprop

SHORT = 3  # a sum of more terms is shown by its first ones and its last


def working(
    trace: "Backprop",
    slip: Slip | None = None,
    weight: tuple[int, int, int] = (0, 0, 0),
    example: int = 0,
) -> tuple[tuple[Line, ...], ...]:
    """For each step its lines; ``trace`` is the slipped one if there is a ``slip``."""
    lines = _Lines(trace, slip.name if slip else "", weight, example)
    return tuple(tuple(lines.of(step)) for step in steps(len(trace.network)))


def way(trace: "Backprop", weight: tuple[int, int, int]) -> tuple[int, ...]:
    """One unit of each layer 0 to L: unit 1 below the weight, above it the strongest path."""
    from engine.gradients.mlp import explained

    k, i, j = weight
    top = explained(trace, k, i, j, most=1).terms
    above = top[0].path[1:] if top and len(top[0].path) == len(trace.network) - k else ()
    rest = [0] * (len(trace.network) - k - 1 - len(above))
    return (*[0] * k, i, j, *above, *rest)


class _Lines:
    def __init__(
        self, trace: "Backprop", slip: str, weight: tuple[int, int, int], example: int
    ) -> None:
        self.trace, self.slip, self.n, self.layer = trace, slip, example, weight[0] + 1
        self.depth, self.way = len(trace.network), way(trace, weight)
        self.tanh = trace.network.hidden == "tanh"

    def of(self, step: Step) -> Iterable[Line]:
        return getattr(self, "_" + step.kind)(step.layer)

    def _unit(self, layer: int) -> tuple[str, bool]:
        """The name of a layer's function, and whether it is tanh."""
        tanh = self.tanh and layer < self.depth
        return (r"\tanh" if tanh else r"\sigma"), tanh

    def _given(self, layer: int) -> Iterable[Line]:
        inner = r"\tanh" if self.tanh else r"\sigma"
        chain = "X W_1" if self.depth == 1 else rf"\cdots {inner}(X W_1 + b_1) \cdots"
        a, u = float(self.trace.activations[-1][self.n, self.way[-1]]), self.way[-1] + 1
        yield Line(f"a_{{{self.depth},{u}}}", rf"\sigma({chain})", "", a, {}, 1)

    def _forward(self, layer: int) -> Iterable[Line]:
        t, u = self.trace, self.way[layer]
        W, b = t.network.weights[layer - 1], t.network.biases[layer - 1]
        before, z = t.activations[layer - 1][self.n], float(t.z[layer - 1][self.n, u])
        pairs = [(f"a{i}", f"w{i}", float(before[i]), float(W[i, u])) for i in range(len(W))]
        numbers: dict[str, Any] = {name: v for a, w, x, y in pairs for name, v in ((a, x), (w, y))}
        numbers |= {"b": float(b[u]), "z": z}
        below = f"a_{{{layer - 1},i}}" if layer > 1 else "x_i"
        formula = rf"\sum_i {below}\,w^{{({layer})}}_{{i{u + 1}}} + b_{{{layer},{u + 1}}}"
        put = self._sum(rf"@{a}@ \cdot @{w}@" for a, w, *_ in pairs) + " + @b@"
        yield Line(f"z_{{{layer},{u + 1}}}", formula, put, z, numbers, 1, f"z.{layer}.{u}")
        name, _ = self._unit(layer)
        a = float(t.activations[layer][self.n, u])
        symbol, of = f"a_{{{layer},{u + 1}}}", f"{name}(z_{{{layer},{u + 1}}})"
        tag = 2 if layer == self.depth else 1
        yield Line(symbol, of, f"{name}(@z@)", a, numbers, tag, f"a.{layer}.{self.n}.{u}")

    def _loss(self, layer: int) -> Iterable[Line]:
        """(3) as it stands, or, where an output rounds to 0 or 1, from z."""
        t, a, terms, numbers = self.trace, self.trace.activations[-1], [], {}
        rounded = bool(((a == 0) | (a == 1)).any())
        for (n, c), y in np.ndenumerate(t.y):
            at = f"{n}_{c}"
            numbers |= {
                f"a{at}": float(a[n, c]),
                f"y{at}": float(y),
                f"z{at}": float(t.z[-1][n, c]),
            }
            if rounded:
                terms.append(rf"\log(1 + e^{{@z{at}@}}) - @y{at}@ \cdot @z{at}@")
            elif y in (0, 1):
                terms.append(rf"\log @a{at}@" if y else rf"\log(1 - @a{at}@)")
            else:
                terms.append(rf"@y{at}@ \log @a{at}@ + (1 - @y{at}@) \log(1 - @a{at}@)")
        formula, put = r"-\sum_{n,c}\big[y \log a + (1 - y) \log(1 - a)\big]", self._sum(terms)
        if rounded:
            formula = r"\sum_{n,c}\big[\log(1 + e^z) - y z\big]"
        else:
            put = rf"-\big[{put}\big]"
        yield Line(r"\mathcal L", formula, put, t.loss, numbers, 3, "loss")

    def _delta(self, layer: int) -> Iterable[Line]:
        t, u, n = self.trace, self.way[layer], self.n
        value = float(t.deltas[layer - 1][n, u])
        symbol, name = f"\\delta_{{{layer},{u + 1}}}", f"delta.{layer}.{n}.{u}"
        a = float(t.activations[layer][n, u])
        printed = self._printed_delta(layer)
        if layer == self.depth:
            numbers = {"a": a, "y": float(t.y[n, u])}
            formula, put = f"a_{{{layer},{u + 1}}} - y_{{{u + 1}}}", "@a@ - @y@"
            if printed:
                formula, put = printed
            yield Line(symbol, formula, put, value, numbers, 5, name, bool(printed))
            return
        W, up = t.network.weights[layer], t.deltas[layer][n]
        pairs = [(f"d{k}", f"w{k}") for k in range(W.shape[1])]
        numbers = {f"d{k}": float(up[k]) for k in range(W.shape[1])}
        numbers |= {f"w{k}": float(W[u, k]) for k in range(W.shape[1])} | {"a": a}
        above = rf"\delta_{{{layer + 1},k}}\,w^{{({layer + 1})}}_{{{u + 1}k}}"
        formula = rf"\Big(\sum_k {above}\Big)\,\varphi'(z_{{{layer},{u + 1}}})"
        total = self._sum(rf"@{d}@ \cdot @{w}@" for d, w in pairs)
        put = rf"({total})\," + ("(1 - @a@^2)" if self.tanh else r"@a@\,(1 - @a@)")
        if printed:
            formula, put = printed
        yield Line(symbol, formula, put, value, numbers, 6, name, bool(printed))

    def _printed_delta(self, layer: int) -> tuple[str, str] | None:
        """The wrong form of an error signal, where the slip has one."""
        if layer == self.depth:
            closed = r"\Big[\sum_n \tfrac{a - y}{a(1 - a)}\Big]\, a_N(1 - a_N)"
            return {
                "flipped-sign": ("y - a", "@y@ - @a@"),
                "unfused": (
                    r"\tfrac{a - y}{a(1 - a)} \cdot a(1 - a)",
                    r"\tfrac{@a@ - @y@}{@a@(1 - @a@)} \cdot @a@(1 - @a@)",
                ),
                "sum-too-early": (closed, ""),
            }.get(self.slip)
        if self.slip == "layer-too-many" and layer == 1:
            k = self.depth - 1
            return rf"\big(\cdots \Delta_{{{k}}} W_{{{k}}}^\top W_{{{k}}}^\top \cdots\big)", ""
        return None

    def _gradient(self, layer: int) -> Iterable[Line]:
        t, i, j = self.trace, self.way[layer - 1], self.way[layer]
        a, d = t.activations[layer - 1][:, i], t.deltas[layer - 1][:, j]
        numbers = {f"a{n}": float(v) for n, v in enumerate(a)}
        numbers |= {f"d{n}": float(v) for n, v in enumerate(d)}
        below = rf"a^{{(n)}}_{{{layer - 1},{i + 1}}}" if layer > 1 else rf"x^{{(n)}}_{{{i + 1}}}"
        formula = rf"\sum_n {below}\,\delta^{{(n)}}_{{{layer},{j + 1}}}"
        put = self._sum(rf"@a{n}@ \cdot @d{n}@" for n in range(len(a)))
        printed = self.slip == "parenthesis" and layer == 1 and self.depth > 1
        if printed:
            formula, put = r"\big((A_0^\top \Delta_2)\,W_2^\top \odot \varphi'(Z_1)\big)", ""
        symbol = rf"\partial w^{{({layer})}}_{{{pair(i, j)}}}"
        value = float(t.dweights[layer - 1][i, j])
        yield Line(symbol, formula, put, value, numbers, 7, f"dW.{layer}.{i}.{j}", printed)
        bias, put = (
            rf"\sum_n \delta^{{(n)}}_{{{layer},{j + 1}}}",
            self._sum(f"@d{n}@" for n in range(len(a))),
        )
        gone = self.slip == "bias-column" and layer > 1
        if gone:
            bias, put = r"\text{no column of ones, no row}", ""
        elif printed:
            bias, put = r"\text{its first row}", ""
        symbol, value = rf"\partial b_{{{layer},{j + 1}}}", float(t.dbiases[layer - 1][j])
        yield Line(symbol, bias, put, value, numbers, 8, f"db.{layer}.{j}", gone or printed)

    def _input(self, layer: int) -> Iterable[Line]:
        t, i, n = self.trace, self.way[0], self.n
        W, d = t.network.weights[0], t.deltas[0][n]
        numbers = {f"d{k}": float(d[k]) for k in range(len(d))}
        numbers |= {f"w{k}": float(W[i, k]) for k in range(len(d))}
        put = self._sum(rf"@d{k}@ \cdot @w{k}@" for k in range(len(d)))
        formula = rf"\sum_k \delta_{{1,k}}\,w^{{(1)}}_{{{i + 1}k}}"
        yield Line(
            rf"\partial x_{{{i + 1}}}", formula, put, float(t.dX[n, i]), numbers, 8, f"dX.{n}.{i}"
        )

    def _update(self, layer: int) -> Iterable[Line]:
        from engine.gradients.mlp import after

        t, rate = self.trace, self.trace.params.rate
        layer, i, j = self.layer, self.way[self.layer - 1], self.way[self.layer]
        w, g = float(t.network.weights[layer - 1][i, j]), float(t.dweights[layer - 1][i, j])
        symbol = rf"w^{{({layer})}}_{{{pair(i, j)}}}"
        numbers = {"w": w, "g": g, "eta": rate, "before": t.loss}
        yield Line(
            rf"{symbol}\,'", rf"{symbol} - \eta\,\partial {symbol}", r"@w@ - @eta@ \cdot @g@",
            w - rate * g, numbers, 10, "step",
        )  # fmt: skip
        yield Line(r"\mathcal L'", r"\mathcal L(W', b')", "", after(t), numbers, 10, "after")

    def _sum(self, terms: Iterable[str]) -> str:
        shown = list(terms)
        if len(shown) > SHORT:
            shown = [*shown[: SHORT - 2], r"\cdots", shown[-1]]
        return " + ".join(shown)
