"""Machine code: kept code is known by the files of all that a function calls."""

import errno
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.compiled import native
from engine.training.resnet_products import multiply

INNER = "from engine.compiled import native\n\n@native\ndef inner(x):\n    return x + {}\n"
OUTER = """from engine.compiled import native
from compiled_inner import inner

@native
def outer(x):
    return 2 * inner(x)
"""


def load(folder: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def written(tmp_path: Path):
    (tmp_path / "compiled_outer.py").write_text(OUTER)

    def write(number: int):
        (tmp_path / "compiled_inner.py").write_text(INNER.format(number))
        sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
        load(tmp_path, "compiled_inner")
        outer = load(tmp_path, "compiled_outer").outer
        sys.dont_write_bytecode = kept
        return outer

    yield write
    for name in ("compiled_inner", "compiled_outer"):
        sys.modules.pop(name, None)


def test_a_change_of_what_it_calls_changes_what_a_function_is_kept_under(written) -> None:
    first, again, other = (written(number).version for number in (1, 1, 2))
    assert first == again
    assert first != other
    assert first != ""


def test_code_calls_no_other_code_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a process that compiled it would run another copy than one that read it from disk."""

    @native
    def both(w, u, m, v):
        multiply(w, False, u, m)
        multiply(w, True, m, v)

    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    both(*np.ones((4, 1, 5, 5), np.float32))
    code = "".join(both.code.inspect_asm().values()).splitlines()
    named = [line.strip() for line in code if "multiply" in line]
    assert "both" in "".join(code)
    assert [line for line in named if line[0] != "." and not line.endswith(":")] == []


def test_sums_may_be_reordered_where_it_is_said() -> None:
    def total(x):
        """Sum."""
        return x

    assert native(reorder=True)(total).reorder
    assert not native(total).reorder
    assert native(total).plain is total


def test_a_full_disk_keeps_no_code_and_stops_nobody(
    written, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import caching

    refused = []

    def full(*_: object) -> None:
        refused.append(errno.ENOSPC)
        raise OSError(errno.ENOSPC, "No space left on device")

    outer = written(3)
    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert [outer(x) for x in (1, 2, 1.5)] == [8, 10, 9.0]
    assert len(refused) == 4  # outer and inner, for two kinds of number


def test_where_no_folder_may_be_written_code_is_made_all_the_same(
    written, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import caching

    outer = written(4)
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    assert outer(1) == 10
