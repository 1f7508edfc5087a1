"""What a run of Lloyd's algorithm may be asked."""

from dataclasses import dataclass

from engine.params import Knobs, knob


@dataclass(frozen=True, kw_only=True)
class Params(Knobs):
    """How many centres, which distance, how far, from where."""

    k: int = knob(4, 1, 256, "how many centres", label="$k$")
    norm: str = knob(
        "l2",
        help="l2: squared distance, centres are means; l1: absolute distance, centres are medians",
        label="norm",
        choices=("l2", "l1"),
    )
    steps: int = knob(10, 0, 1000, "how many times the centres move at most", label="steps")
    start: str = knob(
        "spread",
        help="spread: evenly from corner to corner; plusplus: far apart by chance; random: points",
        label="start",
        choices=("spread", "plusplus", "random"),
    )
    seed: int = knob(0, 0, 2**32 - 1, "what the random starts draw from", label="seed")
    empty: str = knob(
        "keep",
        help="a centre without points: keep it where it is, or reseed it at the farthest point",
        label="empty",
        choices=("keep", "reseed"),
    )
