"""Watches operations as a GPU would have to run them, and trains small models for that."""

from __future__ import annotations

import linecache
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Self

import accelerate
import timm
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganzoo.data import Loader
from ganzoo.registry import installed
from ganzoo.registry.records import field_names
from ganzoo.testing.subject import Subject
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State, make_state
from helpers import narrow

WAITING = {
    "_local_scalar_dense", "nonzero", "masked_select", "equal", "allclose", "is_nonzero", "bincount", "histc",
    "_unique", "_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive", "_linalg_check_errors",
}  # fmt: skip
"""Operations of whose result the CPU has to know a value or the size; ``item()`` and ``bool()`` are the first."""
INDEXING = {"index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put"}
READING = {Tensor.tolist, Tensor.numpy, Tensor.__array__, Tensor.cpu}
"""Calls that are no operation where the tensor is on the CPU."""
MAKING = {torch.tensor, torch.as_tensor, torch.asarray, Tensor.new_tensor}
"""Calls that copy what is no tensor to the device, and wait for that."""
CHECKED_ON_A_CPU_ALONE = ("F.one_hot(",)
"""Calls that look at their values on a CPU, and on a GPU do not."""
LIBRARIES = tuple(str(Path(module.__file__).parent) for module in (torch, accelerate, timm))


class Waits:
    """Lists what waits for the device, and what mixes its tensors with others; each with the line that caused it.

    Args:
        device: its type. ``"cpu"`` takes every tensor for one on the device.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.found: list[str] = []
        self._modes = _Operations(self, device), _Calls(self, device)

    def __enter__(self) -> Self:
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    def add(self, problem: str) -> None:
        """Add a problem of the innermost line of Python that belongs to no library."""
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith((*LIBRARIES, __file__)):
            frame = frame.f_back
        path, number = frame.f_code.co_filename, frame.f_lineno
        line = linecache.getline(path, number).strip()
        if not any(call in line for call in CHECKED_ON_A_CPU_ALONE):
            self.found.append(f"{problem}: {path}:{number}: {line}")


class _Operations(TorchDispatchMode):
    """What PyTorch executes, in a backward pass too."""

    def __init__(self, waits: Waits, device: str) -> None:
        super().__init__()
        self.waits, self.device = waits, device

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        devices = {tensor.device.type for tensor in tensors}
        name = operation.overloadpacket.__name__
        if name in {"_to_copy", "copy_"}:
            devices.add(torch.device(kwargs.get("device") or args[0].device).type)
            if len(devices) > 1 and not kwargs.get("non_blocking", len(args) > 2 and args[2]):
                self.waits.add(f"{operation} waits")
        elif len(devices) > 1:
            self.waits.add(f"{operation} mixes {' and '.join(sorted(devices))}")
        elif self.device in devices and _waits(name, args, kwargs):
            self.waits.add(f"{operation} waits")
        return operation(*args, **kwargs)


def _waits(name: str, args: tuple, kwargs: dict) -> bool:
    if name in INDEXING:
        return any(isinstance(index, Tensor) and index.dtype in {torch.bool, torch.uint8} for index in args[1])
    return name in WAITING or (name == "repeat_interleave" and kwargs.get("output_size") is None)


class _Calls(TorchFunctionMode):
    """What only a call in Python shows."""

    def __init__(self, waits: Waits, device: str) -> None:
        super().__init__()
        self.waits, self.device = waits, device

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in READING and args[0].device.type == self.device:
            self.waits.add(f"{function.__name__} waits")
        result = function(*args, **(kwargs or {}))
        if function in MAKING and not isinstance(args[-1], Tensor) and not result.is_cpu:
            self.waits.add(f"{function.__name__} waits")
        return result


def small(name: str, **options) -> Subject:
    """Return an architecture that is small, for images of 32x32 in colour where it takes them."""
    known = field_names(installed().architectures[name].record.config)
    shape = {"image_size": 32, "channels": 3}
    return Subject.find(name, {**narrow(name), **{k: v for k, v in {**shape, **options}.items() if k in known}})


def begin(subject: Subject, settings: Settings, device: str = "cpu") -> State:
    """Return the initial state of a training on the device."""
    state = make_state(subject.build().to(device), settings, Accelerator(cpu=True))
    if state.augmentation is not None:
        state.augmentation.to(device)
    return state


def run(subject: Subject, state: State, settings: Settings, *, steps: int = 1) -> None:
    """Train for some steps of every stage, from one at which all lazy phases and penalties are due."""
    loader, begun = Loader(subject.store, seed=0, device=state.gan.device), 0
    for stage in state.gan.stages():
        state.step, state.images = 0, begun + 1  # in the middle of a fade-in
        begun += stage.images or 0
        with state.augmentation.attached(state.gan) if state.augmentation else nullcontext():
            train(state, loader, Accelerator(cpu=True), settings, after_step=lambda: state.step >= steps)
