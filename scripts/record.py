"""Train the sweeps that ship with the project, one for each preset, into assets/recorded.

PYTHONPATH=. python scripts/record.py [preset ... | slip]
"""

import dataclasses
import platform
import sys
from importlib.metadata import version

from engine.training import resnet, workers
from engine.training.curves import Curves, collected, specs
from engine.training.recorded import RECORDED, save
from engine.training.store import Store
from engine.training.sweep import PRESETS, run
from engine.training.sweep_certificate import network


def versions() -> dict[str, str]:
    """What made the numbers."""
    made = {name: version(name) for name in ("numpy", "numba", "torch")}
    return made | {"python": platform.python_version(), "machine": platform.machine()}


def wrong(slip: str, seeds: int = 2) -> Curves:
    """The first preset trained with a mistake in its gradients."""
    preset = next(iter(PRESETS.values()))
    params = dataclasses.replace(preset.params, seeds=seeds)
    runs = specs(preset.data["widths"], params)
    points = [list(resnet.plain(spec, network(spec, slip))) for spec in runs]
    return collected(preset.data["widths"], params, points, RECORDED)


def main() -> None:
    """Every preset, or those named; or one slip."""
    if sys.argv[1:] == ["constant-norm"]:
        save("slip-constant-norm", wrong("constant-norm"), versions())
        return
    store, pool = Store(), workers.executor()
    for name in sys.argv[1:] or PRESETS:
        preset = PRESETS[name]
        widths = preset.data["widths"]
        runs = run(specs(widths, preset.params), store, pool).wait()
        points = [status.points for status in runs]
        save(f"sweep-{name}", collected(widths, preset.params, points, RECORDED), versions())
        print(name, sum(status.step for status in runs), "steps", flush=True)
    pool.shutdown()


if __name__ == "__main__":
    main()
