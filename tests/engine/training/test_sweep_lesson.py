"""The curves of a sweep, what ships of them, what vouches for them, and the slips."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.params import ParamError
from engine.training import recorded as records
from engine.training import resnet, sweep
from engine.training.curves import MEASURES, Ended, log_every, logged, nothing
from engine.training.resnet import Point
from engine.training.store import Store

SHORT = sweep.Params(seeds=2, steps=75)


@pytest.fixture(scope="module")
def trace() -> sweep.Curves:
    points = [list(resnet.train(spec, "cpu")) for spec in sweep.specs([1, 3], SHORT)]
    return sweep.collected((1, 3), SHORT, points, "here")


# What ships.


def test_the_recorded_sweep_is_the_courses() -> None:
    """Widths, seeds, 4,000 steps, a point each 25; ends where the course's own runs ended."""
    shipped = sweep.recorded([1, 2, 4, 64], sweep.Params())
    assert shipped.stop is Ended.DONE
    assert shipped.origin == sweep.RECORDED
    assert shipped.after.tolist() == list(range(25, 4001, 25))
    assert shipped.test_loss.shape == (160, 4, 8)
    expected = {  # after 4,000 steps, mean and deviation over 8 seeds: train, test, test error
        1: (1.77, 0.09, 1.78, 0.07, 0.702),
        2: (1.08, 0.07, 1.22, 0.12, 0.421),
        4: (0.115, 0.03, 0.604, 0.06, 0.144),
        64: (0.0, 0.01, 0.057, 0.01, 0.016),
    }
    for place, (train, train_sd, test, test_sd, error) in enumerate(expected.values()):
        assert abs(shipped.means["train_loss"][-1, place] - train) < 2 * train_sd
        assert abs(shipped.means["test_loss"][-1, place] - test) < 2 * test_sd
        assert abs(shipped.means["test_error"][-1, place] - error) < 0.03
    assert (np.diff(shipped.means["test_error"][-1]) < 0).all(), "wider is better"


@pytest.mark.parametrize("name", sweep.PRESETS)
def test_every_preset_ships_whole(name: str) -> None:
    case = sweep.PRESETS[name]
    shipped = sweep.recorded(**case.data, params=case.params)
    assert shipped.stop is Ended.DONE
    for measure in MEASURES:
        values = getattr(shipped, measure)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert "loss" in measure or (values <= 1).all()


def test_a_part_of_what_ships_is_the_same_numbers() -> None:
    whole = sweep.recorded([1, 2, 4, 64], sweep.Params())
    part = sweep.recorded([64, 2], sweep.Params(seeds=3))
    assert part.widths == (64, 2)
    assert (part.test_loss == whole.test_loss[:, [3, 1], :3]).all()


def test_what_does_not_ship_is_empty() -> None:
    for widths, params in (([3], sweep.Params()), ([1], sweep.Params(lr=0.2))):
        empty = sweep.recorded(widths, params)
        assert empty.stop is Ended.NOTHING
        assert empty.known == empty.count == 0


def test_saved_and_read_again(trace: sweep.Curves, tmp_path: Path, monkeypatch) -> None:
    records.save("sweep-x", trace, {"numpy": "2"}, tmp_path)
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    records.load.cache_clear()
    try:
        again = sweep.recorded([1, 3], SHORT)
    finally:
        records.load.cache_clear()
    for measure in MEASURES:
        np.testing.assert_allclose(getattr(again, measure), getattr(trace, measure), rtol=1e-6)


# Means, deviations, what is missing.


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_means_and_deviations_are_those_of_the_seeds(seeds: int, draw: int) -> None:
    params = sweep.Params(seeds=seeds, steps=50)
    values = np.random.default_rng(draw).exponential(size=(2, seeds, 2, 4))
    points = [
        [Point(25 * (i + 1), *values[w, r, i]) for i in range(2)]
        for w in range(2)
        for r in range(seeds)
    ]
    found = sweep.collected((1, 2), params, points, "")
    for k, measure in enumerate(MEASURES):
        np.testing.assert_allclose(found.means[measure], values[..., k].mean(axis=1).T)
        wanted = values[..., k].std(axis=1, ddof=1).T if seeds > 1 else np.zeros((2, 2))
        np.testing.assert_allclose(found.spreads[measure], wanted)
    np.testing.assert_allclose(found.gap, (values[..., 1] - values[..., 0]).mean(axis=1).T)


def test_a_sweep_that_still_runs_has_its_final_length() -> None:
    points = [[Point(25, 2.0, 2.1, 0.8, 0.9)], []]
    found = sweep.collected((1, 2), sweep.Params(seeds=1, steps=75), points, "")
    assert len(found) == 3
    assert (found.known, found.count) == (1, 1)
    assert found.stop is Ended.PART
    assert found.means["test_loss"][0, 0] == 2.1
    assert np.isnan(found.means["test_loss"][1:]).all()
    assert np.isnan(found.means["test_loss"][0, 1])
    begun, waits = ([line.name for line in sweep.working(found, w)] for w in range(2))
    assert begun == ["parameters", "train_loss", "test_loss", "gap", "wrong", "guess"]
    assert waits == ["parameters", "guess"]


@given(st.integers(25, 20_000))
def test_points_are_those_that_training_logs(steps: int) -> None:
    params = sweep.Params(steps=steps)
    step, every = logged(params), log_every(params)
    assert len(step) <= 161
    assert step[-1] == steps
    assert (step[:-1] % every == 0).all()
    assert (np.diff(step) > 0).all()


