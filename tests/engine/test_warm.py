"""Machine code is compiled ahead, all of it, and a first call waits for it."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from engine import compiled

ROOT = Path(__file__).parents[2]
LEFT = """
import gc, importlib, json, pkgutil
import engine
from engine import compiled, warm
for found in pkgutil.walk_packages(engine.__path__, "engine."):
    importlib.import_module(found.name)
warm.kernels()
natives = [thing for thing in gc.get_objects() if isinstance(thing, compiled.Native)]
print(json.dumps([len(natives), [n.__qualname__ for n in natives if "code" not in vars(n)]]))
"""


def test_nothing_native_is_left_out() -> None:
    fresh = subprocess.run(
        [sys.executable, "-c", LEFT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    count, left = json.loads(fresh.stdout)
    assert count > 10
    assert left == []


def test_a_first_call_waits_while_another_process_compiles() -> None:
    twice = compiled.native(lambda x: 2 * x)
    got: list[int] = []
    compiled.AHEAD.clear()
    try:
        calling = threading.Thread(target=lambda: got.append(twice(21)))
        calling.start()
        calling.join(0.5)
        assert calling.is_alive()
        assert got == []
    finally:
        compiled.AHEAD.set()
    calling.join()
    assert got == [42]
