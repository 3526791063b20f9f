"""Batches from a store: endless, shuffled, and a pure function of (seed, position, rank)."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.data.store import Store


class Loader:
    """Serves the store as one endless sequence, each epoch shuffled anew; gathered by index, normalised on the device.

    Nothing is remembered between calls: the batch at a position is the same in a resumed run.

    Args:
        store: the images.
        seed: of the order.
        device: where batches go.
        rank: which share of each batch this process takes.
        world: number of processes.
    """

    def __init__(
        self, store: Store, *, seed: int, device: torch.device | str = "cpu", rank: int = 0, world: int = 1
    ) -> None:
        self.store = store
        self.seed = seed
        self.device = torch.device(device)
        self.rank = rank
        self.world = world
        self._epoch = functools.lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.store), generator=generator)

    def indices(self, position: int, n: int) -> Tensor:
        """Return this rank's image indices for the ``n`` places from ``position`` of the endless sequence."""
        share = n // self.world
        start, parts = position + self.rank * share, []
        while share > 0:
            epoch, offset = divmod(start, len(self.store))
            part = self._epoch(epoch)[offset : offset + share]
            parts.append(part)
            start, share = start + len(part), share - len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def batch(self, position: int, n: int, resolution: int | None = None) -> dict[str, Tensor]:
        """Return this rank's share of the batch of ``n`` images at ``position``.

        Args:
            position: images drawn before, over all ranks.
            n: images over all ranks, a multiple of their number.
            resolution: height and width to average the images down to; None leaves them.

        Returns:
            ``image`` (n / world, C, S, S) float32 in [-1, 1] in channels-last order and, for labelled data, ``label``
            (n / world,) int64, on the device.
        """
        index = self.indices(position, n)
        image = self.store.images[index].to(self.device, non_blocking=True).float().div_(127.5).sub_(1)
        if resolution is not None and resolution != image.shape[-1]:
            image = F.interpolate(image, size=(resolution, resolution), mode="area")
        batch = {"image": image.contiguous(memory_format=torch.channels_last)}
        if self.store.labels is not None:
            batch["label"] = self.store.labels[index].to(self.device, non_blocking=True)
        return batch
