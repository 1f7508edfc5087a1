"""The ResNet of the channel sweep: golden block, gradients, theorems, data and draws."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from engine.digits import digits as all_digits
from engine.training import resnet_draws as draws
from engine.training.resnet import Spec, Training, ledger
from engine.training.resnet_fast import Run
from engine.training.resnet_products import drop, lift, multiply, outer, tapped, untapped
from engine.training.resnet_reference import Block, bias_gradient, digits, initial

WIDTHS = (1, 2, 3, 4, 6, 8)


def exact(**knobs) -> Spec:
    return Spec(dtype="float64", **knobs)


def slopes(spec: Spec, state=None) -> tuple[dict[str, np.ndarray], float]:
    """The fast run's gradients by every parameter at its first batch, and the loss there."""
    run = Run(Spec(**{**vars(spec), "lr": 0.0, "log_every": 1}), state)
    run.advance(1)
    before = run.theta
    run.theta = run.slope
    found = run.state()
    run.theta = before
    return found, run.points[0].train_loss


def loss_of(network, spec: Spec) -> torch.Tensor:
    X, y, _, _ = digits(spec)
    rows = draws.batch(spec, 0)
    return F.cross_entropy(network(X[rows]), y[rows])


# Hand-worked.


def test_the_block_is_the_golden_one(golden) -> None:
    case = golden["s001.3.block"]
    block = Block(1).double()
    with torch.no_grad():
        for k in (1, 2):
            getattr(block, f"conv{k}").weight.copy_(
                torch.tensor([[case[f"k{k}"]]], dtype=torch.float64)
            )
            norm = getattr(block, f"norm{k}")
            norm.weight.fill_(case[f"bn{k}"][0])
            norm.bias.fill_(case[f"bn{k}"][1])
    x = torch.tensor(case["x"], dtype=torch.float64)[:, None].requires_grad_()
    y = block(x)
    (y**2).sum().div(2).backward()
    np.testing.assert_allclose(y[:, 0].detach(), case["y"], rtol=0, atol=1e-12)
    assert float((y.detach() ** 2).sum() / 2) == pytest.approx(case["L"], rel=1e-12)
    np.testing.assert_allclose(block.conv1.weight.grad[0, 0], case["dk1"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(block.conv2.weight.grad[0, 0], case["dk2"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(x.grad[:, 0], case["dx"], rtol=0, atol=1e-11)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 64])
def test_parameters_are_counted(width: int) -> None:
    counted = sum(p.numel() for p in initial(Spec(width=width)).parameters())
    assert counted == sum(row[2] for row in ledger(width)) == 18 * width**2 + 25 * width + 10
    assert Run(Spec(width=width)).theta.size == counted


def test_the_ledger_has_the_shapes_of_the_module() -> None:
    network, seen = initial(Spec(width=3)), {}
    for name, layer in network.named_modules():
        layer.register_forward_hook(
            lambda _, __, out, name=name: seen.__setitem__(name, tuple(out.shape[1:]))
        )
    network(torch.zeros(5, 1, 8, 8))
    rows = ledger(3)
    found = [seen[n] for n in ("stem", "norm", "block.conv1", "block.norm1", "block", "linear")]
    assert found == [rows[k][1] for k in (0, 1, 3, 4, 7, 9)]


# Gradients.


@pytest.mark.parametrize("width", [*WIDTHS, 17])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nine_products_are_the_padded_convolution(width: int, dtype: str) -> None:
    rng, N, C = np.random.default_rng(width), 21, width
    x, k, g = (rng.normal(size=s) for s in ((C, 4, N), (9, C, C), (C, 4, N)))
    x, k, g = x.astype(dtype), k.astype(dtype), g.astype(dtype)
    u, m, w, y, e, back = (
        np.full(s, np.nan, dtype)
        for s in ((9, C, N), (9, C, N), (9, C, C), (C, 4, N), (C, 4, N), (9, C, C))
    )
    tapped(k, w)
    lift(x, u, False)
    multiply(w, False, u, m)
    drop(m, y, False)
    lift(g, m, True)
    products = np.empty_like(w)
    outer(m, u, products)
    untapped(products, back)
    multiply(w, True, m, u)
    drop(u, e, True)

    maps = torch.tensor(x.reshape(C, 2, 2, N).transpose(3, 0, 1, 2)).double().requires_grad_()
    taps = torch.tensor(k.reshape(3, 3, C, C).transpose(2, 3, 0, 1)).double().requires_grad_()
    out = F.conv2d(maps, taps, padding=1)
    out.backward(torch.tensor(g.reshape(C, 2, 2, N).transpose(3, 0, 1, 2)).double())
    close = {"rtol": 0, "atol": (1e-12 if dtype == "float64" else 2e-5) * math.sqrt(width * N)}

    def flat(maps: torch.Tensor) -> np.ndarray:
        return maps.detach().numpy().transpose(1, 2, 3, 0).reshape(C, 4, N)

    np.testing.assert_allclose(y, flat(out), **close)
    np.testing.assert_allclose(e, flat(maps.grad), **close)
    wanted = taps.grad.numpy().transpose(2, 3, 0, 1).reshape(9, C, C)
    np.testing.assert_allclose(back, wanted, **close)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("skip", "norm"), [(True, True), (False, True), (True, False)])
def test_every_gradient_of_a_step_is_autograds(width: int, skip: bool, norm: bool) -> None:
    spec = exact(width=width, skip=skip, norm=norm, seed=width)
    state = Run(spec).state()
    rng = np.random.default_rng(width)
    for name in ("norm", "block.norm1", "block.norm2"):  # scales of either sign
        if norm:
            state[f"{name}.weight"] = rng.normal(size=width)
            state[f"{name}.bias"] = rng.normal(size=width)
    found, loss = slopes(spec, state)
    network = initial(spec)
    network.load_state_dict(
        {n: torch.tensor(v) for n, v in state.items() if n in network.state_dict()}, strict=False
    )
    wanted = loss_of(network, spec)
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), abs=1e-13)
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(found[name], parameter.grad, rtol=0, atol=1e-12, err_msg=name)


