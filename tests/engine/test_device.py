"""Choosing a device, and carrying arrays to it and back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import device
from engine.params import ParamError


def test_the_cpu_is_numpy():
    assert device.pick("cpu") == "cpu"
    assert device.namespace("cpu") is np


def test_the_other_lines_can_run_on_the_cpu():
    import torch

    name = device.pick(device.TORCH_ON_CPU)
    assert device.namespace(name) is torch
    assert device.send(np.ones(2), name).device.type == "cpu"


@pytest.mark.parametrize("there", [True, False])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, there):
    monkeypatch.setattr(device, "_cuda", lambda: there)
    assert device.pick("auto") == ("cuda" if there else "cpu")


def test_cuda_is_refused_where_there_is_none(monkeypatch):
    monkeypatch.setattr(device, "_cuda", lambda: False)
    with pytest.raises(ParamError, match=r"^device cuda needs a CUDA GPU and there is none; take"):
        device.pick("cuda")
    monkeypatch.setattr(device, "_cuda", lambda: True)
    assert device.pick("cuda") == "cuda"


@pytest.mark.parametrize("name", ["", "gpu", "CPU", "x" * 500])
def test_any_other_name_is_refused(name):
    with pytest.raises(ParamError, match=r"^device must be one of auto, cpu, cuda, got '") as error:
        device.pick(name)
    assert len(str(error.value)) < 100


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_are_not_used(monkeypatch, hidden):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert device.pick("auto") == "cuda"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert device.pick("auto") == "cpu"


@pytest.mark.parametrize("name", ["cpu", device.TORCH_ON_CPU])
def test_arrays_come_back_as_they_went_and_are_copies(name):
    values = np.arange(6.0).reshape(2, 3)
    there = device.send(values, name)
    there[0, 0] = 9
    assert values[0, 0] == 0
    back = device.fetch(there)
    assert isinstance(back, np.ndarray)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, [[9, 1, 2], [3, 4, 5]])


def test_without_a_driver_auto_does_not_import_torch():
    code = (
        "import os, sys; os.environ['CUDA_VISIBLE_DEVICES'] = '-1'; from engine import device;"
        "assert device.pick('auto') == 'cpu'; device.send(__import__('numpy').ones(1), 'cpu');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# A GPU that gives out.


class AcceleratorError(RuntimeError):
    """As torch's own, which a build for the CPU may lack."""


class OutOfMemoryError(RuntimeError):
    """As torch's own."""


def test_memory_that_lacks_and_a_gpu_that_is_gone_are_told_from_mistakes():
    memory = (
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((9,), np.dtype(float)),  # type: ignore[attr-defined]
        OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    )
    lost = (
        AcceleratorError("CUDA error: unspecified launch failure"),
        RuntimeError("No CUDA GPUs are available"),
        RuntimeError("Found no NVIDIA driver on your system."),
        AssertionError("Torch not compiled with CUDA enabled"),
    )
    mistakes = (ValueError("CUDA error"), RuntimeError("shapes differ"), AssertionError(""))
    assert [device.exhausted(e) for e in (*memory, *lost, *mistakes)] == [True] * 4 + [False] * 7
    assert [device.gone(e) for e in (*memory, *lost, *mistakes)] == (
        [False] * 4 + [True] * 4 + [False] * 3
    )


@pytest.mark.parametrize("error", [MemoryError(), AcceleratorError("CUDA error: lost")], ids=str)
def test_auto_goes_on_on_the_cpu_and_whoever_asked_for_the_gpu_is_told(monkeypatch, error):
    def compute(device="auto"):
        where = device_pick(device)
        if where == "cuda":
            raise error
        return where

    device_pick = device.pick
    monkeypatch.setattr(device, "_cuda", lambda: True)
    assert device.spared(compute)() == "cpu"
    with pytest.raises(type(error)):
        device.spared(compute)("cuda")


def test_a_gpu_that_is_no_longer_listed_is_gone_too(monkeypatch):
    listed = iter([True, False, False])
    monkeypatch.setattr(device, "_cuda", lambda: next(listed))

    def compute(device="auto"):
        if device_pick(device) == "cuda":
            raise AcceleratorError("CUDA error: lost")
        return "cpu"

    device_pick = device.pick
    assert device.spared(compute)() == "cpu"


def test_a_mistake_is_not_tried_again_on_the_cpu(monkeypatch):
    tried = []

    def compute(device="auto"):
        tried.append(device)
        raise ValueError("wrong")

    monkeypatch.setattr(device, "_cuda", lambda: True)
    with pytest.raises(ValueError, match="wrong"):
        device.spared(compute)()
    assert tried == ["auto"]


def test_every_door_that_takes_a_gpu_by_itself_goes_on_without_it(monkeypatch):
    """The driver says that there is one; torch finds none once an array is sent there."""
    from engine.clusters import quantise
    from engine.mixtures import bernoulli, coins, gaussian, ppca

    cloud, rows = [[0, 0], [1, 2], [4, 3], [5, 1.5]], [[1, 0], [0, 1], [1, 1]]
    doors = {
        "basins": lambda **on: coins.basins([5, 9], 10, grid=5, steps=3, **on),
        "coins": lambda **on: coins.restarts([5, 9], 10, coins.Params(), 4, **on),
        "bernoulli": lambda **on: bernoulli.restarts(rows, bernoulli.Params(components=2), 3, **on),
        "gaussian": lambda **on: gaussian.restarts(cloud, gaussian.Params(components=2), 3, **on),
        "ppca": lambda **on: ppca.restarts(cloud, ppca.Params(steps=3), 3, **on),
        "quantise": lambda **on: quantise.run(quantise.Params(k=2, steps=2), **on).made,
    }
    monkeypatch.setattr(device, "_cuda", lambda: True)
    monkeypatch.setattr(device, "_torch_name", lambda _: "cuda:99")
    for name, door in doors.items():
        assert door().device == "cpu", name
        with pytest.raises((AssertionError, RuntimeError)) as caught:
            door(device="cuda")
        assert device.gone(caught.value), name
