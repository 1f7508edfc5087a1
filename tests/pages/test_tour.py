"""Three stops: each link opens what its sentence promises, and the line leads on or lets go."""

from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, module_of, put, sent, visit

from pages.catalog import LESSONS, lesson
from pages.ui.state import UNKNOWN
from pages.ui.tour import STOPS, Stop, link

each = pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.slug)


def opened(stop: Stop, **other: str) -> AppTest:
    return visit(lesson(stop.slug), link(stop) | other)


def line(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if text.value.startswith("**Tour ")]


def address(app: AppTest, stop: Stop) -> dict[str, str]:
    """What the transport writes into the address bar, but for the step."""
    query = sent(app)[f"{stop.slug}-transport"]["query"]
    return dict(parse_qsl(query, keep_blank_values=True))


def test_the_stops_are_of_three_chapters() -> None:
    assert len({lesson(stop.slug).chapter for stop in STOPS}) == len(STOPS) == 3
    assert all(lesson(stop.slug) in LESSONS for stop in STOPS)


@each
def test_a_stop_opens_as_promised(stop: Stop) -> None:
    app = opened(stop)
    assert not app.exception
    assert not app.warning
    number = STOPS.index(stop) + 1
    assert line(app) == [f"**Tour {number} of 3** · {stop.says}"]
    assert app.pills(key=f"{stop.slug}.preset").value == stop.preset
    assert sent(app)[f"{stop.slug}-transport"]["start"] == stop.step
    assert app.segmented_control(key=f"{stop.slug}.section").value == stop.section
    assert certified(app) is not bool(stop.slip)


@each
def test_a_stops_link_carries_everything(stop: Stop) -> None:
    """As the page itself spells it, but for what the result decides: a 0 means the usual one."""
    wanted, told = address(opened(stop), stop), link(stop)
    assert set(told) - {"step"} == set(wanted)
    assert {n for n in wanted if wanted[n] != told[n]} <= {n for n in told if told[n] == "0"}
    assert told["step"] == str(stop.step)


def test_the_second_stop_turns_green_when_its_slip_is_off() -> None:
    app = opened(STOPS[1])
    assert not certified(app)
    app.pills(key=f"{STOPS[1].slug}.slip").set_value(None).run()
    assert certified(app)
    assert line(app)


def test_the_third_stop_asks_and_judges() -> None:
    stop = STOPS[2]
    app = opened(stop)
    entry = lesson(stop.slug)
    case = module_of(entry).PRESETS[stop.preset]
    points = next(iter(case.data.values()))
    app.number_input(key=f"predict-answer-{stop.slug}-{stop.question}").set_value(
        sum(points) / len(points)
    )
    next(button for button in app.button if button.label == "Check").click().run()
    assert [box.value for box in app.success if box.value == "Right."]


def test_a_stop_asks_its_own_question_again() -> None:
    """Whatever a visitor had open there before."""
    stop = STOPS[2]
    app = put(visit(lesson(stop.slug)), lesson(stop.slug), section="Predict", question="median")
    app.switch_page("home.py").run()
    app.query_params = link(stop)
    app.switch_page(stop.path).run()
    assert app.pills(key=f"{stop.slug}.question").value == stop.question
    app.query_params = {}
    put(app, lesson(stop.slug), section="Data")
    app.switch_page("home.py").run()
    app.query_params = link(stop)
    app.switch_page(stop.path).run()
    assert app.segmented_control(key=f"{stop.slug}.section").value == stop.section


def test_the_line_leads_on_and_home() -> None:
    for stop, follows in zip(STOPS, [*STOPS[1:], None], strict=True):
        (forward,) = opened(stop).get("page_link")
        if follows:
            assert forward.proto.page == follows.slug
            assert forward.proto.query_string == urlencode(link(follows))
        else:
            assert forward.proto.page == ""
            assert parse_qs(forward.proto.query_string) == {}


def test_leaving_takes_the_line_away_and_keeps_the_numbers() -> None:
    stop = STOPS[1]
    app = opened(stop)
    assert address(app, stop)["tour"] == "2"
    app.button(key="tour-leave").click().run()
    assert not line(app)
    assert "tour" not in address(app, stop)
    assert not certified(app)
    assert any("›" in caption.value for caption in app.caption)


def test_the_line_stands_at_its_stop_only() -> None:
    app = opened(STOPS[0])
    app.query_params = {}  # as a browser does between pages
    app.switch_page("mixtures/coins.py").run()
    assert not line(app)
    app.switch_page(STOPS[0].path).run()
    assert line(app)
    app.switch_page("home.py").run()
    app.switch_page(STOPS[0].path).run()
    assert not line(app)


def test_in_projection_the_line_sends_to_the_controls() -> None:
    for stop in STOPS:
        app = opened(stop)
        app.toggle(key="project").set_value(True).run()
        (said,) = line(app)
        assert said.endswith("Turn Project off to try it." if stop.below else stop.says)


@pytest.mark.parametrize("tour", ["", "0", "2", "4", "01", "1.0", "one", "²"])
def test_a_stop_that_is_not_here_is_refused(tour: str) -> None:
    app = opened(STOPS[0], tour=tour)
    assert [box.value for box in app.warning] == [UNKNOWN]
    assert not line(app)


def test_a_lesson_off_the_tour_refuses_it() -> None:
    app = visit(lesson("coins"))
    query = sent(app)["coins-transport"]["query"]
    given = dict(parse_qsl(query, keep_blank_values=True))
    assert not visit(lesson("coins"), given).warning
    assert [box.value for box in visit(lesson("coins"), given | {"tour": "1"}).warning] == [UNKNOWN]
