"""What all tests share. The hook comes first: it checks only modules imported after it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Every annotation of the engine is checked at every call. Plain beartype refuses an int where a
# float is annotated; PEP 484 and every caller allow it.
install_import_hook("engine", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from engine.params import Knobs  # noqa: E402

# A Params judges what it is given in its own words, so the hook lets everything through to it.
Knobs.__no_type_check__ = True  # type: ignore[attr-defined]

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody's trained runs are read or changed by a test."""
    os.environ["WORKINGS_STORE"] = str(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """The hand-worked cases in full precision, by name."""
    return json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