def test_every_gradient_of_a_step_is_the_central_difference() -> None:
    spec, h = exact(width=1, seed=2), 1e-6
    found, _ = slopes(spec)
    network = initial(spec)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            flat, rises = parameter.view(-1), []
            for k in range(flat.numel()):
                kept = float(flat[k])
                sides = []
                for side in (h, -h):
                    flat[k] = kept + side
                    sides.append(float(loss_of(network, spec)))
                flat[k] = kept
                rises.append((sides[0] - sides[1]) / (2 * h))
            np.testing.assert_allclose(
                found[name].reshape(-1), rises, rtol=0, atol=1e-8, err_msg=name
            )


# Theorems.


def loss_at(run: Run, rows: np.ndarray) -> float:
    run._run(np.ascontiguousarray(rows)[None], train=True)
    return run._judged(run.data[2], rows)[0]


@given(st.integers(0, 2**32), st.sampled_from(WIDTHS))
def test_the_order_of_a_batch_does_not_matter(seed: int, width: int) -> None:
    run, rng = Run(exact(width=width, lr=0.0, batch=37)), np.random.default_rng(seed)
    rows = rng.permutation(898)[:37]
    assert loss_at(run, rows) == pytest.approx(loss_at(run, rng.permutation(rows)), abs=1e-12)


@given(st.floats(10, 1000), st.sampled_from(["stem", "block.conv1", "block.conv2"]))
def test_the_scale_of_a_convolution_before_a_norm_does_not_matter(scale: float, name: str) -> None:
    spec = exact(width=3, lr=0.0)
    rows, losses = draws.batch(spec, 0), []
    for factor in (1e3, 1e3 * scale):  # large, so that epsilon is nothing beside the variance
        state = Run(spec).state()
        state[f"{name}.weight"] *= factor
        losses.append(loss_at(Run(spec, state), rows))
    assert losses[0] == pytest.approx(losses[1], abs=1e-9)


@pytest.mark.parametrize("width", [1, 4, 64])
def test_a_bias_before_a_norm_has_no_gradient(width: int) -> None:
    by_bias, by_weight = bias_gradient(exact(width=width))
    assert by_bias < 1e-13
    assert by_weight > 1e-3


@given(st.integers(0, 2**31 - 1), st.sampled_from(WIDTHS))
def test_a_network_that_says_nothing_loses_ln_10(seed: int, width: int) -> None:
    spec = exact(width=width, seed=seed, lr=0.0, log_every=1)
    state = Run(spec).state()
    state["linear.weight"][:] = 0
    state["linear.bias"][:] = 3
    run = Run(spec, state)
    run.advance(1)
    assert run.points[0].train_loss == pytest.approx(math.log(10), abs=1e-13)
    assert run.points[0].test_loss == pytest.approx(math.log(10), abs=1e-13)


def test_float32_follows_float64_for_a_while() -> None:
    ends = []
    for dtype in ("float32", "float64"):
        run = Training(Spec(width=4, dtype=dtype, log_every=5))
        run.advance(10)
        ends.append([run.points[-1].train_loss, run.points[-1].test_loss])
    np.testing.assert_allclose(*ends, rtol=1e-5)


