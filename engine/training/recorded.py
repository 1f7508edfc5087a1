"""Sweeps that ship with the project, so that a page shows curves in its first second.

``assets/recorded/<name>.npz`` holds the measures of one sweep, ``<name>.json`` beside it the
settings, the seeds and the versions that made it. ``scripts/record.py`` makes both.
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.training.curves import MEASURES, Curves, Params, checked_widths, nothing

FOLDER = Path(__file__).parents[2] / "assets" / "recorded"
# Where curves come from.
RECORDED, MISTAKEN, TRAINED = "recorded", "recorded with a mistake", "trained here"


def recorded(widths: Any, params: Params) -> Curves:
    """The curves that ship with the project, if they hold these widths and seeds; else none."""
    wanted = checked_widths(widths)
    for path in sorted(FOLDER.glob("sweep-*.json")):
        curves = load(path.stem)
        if params.seeds <= curves.params.seeds and _alike(curves, wanted, params):
            columns = [curves.widths.index(width) for width in wanted]
            part = {m: getattr(curves, m)[:, columns, : params.seeds] for m in MEASURES}
            return Curves(wanted, params, curves.after, **part, origin=RECORDED)
    return nothing(wanted, params)


def mistaken(trace: Curves, slip: str) -> Curves:
    """The curves of training with this mistake, of few seeds; the same curves where none ship."""
    path = FOLDER / f"slip-{slip}.json"
    if not path.exists() or not _alike(load(path.stem), trace.widths, trace.params):
        return trace
    wrong = load(path.stem)
    columns = [wrong.widths.index(width) for width in trace.widths]
    missing = ((0, 0), (0, 0), (0, max(0, trace.params.seeds - wrong.params.seeds)))
    part = {m: getattr(wrong, m)[:, columns, : trace.params.seeds] for m in MEASURES}
    filled = {m: np.pad(values, missing, constant_values=np.nan) for m, values in part.items()}
    return dataclasses.replace(trace, **filled, origin=MISTAKEN)


def _alike(curves: Curves, widths: tuple[int, ...], params: Params) -> bool:
    """Do these curves hold the widths, trained so?"""
    same = dataclasses.replace(curves.params, seeds=params.seeds) == params
    return same and set(widths) <= set(curves.widths)


@functools.cache
def load(name: str) -> Curves:
    """One recorded sweep, whole."""
    about = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        step, measures = file["step"], {m: file[m].astype(float) for m in MEASURES}
    return Curves(
        tuple(about["widths"]), Params(**about["params"]), step, **measures, origin=RECORDED
    )


def save(name: str, curves: Curves, versions: dict[str, str], folder: Path = FOLDER) -> None:
    """Ship these curves."""
    about = {
        "what": "The channel sweep of exercise 001-3: losses and errors of every run.",
        "widths": curves.widths,
        "params": vars(curves.params),
        "versions": versions,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    measures = {m: getattr(curves, m).astype(np.float32) for m in MEASURES}
    target = folder / f"{name}.npz"
    np.savez_compressed(target, allow_pickle=False, step=curves.after, **measures)
