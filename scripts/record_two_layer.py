"""Train the runs of the two-layer lesson that ship with the project, into assets/recorded.

Every preset's settings, and the same with the gradient's sign flipped. PYTHONPATH=. python
scripts/record_two_layer.py
"""

from engine.training import two_layer
from engine.training.two_layer_race import Race, Ran, specs
from engine.training.two_layer_recorded import save
from scripts.record import versions


def main() -> None:
    """All of them: a second each."""
    found: dict[two_layer.Spec, Ran] = {}
    for preset in two_layer.PRESETS.values():
        for direction in ("down", "up"):
            values = tuple(preset.data["values"])
            for spec in specs(Race.of_nothing(values, preset.params, direction)):
                run = two_layer.Training(spec)
                run.advance(spec.steps)
                found[spec] = Ran.of(spec, run.points, run.state())
    save(found, versions())
    print(len(found), "runs")


if __name__ == "__main__":
    main()
