"""The toy is a trainer like any other, here and in every process that is started from here."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import toy_trainer

from engine.training import trainers
from engine.training.store import Store


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trainers.KINDS, "toy", "toy_trainer")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs")
    yield store
    store.index.close()


@pytest.fixture
def spec() -> type[toy_trainer.Spec]:
    return toy_trainer.Spec
