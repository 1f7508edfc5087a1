"""The programs that train, by name, and what names one run of one of them.

A trainer is a module with ``Spec`` (a frozen dataclass of knobs, among them ``steps``), ``Point``
(a frozen dataclass of numbers, among them ``step``) and ``Training(spec, state=None,
device="cpu")`` with ``step``, ``points``, ``advance(until)`` and ``state()``. Continued from its
own state a training goes on bit by bit as if it had never stopped. A trainer may count its
``VERSION``, and may say by ``cost(spec)`` how long a run takes in units of its own.

A run is what a trainer does with a spec, so its id is a hash of just these: whoever asks for the
same numbers asks for the same run.
"""

import dataclasses
import functools
import hashlib
import importlib
import json
import sys
from types import ModuleType
from typing import Any

from engine.params import ParamError

KINDS = {
    "resnet": "engine.training.resnet",
    "two_layer": "engine.training.two_layer",
}


def register(kind: str, path: str) -> None:
    """Make the module at ``path`` known as the trainer ``kind``."""
    KINDS[kind] = path


def module_of(kind: str) -> ModuleType:
    """The trainer's module, imported when it is first needed."""
    if kind not in KINDS:
        raise ParamError(f"There is no trainer {kind[:40]!r}; there are {', '.join(KINDS)}.")
    return importlib.import_module(KINDS[kind])


def kind_of(spec: Any) -> str:
    """Which trainer a spec belongs to."""
    for kind, path in KINDS.items():  # a trainer whose specs are about is imported already
        if getattr(sys.modules.get(path), "Spec", None) is type(spec):
            return kind
    raise ParamError(f"{type(spec).__name__} is not the Spec of a trainer.")


@functools.lru_cache(maxsize=4096)  # a page asks at every run, for each width and seed
def spelled(spec: Any) -> str:
    """The spec as text that is the same for equal specs."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True, separators=(",", ":"))


def spec_of(kind: str, text: str) -> Any:
    """The spec that ``spelled`` wrote."""
    return module_of(kind).Spec(**json.loads(text))


def run_id(spec: Any) -> str:
    """The name of the run of this spec: a hash of trainer, version and every knob."""
    kind = kind_of(spec)
    version = getattr(module_of(kind), "VERSION", 1)
    return hashlib.sha256(f"{kind}\n{version}\n{spelled(spec)}".encode()).hexdigest()[:24]


def cost(spec: Any) -> float:
    """How long a run takes, in units that only compare; narrow networks come first."""
    module = module_of(kind_of(spec))
    if hasattr(module, "cost"):
        return float(module.cost(spec))
    width = getattr(spec, "width", None) or getattr(spec, "hidden", None) or 1
    return float(spec.steps) * (8 + width)
