"""The plain loop, the fast run and the batched program: the same numbers; and bad input."""

import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.params import ParamError
from engine.training import resnet
from engine.training.resnet import Point, Spec, Training, train, train_many
from engine.training.resnet_reference import plain
from engine.training.resnet_torch import Batched

WIDTHS = (1, 2, 3, 4, 8, 64)
TOGGLES = [
    {},
    {"evaluation": "running"},
    {"skip": False},
    {"norm": False, "lr": 0.02},
    {"protocol": "epochs", "ragged": "keep", "evaluation": "running"},
    {"protocol": "epochs", "batch": 100},
    {"batch": 1, "lr": 0.01},
    {"steps": 31, "log_every": 50},
]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rows(points) -> np.ndarray:
    return np.array([dataclasses.astuple(p) for p in points])


def alike(found, wanted, atol: float = 1e-10) -> None:
    """Losses agree; errors and steps are equal."""
    found, wanted = rows(found), rows(wanted)
    assert len(wanted) > 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)


def same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    assert [n for n in a if a[n].tobytes() != b[n].tobytes()] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_fast_run_is_the_plain_loop(width: int) -> None:
    spec = Spec(width=width, steps=60, dtype="float64", seed=width)
    wanted = list(plain(spec))
    assert [p.step for p in wanted] == [25, 50, 60]
    alike(train(spec, "cpu"), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_the_fast_run_is_the_plain_loop_for_1000_steps(width: int) -> None:
    spec = Spec(width=width, steps=1000, dtype="float64")
    alike(train(spec, "cpu"), plain(spec))


@pytest.mark.parametrize("toggles", TOGGLES, ids=str)
@pytest.mark.parametrize("width", [1, 5])
def test_three_routes_agree_with_every_toggle(width: int, toggles: dict) -> None:
    spec = Spec(**{"width": width, "steps": 20, "log_every": 7, "dtype": "float64"} | toggles)
    wanted = list(plain(spec))
    alike(train(spec, "cpu"), wanted)
    alike(train(spec, TORCH_ON_CPU), wanted)


def test_running_statistics_are_the_modules() -> None:
    """Both routes note every batch; the starter code's test set, too, goes into them."""
    for evaluation in ("batch", "running"):
        spec = Spec(width=3, steps=15, log_every=5, dtype="float64", evaluation=evaluation)
        fast, batched = Training(spec), Training(spec, device=TORCH_ON_CPU)
        fast.advance(15)
        batched.advance(15)
        ours, theirs = fast.state(), batched.state()
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert (ours[name].shape, ours[name].dtype) == (theirs[name].shape, theirs[name].dtype)
            np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-11, err_msg=name)


def test_all_seeds_at_once_are_each_alone() -> None:
    specs = [Spec(width=3, steps=40, dtype="float64", seed=seed) for seed in (0, 7, 8)]
    together = list(zip(*train_many(specs, TORCH_ON_CPU), strict=True))
    assert len(together) == 3
    for spec, points in zip(specs, together, strict=True):
        alike(points, plain(spec))


