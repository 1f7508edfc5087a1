"""Probabilistic PCA: the table of the points, and the words."""

from collections.abc import Collection, Mapping

import numpy as np

from engine.mixtures import ppca
from engine.mixtures.ppca import Ppca
from engine.slips import Slip
from pages.charts import climb
from pages.ui.sheet import Block
from pages.ui.table import Cell, Column, Table

Masks = Mapping[str, np.ndarray]
MOST_ROWS, MOST_COLUMNS = 200, 4


# -- the table and the words ---------------------------------------------------------------------


def table(
    shown: Ppca, slip: Slip | None, wrong: Masks, blank: Collection[str], chosen: int
) -> Table:
    """Each point with its projection and E[z], E[z²] (E), and the sums that make the next u (M)."""
    n, (N, J) = climb.states(shown), shown.X.shape
    wide, along = min(J, MOST_COLUMNS), shown.direction[:n] @ shown.X.T
    stepped = {"mean_z": shown.mean_z[:n], "mean_z2": shown.mean_z2[:n]}
    off = {name: wrong.get(name, np.zeros((len(shown), N), bool))[:n] for name in stepped}
    body = [
        [Cell(i + 1), *(Cell(v) for v in shown.X[i, :wide]), Cell(along[:, i])]
        + [
            Cell(values[:, i], off[name][:, i], name in blank and i == chosen)
            for name, values in stepped.items()
        ]
        for i in range(min(N, MOST_ROWS))
    ]
    after, pull, empty = ppca.following(shown, slip), stepped["mean_z"] @ shown.X, Cell("")
    marks = {name: climb.ahead(mask)[:n] for name, mask in wrong.items()}
    entries = marks.get("direction", np.zeros((n, J), bool))
    new = (
        Cell(after.direction[:n, j], entries[:, j], "direction" in blank and j == 0)
        for j in range(wide)
    )
    noise = Cell(after.noise[:n], marks.get("noise", False), "noise" in blank)
    sums = (Cell(pull[:, j]) for j in range(wide))
    foot = [
        [Cell("Σ"), *sums, empty, empty, Cell(stepped["mean_z2"].sum(axis=1))],
        [Cell("û"), *new, empty, Cell("σ̂²"), noise],
    ]
    heads = ["i", *(f"x_{{i{j + 1}}}" for j in range(wide)), "u^T x_i", "E[z_i]", "E[z_i^2]"]
    said = "Each point's z, and the next u below"
    if N > MOST_ROWS or wide < J:
        said += f"; {min(N, MOST_ROWS)} of {N:,} points, {wide} of {J} columns"
    return Table(said, [Column(head) for head in heads], body, foot)


def wrong_lines(wrong: Masks, chosen: int) -> dict[str, np.ndarray]:
    """Which lines of the working a slip makes wrong at each step; some look one step ahead."""
    if not wrong:
        return {}
    return {
        "mean_z": wrong["mean_z"][:, chosen],
        "mean_z2": wrong["mean_z2"][:, chosen],
        "direction": climb.ahead(wrong["direction"])[:, 0],
        "noise": climb.ahead(wrong["noise"]),
    }


def sheet(trace: Ppca) -> tuple[tuple[Block, ...], dict[str, list[list[float]]]]:
    """The points as a table to edit."""
    return (Block("X", "x", -1e9, 1e9),), {"X": trace.X.tolist()}


def captions(trace: Ppca) -> list[str]:
    """What each step holds, in words, and from where it stands still why."""
    n = climb.states(trace)
    turned, out = ppca.angles(trace, trace.direction[:n]), []
    for t in range(n):
        where = f"{_degrees(turned[t])} from q₁" if np.isfinite(turned[t]) else "u = 0"
        said = f"{where}, |u| = {np.linalg.norm(trace.direction[t]):.3g}, σ² = {trace.noise[t]:.3g}"
        if t:
            said += " · log L " + climb.gained(
                float(trace.log_likelihood[t] - trace.log_likelihood[t - 1])
            )
        out.append(said + (f" · {trace.stop}" if t > trace.settled or t == n - 1 else ""))
    return [f"start: {out[0]}", *out[1:]]


def _degrees(angle: float) -> str:
    return f"{angle:.1f}°" if angle >= 0.1 else "less than 0.1°"
