"""Where a batched program runs, and the array functions that go with it.

A batched program is written once, with functions that NumPy and torch share under one name
(``exp``, ``log``, ``where``, ``clip``, ``stack``, ``amax``, ``logaddexp``, ``@``). On the CPU these
lines run on NumPy arrays, on a GPU on torch tensors. Choosing the CPU never imports torch.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engine.params import ParamError

CHOICES = ("auto", "cpu", "cuda")
TORCH_ON_CPU = "torch-cpu"  # the GPU's lines without a GPU: what the tests compare with NumPy


def pick(device: str = "auto") -> str:
    """The device that will compute: "cpu" or "cuda". "auto" takes a GPU where there is one.

    >>> pick("cpu")
    'cpu'
    """
    if device in ("cpu", TORCH_ON_CPU):
        return device
    if device == "auto":
        return "cuda" if _cuda() else "cpu"
    if device == "cuda":
        if not _cuda():
            raise ParamError("device cuda needs a CUDA GPU and there is none; take auto or cpu.")
        return device
    raise ParamError(f"device must be one of {', '.join(CHOICES)}, got {str(device)[:40]!r}.")


def namespace(device: str) -> Any:
    """The module whose functions work on that device's arrays: numpy or torch."""
    if device == "cpu":
        return np
    import torch

    return torch


def send(values: np.ndarray, device: str) -> Any:
    """An array as the device holds it, never the caller's own memory."""
    if device == "cpu":
        return np.array(values)
    return namespace(device).tensor(values, device=_torch_name(device))


def fetch(values: Any) -> np.ndarray:
    """A device's array as NumPy's."""
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _torch_name(device: str) -> str:
    return "cpu" if device == TORCH_ON_CPU else device


def _cuda() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    driver = Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi")
    if not driver and "torch" not in sys.modules:
        return False  # the import costs three seconds and could only say no
    import torch

    return torch.cuda.is_available()