def stored(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Through a file and back, without pickle."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        return dict(found)


@settings(max_examples=12)
@given(
    st.lists(st.integers(1, 59), max_size=4, unique=True), st.sampled_from(TOGGLES),
    st.sampled_from([1, 2, 5, 16]), st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_a_run_taken_up_again_is_bit_by_bit_the_same(stops, toggles, width, dtype) -> None:
    spec = Spec(**{"width": width, "steps": 60, "log_every": 9, "dtype": dtype} | toggles)
    whole = Training(spec)
    whole.advance(60)
    run = Training(spec)
    for stop in sorted(stops):
        run.advance(stop)
        assert run.step == min(stop, spec.steps)
        run = Training(spec, stored(run.state()))
    run.advance(10**9)
    assert run.step == spec.steps
    same_bits(run.state(), whole.state())
    assert run.points == whole.points


def test_the_batched_program_is_taken_up_again() -> None:
    spec = Spec(width=2, steps=20, log_every=6)
    whole = Training(spec, device=TORCH_ON_CPU)
    whole.advance(20)
    run = Training(spec, device=TORCH_ON_CPU)
    run.advance(8)
    run = Training(spec, stored(run.state()), TORCH_ON_CPU)
    run.advance(20)
    same_bits(run.state(), whole.state())
    assert run.points == whole.points


@pytest.mark.parametrize("width", [1, 2])
def test_a_state_is_a_copy_and_stays_what_it_was(width: int) -> None:
    run = Training(Spec(width=width))
    run.advance(5)
    state = run.state()
    kept = {name: value.copy() for name, value in state.items()}
    run.advance(10)
    same_bits(state, kept)
    Training(Spec(width=width), state).advance(10)
    same_bits(state, kept)


def test_threads_do_not_disturb_one_another() -> None:
    def end(seed: int) -> Point:
        run = Training(Spec(width=4, seed=seed))
        run.advance(200)
        return run.points[-1]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(end, range(4)))
    assert together == [end(seed) for seed in range(4)]


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("name", ["stem.weight", "block.conv2.weight", "linear.bias"])
def test_a_number_that_is_none_is_not_hidden(name: str, norm: bool) -> None:
    spec = Spec(width=4, norm=norm, steps=2, log_every=1)
    state = Training(spec).state()
    state[name].flat[0] = np.nan
    run = Training(spec, state)
    run.advance(2)
    for point in run.points:
        assert np.isnan(point.train_loss)
        assert np.isnan(point.test_loss)


# Bad input.


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("width", 0), ("width", 129), ("width", 1.5), ("seed", -1), ("steps", 0), ("batch", 0),
        ("batch", 899), ("lr", -0.1), ("lr", float("nan")), ("log_every", 0), ("skip", 1),
        ("norm", None), ("protocol", "Starter"), ("dtype", "float16"), ("evaluation", "eval"),
        ("ragged", "no"),
    ],
)  # fmt: skip
def test_a_knob_out_of_its_bounds_is_named(knob: str, value) -> None:
    with pytest.raises(ParamError, match=rf"^resnet\.Spec\.{knob} must .*\.$"):
        Spec(**{knob: value})


@pytest.mark.parametrize("device", ["cpu", TORCH_ON_CPU])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stem.weight", None),
        ("stem.weight", np.zeros((3, 1, 3, 3), np.float32)),
        ("linear.bias", np.zeros(10)),
        ("block.norm1.running_var", np.zeros(3, np.float32)),
        ("history", np.zeros((2, 4))),
        ("step", np.array(99)),
        ("step", np.array(-1)),
    ],
)
def test_a_state_that_does_not_fit_is_refused(device: str, name: str, value) -> None:
    spec = Spec(width=2, steps=50)
    state = Training(spec).state()
    state.pop(name)
    if value is not None:
        state[name] = value
    with pytest.raises(DataError, match=rf"^The state's {name} must .*\.$"):
        Training(spec, state, device)


def test_an_unknown_device_or_name_is_refused() -> None:
    with pytest.raises(ParamError, match=r"^device must be one of"):
        Training(Spec(), device="tpu")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = resnet.nothing


def test_only_seeds_may_differ_in_a_batched_program() -> None:
    with pytest.raises(ParamError, match="nothing but the seed"):
        Batched([Spec(width=1), Spec(width=2)], device=TORCH_ON_CPU)
    with pytest.raises(ParamError, match="nothing but the seed"):
        Batched([], device=TORCH_ON_CPU)
    spec = Spec(steps=9)
    ahead, behind = Training(spec), Training(spec)
    ahead.advance(3)
    with pytest.raises(ParamError, match="the same step"):
        Batched([spec, spec], [ahead.state(), behind.state()], TORCH_ON_CPU)
