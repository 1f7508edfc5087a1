"""The two-layer network: gradients, the kernel against torch, budgets, pictures."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.data import DataError
from engine.digits import digits
from engine.params import ParamError
from engine.training import two_layer
from engine.training import two_layer_data as source
from engine.training.two_layer import Point, Spec, Training, budget, rates
from engine.training.two_layer_data import Data
from engine.training.two_layer_fast import Network

FIELDS = tuple(Point.__annotations__)


def table(points: list[Point]) -> np.ndarray:
    return np.array([[getattr(point, name) for name in FIELDS] for point in points])


def finished(spec: Spec, **others: Any) -> Any:
    run = Training(spec, **others)
    run.advance(10**9)
    return run


@pytest.fixture
def case(golden: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in golden["s002.2"].items()}


def worked(case: dict[str, np.ndarray], direction: str) -> Any:
    X, labels = case["X"], case["Y"].argmax(axis=1)
    spec = Spec(batch=3, hidden=2, lr=0.1, direction=direction)
    data = Data(X, labels, X, labels, classes=2)
    return two_layer.gradients(spec, data, (case["W1"], case["W2"]))


# Gradients.


def test_the_kernel_takes_the_gradients_of_the_worked_example(case: dict[str, np.ndarray]) -> None:
    found = worked(case, "down")
    for taken, name in zip(found.taken, ("dW1", "dW2"), strict=True):
        np.testing.assert_allclose(taken, case[name], atol=1e-14)
    assert found.loss == pytest.approx(case["loss"], abs=1e-12)
    assert found.loss_after == pytest.approx(case["loss_after_step_0p1"], abs=1e-12)
    assert found.loss_after == pytest.approx(3.706350651121, abs=1e-12)


def test_the_printed_sign_climbs(case: dict[str, np.ndarray]) -> None:
    found = worked(case, "up")
    for taken, name in zip(found.taken, ("dW1", "dW2"), strict=True):
        np.testing.assert_allclose(taken, -case[name], atol=1e-14)
    assert found.loss_after == pytest.approx(4.10600, abs=5e-6)


@pytest.mark.parametrize(
    "spec",
    [
        Spec(),
        Spec(batch=17, hidden=5, init="scale", init_scale=0.3),
        Spec(batch=4, hidden=33, init="equal", seed=2),
        Spec(batch=2, init="scale", init_scale=30.0),
        Spec(hidden=1, init="scale", init_scale=0.0),
    ],
)
def test_three_methods_agree_on_the_first_gradients(spec: Spec) -> None:
    found = two_layer.gradients(spec)
    assert np.isfinite(found.loss)
    for layer, name in enumerate(("W1", "W2")):
        taken, wanted = found.taken[layer], found.autograd[layer]
        assert taken.shape == wanted.shape
        np.testing.assert_allclose(taken, wanted, rtol=1e-12, atol=1e-13, err_msg=name)
        at = tuple(found.entries[layer].T)
        np.testing.assert_allclose(found.differences[layer], wanted[at], rtol=1e-9, atol=1e-9)
    assert np.abs(found.autograd[1]).max() > 0.1
    assert len({tuple(place) for place in found.entries[0]}) == 12


# The kernel is the plain loop.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden": 30, "batch": 7, "lr": 0.05, "epochs": 6},
        {"decay": 1e-3, "init": "scale", "init_scale": 1.0},
        {"decay": 0.5, "decay_unit": "epoch", "batch": 100, "lr": 1e-3, "epochs": 20},
        {"direction": "up", "lr": 1e-3, "seed": 9},
    ],
)
def test_the_kernel_is_the_plain_loop(changes: dict[str, Any]) -> None:
    spec = Spec(**{"dtype": "float64", "epochs": 1, **changes})
    assert spec.batch > 1 or spec.steps > 1000
    wanted, found = table(list(two_layer.plain(spec))), table(finished(spec).points)
    assert len(found) == spec.epochs + 1
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


def test_torch_on_a_device_takes_the_same_steps() -> None:
    spec = Spec(dtype="float64", epochs=2, batch=5, hidden=20, init="scale", init_scale=0.4)
    here, there = finished(spec).state(), finished(spec, device="torch-cpu").state()
    assert here.keys() == there.keys()
    for name in here:
        assert (here[name].dtype, here[name].shape) == (there[name].dtype, there[name].shape)
        np.testing.assert_allclose(here[name], there[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_float32_stays_near_float64() -> None:
    narrow, wide = (table(finished(Spec(epochs=1, dtype=d)).points) for d in ("float32", "float64"))
    np.testing.assert_allclose(narrow[:, 3:5], wide[:, 3:5], rtol=2e-5)


def test_a_pass_over_any_pictures_is_torchs() -> None:
    """Signs, zeros, a picture without a pixel, numbers of hidden units that fill no vector."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 11)) * (rng.random((40, 11)) < 0.4)
    X[3] = 0
    y = rng.integers(0, 3, 40)
    W1, W2 = rng.normal(size=(12, 13)), rng.normal(size=(14, 3))
    network = Network(W1, W2, Data(X, y, X[:9], y[:9], classes=3), 1)
    seen = network.look()
    ones, codes = np.ones((40, 1)), torch.eye(3, dtype=torch.float64)[y]
    H = np.tanh(np.hstack([ones, X]) @ W1)
    Z = torch.from_numpy(np.hstack([ones, H]) @ W2)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(Z, codes, reduction="none").sum(1)
    assert seen.train_loss == pytest.approx(float(loss.mean()), rel=1e-13)
    assert seen.test_loss == pytest.approx(float(loss[:9].mean()), rel=1e-13)
    wanted = np.zeros((3, 3))
    np.add.at(wanted, (y[:9], Z.argmax(1).numpy()[:9]), 1)
    np.testing.assert_array_equal(seen.confusion, wanted)
    slopes = 1 - H[:9] ** 2
    np.testing.assert_array_equal(seen.slopes, np.histogram(slopes, 20, (0, 1))[0])
    assert seen.saturated == (slopes < 0.01).mean()


