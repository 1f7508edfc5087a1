"""A network of any depth: mesh, matrices as pictures, the paths of one weight."""

from collections.abc import Collection, Mapping

import numpy as np

from engine.gradients.mlp import Backprop, Derivation, after
from engine.gradients.mlp_lesson import steps, when
from engine.working import Line
from pages.ui.mesh import Column, Gap, Mesh, Way
from pages.ui.sheet import Block
from pages.ui.table import Cell, Table
from pages.ui.table import Column as Head
from pages.ui.tiles import Tile, Tiles

Masks = Mapping[str, np.ndarray]
WIDEST = 32  # an input of more numbers is drawn as one picture
SHOWN = 4  # paths in the table
_PHASES = ("forward", "delta", "gradient")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def phases(trace: Backprop) -> list[tuple[str, int]]:
    """What each step computes, and for which layer."""
    return [(s.kind if s.kind in _PHASES else "", s.layer) for s in steps(len(trace.network))]


def captions(trace: Backprop) -> list[str]:
    """What each step does, in words."""
    return [_caption(trace, s.kind, s.layer) for s in steps(len(trace.network))]


def _caption(trace: Backprop, kind: str, layer: int) -> str:
    low = str(layer).translate(_SUB)
    if kind == "given":
        return f"given: {trace.network.count:,} weights and biases, {_count(len(trace.X))}"
    if kind == "forward":
        return f"forward: layer {layer} of {len(trace.network)}"
    if kind == "loss":
        return f"loss: {trace.loss:.4g} over {_count(len(trace.X))}"
    if kind == "delta":
        top = layer == len(trace.network)
        return f"back: error {'at the output' if top else f'signal of layer {layer}'}"
    if kind == "gradient":
        return f"gradient of W{low}: what came in × error signal, summed"
    if kind == "input":
        return "back to the input"
    then = after(trace)
    way = "goes down" if then < trace.loss else "goes up" if then > trace.loss else "stays"
    return f"one step down the gradient: the loss {way}, {trace.loss:.4g} → {then:.4g}"


def _count(many: int) -> str:
    return f"{many:,} example{'s'[: many != 1]}"


# -- the mesh ------------------------------------------------------------------------------------


def network(
    trace: Backprop,
    why: Derivation,
    example: int,
    wrong: Masks,
    blank: Collection[str],
) -> Mesh:
    """One example's values and errors on the units, all examples' gradients on the lines."""
    depth, n = len(trace.network), example
    columns = []
    for k in range(depth + 1):
        values = trace.activations[k][n]
        side = _side(values)
        errors = trace.deltas[k - 1][n].tolist() if k else []
        off = np.flatnonzero(wrong[f"delta{k}"][n]).tolist() if k and wrong else []
        veiled = [i for i in range(len(values)) if f"delta.{k}.{n}.{i}" in blank]
        columns.append(
            Column(
                f"A_{k}" if k else "X",
                values.tolist(),
                when(depth, "forward", k) if k else 0,
                errors,
                when(depth, "delta", k) if k else 0,
                veiled,
                off,
                side,
            )
        )
    gaps = [_gap(trace, k, wrong, folded=columns[k].picture > 0) for k in range(depth)]
    top = abs(why.value) + sum(abs(t.value) for t in why.terms) or 1.0
    ways = tuple(
        Way(term.path, abs(term.value) / top) for term in why.terms if why.by_path and term.value
    )
    label = f"Network with layers of {', '.join(map(str, trace.network.sizes))} units"
    picked = (why.layer, why.row, why.col)
    return Mesh(label, columns, gaps, phases(trace), picked, ways[:SHOWN])


def _side(values: np.ndarray) -> int:
    """Pixels a side where the values are drawn as a picture; 0 where as units."""
    return int(np.sqrt(len(values))) if len(values) > WIDEST else 0


