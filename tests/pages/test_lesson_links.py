"""A link restores everything, or says that it cannot."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest
from visiting import (
    BUILT,
    built,
    certified,
    module_of,
    named,
    preset,
    put,
    sent,
    specs,
    visit,
)

from pages.catalog import Lesson
from pages.ui import lesson as anatomy
from pages.ui.state import LONGEST, VERSION, State, fields_of

FULL = {
    "chain": {
        "w1": "1.25",
        "w2": "-0.7",
        "w3": "3.5",
        "x": "-2",
        "slip": "eq23-first",
        "step": "9",
    },
    "coins": {
        "heads": "3, 7, 9, 2",
        "tosses": "9, 10, 11, 12",
        "start.0": "0.35",
        "start.1": "0.8",
        "steps": "14",
        "mixing": "free",
        "map": "basins",
        "set": "2",
        "slip": "same-n",
        "step": "6",
    },
    "sweep": {
        "widths": "3, 64",
        "seeds": "5",
        "steps": "1000",
        "lr": "0.25",
        "skip": "False",
        "norm": "False",
        "evaluation": "running",
        "protocol": "epochs",
        "ragged": "keep",
        "batch": "100",
        "shown": "error",
        "aside": "layers",
        "smooth": "True",
        "row": "1",
        "slip": "bias-counted",
        "step": "20",
    },
    "gaussian": {
        "X": "0, 0; 1, 0.5; 0.5, 1.5; 4, 3; 5, 4.5; 3.5, 5",
        "weights": "0.25, 0.75",
        "means": "0, 1; 4, 4",
        "covariances": "1, 0; 0, 1 | 2, 0; 0, 1",
        "components": "2",
        "covariance": "diag",
        "steps": "9",
        "seed": "5",
        "floor": "0.01",
        "held": "0",
        "show": "starts",
        "point": "4",
        "component": "2",
        "column": "2",
        "slip": "no-weight",
        "step": "6",
    },
    "ppca": {
        "X": "1, 2, 0.5; -2, 0.25, 3; 1.5, -1, 0; 2, 2, 2",
        "direction": "1, -0.5, 2",
        "noise": "0.75",
        "learn_noise": "False",
        "steps": "9",
        "seed": "4",
        "floor": "0.001",
        "show": "bound",
        "point": "2",
        "slip": "unshrunk",
        "step": "6",
    },
    "bernoulli": {
        "X": "1, 0; 0, 1; 1, 1; 0, 0; 1, 0",
        "weights": "0.5, 0.25, 0.25",
        "means": "0.5, 0.25; 0.75, 0.5; 0.125, 0.25",
        "components": "3",
        "steps": "9",
        "seed": "5",
        "digits": "40",
        "floor": "0.01",
        "show": "starts",
        "row": "4",
        "component": "2",
        "column": "1",
        "slip": "eq12",
        "step": "6",
    },
    "samme": {
        "X": "0, 0; 1, 0.5; 0.5, 1.5; 4, 3; 5, 4.5; 3.5, 5; 9, 8",
        "y": "1, 1, 2, 3, 2, 3, 1",
        "votes": "",
        "rounds": "9",
        "depth": "1",
        "digits": "200",
        "show": "shares",
        "point": "4",
        "slip": "no-log",
        "step": "3",
    },
    "residual": {
        "W": "0.5, 1; -1, 2",
        "b": "0, 0.25",
        "V": "1, 0.5; 0, -1",
        "c": "0.5, 0",
        "x": "1, 2",
        "t": "0, 1",
        "phi": "sigmoid",
        "skip": "False",
        "around": "first",
        "depth": "5",
        "table": "gradients",
        "unit": "1",
        "slip": "dV-transposed",
        "step": "9",
    },
    "lstm": {
        "x": "0, 1, 0, 3; 1, 0.5, 1, -2; 1, 1, 1, 4",
        "weights": "0, 0, 0, 1, 0; 9, 9, 0, 0, -1; -9, -9, 0, 0, 8; 0, 0, 9, 0, -1",
        "gates": "sigmoid",
        "sharpness": "0.5",
        "shift": "1.5",
        "slip": "label",
        "step": "2",
    },
    "lstm_cell": {
        "steps": "7",
        "units": "3",
        "forget": "-1.5",
        "recurrent": "0.5",
        "weights": "drawn",
        "inputs": "1",
        "seed": "8",
        "unit": "2",
        "mode": "lstm_cell",
        "slip": "early",
        "step": "11",
    },
    "mlp": {
        "network": "0.5, -1; 1, 2 | 0.25; 1; -2",
        "X": "1; 2; -0.5",
        "y": "0; 1; 0.25",
        "hidden": "tanh",
        "layers": "2",
        "width": "2",
        "examples": "3",
        "scale": "1.5",
        "digits": "False",
        "inputs": "1",
        "outputs": "1",
        "rate": "0.5",
        "seed": "3",
        "show": "network",
        "layer": "2",
        "row": "1",
        "col": "1",
        "term": "1",
        "example": "2",
        "slip": "flipped-sign",
        "step": "5",
    },
    "centres": {
        "points": "1, 2; 4, 0.5; 3, 9; -2, 4",
        "clusters": "1",
        "axis": "2",
        "walk": "downhill",
        "steps": "12",
        "start": "-3.5",
        "rate": "0.75",
        "slip": "identity",
        "step": "7",
    },
    "quantise": {
        "picture": "cat",
        "k": "5",
        "steps": "7",
        "norm": "l1",
        "start": "random",
        "seed": "3",
        "space": "lab",
        "empty": "reseed",
        "show": "k = 2, 4, 8",
        "row": "17",
        "col": "200",
        "slip": "old-labels",
        "step": "4",
    },
    "minmax": {
        "x": "1, 2; 3, -4",
        "W": "2, 2; -2, -2; 1, -1; -1, 1",
        "V": "0.25, -0.25, -0.5, -0.5; 0.25, -0.25, 0.5, 0.5",
        "units": "4",
        "bound": "2.5",
        "show": "error",
        "point": "1",
        "slip": "one-sign",
        "step": "2",
    },
    "rnn": {
        "Wi": "0.5, -0.2; 0.3, 0.75",
        "Wh": "0.1, 0.4; -0.6, 0.25",
        "Wo": "1.25, -0.5",
        "xs": "1, -1; 0.5, 2; 0, 1",
        "target": "0",
        "steps": "4",
        "radius": "1.25",
        "start": "0.5",
        "seed": "7",
        "paths": "W_h",
        "slip": "bracket",
        "step": "9",
    },
    "two_layer": {
        "values": "0.02, 0.005",
        "vary": "rate L",
        "lr": "0.5",
        "decay": "0.01",
        "decay_unit": "epoch",
        "init_scale": "0.25",
        "init": "scale",
        "hidden": "12",
        "batch": "32",
        "epochs": "8",
        "seed": "4",
        "dtype": "float64",
        "data": "digits",
        "shown": "reach",
        "aside": "wrong",
        "row": "1",
        "slip": "other-unit",
        "step": "5",
    },
    "shapes": {
        "layers": "conv 3x5 4 stride 2 pad 1; pool 2; flatten; linear 7",
        "input_shape": "20x24x3",
        "target": "4x4x9",
        "pool": "1",
        "padding": "1",
        "table": "solve",
        "slip": "filters",
        "step": "2",
    },
}
# What no link of ours holds: the field's name stays, its text is replaced.
NONSENSE = {
    "a word": "five",
    "no number": "nan",
    "infinite": "inf",
    "far out": "1e308",
    "5,000 digits": "9" * 5_000,
    "1,500 digits": "9" * 1_500,
    "a script": "<script>alert(1)</script>",
    "nothing": "",
    "a null": "\x00",
}
SAYS = "This link holds"
TYPED = [
    pytest.param(entry, name, id=f"{entry.slug}-{name}")
    for entry in BUILT
    for name in next(iter(module_of(entry).PRESETS.values())).data
]


def full(entry: Lesson) -> dict[str, str]:
    """A link that sets every field: to something else than any preset, where FULL says to what,
    or as the last preset does."""
    return {"v": VERSION, **(FULL.get(entry.slug) or of_last_preset(entry))}


@cache
def of_last_preset(entry: Lesson) -> dict[str, str]:
    module = module_of(entry)
    app = preset(entry, list(module.PRESETS)[-1])
    query = dict(parse_qsl(sent(app)[f"{entry.slug}-transport"]["query"], keep_blank_values=True))
    del query["v"]
    return query | {"slip": next(iter(module.SLIPS)), "step": "1"}


def fields(entry: Lesson) -> list[str]:
    return [name for name in full(entry) if name not in ("v", "slip", "step")]


@cache
def state_of(entry: Lesson) -> State:
    """What reads the links of a lesson, taken from its page."""
    kept: list[State] = []

    class Kept(State):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            kept.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anatomy, "State", Kept)
        visit(entry)
    return kept[-1]


def refused(entry: Lesson, link: Mapping[str, str]) -> bool:
    """Does the reader of links refuse it? ``opens_as_usual`` shows what a page does then."""
    try:
        state_of(entry)._read(link)
    except (ValueError, KeyError, OverflowError):
        return True
    return False


def shown(app: AppTest, entry: Lesson) -> tuple[dict[str, Any], list[Any], bool]:
    """All that a visitor sees; which opening it is counts only within a session."""
    drawn = sent(app)
    for given in drawn.values():
        given.pop("opening", None)
    return drawn, specs(app), certified(app)


@cache
def as_usual(entry: Lesson) -> tuple[dict[str, Any], list[Any], bool]:
    return shown(visit(entry), entry)


def opens_as_usual(app: AppTest, entry: Lesson) -> None:
    """The first preset, and one warning that says so."""
    assert not app.exception
    assert len(app.warning) == 1
    assert app.warning[0].value.startswith(SAYS)
    assert not app.error
    assert app.pills(key=f"{entry.slug}.preset").value == next(iter(module_of(entry).PRESETS))
    assert shown(app, entry) == as_usual(entry)


@built
def test_the_links_tested_name_every_field(entry: Lesson) -> None:
    query = sent(visit(entry))[f"{entry.slug}-transport"]["query"]
    assert set(dict(parse_qsl(query, keep_blank_values=True))) == {"v", *fields(entry)}


@built
def test_a_full_link_restores_everything(entry: Lesson) -> None:
    app = visit(entry, full(entry))
    assert not app.exception
    assert not app.warning
    for name in fields(entry):
        widget = (*app.text_input, *app.number_input, *app.segmented_control)
        found = {w.key: w.value for w in widget}.get(f"{entry.slug}.{name}")
        wanted = full(entry)[name]
        if found is not None:
            assert str(found) == wanted or float(found) == float(wanted), name
        assert str(app.session_state[f"{entry.slug}.{name}"]).removesuffix(".0") == wanted
    assert app.pills(key=f"{entry.slug}.slip").value == full(entry)["slip"]
    assert app.pills(key=f"{entry.slug}.preset").value is None
    transport = sent(app)[f"{entry.slug}-transport"]
    assert transport["start"] == int(full(entry)["step"])
    module = module_of(entry)
    assert (
        certified(app)
        == module.certify(
            app.session_state[f"{entry.slug}.good"], module.SLIPS[full(entry)["slip"]]
        ).holds
    )


@built
def test_a_link_restores_the_numbers_computed(entry: Lesson) -> None:
    trace = visit(entry, full(entry)).session_state[f"{entry.slug}.good"]
    given = dataclasses.asdict(trace.params)
    for name, value in given.items():
        items = value if isinstance(value, tuple) else [value]
        keys = [f"{name}.{i}" for i in range(len(items))] if isinstance(value, tuple) else [name]
        wanted = [full(entry)[key] for key in keys]
        assert [str(item).removesuffix(".0") for item in items] == wanted


def test_a_link_restores_the_chosen_set_and_the_map() -> None:
    entry = next(entry for entry in BUILT if entry.slug == "coins")
    app = visit(entry, full(entry))
    assert sent(app)["coins-table"]["chosen"] == 2
    assert app.segmented_control(key="coins.map").value == "basins"
    other = visit(entry, full(entry) | {"map": "likelihood"})
    assert specs(app)[0] != specs(other)[0]
    assert specs(app)[1:] == specs(other)[1:]


@built
def test_the_link_of_a_page_shows_that_page(entry: Lesson) -> None:
    name = list(module_of(entry).PRESETS)[1]
    app = preset(entry, name, slip=next(iter(module_of(entry).SLIPS)))
    transport = sent(app)[f"{entry.slug}-transport"]
    link = dict(parse_qsl(transport["query"], keep_blank_values=True))
    again = visit(entry, link | {"step": str(transport["start"])})
    assert not again.warning
    assert shown(again, entry) == shown(app, entry)
    assert again.pills(key=f"{entry.slug}.preset").value == name
    assert not refused(entry, link | {"step": "0"})


@pytest.mark.parametrize(("entry", "name"), named("PRESETS"))
def test_every_preset_can_be_linked(entry: Lesson, name: str) -> None:
    state, case = state_of(entry), module_of(entry).PRESETS[name]
    values = {n: f.default for n, f in state.fields.items()} | state.of_preset(case)
    link = state._shown(values | {"slip": None})
    read, step = state._read(link | {"step": str(case.step)})
    assert {n: read[n] for n in state.knobs} == {n: values[n] for n in state.knobs}
    assert step == case.step


@built
def test_no_knob_reads_nonsense(entry: Lesson) -> None:
    for name, field in fields_of(module_of(entry).Params).items():
        for nonsense in NONSENSE.values():
            with pytest.raises((ValueError, KeyError, OverflowError)):
                pytest.fail(f"{name} = {field.parse(nonsense)!r}")


@built
def test_nonsense_in_a_link_is_refused_whatever_the_field(entry: Lesson) -> None:
    good, lines = full(entry), state_of(entry).data
    assert not refused(entry, good)
    for name in ("v", "slip", "step", *fields(entry)):
        for kind, nonsense in NONSENSE.items():
            if name in lines and nonsense.isprintable() and len(nonsense) <= LONGEST:
                continue  # any words: the engine judges them, and refuses the link if it must
            assert refused(entry, good | {name: nonsense}), (name, kind)
        if name not in ("slip", "step"):
            assert refused(entry, {n: text for n, text in good.items() if n != name}), name
    for extra in ("w9", "<script>", "", "9" * 5_000):
        assert refused(entry, good | {extra: "1"}), extra
    for version in ("0", "2", "1.0", "01", " 1"):
        assert refused(entry, good | {"v": version}), version


@built
def test_a_refused_link_opens_the_lesson_as_usual(entry: Lesson) -> None:
    spoiled = {"step": "<script>alert(1)</script>", "9" * 5_000: "9" * 5_000}
    opens_as_usual(visit(entry, full(entry) | spoiled), entry)


OUT = [
    ("chain", {"w1": "100.5"}),
    ("chain", {"x": "-101"}),
    ("chain", {"step": "-1"}),
    ("coins", {"start.0": "0"}),
    ("coins", {"start.1": "1"}),
    ("coins", {"steps": "0"}),
    ("coins", {"steps": "1001"}),
    ("coins", {"steps": "2.5"}),
    ("coins", {"mixing": "loose"}),
    ("coins", {"map": "moon"}),
    ("coins", {"set": "-1"}),
    ("coins", {"heads": "3, 7, 9, 99"}),
    ("coins", {"heads": "3, 7"}),
    ("coins", {"tosses": "0"}),
    ("coins", {"heads": ", ".join(["3"] * 700), "tosses": "10"}),
]


@pytest.mark.parametrize(("slug", "change"), OUT, ids=str)
def test_a_value_out_of_its_bounds_opens_the_lesson_as_usual(
    slug: str, change: Mapping[str, str]
) -> None:
    entry = next(entry for entry in BUILT if entry.slug == slug)
    opens_as_usual(visit(entry, full(entry) | dict(change)), entry)


@built
def test_a_step_past_the_end_stands_at_the_end(entry: Lesson) -> None:
    app = visit(entry, full(entry) | {"step": "999999"})
    transport = sent(app)[f"{entry.slug}-transport"]
    assert not app.warning
    assert transport["start"] == len(transport["captions"]) - 1


@built
def test_the_warning_leaves_at_the_next_change(entry: Lesson) -> None:
    app = visit(entry, full(entry) | {"v": "2"})
    put(app, entry, section="Data")
    assert not app.warning


@pytest.mark.parametrize(("entry", "name"), TYPED)
def test_a_link_refused_by_the_engine_is_refused_once(entry: Lesson, name: str) -> None:
    app = visit(entry, full(entry) | {name: "x"})
    opens_as_usual(app, entry)
    second = list(module_of(entry).PRESETS)[1]
    app.pills(key=f"{entry.slug}.preset").set_value(second).run()
    assert not app.warning
    assert app.pills(key=f"{entry.slug}.preset").value == second


@built
def test_an_old_link_shows_the_same_after_the_presets_change(
    entry: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = module_of(entry)
    transport = sent(visit(entry))[f"{entry.slug}-transport"]
    link = dict(parse_qsl(transport["query"], keep_blank_values=True))
    link["step"] = str(transport["start"])
    before = shown(visit(entry, link), entry)
    changed = dict(reversed(module.PRESETS.items()))
    monkeypatch.setattr(module, "PRESETS", changed)
    assert shown(visit(entry), entry) != before
    assert shown(visit(entry, link), entry) == before


@built
def test_an_old_link_shows_the_same_after_the_defaults_change(
    entry: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = module_of(entry)
    link = full(entry)
    before = shown(visit(entry, link), entry)
    for field in dataclasses.fields(module.Params):
        bound, default = field.metadata["bound"], field.default
        other = default
        if bound.choices:
            other = next(choice for choice in bound.choices if choice != default)
        elif isinstance(default, tuple):
            other = tuple(item / 2 for item in default)
        elif isinstance(default, bool):
            other = not default
        elif isinstance(default, (int, float)):
            other = default + type(default)(1)
        assert other != default
        monkeypatch.setattr(field, "default", other)
    assert shown(visit(entry, link), entry) == before
