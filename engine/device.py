"""Where a batched program runs, and the array functions that go with it.

A batched program is written once, with functions that NumPy and torch share under one name
(``exp``, ``log``, ``where``, ``clip``, ``stack``, ``amax``, ``logaddexp``, ``@``). On the CPU these
lines run on NumPy arrays, on a GPU on torch tensors. Choosing the CPU never imports torch.
Where a GPU gives out, what "auto" had sent there is computed on the CPU.
"""

import functools
import inspect
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from engine.params import ParamError

CHOICES = ("auto", "cpu", "cuda")
TORCH_ON_CPU = "torch-cpu"  # the GPU's lines without a GPU: what the tests compare with NumPy
LOST = ("CUDA error", "CUDA driver", "cuDNN error", "No CUDA GPUs", "no NVIDIA driver")
P = ParamSpec("P")
T = TypeVar("T")


class DeviceError(ParamError):
    """There is no such device, or none any more; the message is one sentence."""


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
            raise DeviceError("device cuda needs a CUDA GPU and there is none; take auto or cpu.")
        return device
    raise DeviceError(f"device must be one of {', '.join(CHOICES)}, got {str(device)[:40]!r}.")


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


def exhausted(error: BaseException) -> bool:
    """Was there not enough memory, be it NumPy, torch or a GPU that asked for it?"""
    named = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or named


def gone(error: BaseException) -> bool:
    """Is it the GPU that does not answer, and not the program that is wrong?"""
    built = str(error).startswith("Torch not compiled with CUDA")
    return built or (isinstance(error, RuntimeError) and any(word in str(error) for word in LOST))


def spared(compute: Callable[P, T]) -> Callable[P, T]:
    """``compute(..., device="auto")`` on the CPU where the GPU gives out; its result says where."""

    @functools.wraps(compute)
    def computed(*args: P.args, **more: P.kwargs) -> T:
        asked = inspect.signature(compute).bind(*args, **more)
        asked.apply_defaults()
        try:
            return compute(*args, **more)
        except Exception as error:
            given_out = gone(error) or (exhausted(error) and pick() != "cpu")
            if asked.arguments["device"] != "auto" or not given_out:
                raise
        asked.arguments["device"] = "cpu"
        return compute(*asked.args, **asked.kwargs)

    return computed


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
