"""Predict, then reveal."""

from streamlit.testing.v1 import AppTest
from visiting import built, questions_of, sent, visit

from engine.predict import Question
from pages.catalog import Lesson


def predicting(entry: Lesson) -> AppTest:
    app = visit(entry)
    return app.segmented_control(key=f"{entry.slug}.section").set_value("Predict").run()


def asked(app: AppTest, entry: Lesson) -> Question:
    """The question as the engine puts it, for what is on the page just now."""
    slug = entry.slug
    trace, name = app.session_state[f"{slug}.good"], app.session_state[f"{slug}.question"]
    questions = questions_of(entry, trace, sent(app)[f"{slug}-transport"]["start"])
    return next(question for question in questions if question.name == name)


def answer(app: AppTest, value: float) -> AppTest:
    field = next(n for n in app.number_input if str(n.key).startswith("predict-answer-"))
    field.set_value(value)
    return next(b for b in app.button if b.label == "Check").click().run()


def blanked(app: AppTest, entry: Lesson) -> bool:
    return any(line["blank"] for line in sent(app)[f"{entry.slug}-working"]["lines"])


@built
def test_the_asked_number_is_blank_at_its_step(entry: Lesson) -> None:
    app = predicting(entry)
    assert not app.exception
    assert blanked(app, entry)
    assert sent(app)[f"{entry.slug}-transport"]["start"] == asked(app, entry).step
    app.segmented_control(key=f"{entry.slug}.section").set_value("Slips").run()
    assert not blanked(app, entry)


@built
def test_each_question_can_be_asked(entry: Lesson) -> None:
    app = predicting(entry)
    pills = app.pills(key=f"{entry.slug}.question")
    assert len(pills.options) > 1
    first, trace = asked(app, entry).name, app.session_state[f"{entry.slug}.good"]
    names = {question.name for question in questions_of(entry, trace, 1)} - {first}
    for name in names:
        app.pills(key=f"{entry.slug}.question").set_value(name).run()
        assert not app.exception
        question = asked(app, entry)
        assert question.name == name
        assert sent(app)[f"{entry.slug}-transport"]["start"] == question.step
        assert blanked(app, entry)


@built
def test_the_right_answer_is_called_right_and_shown(entry: Lesson) -> None:
    app = predicting(entry)
    question = asked(app, entry)
    answer(app, question.value)
    assert not app.exception
    assert "Right." in [box.value for box in app.success]
    assert not blanked(app, entry)
    assert f"${question.symbol} = {question.value:.6g}$" in [text.value for text in app.markdown]


@built
def test_a_known_mistake_is_named(entry: Lesson) -> None:
    app = predicting(entry)
    question = asked(app, entry)
    sentence, value = next(
        (s, v) for s, v in question.mistakes.items() if abs(v - question.value) > 0.02
    )
    answer(app, value)
    assert [box.value for box in app.warning] == [sentence]
    assert blanked(app, entry)


@built
def test_an_answer_far_off_is_not_given_away(entry: Lesson) -> None:
    app = predicting(entry)
    question = asked(app, entry)
    answer(app, 1e6)
    assert len(app.warning) == 1
    assert blanked(app, entry)
    assert f"{question.value:.6g}" not in app.warning[0].value


@built
def test_reveal_shows_the_number(entry: Lesson) -> None:
    app = predicting(entry)
    question = asked(app, entry)
    next(b for b in app.button if b.label == "Reveal").click().run()
    assert not app.exception
    assert not blanked(app, entry)
    assert f"${question.symbol} = {question.value:.6g}$" in [text.value for text in app.markdown]
    assert "Right." not in [box.value for box in app.success]
