"""The state of each rank that a checkpoint holds: random generators, and buffers that differ between ranks."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

_GENERATORS, _BUFFERS = "random", "buffers"


def gather(buffers: Mapping[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
    """Return ``RANK/random/NAME`` and ``RANK/buffers/NAME``; called by every process.

    Buffers are in it where they are not those of the first process, whose own are saved with the networks: running
    means, and pools of images that each process generated.
    """
    own = {f"{_GENERATORS}/{name}": value for name, value in generators().items()}
    if accelerator.num_processes > 1:
        own |= {f"{_BUFFERS}/{name}": value for name, value in buffers.items() if value.numel()}
    gathered: dict[str, Tensor] = {}
    for name, value in own.items():
        rows = value.detach()[None]
        if accelerator.num_processes > 1:
            rows = accelerator.gather(rows.to(accelerator.device).contiguous()).cpu()
        for rank, row in enumerate(rows):
            if name.startswith(_GENERATORS) or not torch.equal(row, rows[0]):
                gathered[f"{rank}/{name}"] = row.clone()
    return gathered


def world_size(tensors: Mapping[str, Tensor]) -> int:
    """Return the number of processes that called `gather`."""
    return 1 + max(int(name.partition("/")[0]) for name in tensors)


def restore(tensors: Mapping[str, Tensor], buffers: Mapping[str, Tensor], rank: int) -> None:
    """Restore the state of one rank; a `LookupError` or `ValueError` if it is incomplete or invalid."""
    own: dict[str, dict[str, Tensor]] = {_GENERATORS: {}, _BUFFERS: {}}
    for key, value in tensors.items():
        of, kind, name = key.split("/", 2)
        if int(of) == rank:
            own[kind][name] = value
    with torch.no_grad():
        for name in own[_BUFFERS].keys() & buffers.keys():  # an overridden run may have fewer
            buffers[name].copy_(own[_BUFFERS][name])
    set_generators(own[_GENERATORS])


def seed(value: int) -> None:
    """Seed torch's, NumPy's and Python's generators."""
    torch.manual_seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002
    random.seed(value)


def generators() -> dict[str, Tensor]:
    """Return the states of torch's, NumPy's and Python's generators."""
    _, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002 - a plugin may draw from it
    version, words, following = random.getstate()
    states = {
        "cpu": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.asarray(keys, dtype=np.int64)),
        "numpy-rest": torch.tensor([place, has_gauss, gauss], dtype=torch.float64),
        "python": torch.tensor([version, *words], dtype=torch.int64),
        "python-rest": torch.tensor([] if following is None else [following], dtype=torch.float64),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def set_generators(states: Mapping[str, Tensor]) -> None:
    """Restore the states that `generators` returned."""
    torch.set_rng_state(states["cpu"])
    place, has_gauss, gauss = states["numpy-rest"].tolist()
    keys = states["numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, int(place), int(has_gauss), gauss))  # noqa: NPY002
    version, *words = states["python"].tolist()
    following = states["python-rest"].tolist()
    random.setstate((version, tuple(words), following[0] if following else None))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
