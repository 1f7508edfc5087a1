"""Shapes: the chain of volumes, the window of each layer, the ledger and the answers."""

from collections.abc import Mapping

import numpy as np

from engine.gradients.shapes import Answer, Conv, Flatten, Linear, Pool, Row, Shapes, by
from engine.gradients.shapes_layers import Side
from engine.gradients.shapes_solve import MOST_ANSWERS as MOST_FOUND
from engine.predict import Question
from pages.ui.table import Cell, Column, Table
from pages.ui.volumes import Layer, Track, Volume

MOST_CELLS = 48  # of a side; a longer one shows its ends
END = 20
MOST_ANSWERS = 5
ROOM = "\u00a0"  # keeps a row of a table as high as the others
Masks = Mapping[str, np.ndarray]


def hidden_from(trace: Shapes, asked: Question | None) -> int:
    """The first step whose volume is not to be seen, because its size is asked for."""
    return asked.step if asked and asked.name.startswith("height") else len(trace.rows)


def chain(trace: Shapes, wrong: Masks, asked: Question | None) -> list[Volume]:
    """Every volume in turn."""
    hidden = hidden_from(trace, asked)
    return [
        Volume("?", ()) if i >= hidden else Volume(by(row.shape, "×"), row.shape, _off(wrong, i))
        for i, row in enumerate(trace.rows)
    ]


def layers(trace: Shapes, wrong: Masks, asked: Question | None) -> list[Layer]:
    """What happens at each step, cell by cell."""
    hidden = hidden_from(trace, asked)
    first = trace.rows[0].shape
    whole = [Track(n, 0, 1, 1, 1, n, 0, 0) for n in first[:2]]
    given = Layer("input", f"input {by(first, ' × ')}", "")
    if len(first) == 3:
        rows, columns = (_torn(track) for track in whole)
        given = Layer("input", given.before, "", (), rows, columns, (first[2], 1))
    return [given] + [
        _layer(trace.rows[i - 1], trace.rows[i], i >= hidden, i > hidden, _off(wrong, i))
        for i in range(1, len(trace.rows))
    ]


def _off(wrong: Masks, i: int) -> bool:
    """Does a slip make the shape of this step wrong?"""
    return any(bool(wrong[name][i]) for name in ("height", "width", "channels") if name in wrong)


def _layer(before: Row, row: Row, hidden: bool, later: bool, wrong: bool) -> Layer:
    """``hidden``: what comes out is asked for; ``later``: what goes in is not known either."""
    shape, layer = before.shape, row.layer
    came = "in: ?" if later else f"in: {by(shape, ' × ')}"
    made = "out: ?" if hidden else f"out: {by(row.shape, ' × ')}"
    if later:
        return Layer("later", came, made, hidden=True)
    if isinstance(layer, Linear):
        numbers = int(np.prod(shape, dtype=object))
        says = (f"{layer.out:,} sums of all {numbers:,}",)
        return Layer("linear", came, made, says, depth=(numbers, layer.out), wrong=wrong)
    if isinstance(layer, Flatten):
        grid = [_torn(Track(n, 0, 1, 1, 1, n, 0, 0)) for n in shape[:2]] if len(shape) == 3 else []
        rows, columns = grid or (None, None)
        says = ("every number", "in one row")
        return Layer("flatten", came, made, says, rows, columns, (shape[-1], row.shape[0]))
    assert isinstance(layer, (Conv, Pool))
    sides = layer.sides(shape[0], shape[1])
    rows, columns = (
        _track(side, out, rest, over)
        for side, out, rest, over in zip(
            sides, row.shape, row.discarded, row.over, strict=False
        )
    )  # fmt: skip
    return Layer(
        "window", came, made, _says(layer, row, shape[2]), rows, columns, (shape[2], row.shape[2]),
        hidden, wrong, isinstance(layer, Conv) and row.shape[2] != layer.channels,
    )  # fmt: skip


