"""What stands beside the curves of the channel sweep: tables, captions, where the numbers come
from."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.slips import Slip
from engine.training import sweep
from engine.training.curves import Curves
from pages.ui.table import Cell, Column, Table


def table(trace: Curves, slip: Slip | None, blank: str, chosen: int) -> Table:
    """Each width in one row."""
    counts = sweep.parameters(trace, slip)
    body = []
    for place, width in enumerate(trace.widths):
        hidden = place == chosen
        later = np.isnan(trace.means["test_loss"][:, place])  # not trained yet
        body.append(
            [
                Cell(width),
                Cell(
                    counts[place],
                    wrong=bool(slip and slip.name == "bias-counted"),
                    blank=hidden and blank == "parameters",
                    share=False,
                ),
                Cell(trace.means["train_loss"][:, place], ahead=later),
                Cell(trace.means["test_loss"][:, place], ahead=later),
                Cell(trace.gap[:, place], blank=hidden and blank == "gap", ahead=later),
                Cell(sweep.TESTED * trace.means["test_error"][:, place], ahead=later),
            ]
        )
    columns = [
        Column("C"),
        Column("P"),
        Column(r"\bar L", None, 3),
        Column(r"\bar L^{\text{test}}", None, 3),
        Column(r"\text{gap}", None, 3),
        Column(r"\text{wrong}", None, 0),
    ]
    return Table(f"Each width at this step; wrong of {sweep.TESTED}", columns, body)


def layers(trace: Curves, slip: Slip | None, chosen: int) -> Table:
    """What leaves each layer, its parameters, and the length of its first gradient."""
    entries, lengths, off = sweep.layers(trace, slip, chosen)
    biased = bool(slip and slip.name == "bias-counted")
    body = [
        [
            Cell(entry.layer),
            Cell(" × ".join(map(str, entry.shape))),
            Cell(entry.parameters, wrong=biased and place in sweep.CONVOLUTIONS, share=False),
            Cell(float(lengths[place]) if lengths[place] else "", wrong=bool(off[place])),
        ]
        for place, entry in enumerate(entries)
    ]
    columns = [
        Column(r"\text{layer}"),
        Column(r"\text{out}"),
        Column("P"),
        Column(r"\lVert \nabla L \rVert", None, 3),
    ]
    return Table(f"Layer by layer, C = {trace.widths[chosen]}", columns, body)


def wrong_lines(slip: Slip | None) -> Mapping[str, bool]:
    """Which line of the working a slip makes wrong."""
    return {"parameters": bool(slip and slip.name == "bias-counted")}


def origin(trace: Curves) -> str:
    """Where the numbers come from, said beside the button that trains."""
    seeds = f"{trace.params.seeds} seed{'s'[: trace.params.seeds != 1]} of each width"
    if trace.origin == sweep.RECORDED:
        return f"**Recorded**: {seeds}. Train it here."
    if trace.origin == sweep.TRAINED:
        return f"**Trained here** on the processor, {seeds}."
    return f"Not trained yet: {seeds}, {trace.params.steps:,} steps."


def last(trace: Curves) -> dict[str, Any]:
    """The numbers at the end, for the notebook."""
    told: dict[str, Any] = {"trace.count": trace.count}
    if np.isfinite(trace.test_loss[-1]).all():
        told["trace.test_loss[-1]"] = trace.test_loss[-1].tolist()
    return told


def captions(trace: Curves) -> list[str]:
    """What each logged step has brought, in words."""
    errors = trace.means["test_error"]
    out = []
    for step, row in zip(trace.after, errors, strict=True):
        there = [(w, e) for w, e in zip(trace.widths, row, strict=True) if np.isfinite(e)]
        if not there:
            out.append(f"after {step:,} steps: not trained yet")
            continue
        told = [f"{100 * e:.1f} % (C = {w})" for w, e in there]
        out.append(f"after {step:,} steps, test error {', '.join(told)}")
    return out