def _gap(trace: Backprop, k: int, wrong: Masks, folded: bool) -> Gap:
    depth, W, g = len(trace.network), trace.network.weights[k], trace.dweights[k]
    off = wrong[f"dW{k + 1}"] if wrong else np.zeros(W.shape, bool)
    norm = float(np.linalg.norm(g))
    if folded:  # one line a unit: how long its column is
        W, g = (np.linalg.norm(m, axis=0, keepdims=True) for m in (W, g))
        off = off.any(0, keepdims=True)
    marks = [(int(i), int(j)) for i, j in np.argwhere(off)]
    out, home = when(depth, "forward", k + 1), when(depth, "gradient", k + 1)
    return Gap(W.tolist(), g.tolist(), out, home, norm, marks)


# -- the matrices --------------------------------------------------------------------------------


def matrices(
    trace: Backprop,
    weight: tuple[int, int, int],
    example: int,
    wrong: Masks,
    blank: Collection[str],
) -> Tiles:
    """A and Delta of every layer in its column, dW between the columns; or dW_1 as pictures."""
    depth, (layer, row, col) = len(trace.network), weight
    if _side(trace.X[0]):
        return _pictures(trace, weight, example, wrong)
    wide = max(640.0, 190.0 * (depth + 1))
    size = wide / 36
    pitch = wide / (depth + 1)
    room, tall = 0.8 * pitch, 0.8 * pitch * 0.62
    tiles = []
    reach = {
        "A": _largest(trace.activations[1:]), "delta": _largest(trace.deltas),
        "dW": _largest(trace.dweights),
    }  # fmt: skip

    def put(name: str, kind: str, k: int, values: np.ndarray, at: tuple[float, float], step: int,
            picks: int | None = None) -> None:  # fmt: skip
        rows, columns = values.shape
        unit = min(room / columns, tall / rows)
        box = (unit * columns, unit * rows) if rows * columns > 1 else (tall, tall)
        key = f"{kind}{k}"
        off = [(int(i), int(j)) for i, j in np.argwhere(wrong[key])] if key in wrong else []
        marked = (row, col) if picks is not None and picks == layer else None
        veils = [
            (i, j)
            for i, j in np.ndindex(values.shape)
            if ".".join((kind, str(k), str(i), str(j))) in blank
        ]
        numbers = unit > 2.4 * size
        says = f"{name.replace('_', '')}: {rows} × {columns}"
        tiles.append(
            Tile(name, says, values, at[0] - box[0] / 2, at[1] + (tall - box[1]) / 2, *box, step,
                 reach[kind], picks, None, marked, off, veils, numbers)
        )  # fmt: skip

    line = tall + 2.1 * size
    for k in range(depth + 1):
        x = pitch * (k + 0.5)
        name = f"A_{k}" if k else "X"
        put(
            name,
            "A",
            k,
            trace.activations[k],
            (x, 1.9 * size),
            when(depth, "forward", k) if k else 0,
        )
        if k:
            step = when(depth, "delta", k)
            put(f"Δ_{k}", "delta", k, trace.deltas[k - 1], (x, 1.9 * size + line), step)
            step = when(depth, "gradient", k)
            at = (x - pitch / 2, 1.9 * size + 2 * line)
            put(f"∂W_{k}", "dW", k, trace.dweights[k - 1], at, step, k - 1)
    return Tiles("The matrices of each layer", wide, 3 * line + 0.6 * size, tiles, size)


def _largest(group: Collection[np.ndarray]) -> float:
    found = [float(np.nanmax(np.abs(m), initial=0)) for m in group if not np.isnan(m).all()]
    return max([*found, 1e-300])


