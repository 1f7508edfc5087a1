"""A diagram of nodes and edges as inline SVG, following the step in the browser."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field

from engine.trace import digest
from pages.ui.component import component, plain


@dataclass(frozen=True)
class Value:
    """One number on a node: forward or backward, and the step that computes it.

    ``says`` names it for a reader who hears the page.
    """

    id: str
    value: float | str
    step: int
    kind: str = "forward"
    blank: bool = False
    says: str = ""


@dataclass(frozen=True)
class Node:
    """``label`` like ``w_2``; ``given`` numbers are drawn dashed.

    With ``heads`` the values stand in that many columns, row by row, ``row`` high.
    """

    id: str
    label: str
    x: float
    y: float
    values: tuple[Value, ...]
    given: bool = False
    width: float = 126
    height: float = 114
    heads: tuple[str, ...] = ()
    row: float = 33


@dataclass(frozen=True)
class Edge:
    """``label`` is the local derivative along it, shown on the way back, ``ahead`` what the way out
    does there; a click goes to ``step``, if it has one.

    ``bend`` lifts the middle of the edge by so much, so that it passes over what stands between.
    ``along`` puts ``ahead`` on the edge itself, at this share of its way.
    An edge with a ``stroke`` ("first" to "fourth") is a route over another edge, ``shift`` beside
    it, and seen only while it is lit.
    """

    id: str
    start: str
    end: str
    label: str = ""
    ahead: str = ""
    step: int | None = None
    bend: float = 0
    along: float | None = None
    stroke: str = ""
    shift: float = 0


@dataclass(frozen=True)
class Frame:
    """What one step lights: the number computed, the adjoint that arrives, the kept values it
    reuses, the edges it runs. A name stands for its entries too: z for z.0, z.1, and so on."""

    focus: str = ""
    arrives: str = ""
    reuses: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    backward: bool = False


@dataclass(frozen=True)
class Key:
    """One entry of the line below the figure: ``kind`` is "forward", "backward" or "reused"."""

    kind: str
    name: str


@dataclass(frozen=True)
class Diagram:
    label: str
    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    frames: tuple[Frame, ...]
    wrong: Collection[str] = field(default_factory=tuple)
    key: tuple[Key, ...] = ()


def network(key: str, diagram: Diagram, selectable: bool = False) -> str | None:
    """Draw it; the id of the number clicked last, if asked for."""
    data = plain(diagram) | {"wrong": sorted(diagram.wrong), "selectable": selectable}
    data["edges"] = [
        {"from": edge.pop("start"), "to": edge.pop("end")} | edge for edge in data["edges"]
    ]
    data["id"] = digest(json.dumps([data["nodes"], data["edges"], data["key"]]))
    state = component("network")(key=key, data=data, on_selected_change=lambda: None)
    return state.get("selected")
