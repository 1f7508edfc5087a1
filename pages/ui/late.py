"""What a visitor wishes, of a message that left the browser before our last answer got there.

Streamlit sends every widget with every message. What we have set meanwhile, a pill or a number of
a preset, comes back as it was before our answer: that is repeated, not wished.
"""

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Any]


def wished(now: Values, told: Values, heard: Values, late: bool) -> dict[str, Any]:
    """``now`` without the values that a late message only repeats: those stay as we told them.

    ``told`` are the values we set or took over last, ``heard`` those of the message before.
    """
    repeated = {name for name, value in now.items() if late and value == heard[name]}
    return {name: told[name] if name in repeated else value for name, value in now.items()}


def hearing(now: Values, told: Values, heard: Values, late: bool) -> dict[str, Any]:
    """What the browser holds, as far as its messages say: a run without a message has what we
    told, which says nothing while our answer is on its way."""
    return {n: heard[n] if late and value == told[n] else value for n, value in now.items()}
