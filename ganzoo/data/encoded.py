"""Samples that stay encoded in one mapped file, for sets whose decoded size is large."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.gan.sample_spec import Shape
from ganzoo.media.base import Medium

SAMPLES, OFFSETS = "samples.bin", "offsets.npy"


class EncodedSamples:
    """Encoded samples, decoded by threads as they are read; has what a store uses of a tensor (N, ...).

    Args:
        folder: with the two files.
        medium: of the samples.
        shape: of one.

    Raises:
        ValueError: the files do not belong together.
    """

    def __init__(self, folder: Path, medium: Medium, shape: Shape) -> None:
        self._offsets = np.load(folder / OFFSETS)
        self._data = np.memmap(folder / SAMPLES, np.uint8, mode="r")
        if int(self._offsets[-1]) != len(self._data):
            raise ValueError(f"{SAMPLES} has {len(self._data)} bytes, not {self._offsets[-1]}")
        self._medium, self.shape = medium, (len(self._offsets) - 1, *shape)
        self.dtype = torch.from_numpy(np.empty(0, medium.dtype)).dtype
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")

    def __len__(self) -> int:
        return self.shape[0]

    def _one(self, number: int) -> NDArray[Any]:
        start, end = self._offsets[number : number + 2]
        return self._medium.decode(self._data[start:end].tobytes(), self.shape[1:])

    def start(self, index: Tensor) -> list[Future[NDArray[Any]]]:
        """Begin to decode samples by their numbers; `gather` waits for them."""
        return [self._pool.submit(self._one, number) for number in index.tolist()]

    def gather(self, started: Sequence[Future[NDArray[Any]]]) -> Tensor:
        """Return what `start` began, (N, ...)."""
        result = torch.empty(len(started), *self.shape[1:], dtype=self.dtype)
        for row, future in zip(result.numpy(), started, strict=True):
            row[...] = future.result()
        return result

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return samples by their numbers, (N, ...); ``dim`` is 0."""
        return self.gather(self.start(index))
