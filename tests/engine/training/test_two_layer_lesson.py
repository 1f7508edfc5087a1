"""The race of settings: what ships, what vouches for it, what each slip makes of it."""

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.training import mnist, two_layer
from engine.training import two_layer_recorded as records
from engine.training.two_layer_race import Race, Ran, nothing, of_value

PRESETS, SLIPS = two_layer.PRESETS, two_layer.SLIPS
SHORT = two_layer.Params(vary="units h", epochs=2, hidden=5, batch=32)


def shipped(name: str) -> Race:
    return two_layer.recorded(**PRESETS[name].data, params=PRESETS[name].params)


def accuracies(race: Race) -> dict[float, float]:
    return dict(zip(race.values, 1 - race.test_error[-1], strict=True))


@pytest.fixture(scope="module")
def race() -> Race:
    return two_layer.run([2, 5], SHORT)


# What ships.


@pytest.mark.parametrize(
    ("preset", "value", "expected"),
    [
        ("rates", 0.03, "good"),
        ("rates", 1e-3, "small"),
        ("rates", 1e-4, "smaller"),
        ("step", 0.01, "frozen"),
        ("step", 1e-3, "frozen early"),
        ("scale", 1000.0, "saturated"),
        ("zeros", 0.0, "zeros"),
        ("ten", 10.0, "diverged"),
    ],
)
def test_the_recorded_runs_show_the_courses_remarks(
    preset: str, value: float, expected: str
) -> None:
    known, found = two_layer.EXPECTED[expected], shipped(preset)
    spec = two_layer.specs(found)[found.values.index(value)]
    assert dataclasses.replace(known.spec, init_scale=spec.init_scale) == spec
    middle = (known.low + known.high) / 2
    assert accuracies(found)[value] == pytest.approx(middle, abs=known.within + 0.02)
    if known.saturated:
        assert found.saturated[-1, found.values.index(value)] > 0.99


def test_the_unit_of_t_decides() -> None:
    steps, epochs = accuracies(shipped("step")), accuracies(shipped("epoch"))
    assert all(epochs[value] > steps[value] for value in steps)
    assert epochs[1e-3] - steps[1e-3] > 0.2


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_ships_whole_and_with_its_climb(name: str) -> None:
    found = shipped(name)
    for trace in (found, two_layer.slipped(found, SLIPS["flipped-sign"])):
        assert trace.origin == two_layer.RECORDED
        assert len(trace) == 61
        assert np.isfinite(trace.test_loss).all()
        np.testing.assert_array_equal(trace.confusion.sum(axis=(2, 3)), 450)
        np.testing.assert_array_equal(
            trace.slopes.sum(axis=2)[0], [450 * s.hidden for s in two_layer.specs(trace)]
        )
        assert np.isfinite(trace.weights).any(axis=(1, 2, 3)).all()


def test_the_flipped_sign_climbs() -> None:
    climb = two_layer.slipped(shipped("rates"), SLIPS["flipped-sign"])
    assert (np.diff(climb.train_loss, axis=0) > 0).all()
    assert climb.direction == "up"


def test_any_settings_that_ship_are_found() -> None:
    mixed = two_layer.recorded([0.0001, 0.5, 10], two_layer.Params())
    np.testing.assert_array_equal(mixed.begun, [True, False, True])
    assert (mixed.test_loss[:, 0] == shipped("rates").test_loss[:, 2]).all()
    assert (mixed.test_loss[:, 2] == shipped("ten").test_loss[:, 2]).all()
    assert np.isnan(mixed.test_loss[:, 1]).all()


def test_what_does_not_ship_is_empty() -> None:
    empty = two_layer.recorded([0.03], two_layer.Params(seed=5))
    worked = [line.name for line in two_layer.working(empty)]
    assert worked == ["rate", "spent", "total", "guess", "parameters"]
    assert (empty.count, empty.origin) == (0, "")
    assert len(empty) == 61


def test_saved_and_read_again(race: Race, tmp_path: Path) -> None:
    runs = dict(zip(two_layer.specs(race), (race.ran(0), race.ran(1)), strict=True))
    records.save(runs, {"numpy": "2"}, tmp_path)
    again = records.load(tmp_path)
    assert list(again) == two_layer.specs(race)
    for spec, run in runs.items():
        np.testing.assert_allclose(again[spec].measures, run.measures, rtol=1e-6)
        np.testing.assert_array_equal(again[spec].confusion, run.confusion)
        np.testing.assert_allclose(again[spec].weights, run.weights, rtol=2e-3, atol=1e-6)


# What is trained here.