# The course's result: mean and standard deviation over eight seeds (DESIGN section 7).

RESULTS = [(1, 1.78, 0.07, 0.702), (2, 1.22, 0.12, 0.421), (4, 0.604, 0.06, 0.144)]


@pytest.mark.parametrize(("width", "loss", "spread", "error"), RESULTS)
def test_the_experiment_ends_where_the_courses_did(width, loss, spread, error) -> None:
    ends = []
    for seed in range(8):
        run = Training(Spec(width=width, seed=seed))
        run.advance(4000)
        ends.append((run.points[-1].test_loss, run.points[-1].test_error))
    mean_loss, mean_error = np.mean(ends, axis=0)
    assert mean_loss == pytest.approx(loss, abs=2 * spread)
    assert mean_error == pytest.approx(error, abs=0.06)


# Data and draws.


def test_the_split_has_every_digit_once() -> None:
    images, labels = all_digits()
    X, y, X_test, y_test = digits(Spec(seed=5))
    assert (X.shape, X_test.shape) == ((898, 1, 8, 8), (899, 1, 8, 8))
    assert X.dtype == torch.float32
    assert float(max(X.max(), X_test.max())) == 1.0
    both = np.concatenate([X, X_test]).reshape(-1, 64) * 16
    rows = np.column_stack([both, np.concatenate([y, y_test])])
    wanted = np.column_stack([images.reshape(-1, 64), labels])
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(wanted, axis=0))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, wanted))
    assert (digits(Spec(seed=6))[1] != y).any()


def test_swaps_choose_every_order_equally_often() -> None:
    words = [(2 * i + 1) << 62 for i in range(2)], [((2 * i + 1) << 63) // 3 for i in range(3)]
    orders = [
        tuple(draws.chosen(np.array([a, b], np.uint64), 3).tolist())
        for a, b in product(words[1], words[0])
    ]
    assert sorted(orders) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.integers(1, 898))
def test_a_batch_has_no_picture_twice(seed: int, i: int, size: int) -> None:
    rows = draws.batch(Spec(seed=seed, batch=size), i)
    assert len(set(rows.tolist())) == size
    assert rows.min() >= 0
    assert rows.max() < 898


@pytest.mark.parametrize(("ragged", "sizes"), [("drop", [128] * 7), ("keep", [128] * 7 + [2])])
def test_an_epoch_sees_each_picture_once(ragged: str, sizes: list[int]) -> None:
    spec = Spec(protocol="epochs", ragged=ragged)
    for epoch in (0, 3):
        first = epoch * len(sizes)
        rows = [draws.batch(spec, i) for i in range(first, first + len(sizes))]
        assert [len(r) for r in rows] == sizes
        assert len(set(np.concatenate(rows).tolist())) == sum(sizes)
    assert (draws.batch(spec, 0) != draws.batch(spec, len(sizes))).any()


@given(
    st.integers(0, 2**31 - 1), st.integers(0, 10**5), st.sampled_from(["starter", "epochs"]),
    st.sampled_from(["drop", "keep"]), st.integers(1, 898),
)  # fmt: skip
def test_machine_code_draws_what_numpys_philox_says(seed, first, protocol, ragged, size) -> None:
    spec = Spec(seed=seed, protocol=protocol, ragged=ragged, batch=size)
    found = [row for rows in draws.batches(spec, first, first + 9) for row in rows]
    wanted = [draws.batch(spec, i) for i in range(first, first + 9)]
    assert [r.tolist() for r in found] == [r.tolist() for r in wanted]


def test_starting_weights_are_torchs() -> None:
    """Uniform within ±1 / √inputs, as torch's own layers; another seed, other weights."""
    network, other = initial(Spec(width=64)), initial(Spec(width=64, seed=1))
    for name, inputs in (("stem", 9), ("block.conv1", 576), ("block.conv2", 576), ("linear", 64)):
        for kind in ("weight", "bias") if name == "linear" else ("weight",):
            values = network.get_parameter(f"{name}.{kind}").detach().numpy().reshape(-1)
            assert np.abs(values).max() <= 1 / math.sqrt(inputs)
            if values.size > 100:
                at = np.sort(values) * math.sqrt(inputs)
                even = np.linspace(-1, 1, values.size)
                assert np.abs(at - even).max() < 4 / math.sqrt(values.size)
            assert (values != other.get_parameter(f"{name}.{kind}").detach().numpy().ravel()).all()
    for norm in (network.norm, network.block.norm1, network.block.norm2):
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()
