"""Named cases of a lesson: the data and the parameters that show something."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """``says`` is one sentence: what to look at. The first preset of a lesson opens it."""

    title: str
    params: Any
    says: str
    data: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0