def test_a_race_is_its_runs(race: Race) -> None:
    for place, spec in enumerate(two_layer.specs(race)):
        points = list(two_layer.train(spec, device="cpu"))
        assert race.test_loss[:, place].tolist() == [p.test_loss for p in points]
        assert race.lr[:, place].tolist() == [p.lr for p in points]
    right = np.trace(race.confusion, axis1=2, axis2=3)
    np.testing.assert_allclose(right, 450 * (1 - race.test_error), rtol=1e-6)


def test_the_wrong_pictures_are_the_first_of_all_that_are_wrong(race: Race) -> None:
    counted = 450 - np.trace(race.confusion[-1], axis1=1, axis2=2)
    for place in range(2):
        there = np.isfinite(race.answers[place, :, 0])
        assert there.sum() == min(24, counted[place])
        truth, said, sure = race.answers[place, there].T
        assert (truth != said).all()
        assert (np.diff(sure) <= 0).all()
        pictures = race.pictures[place, there]
        assert 0 <= pictures.min() < pictures.max() == 1


def statuses(race: Race, state: str, until: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """As the store would tell of the first ``until`` of a race's runs."""
    runs, states = [], []
    for spec in two_layer.specs(race):
        run = two_layer.Training(spec)
        run.advance(until)
        runs.append(SimpleNamespace(spec=spec, step=run.step, state=state, points=run.points))
        states.append(run.state())
    return runs, states


def test_what_is_trained_takes_the_place_of_what_ships() -> None:
    found = shipped("rates")
    params = dataclasses.replace(found.params, epochs=2)
    empty = Race.of_nothing(found.values, params)
    runs, states = statuses(empty, "queued", 1347)
    part = two_layer.trained(empty, runs, states)
    assert part.count == 6
    assert np.isnan(part.weights).all(), "pictures are of the end"
    runs[1].step = 0  # one that nobody began
    kept = two_layer.trained(found, *statuses(found, "done", 1347))
    assert kept.origin == two_layer.TRAINED
    assert two_layer.trained(empty, runs, states).begun.tolist() == [True, False, True]


def test_while_one_trains_nothing_recorded_is_shown() -> None:
    found = shipped("rates")
    runs, states = statuses(found, "running", 1347)
    runs[2].step = 0
    live = two_layer.trained(found, runs, states)
    assert live.begun.tolist() == [True, True, False]
    assert live.count == 4


# Settings as runs.


def test_what_makes_no_difference_makes_no_other_run() -> None:
    first = of_value(0.03, two_layer.Params())
    others: list[dict[str, Any]] = [{"decay_unit": "epoch"}, {"init_scale": 7.0}, {"lr": 5.0}]
    for other in others:
        assert of_value(0.03, two_layer.Params(**other)) == first
    decayed = two_layer.Params(decay=0.1)
    assert of_value(0.03, decayed) != of_value(
        0.03, dataclasses.replace(decayed, decay_unit="epoch")
    )


@settings(max_examples=30)
@given(
    st.lists(st.floats(1e-5, 1), min_size=1, max_size=4, unique=True),
    st.sampled_from(["step", "epoch"]),
    st.integers(1, 40),
    st.integers(1, 300),
)
def test_reach_adds_every_rate_and_stays_below_its_limit(
    values: list[float], unit: str, epochs: int, batch: int
) -> None:
    params = two_layer.Params(vary="decay k", lr=0.5, decay_unit=unit, epochs=epochs, batch=batch)
    empty = Race.of_nothing(tuple(values), params)
    rate, spent, total = two_layer.reaches(empty)
    per = math.ceil(1347 / batch)
    for place, k in enumerate(values):
        t = np.arange(epochs * per) // (1 if unit == "step" else per)
        assert spent[-1, place] == pytest.approx(np.exp(-k * t).sum() * 0.5, rel=1e-9)
        last = epochs * per if unit == "step" else epochs
        assert rate[-1, place] == pytest.approx(0.5 * math.exp(-k * last))
    assert (spent <= total * (1 + 1e-12)).all()
    assert (np.diff(spent, axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("values", "vary"),
    [
        ([-1], "rate L"),
        ([101], "rate L"),
        ([1.5], "units h"),
        ([0], "units h"),
        ([2], "decay k"),
        ([1001], "scale s"),
        ([], "rate L"),
        ([1, 2, 3, 4, 5, 6, 7], "rate L"),
        ([math.nan], "rate L"),
    ],
)
def test_values_out_of_their_bounds_are_refused(values: list[float], vary: str) -> None:
    with pytest.raises(DataError, match=r"^values "):
        two_layer.recorded(values, two_layer.Params(vary=vary))


def test_mnist_that_is_not_here_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "here", lambda: False)
    with pytest.raises(DataError, match=r"^data must be digits: MNIST is not .* 8 × 8 digits"):
        two_layer.recorded([0.03], two_layer.Params(data="mnist"))
    monkeypatch.setattr(mnist, "here", lambda: True)
    assert two_layer.recorded([0.03], two_layer.Params(data="mnist")).pictures.shape[-1] == 28


# What vouches for it.


def test_a_number_changed_in_what_ships_is_noticed() -> None:
    found = shipped("rates")
    for name, at in (("test_error", (30, 1)), ("train_loss", (1, 2)), ("test_loss", (0, 0))):
        values = getattr(found, name).copy()
        values[at] += 0.02
        assert not two_layer.certify(dataclasses.replace(found, **{name: values})).holds, name
    assert two_layer.certify(found).holds


def test_the_flipped_sign_is_caught_by_every_method() -> None:
    wrong = two_layer.certify(shipped("scale"), SLIPS["flipped-sign"])
    judges = {check.against for check in wrong.checks if not check.holds}
    assert judges == {"autograd", "central differences"}


@pytest.mark.parametrize(
    ("params", "hides"),
    [
        ({"decay": 0.0}, True),
        ({"decay": 1e-3}, False),
        ({"decay": 1e-3, "decay_unit": "epoch"}, False),
        ({"decay": 1e-3, "batch": 1024}, False),
    ],
)
def test_the_other_unit_hides_just_where_it_says(params: dict[str, Any], hides: bool) -> None:
    trace = two_layer.recorded([0.01], two_layer.Params(epochs=3, **params))
    assert two_layer.certify(trace, SLIPS["other-unit"]).holds is hides
    mistaken = two_layer.slipped(trace, SLIPS["other-unit"])
    assert (two_layer.reaches(mistaken)[1] == two_layer.reaches(trace)[1]).all() is np.bool_(hides)


def test_an_unknown_slip_is_refused() -> None:
    other = dataclasses.replace(SLIPS["other-unit"], name="none")
    with pytest.raises(KeyError):
        two_layer.slipped(shipped("rates"), other)


# Working and questions.


@pytest.mark.parametrize("name", ["step", "epoch", "rates"])
def test_the_rate_put_in_is_that_of_the_run(name: str) -> None:
    found = shipped(name)
    rate = {line.name: line for line in two_layer.working(found, 2)}["rate"]
    assert isinstance(rate.value, np.ndarray)
    np.testing.assert_allclose(rate.value, found.lr[:, 2], rtol=1e-5, atol=1e-30)
    numbers = rate.numbers
    again = numbers["L"] * np.exp(-numbers["k"] * numbers["t"])
    np.testing.assert_allclose(again, rate.value)


def test_the_working_says_what_is_shown(race: Race) -> None:
    found = shipped("step")
    lines = {line.name: line for line in two_layer.working(found, 1)}
    rate, spent, _ = two_layer.reaches(found)
    np.testing.assert_allclose(lines["rate"].value, rate[:, 1])
    np.testing.assert_allclose(lines["spent"].value, spent[:, 1])
    assert lines["total"].value == pytest.approx(0.01 / 1e-3, rel=1e-3)  # about L / k
    assert lines["half-life"].value == pytest.approx(693, abs=0.2)
    right = np.trace(found.confusion[:, 1], axis1=1, axis2=2)
    np.testing.assert_array_equal(lines["right"].value, right)
    endless = {line.name: line for line in two_layer.working(race, 0)}
    assert endless["total"].value == math.inf
    assert "half-life" not in endless


def test_questions_have_their_right_answers() -> None:
    asked = {q.name: q for q in two_layer.questions(shipped("epoch"), 60, 2)}
    made = two_layer.Training(two_layer.specs(shipped("epoch"))[2]).state()
    assert asked["parameters"].value == made["W1"].size + made["W2"].size
    assert asked["guess"].value == pytest.approx(-10 * math.log(0.5))
    assert asked["half-life"].value == pytest.approx(1347 * 693.147, rel=1e-6)
    assert asked["total"].value == pytest.approx(1347 * 1.0005, rel=1e-6)
    assert all(0 <= q.step <= 60 for q in asked.values())
    constant = {q.name for q in two_layer.questions(shipped("rates"))}
    assert constant == {"guess", "parameters"}


def test_a_run_that_nobody_began_is_all_missing() -> None:
    run = nothing(3, "digits")
    assert all(np.isnan(array).all() for array in run)
    assert isinstance(run, Ran)
