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
