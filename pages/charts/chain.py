"""The computation graph of one chain, step by step."""

from collections.abc import Collection

from engine.gradients.chain import STEPS, Chain
from engine.gradients.chain_lesson import FORMS, Step
from engine.slips import Slip
from pages.ui.network import Diagram, Edge, Frame, Key, Node, Value

STEPS_OUT = 6  # the first step back finds df/df = 1 at f
_ROW = ("x", "x1", "s1", "x2", "s2", "f")
_ABOVE = {"w1": "x1", "w2": "x2", "w3": "f"}
# From, to, what the way out does along the edge, the local derivative, the adjoint it brings back.
_EDGES = (
    ("x", "x1", "×", "w_1", "dx"),
    ("x1", "s1", "σ", "σ′_1", "dx1"),
    ("s1", "x2", "×", "w_2", "ds1"),
    ("x2", "s2", "σ", "σ′_2", "dx2"),
    ("s2", "f", "×", "w_3", "ds2"),
    ("w1", "x1", "×", "x", "dw1"),
    ("w2", "x2", "×", "s_1", "dw2"),
    ("w3", "f", "×", "s_2", "dw3"),
)
_KEY = (
    Key("forward", "value"),
    Key("backward", "derivative of f by it"),
    Key("reused", "kept, and reused now"),
)


def graph(
    trace: Chain, wrong: Collection[str], blank: Collection[str], slip: Slip | None = None
) -> Diagram:
    """Cards with the forward value above the adjoint; edges labelled by local derivatives."""
    numbers = trace.values() | {"df": 1.0}
    made_at = {step.name: i for i, step in enumerate(STEPS)} | {"df": STEPS_OUT}
    later = slip is not None and slip.name == "forward-derivatives"

    def node(name: str) -> Node:
        values = []
        for kind, key in (("forward", name), ("backward", "d" + name)):
            number = numbers[key]
            shown = "not yet" if later and number != number else number
            says = _plain(name if kind == "forward" else f"∂f/∂{name}")
            values.append(Value(key, shown, made_at.get(key, 0), kind, key in blank, says))
        column = _ROW.index(_ABOVE.get(name, name))
        y = 60 if name in _ABOVE else 246
        given = name in _ABOVE or name == "x"
        return Node(name, "_".join(name), 66 + 161 * column, y, tuple(values), given)

    frames = tuple(_frame(i, slip) for i in range(len(STEPS)))
    nodes = tuple(node(name) for name in (*_ABOVE, *_ROW))
    edges = tuple(
        Edge(f"{a}-{b}", a, b, local, ahead, made_at[d]) for a, b, ahead, local, d in _EDGES
    )
    return Diagram("Computation graph of f", 938, 346, nodes, edges, frames, tuple(wrong), _KEY)


def _frame(i: int, slip: Slip | None) -> Frame:
    step = STEPS[i]
    if step.backward:
        home = tuple(f"{a}-{b}" for a, b, _, _, d in _EDGES if d == step.name)
        printed = slip is not None and step.name in FORMS[slip.name]
        reuses = FORMS[slip.name][step.name][2] if slip and printed else step.reuses
        return Frame(step.name, "d" + step.arrives.removeprefix("d"), reuses, home, True)
    ahead = tuple(f"{a}-{b}" for a, b, *_ in _EDGES if b == step.name)
    return Frame(step.name, "", (), ahead)


def captions(trace: Chain) -> list[str]:
    """What each step does, in words."""
    return [_caption(step) for step in STEPS]


def _caption(step: Step) -> str:
    if step.name == "given":
        return "four numbers are given"
    if not step.backward:
        return f"forward: {_plain(step.name)} is computed and kept"
    kept = " and ".join(_plain(name) for name in step.reuses)
    return f"backward: ∂f/∂{_plain(step.name[1:])} reuses {kept}"


def _plain(name: str) -> str:
    return name.translate(str.maketrans("123", "₁₂₃"))
