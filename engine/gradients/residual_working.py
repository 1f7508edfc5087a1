"""Formula, substituted formula, value for one unit of the residual block, step by step.

The tags are those of ``engine.gradients.residual``.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from engine.slips import Slip
from engine.working import Line

if TYPE_CHECKING:
    from engine.gradients.residual import Residual

PHI = {"tanh": r"\tanh", "relu": r"\text{relu}", "sigmoid": r"\sigma"}
SHORT = 3  # a sum of more terms is shown by its first two and its last
ROUTES = (
    r"\bar y",
    r"V^\top D_r\,\bar y",
    r"W^\top D_z\,\bar y",
    r"W^\top D_z V^\top D_r\,\bar y",
)


def working(
    trace: "Residual", slip: Slip | None = None, unit: int = 0
) -> tuple[tuple[Line, ...], ...]:
    """For each step the lines of one unit, those of the stack at the end.

    ``trace`` is the slipped one if there is a ``slip``: its lines then show the printed form.
    """
    lines = _Lines(trace, unit, slip.name if slip else "")
    return tuple(tuple(group) for group in lines.groups())


class _Lines:
    """Writes the lines of unit ``i``; ``numbers`` holds every entry under a name like W_0_1."""

    def __init__(self, trace: "Residual", unit: int, slip: str) -> None:
        self.trace, self.i, self.slip = trace, unit, slip
        self.n, self.phi = len(trace.x), PHI[trace.params.phi]
        self.first, self.second = (bool(s) for s in trace.params.skips)
        names = ("W", "b", "V", "c", "x", "t", "z", "h", "r", "y")
        names += ("dy", "dr", "dV", "dc", "dh", "dz", "dW", "db", "dx")
        self.numbers = {
            "_".join([name, *map(str, at)]): float(value)
            for name in names
            for at, value in np.ndenumerate(getattr(trace, name))
        }

    def line(
        self, name: str, formula: str, put: str, tag: int, at: tuple = (), printed: bool = False
    ) -> Line:
        at = at or (self.i,)
        low = ",".join(str(k + 1) for k in at)
        symbol = rf"\bar {name[1:]}_{{{low}}}" if name.startswith("d") else f"{name}_{{{low}}}"
        value = float(getattr(self.trace, name)[at])
        key = ".".join([name, *map(str, at)])
        return Line(symbol, formula, put, value, self.numbers, tag, key, printed)

    def put(self, name: str, *at: int) -> str:
        return "@" + "_".join([name, *map(str, at or (self.i,))]) + "@"

    def dot(self, pairs: Iterable[tuple[str, str]]) -> str:
        """A sum of products with its numbers; of a long one the ends."""
        terms = [rf"{a} \cdot {b}" for a, b in pairs]
        if len(terms) > SHORT:
            terms = [*terms[:2], r"\cdots", terms[-1]]
        return " + ".join(terms)

    def groups(self) -> list[list[Line]]:
        t, i, n = self.trace, self.i, range(self.n)
        u, put, line = i + 1, self.put, self.line

        def affine(M: str, v: str, bias: str) -> tuple[str, str]:
            formula = rf"\sum_j {M}_{{{u},j}}\,{v}_j + {bias}_{{{u}}}"
            return formula, self.dot((put(M, i, j), put(v, j)) for j in n) + " + " + put(bias)

        def unit(of: str, skip: bool, before: str) -> tuple[str, str]:
            more, number = (f" + {before}_{{{u}}}", f" + {put(before)}") if skip else ("", "")
            return rf"{self.phi}({of}_{{{u}}}){more}", rf"{self.phi}({put(of)}){number}"

        squares = [rf"(@y_{j}@ - @t_{j}@)^2" for j in n]
        if self.n > SHORT:
            squares = [*squares[:2], r"\cdots", squares[-1]]
        loss = rf"\tfrac{{1}}{{2}}\left({' + '.join(squares)}\right)"
        whole = Line(
            r"\ell", r"\tfrac{1}{2}\,\lVert y - t\rVert^2", loss, t.loss, self.numbers, 3, "loss"
        )
        skip = f" + h_{{{u}}}" if self.second else ""
        overview = line("y", rf"{self.phi}\left((V h + c)_{{{u}}}\right){skip}", "", 2)
        return [
            [overview],
            [line("z", *affine("W", "x", "b"), 1)],
            [line("h", *unit("z", self.first, "x"), 1)],
            [line("r", *affine("V", "h", "c"), 2)],
            [line("y", *unit("r", self.second, "h"), 2)],
            [whole],
            [line("dy", f"y_{{{u}}} - t_{{{u}}}", f"{put('y')} - {put('t')}", 4)],
            [self.through("dr", "y", "r", 5), self.slope("r", 5)],
            [self.outer("dV", "r", "h", j, 6) for j in n],
            [line("dc", rf"\bar r_{{{u}}}", "", 6)],
            [self.back("dh", "y", "V", "r", self.second, 7)],
            [self.dz(), self.slope("z", 8)],
            [self.outer("dW", "z", "x", j, 9) for j in n],
            [self.db()],
            [self.back("dx", "h", "W", "z", self.first, 10)],
            *([self.route(k)] for k in range(4)),
            [self.total()],
            *self.stack(),
        ]

    def through(self, name: str, of: str, at: str, tag: int) -> Line:
        """An adjoint that passes the slope of a unit."""
        u, slope = self.i + 1, self._slope(at)
        formula = rf"\bar {of}_{{{u}}}\,\varphi'({at}_{{{u}}})"
        self.numbers[f"slope_{at}"] = slope
        return self.line(name, formula, rf"{self.put('d' + of)} \cdot @slope_{at}@", tag)

    def _slope(self, at: str) -> float:
        from engine.gradients.residual import phi

        return float(phi(self.trace.params.phi, getattr(self.trace, at))[1][self.i])

    def slope(self, at: str, tag: int) -> Line:
        u, kind = self.i + 1, self.trace.params.phi
        value, number = self._slope(at), self.put(at)
        formula, put = {
            "tanh": (rf"1 - \tanh^2({at}_{{{u}}})", rf"1 - \tanh^2({number})"),
            "sigmoid": (
                rf"\sigma({at}_{{{u}}})\,(1 - \sigma({at}_{{{u}}}))",
                rf"\sigma({number})\,(1 - \sigma({number}))",
            ),
            "relu": (rf"[{at}_{{{u}}} > 0]", rf"[{number} > 0]"),
        }[kind]
        return Line(rf"\varphi'({at}_{{{u}}})", formula, put, value, self.numbers, tag)

    def outer(self, name: str, left: str, right: str, j: int, tag: int) -> Line:
        a, b = (self.i, j)
        if self.slip == "dV-transposed" and name == "dV":
            formula = rf"h_{{{a + 1}}}\,\bar r_{{{b + 1}}}"
            put = rf"{self.put('h', a)} \cdot {self.put('dr', b)}"
            return self.line(name, formula, put, tag, (a, b), True)
        formula = rf"\bar {left}_{{{a + 1}}}\,{right}_{{{b + 1}}}"
        put = rf"{self.put('d' + left, a)} \cdot {self.put(right, b)}"
        return self.line(name, formula, put, tag, (a, b))

    def back(self, name: str, by: str, M: str, of: str, skip: bool, tag: int) -> Line:
        """The adjoint that the skip brings, plus the column of M with the adjoint of the branch."""
        u, i = self.i + 1, self.i
        printed = self.slip == "V-untransposed" and M == "V"
        low = f"{u},k" if printed else f"k,{u}"
        more, number = (rf"\bar {by}_{{{u}}} + ", self.put("d" + by) + " + ") if skip else ("", "")
        pairs = (
            (self.put(M, i, k) if printed else self.put(M, k, i), self.put("d" + of, k))
            for k in range(self.n)
        )
        formula = rf"{more}\sum_k {M}_{{{low}}}\,\bar {of}_k"
        return self.line(name, formula, number + self.dot(pairs), tag, printed=printed)

    def dz(self) -> Line:
        if self.slip != "printed-order":
            return self.through("dz", "h", "z", 8)
        skip = "I + " if self.second else ""
        formula = rf"\left(({skip}V^\top D_r)\,D_z\,\bar y\right)_{{{self.i + 1}}}"
        return self.line("dz", formula, "", 8, printed=True)

    def db(self) -> Line:
        if self.slip != "phi-x":
            return self.line("db", rf"\bar z_{{{self.i + 1}}}", "", 9)
        skip = "I + " if self.second else ""
        formula = rf"\left(D_z\,({skip}V^\top D_x)\,\bar y\right)_{{{self.i + 1}}}"
        return self.line("db", formula, "", 9, printed=True)

    def route(self, k: int) -> Line:
        path, u = self.trace.paths[k], self.i + 1
        formula = rf"\left({ROUTES[k]}\right)_{{{u}}}" if path.norm else r"\text{nothing comes by}"
        value = float(path.carried[self.i])
        return Line(rf"\bar x_{{{u}}}^{{({k + 1})}}", formula, "", value, {}, 11, f"route.{k}")

    def total(self) -> Line:
        u = self.i + 1
        numbers = {f"p{k}": float(p.carried[self.i]) for k, p in enumerate(self.trace.paths)}
        formula = " + ".join(rf"\bar x_{{{u}}}^{{({k + 1})}}" for k in range(4))
        put = " + ".join(f"@p{k}@" for k in range(4))
        value = sum(numbers.values())
        return Line(rf"\bar x_{{{u}}}", formula, put, value, numbers, 11, "sum")

    def stack(self) -> Iterable[list[Line]]:
        """What is left after k blocks, with skips and without."""
        words = ("with skips", "without")
        for k in range(1, len(self.trace.stack)):
            yield [
                Line(
                    rf"g_{{{k}}}",
                    rf"\lVert J_{{{k}}}^\top\,\bar x_{{{k - 1}}}\rVert \;\text{{ {words[kind]}}}",
                    "",
                    float(self.trace.stack.left[kind, k]),
                    {},
                    12,
                    f"left.{kind}.{k}",
                )
                for kind in (0, 1)
            ]