def test_logged_steps_are_those_of_a_run(trace: sweep.Curves) -> None:
    assert trace.stop is Ended.DONE
    odd = dataclasses.replace(SHORT, steps=60)
    [spec] = sweep.specs([1], dataclasses.replace(odd, seeds=1))
    assert [p.step for p in resnet.train(spec, "cpu")] == logged(odd).tolist()


def test_smoothing_keeps_a_constant_and_its_gaps() -> None:
    line = np.array([1.0, 1, 1, 1, np.nan, 1])
    assert sweep.smoothed(line, 2).tolist()[:4] == [1, 1, 1, 1]
    assert np.isnan(sweep.smoothed(line, 2)[4])
    ramp = np.arange(6.0)
    assert sweep.smoothed(ramp, 0).tolist() == ramp.tolist()
    assert sweep.smoothed(ramp, 2).tolist() == [0, 0.5, 1, 2, 3, 4]


# Parameters and certificate.


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("width", [1, 2, 4, 64])
def test_parameters_are_torchs(width: int, norm: bool) -> None:
    network = resnet.ResNet(width, norm=norm)
    params = dataclasses.replace(SHORT, norm=norm)
    [count] = sweep.parameters(nothing([width], params))
    assert count == sum(p.numel() for p in network.parameters())
    assert count == 18 * width**2 + (25 if norm else 19) * width + 10


def test_the_certificate_holds_and_each_slip_breaks_it(trace: sweep.Curves) -> None:
    certificate = sweep.certify(trace)
    assert certificate.holds, str(certificate)
    against = {check.against for check in certificate.checks}
    assert against >= {"autograd", "a plain torch loop", "the same steps trained here"}
    for slip in sweep.SLIPS.values():
        broken = sweep.certify(trace, slip)
        wrong = {check.against for check in broken.checks if not check.holds}
        assert wrong == {"autograd" if slip.name == "constant-norm" else "torch's module, counted"}


def test_a_constant_norm_hides_where_there_is_none() -> None:
    plain = nothing([2], dataclasses.replace(SHORT, norm=False))
    assert sweep.certify(plain, sweep.SLIPS["constant-norm"]).holds
    assert not sweep.certify(plain, sweep.SLIPS["bias-counted"]).holds


def test_a_point_that_was_changed_is_noticed(trace: sweep.Curves) -> None:
    values = trace.train_loss.copy()
    values[0, 1, 0] += 0.01
    assert not sweep.certify(dataclasses.replace(trace, train_loss=values)).holds


def test_layers_mark_what_a_slip_changes(trace: sweep.Curves) -> None:
    entries, lengths, off = sweep.layers(trace, None, 1)
    assert sum(entry.parameters for entry in entries) == sweep.parameters(trace)[1]
    assert not any(off)
    assert lengths[0] > 0
    _, bent, off = sweep.layers(trace, sweep.SLIPS["constant-norm"], 1)
    assert off[0], "what lies before a norm has another gradient"
    assert not off[-1], "what lies behind all norms has not"
    assert bent[-1] == pytest.approx(lengths[-1], rel=1e-6), "in single precision"
    counted, _, _ = sweep.layers(trace, sweep.SLIPS["bias-counted"], 1)
    assert sum(e.parameters for e in counted) - sum(e.parameters for e in entries) == 9


# Words, front door, bad input.


def test_the_working_says_what_the_curves_hold(trace: sweep.Curves) -> None:
    lines = {line.name: line for line in sweep.working(trace, 1)}
    assert lines["parameters"].value == 247  # 18 * 9 + 25 * 3 + 10
    np.testing.assert_array_equal(lines["gap"].value, trace.gap[:, 1])
    np.testing.assert_allclose(lines["wrong"].value, 899 * trace.test_error[:, 1].mean(axis=1))
    assert lines["guess"].value == pytest.approx(2.302585093)
    asked = {q.name: q.value for q in sweep.questions(trace, 2, 1)}
    assert asked["gap"] == pytest.approx(float(trace.gap[2, 1]))
    assert {q.name for q in sweep.questions(nothing([1], SHORT))} == {"parameters", "guess"}


def test_a_sweep_trained_in_the_store_gives_the_same_curves(
    trace: sweep.Curves, tmp_path: Path
) -> None:
    runs = sweep.run(sweep.specs((1, 3), SHORT), Store(tmp_path)).wait()
    again = sweep.trained(runs, (1, 3), SHORT)
    for measure in MEASURES:
        assert (getattr(again, measure) == getattr(trace, measure)).all()


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        ([], "empty"),
        ([0], r"\[1, 128\]"),
        ([129], r"\[1, 128\]"),
        ([1.5], "whole"),
        ([math.nan], "whole"),
        ([1, 2, 3, 4, 5, 6, 7], "at most 6"),
        ([[1]], "dimension"),
        (["a"], "numbers"),
    ],
)
def test_widths_that_cannot_be_used_are_named(widths: list, words: str) -> None:
    with pytest.raises(DataError, match=words) as told:
        sweep.specs(widths, SHORT)
    assert str(told.value).startswith("widths")


def test_a_width_given_twice_is_trained_once() -> None:
    assert [spec.width for spec in sweep.specs([2, 2, 1], SHORT)] == [2, 2, 1, 1]


def test_settings_out_of_bounds_are_named() -> None:
    with pytest.raises(ParamError, match=r"seeds must lie in \[1, 16\], got 17"):
        sweep.Params(seeds=17)