def _says(layer: Conv | Pool, row: Row, depth: int) -> tuple[str, ...]:
    kernel = by(layer.kernel, " × ")
    if isinstance(layer, Conv):
        filters = row.shape[2]
        words = [f"{filters:,} filter{'s'[: filters != 1]}", f"{kernel} × {depth} each"]
    else:
        words = [f"max of {kernel}", "in each channel"]
    for name, value, usual in (
        ("stride", layer.stride, (1, 1)),
        ("padding", layer.padding, (0, 0)),
        ("dilation", layer.dilation if isinstance(layer, Conv) else (1, 1), (1, 1)),
    ):
        if value != usual:
            alike = value[0] == value[1]
            words.append(f"{name} {value[0] if alike else by(value, ' × ')}")
    return tuple(words)


def _track(side: Side, out: int, rest: int, over: int) -> Track:
    plain = Track(
        side.size, side.padding, side.kernel, side.stride, side.dilation, out, rest, over
    )  # fmt: skip
    return _torn(plain)


def _torn(t: Track) -> Track:
    """Only its two ends, if the side is long and a window and its next fit into one end."""
    cells, span = t.size + 2 * t.padding + t.over, t.dilation * (t.kernel - 1) + 1
    head = tail = out_head = out_tail = 0
    visible = range(cells) if cells <= MOST_CELLS else range(0)
    if cells > MOST_CELLS and span + t.stride <= END:
        head = tail = END
        out_head = (END - span) // t.stride + 1
        out_tail = max(1, t.out - -(-(cells - END) // t.stride))
        visible = [*range(END), *range(cells - END, cells)]
    last = t.size + 2 * t.padding - t.rest
    skipped = tuple(j for j in visible if j < last and not _read(t, j))
    given = (t.size, t.padding, t.kernel, t.stride, t.dilation, t.out, t.rest, t.over)
    return Track(*given, head, tail, out_head, out_tail, skipped)


def _read(t: Track, cell: int) -> bool:
    """Does any window have a tap on this cell?"""
    starts = (cell - a * t.dilation for a in range(t.kernel))
    return any(s >= 0 and s % t.stride == 0 and s // t.stride < t.out for s in starts)


# -- tables --------------------------------------------------------------------------------------


def ledger(trace: Shapes, wrong: Masks, asked: Question | None) -> Table:
    """One row a layer: what comes out, what is cut off, what is to be learnt."""
    steps, hidden = len(trace.rows), hidden_from(trace, asked)
    body = []
    for i, row in enumerate(trace.rows):
        ahead = [step < i for step in range(steps)]
        learnt = row.weights + row.biases
        blank = i >= hidden or (asked is not None and f"parameters{i}" in _concealed(asked))
        cut = "–" if row.discarded == (0, 0) else by(row.discarded, ", ")
        counted = any(bool(wrong[n][i]) for n in ("weights", "biases") if n in wrong)
        lost = "discarded" in wrong and bool(wrong["discarded"][i].any())
        body.append(
            [
                Cell(_name(row)),
                Cell(by(row.shape, "×"), _off(wrong, i), i >= hidden, ahead=ahead),
                Cell(cut, lost, ahead=ahead),
                Cell(f"{learnt:,}" if learnt else "–", counted, blank, ahead=ahead),
            ]
        )
    so_far = np.cumsum([row.weights + row.biases for row in trace.rows], dtype=object)
    off = wrong.get("parameters_so_far", np.zeros(steps, bool))
    unknown = asked is not None and "total" in _concealed(asked)
    total = Cell([f"{n:,}" for n in so_far], off, unknown)
    columns = [Column(rf"\text{{{head}}}") for head in ("layer", "out", "cut", "parameters")]
    foot = [Cell("so far"), Cell(""), Cell(""), total]
    return Table("Layer by layer", columns, body, [foot], list(range(steps)))


def _concealed(asked: Question) -> set[str]:
    return {asked.name, *asked.conceals}


def _name(row: Row) -> str:
    layer = row.layer
    if layer is None:
        return "input"
    if isinstance(layer, Flatten):
        return "flatten"
    if isinstance(layer, Linear):
        return f"linear {layer.out}"
    kernel = by(layer.kernel, "×")
    return f"{'conv' if isinstance(layer, Conv) else 'pool'} {kernel}"


def solutions(trace: Shapes, asked: Question | None) -> Table:
    """Which kernels and strides reach the target from the volume before the layer of each step;
    a slip may have another number of filters than the target takes."""
    pool, padding = trace.params.pool > 1, trace.params.padding > 0
    heads = ["k", "s", *["p"] * padding, *[r"\text{conv}"] * pool, r"\text{cut}", r"\text{filters}"]
    filters = trace.target[2] if trace.target else 0
    most = max(len(found) for found in trace.answers)
    tells = hidden_from(trace, asked) < len(trace.rows)  # a size asked for might stand here
    body = []
    for n in range(MOST_ANSWERS):
        cells = [_answer(found[n] if n < len(found) else None, pool, padding)
                 for found in trace.answers]  # fmt: skip
        if n == 0:
            cells = [[*row[:-1], row[-1] if found else "none"]
                     for row, found in zip(cells, trace.answers, strict=True)]  # fmt: skip
        wrong = [n < len(found) and found[n].filters != filters for found in trace.answers]
        columns = [list(values) for values in zip(*cells, strict=True)]
        cells = [
            Cell(values, blank=tells and head == r"\text{conv}" and n < most)
            for head, values in zip(heads, columns[:-1], strict=False)
        ]
        body.append([*cells, Cell(columns[-1], wrong)])
    counts = [f"{len(found)}{'+' if len(found) == MOST_FOUND else ''}" for found in trace.answers]
    foot = [Cell(counts), Cell("in all"), *(Cell("") for _ in heads[2:])]
    behind = f", pool {trace.params.pool} behind it" if pool else ""
    target = by(trace.target or (), "×")
    asks = f"Which kernel and stride lead from this input to {target}{behind}?"
    return Table(asks, [Column(head) for head in heads], body, [foot])


def _answer(a: Answer | None, pool: bool, padding: bool) -> list[str]:
    """One row: kernel, stride, and padding, height and width between where they matter."""
    if a is None:
        return [ROOM] * (4 + pool + padding)
    cuts = [
        f"{name}{by(tuple(dict.fromkeys(cut)), ', ')}"
        for name, cut in (("conv " * pool, a.conv_cut), ("pool ", a.pool_cut))
        if cut != (0, 0)
    ]
    filters = f"{a.filters} of {by((a.kernel, a.kernel, a.depth), '×')}"
    between = [by(a.between, "×")] * pool
    places = [str(a.kernel), str(a.stride), *[str(a.padding)] * padding]
    return [*places, *between, " + ".join(cuts) or "–", filters]


# -- the words -----------------------------------------------------------------------------------


def wrong_lines(wrong: Masks) -> dict[str, bool]:
    """Which lines of the working a slip makes wrong."""
    if not wrong:
        return {}
    marks: dict[str, bool] = {}
    for i in range(len(wrong["height"])):
        for name in ("height", "width", "channels", "weights"):
            marks[f"{name}{i}"] = bool(wrong[name][i])
        marks[f"parameters{i}"] = bool(wrong["weights"][i] or wrong["biases"][i])
        for axis, name in enumerate((f"rest{i}", f"rest_width{i}")):
            marks[name] = bool(wrong["discarded"][i][axis])
    return marks | {"total": bool(wrong["parameters_so_far"][-1])}


def captions(trace: Shapes, asked: Question | None) -> list[str]:
    """What each layer does, in words; not what it makes, while that is to be predicted."""
    hidden = hidden_from(trace, asked)
    said = [f"{by(trace.rows[0].shape, ' × ')} goes in"]
    for i, row in enumerate(trace.rows[1:], 1):
        if i >= hidden:
            said.append(f"{_name(row)}: what comes out?")
            continue
        said.append(f"{_name(row)} makes {by(row.shape, ' × ')}{_left_over(row)}")
    return said


def _left_over(row: Row) -> str:
    if row.over != (0, 0):
        return ", the last window hangs over the border"
    if not isinstance(row.layer, (Conv, Pool)):
        return ""
    cut = [
        f"{n} {word}{'s'[: n != 1]}"
        for n, word in zip(row.discarded, ("row", "column"), strict=True)
        if n
    ]
    return f", {' and '.join(cut)} cut off" if cut else ", nothing cut off"