def test_the_tanh_of_float32() -> None:
    x = np.concatenate([np.geomspace(1e-30, 1e30, 3000), np.linspace(0.5, 10, 4000), [0]])
    x = np.concatenate([x, -x]).astype(np.float32)
    W1, W2 = np.stack([0 * x, x]), np.zeros((len(x) + 1, 1), np.float32)
    one, label = np.ones((1, 1), np.float32), np.zeros(1, int)
    network = Network(W1, W2, Data(one, label, one, label, classes=1), 1)
    network.look()
    wanted = np.tanh(x.astype(float))
    found = network.space.h[0]
    np.testing.assert_allclose(found, wanted, rtol=4e-7, atol=1e-44)
    np.testing.assert_array_equal(np.abs(found[np.abs(x) > 10]), 1)


def test_nothing_overflows_whatever_is_set() -> None:
    spec = Spec(lr=100.0, init="scale", init_scale=1000.0, direction="up", epochs=3, hidden=9)
    X = 1000 * np.sign(np.random.default_rng(0).normal(size=(300, 5)))
    y = np.arange(300) % 10
    run = finished(spec, data=Data(X, y, X, y))
    assert np.isfinite(table(run.points)).all()
    assert all(np.isfinite(run.state()[name]).all() for name in ("W1", "W2"))
    assert run.points[-1].train_loss > 1e4


# Learning rates.


@given(
    lr=st.floats(0, 100),
    decay=st.one_of(st.just(0.0), st.floats(1e-6, 1)),
    unit=st.sampled_from(["step", "epoch"]),
    step=st.integers(0, 3000),
    batch=st.integers(1, 700),
)
def test_what_is_spent_is_the_sum_of_the_rates(
    lr: float, decay: float, unit: str, step: int, batch: int
) -> None:
    spec = Spec(lr=lr, decay=decay, decay_unit=unit, batch=batch)
    found = budget(spec)
    each = rates(spec, np.arange(step), spec.epoch_steps)
    assert found.spent(step) == pytest.approx(math.fsum(each), rel=1e-9, abs=1e-300)
    assert found.spent(step) <= found.total * (1 + 1e-9)


@pytest.mark.parametrize(("lr", "reach"), [(1e-3, 1.0005), (1e-4, 0.10005)])
def test_the_reach_of_decaying_steps(lr: float, reach: float) -> None:
    found = budget(Spec(lr=lr, decay=1e-3))
    assert found.total == pytest.approx(reach, rel=1e-6)
    assert found.spent(10**6) == pytest.approx(found.total, rel=1e-12)
    by_epoch = budget(Spec(lr=lr, decay=1e-3, decay_unit="epoch"))
    assert by_epoch.total == pytest.approx(1347 * reach, rel=1e-6)


def test_the_half_life() -> None:
    assert round(budget(Spec(decay=1e-3)).half_life) == 693
    assert round(budget(Spec(decay=1e-5)).half_life) == 69_315
    assert budget(Spec(decay=0.0)).half_life == budget(Spec(decay=0.0)).total == math.inf
    spec = Spec(decay=math.log(2) / 3, decay_unit="epoch", batch=10)
    assert budget(spec).half_life == pytest.approx(3 * 135)
    np.testing.assert_allclose(rates(spec, np.array([0, 404, 405, 810]), 135) / spec.lr,
                               [1, 0.5 ** (2 / 3), 0.5, 0.25])  # fmt: skip


def test_steps_are_counted_with_the_last_small_batch() -> None:
    assert Spec().steps == 60 * 1347
    assert Spec(batch=1024, epochs=5).steps == 5 * 2
    assert Spec(data="mnist", batch=128, epochs=1).steps == 469
    with pytest.raises(ParamError, match=r"Spec\.hidden must lie in \[1, 1024\]"):
        Spec(hidden=0)


# Data and pictures.


