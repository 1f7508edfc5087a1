"""Known mistakes, each a switch.

A slip is a wrong form that was really printed, or that a reader really makes. A lesson's
``slipped(trace, slip)`` computes with the mistake in it; its certificate then says where.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Slip:
    """``what`` it is and when it ``hides`` (gives the right numbers), a sentence each.

    ``shows`` names a preset on which it does not hide, if the first one does hide it.
    """

    name: str
    exercise: str
    title: str
    what: str
    hides: str
    shows: str = ""


class Slips(dict[str, Slip]):
    """The slips of one lesson, by name."""

    def __init__(self, *slips: Slip) -> None:
        super().__init__({slip.name: slip for slip in slips})
