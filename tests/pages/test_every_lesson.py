"""What each lesson owes its visitors, on each of its presets."""

import dataclasses
import inspect

import pytest
from visiting import BUILT, built, certified, module_of, named, preset, put, ran, sent, specs, visit

from pages.catalog import Lesson
from pages.ui.sections import NAMES
from pages.ui.state import fields_of


@pytest.mark.parametrize(("entry", "name"), named("PRESETS"))
def test_a_preset_runs_and_is_certified(entry: Lesson, name: str) -> None:
    app = preset(entry, name)
    case = module_of(entry).PRESETS[name]
    assert not app.exception
    assert not app.warning
    assert certified(app)
    assert not app.error
    assert app.pills(key=f"{entry.slug}.preset").value == name
    assert case.says in [text.value for text in app.markdown]
    assert sent(app)[f"{entry.slug}-transport"]["start"] == case.step
    lines = sent(app)[f"{entry.slug}-working"]["lines"]
    assert not any(line["blank"] for line in lines), "nothing is blank before one asks"


def telling(entry: Lesson) -> list[str]:
    """The preset that opens the lesson, those on which a slip is shown, and the last."""
    module = module_of(entry)
    names = list(module.PRESETS)
    shown = [slip.shows for slip in module.SLIPS.values() if slip.shows]
    return list(dict.fromkeys([names[0], *shown, names[-1]]))


TELLING = [c for c in named("PRESETS") if c.values[1] in telling(c.values[0])]


@pytest.mark.parametrize(("entry", "name"), TELLING)
def test_the_certificate_is_red_just_when_the_engine_says_so(entry: Lesson, name: str) -> None:
    module = module_of(entry)
    case = module.PRESETS[name]
    trace = ran(entry, case)
    app = preset(entry, name)
    for slip in module.SLIPS.values():
        put(app, entry, slip=slip.name)
        assert not app.exception
        assert certified(app) == module.certify(trace, slip).holds, slip.name
        said = [box.value for box in (*app.error, *app.success)]
        assert len(said) == 1
        assert slip.hides in said[0]
    put(app, entry, slip=None)
    assert certified(app)
    assert not app.error


@built
def test_every_section_opens_and_its_number_fields_are_bounded(entry: Lesson) -> None:
    app = visit(entry)
    for section in NAMES:
        put(app, entry, section=section)
        assert not app.exception, section
        assert app.segmented_control(key=f"{entry.slug}.section").value == section
        assert app.number_input
        open_ended = [f.key for f in app.number_input if not (f.proto.has_min and f.proto.has_max)]
        assert not open_ended, section


@built
def test_the_source_is_the_engines(entry: Lesson) -> None:
    app = put(visit(entry), entry, section="Source")
    assert app.code[0].value.strip() == inspect.getsource(module_of(entry)).strip()


@built
def test_the_data_are_one_row_a_step_or_one_a_number(entry: Lesson) -> None:
    app = put(visit(entry), entry, section="Data")
    trace = app.session_state[f"{entry.slug}.good"]
    rows = app.dataframe[-1].value
    stepped = any(field.metadata.get("steps") for field in dataclasses.fields(trace))
    if stepped:
        assert rows["step"].tolist() == list(range(len(trace)))
    else:
        known = vars(trace.params) | vars(trace)
        found = [float(eval(name, {}, known)) for name in rows["name"][:500]]
        assert rows["value"].tolist()[:500] == found


@built
def test_every_knob_has_help_and_a_name(entry: Lesson) -> None:
    app = visit(entry)
    knobs = [
        *fields_of(module_of(entry).Params),
        *next(iter(module_of(entry).PRESETS.values())).data,
    ]
    for name in knobs:
        widget = app.get_by_key(f"{entry.slug}.{name}")
        assert widget.proto.help.strip(), name
        assert widget.proto.label.strip(), name


@built
def test_projection_leaves_stage_working_transport_and_certificate(entry: Lesson) -> None:
    app = visit(entry)
    read, drawn = sent(app), specs(app)
    app.toggle(key="project").set_value(True).run()
    assert not app.exception
    assert certified(app)
    assert sent(app) == read
    assert specs(app) == drawn
    rest = (app.pills, app.segmented_control, app.number_input, app.text_input, app.dataframe)
    assert not any(rest)
    assert [toggle.key for toggle in app.toggle] == ["project"]


@built
def test_projection_loses_nothing(entry: Lesson) -> None:
    name = list(module_of(entry).PRESETS)[1]
    slip = next(iter(module_of(entry).SLIPS))
    app = preset(entry, name, slip=slip)
    before, verdict = sent(app), certified(app)
    app.toggle(key="project").set_value(True).run()
    app.toggle(key="project").set_value(False).run()
    assert sent(app) == before
    assert certified(app) == verdict
    assert app.pills(key=f"{entry.slug}.preset").value == name
    assert app.pills(key=f"{entry.slug}.slip").value == slip


@pytest.mark.skipif(len(BUILT) < 2, reason="needs two lessons")
def test_another_lesson_and_back_keeps_the_numbers() -> None:
    first, second = BUILT[:2]
    name = list(module_of(first).PRESETS)[1]
    app = preset(first, name)
    before = sent(app)[f"{first.slug}-working"]
    app.switch_page(f"{second.chapter}/{second.slug}.py").run()
    app.run()
    assert not app.warning
    # What lies in the session is gone through at every run: of other lessons nothing lies there.
    assert not [
        k for k in app.session_state._state.filtered_state if k.startswith(f"{first.slug}.")
    ]
    app.switch_page(f"{first.chapter}/{first.slug}.py").run()
    assert not app.warning
    assert app.pills(key=f"{first.slug}.preset").value == name
    assert sent(app)[f"{first.slug}-working"] == before