def test_the_split_is_of_all_digits_and_drawn_by_the_seed() -> None:
    images, labels = digits()
    data = source.load(Spec(seed=5))
    assert (data.X.shape, data.X_test.shape) == ((1347, 64), (450, 64))
    assert data.X.min() == 0
    assert data.X.max() == 1
    found = [*zip(data.X.tolist(), data.y, strict=True)]
    found += zip(data.X_test.tolist(), data.y_test, strict=True)
    wanted = zip((images.reshape(-1, 64) / 16).tolist(), labels, strict=True)
    assert sorted(found) == sorted(wanted)
    assert not np.array_equal(data.y, source.load(Spec(seed=6)).y)


def test_every_epoch_sees_every_picture_once_in_an_order_of_its_own() -> None:
    orders = [source.order(Spec(seed=3), epoch, 1347) for epoch in range(4)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(1347))
    assert len({order.tobytes() for order in orders}) == 4
    np.testing.assert_array_equal(orders[2], source.order(Spec(seed=3), 2, 1347))


def test_starting_weights_are_normal() -> None:
    W1, W2 = source.weights(Spec(hidden=500, init="scale", init_scale=3.0, dtype="float64"), 784)
    for W in (W1, W2):
        z = np.sort(W.ravel()) / 3
        assert abs(z.mean()) < 4 / math.sqrt(z.size)
        share = (np.arange(z.size) + 0.5) / z.size
        normal = torch.special.ndtr(torch.from_numpy(z)).numpy()
        assert np.abs(normal - share).max() < 2 / math.sqrt(z.size)  # Kolmogorov and Smirnov
    assert abs(np.corrcoef(W1.ravel()[:5000], W2.ravel()[:5000])[0, 1]) < 0.06
    V1, V2 = source.weights(Spec(hidden=500, init="fan_in", dtype="float64"), 784)
    np.testing.assert_allclose(V1, W1 / 3 / math.sqrt(785), rtol=1e-14)
    np.testing.assert_allclose(V2, W2 / 3 / math.sqrt(501), rtol=1e-14)


def test_what_it_gets_wrong_and_how_surely() -> None:
    spec = Spec(epochs=2)
    run, data = finished(spec), source.load(spec)
    state = run.state()
    found = two_layer.mistaken(state, data)
    outputs = []
    for x in data.X_test:  # one picture at a time, by the formulas
        h = np.tanh(np.array([1, *x]) @ state["W1"].astype(float))
        outputs.append(1 / (1 + np.exp(-np.array([1, *h]) @ state["W2"].astype(float))))
    said = np.argmax(outputs, axis=1)
    wrong = {i for i in range(450) if said[i] != data.y_test[i]}
    assert len(found) == len(wrong) == round(450 * run.points[-1].test_error)
    assert set(found.index.tolist()) == wrong
    for k, i in enumerate(found.index):
        np.testing.assert_array_equal(found.pictures[k].ravel(), data.X_test[i])
        assert (found.truth[k], found.said[k]) == (data.y_test[i], said[i])
        assert found.sure[k] == pytest.approx(outputs[i].max(), rel=1e-9)
        assert found.truly[k] == pytest.approx(outputs[i][data.y_test[i]], rel=1e-9)
    assert (np.diff(found.sure) <= 1e-12).all()


def test_first_layer_weights_as_pictures() -> None:
    W1 = np.arange(65 * 3.0).reshape(65, 3)
    found = two_layer.first_layer({"W1": W1})
    assert found.shape == (3, 8, 8)
    assert found[2, 1, 4] == W1[1 + 8 + 4, 2]
    assert two_layer.first_layer({"W1": np.zeros((785, 2))}).shape == (2, 28, 28)


GOOD = {
    "X": np.zeros((3, 4)),
    "y": np.arange(3),
    "X_test": np.zeros((2, 4)),
    "y_test": np.arange(2),
}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("X", np.zeros(4), "X must be rows of numbers"),
        ("X_test", np.zeros((0, 4)), "X_test must be rows of numbers"),
        ("X", np.zeros((3, 4), "U1"), "X must be rows of numbers"),
        ("y", np.arange(4), "y must be a whole number for each of 3 pictures"),
        ("y_test", np.array([0.0, 1.0]), "y_test must be a whole number"),
        ("X", np.full((3, 4), np.nan), r"X must be numbers in \[-1000, 1000\]"),
        ("X_test", np.full((2, 4), -1001), "X_test must be numbers in"),
        ("y", np.array([0, 1, 10]), r"y must lie in \[0, 9\]"),
        ("y_test", np.array([-1, 1]), "y_test must lie in"),
        ("X", np.zeros((3, 5)), "X and X_test must have as many pixels"),
    ],
)
def test_data_that_cannot_be_used(name: str, value: np.ndarray, says: str) -> None:
    assert len(Data(**GOOD).X) == 3
    with pytest.raises(DataError, match=f"^{says}.*\\.$"):
        Data(**{**GOOD, name: value})


def test_the_fast_path_needs_no_torch() -> None:
    code = (
        "import sys; from engine.training.two_layer import Spec, Training; "
        "assert not {'numba', 'torch'} & set(sys.modules); "
        "Training(Spec(hidden=2, batch=500)).advance(3); assert 'torch' not in sys.modules"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
