"""Runs of the two-layer network that ship with the project, found by their settings.

``assets/recorded/two_layer.npz`` holds what was seen after every epoch of each run, ``.json``
beside it the settings and the versions that made it; ``scripts/record_two_layer.py`` makes both.
"""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.training.recorded import FOLDER, RECORDED
from engine.training.two_layer_race import (
    Params,
    Race,
    Ran,
    checked_values,
    collected,
    specs,
)  # fmt: skip
from engine.training.two_layer_spec import Spec

NAME = "two_layer"
KINDS = ("f4", "i4", "i2", "f2", "f2", "f4")


def recorded(values: Any, params: Params, direction: str = "down") -> Race:
    """The race with each run that ships with the project; the others are not trained yet."""
    race = Race.of_nothing(checked_values(values, params), params, direction)
    runs = [load().get(spec) for spec in specs(race)]
    if not any(run is not None for run in runs):
        return race
    whole = [race.ran(i) if run is None else run for i, run in enumerate(runs)]
    return collected(race, whole, RECORDED)


@functools.cache
def load(folder: Path = FOLDER) -> dict[Spec, Ran]:
    """All recorded runs."""
    about = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"{NAME}.npz", allow_pickle=False) as file:
        arrays = [file[name].astype(np.float32) for name in Ran._fields]
    runs = [Ran(*(array[i] for array in arrays)) for i in range(len(about["specs"]))]
    specs_of = [Spec(**given) for given in about["specs"]]
    return dict(zip(specs_of, runs, strict=True))


def save(runs: dict[Spec, Ran], versions: dict[str, str], folder: Path = FOLDER) -> None:
    """Ship these runs, all as long as each other and over."""
    about = {
        "what": "Runs of the two-layer network of exercise 002-2.",
        "specs": [vars(spec) for spec in runs],
        "versions": versions,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    stacked = {
        name: np.stack([getattr(run, name) for run in runs.values()]).astype(kind)
        for name, kind in zip(Ran._fields, KINDS, strict=True)
    }
    np.savez_compressed(folder / f"{NAME}.npz", allow_pickle=False, **stacked)
