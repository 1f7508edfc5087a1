"""Runs of the two-layer network: they go on where they stopped, and show what the course says."""

from typing import Any

import numpy as np
import pytest

from engine.data import DataError
from engine.training import trainers, two_layer
from engine.training import two_layer_data as source
from engine.training.checkpoint import Checkpoint, packed, unpacked
from engine.training.two_layer import Point, Spec, Training

FIELDS = tuple(Point.__annotations__)


def stored(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return unpacked(packed(Checkpoint("two_layer", "{}", 0, 1, {}, state))).state


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(
        (a[k].dtype, a[k].shape, a[k].tobytes()) == (b[k].dtype, b[k].shape, b[k].tobytes())
        for k in a
    )


@pytest.mark.parametrize("device", ["cpu", "torch-cpu"])
@pytest.mark.parametrize("changes", [{"decay": 1e-3}, {"batch": 100, "decay": 0.3,
                                                       "decay_unit": "epoch"}])  # fmt: skip
def test_a_run_goes_on_bit_by_bit(changes: dict[str, Any], device: str) -> None:
    spec = Spec(epochs=3, hidden=11, **changes)
    whole = Training(spec, device=device)
    whole.advance(spec.steps)
    per_epoch = spec.epoch_steps
    for cuts in ([1, 2, 5], [per_epoch], [per_epoch - 1, per_epoch + 1, 2 * per_epoch + 7]):
        run = Training(spec, device=device)
        for cut in cuts:
            run.advance(cut)
            assert run.step == cut
            run = Training(spec, stored(run.state()), device)
            assert run.step == cut
        run.advance(10**9)
        assert run.points == whole.points
        assert same(run.state(), whole.state())


def test_the_points_are_at_the_start_and_after_every_epoch() -> None:
    spec = Spec(epochs=4, batch=100, lr=0.02, decay=0.1, decay_unit="epoch")
    points = list(two_layer.train(spec, device="cpu"))
    assert [point.step for point in points] == [0, 14, 28, 42, 56]
    assert [point.epoch for point in points] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose([p.lr for p in points], 0.02 * np.exp(-0.1 * np.arange(5)))
    run = Training(spec)
    for step in range(1, spec.steps + 1):
        run.advance(step)
        assert len(run.points) == 1 + step // 14
    assert run.points == points
    assert list(two_layer.train(spec, source.load(spec), "cpu")) == points


def test_the_state_says_what_each_epoch_looked_like() -> None:
    spec = Spec(epochs=3, hidden=10)
    run, data = Training(spec), source.load(spec)
    run.advance(2 * 1347 + 5)
    state = run.state()
    assert state["history"].shape == (3, len(FIELDS))
    assert state["slopes"].shape == (3, 20)
    assert state["confusion"].shape == (3, 10, 10)
    np.testing.assert_array_equal(state["slopes"].sum(1), 450 * 10)
    for epoch, table in enumerate(state["confusion"]):
        np.testing.assert_array_equal(table.sum(1), np.bincount(data.y_test, minlength=10))
        wrong = 450 - np.trace(table)
        assert run.points[epoch].test_error == pytest.approx(wrong / 450, abs=1e-15)
    assert all(value.dtype.kind in "fi" for value in state.values())
    before = state["W1"].copy()
    run.advance(2 * 1347 + 6)
    np.testing.assert_array_equal(state["W1"], before)  # a copy


BAD = [
    ("W1", lambda s: s["W1"][:-1], r"W1 must be float32 of shape \(65, 5\)"),
    ("W2", lambda s: s["W2"].astype(float), r"W2 must be float32 of shape \(6, 10\)"),
    ("W1", lambda s: s["W1"] * np.nan, "W1 must be numbers below 1e25"),
    ("step", lambda s: np.array(10**6), r"step must lie in \[0, 2694\]"),
    ("step", lambda s: np.array(-1), "step must lie in"),
    ("history", lambda s: s["history"][:1], r"history must be float64 of shape \(2, 8\)"),
    ("slopes", lambda s: s["slopes"][:, :3], r"slopes must be int64 of shape \(2, 20\)"),
    ("confusion", lambda s: None, r"confusion must be int32 of shape \(2, 10, 10\)"),
]


@pytest.mark.parametrize(("name", "changed", "says"), BAD)
def test_a_state_that_does_not_fit(name: str, changed: Any, says: str) -> None:
    spec = Spec(epochs=2, hidden=5)
    run = Training(spec)
    run.advance(1400)
    state = run.state()
    assert Training(spec, state).step == 1400
    bad = {k: v for k, v in state.items() if k != name}
    value = changed(state)
    with pytest.raises(DataError, match=f"^The state's {says}.*\\.$"):
        Training(spec, bad if value is None else bad | {name: value})


def test_the_trainer_is_known_by_name() -> None:
    spec = Spec(epochs=3, decay=1e-3, init="equal")
    assert trainers.kind_of(spec) == "two_layer"
    assert trainers.spec_of("two_layer", trainers.spelled(spec)) == spec
    names = {trainers.run_id(s) for s in (spec, Spec(epochs=3), Spec(epochs=3, direction="up"))}
    assert len(names) == 3
    costs = [trainers.cost(s) for s in (Spec(hidden=8), Spec(), Spec(data="mnist"))]
    assert costs == sorted(costs)


# What the course says.


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("hidden", [30, 64])
def test_units_that_start_equal_stay_equal(hidden: int, batch: int) -> None:
    spec = Spec(init="equal", hidden=hidden, batch=batch, epochs=2, lr=0.05)
    run = Training(spec)
    first = run.state()["W1"]
    run.advance(spec.steps)
    last = run.state()
    assert np.abs(last["W1"] - first).max() > 0.1
    np.testing.assert_array_equal(last["W1"], np.repeat(last["W1"][:, :1], hidden, 1))
    np.testing.assert_array_equal(last["W2"][1:], np.repeat(last["W2"][1:2], hidden, 0))


def test_from_zero_only_the_last_biases_move() -> None:
    run = Training(Spec(init="scale", init_scale=0.0, epochs=3))
    run.advance(10**9)
    state = run.state()
    assert not state["W1"].any()
    assert not state["W2"][1:].any()
    assert state["W2"][0].any()
    assert run.points[-1].saturated == 0


def test_down_falls_and_up_climbs() -> None:
    for direction, sign in (("down", -1), ("up", 1)):
        losses = [p.train_loss for p in two_layer.train(Spec(epochs=4, direction=direction))]
        assert (sign * np.diff(losses) > 0).all()


def test_mnist_is_trained_like_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.training import mnist

    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (70, 784)) * (rng.random((70, 784)) < 0.2) / np.float32(255)
    y = rng.integers(0, 10, 70)
    monkeypatch.setattr(mnist, "load", lambda: source.Data(X[:60], y[:60], X[60:], y[60:]))
    spec = Spec(data="mnist", hidden=5, epochs=2, dtype="float64")
    run = Training(spec)
    run.advance(10**9)
    assert run.step == 120
    found = [(p.train_loss, p.test_loss, p.test_error) for p in run.points]
    wanted = [(p.train_loss, p.test_loss, p.test_error) for p in two_layer.plain(spec)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


SEEDS = 2


@pytest.mark.slow
@pytest.mark.parametrize("name", two_layer.EXPECTED)
def test_sixty_epochs_reach_what_the_course_saw(name: str) -> None:
    case = two_layer.EXPECTED[name]
    assert case.spec.epochs == 60
    reached = []
    for seed in range(SEEDS):
        spec = Spec(**{**vars(case.spec), "seed": seed})
        *_, last = two_layer.train(spec, device="cpu")
        reached.append(1 - last.test_error)
        assert last.saturated > 0.999 or not case.saturated
    mean = sum(reached) / SEEDS
    assert case.low - case.within <= mean <= case.high + case.within, reached