def _pictures(trace: Backprop, weight: tuple[int, int, int], example: int, wrong: Masks) -> Tiles:
    """The example, and for each unit of the first layer its column of dW_1 as a picture."""
    depth, (layer, row, col) = len(trace.network), weight
    side, units = _side(trace.X[0]), trace.network.sizes[1]
    size, across = 20.0, min(units, 6)
    cell = 118.0
    down = -(-units // across)
    step, reach = when(depth, "gradient", 1), _largest(trace.dweights[:1])
    big = min(2 * cell, down * (cell + 1.6 * size) - 1.6 * size)
    digit = trace.X[example].reshape(side, side)
    tiles = [Tile("X", f"example {example + 1}", digit, 4, 1.8 * size, big, big, 0, 1.0, ink=True)]
    for j in range(units):
        x = big + 60 + (j % across) * (cell + 14)
        y = 1.8 * size + (j // across) * (cell + 1.7 * size)
        values = trace.dweights[0][:, j].reshape(side, side)
        mask = wrong["dW1"][:, j].reshape(side, side) if wrong else np.zeros((1, 1), bool)
        off = [(int(a), int(b)) for a, b in np.argwhere(mask)]
        marked = divmod(row, side) if layer == 0 and j == col else None
        name = f"unit {j + 1}"
        tiles.append(
            Tile(name, f"gradient of the weights into unit {j + 1}", values, x, y, cell, cell, step,
                 reach, 0, j, marked, off)
        )  # fmt: skip
    wide = big + 60 + across * (cell + 14)
    label = "Gradient of the first layer as pictures"
    return Tiles(label, wide, down * (cell + 1.7 * size) + 1.2 * size, tiles, size)


# -- the paths -----------------------------------------------------------------------------------


def paths(trace: Backprop, why: Derivation, wrong: Masks, blank: Collection[str]) -> Table:
    """The largest terms of one weight's gradient, what the others bring, and the sum."""
    depth = len(trace.network)
    k, i, j = why.layer, why.row, why.col
    ahead = [s < when(depth, "gradient", k + 1) for s in range(len(trace))]
    veil = f"dW.{k + 1}.{i}.{j}" in blank
    heads = [Head("n"), Head(r"\text{path}"), Head(r"\text{product}")]
    body = []
    for term in why.terms:
        way = " → ".join(str(u + 1) for u in (why.row, *term.path))
        body.append([Cell(term.example + 1), Cell(way), Cell(term.value, blank=veil, ahead=ahead)])
    foot = []
    if why.left_out:
        kind = "paths" if why.by_path else "examples"
        foot.append([Cell(""), Cell(f"{why.left_out:,} more {kind}"),
                     Cell(why.rest, blank=veil, ahead=ahead)])  # fmt: skip
    foot.append([Cell(""), Cell("sum"), Cell(why.value, blank=veil, ahead=ahead)])
    if wrong and wrong[f"dW{k + 1}"][i, j]:
        slipped = Cell(float(trace.dweights[k][i, j]), True, veil, ahead=ahead)
        foot.append([Cell(""), Cell("with the slip"), slipped])
    count = why.count // len(trace.X)
    says = f"{count:,} path{'s'[: count != 1]} × {_count(len(trace.X))}"
    if why.products and count > why.products:
        says += f", or {why.products:,} × {len(trace.X):,} products"
    return Table(says if why.by_path else f"{_count(len(trace.X))}", heads, body, foot)


def term(why: Derivation, at: int, blank: Collection[str]) -> list[Line]:
    """The product of one path with its numbers put in; none where it would give an answer away."""
    veiled = f"dW.{why.layer + 1}.{why.row}.{why.col}" in blank
    return [] if veiled or not why.terms else [why.terms[min(at, len(why.terms) - 1)].line]


def sheet(trace: Backprop) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """The data as one table: inputs, then targets."""
    blocks = Block("X", "x", -1e6, 1e6), Block("y", "y", 0, 1)
    return blocks, {"X": trace.X.tolist(), "y": trace.y.tolist()}


def wrong_lines(wrong: Masks) -> dict[str, bool]:
    """Names of the working's lines that a slip makes wrong."""
    out = {}
    for name, mask in wrong.items():
        head = name.rstrip("0123456789")
        for at in np.argwhere(mask)[:20_000]:
            layer = name[len(head) :]
            out[".".join([head, *([layer] if layer else []), *map(str, at)])] = True
    return out
