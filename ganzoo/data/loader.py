"""Batches from a store: endless, shuffled, and a pure function of (seed, position, rank)."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.data.images import scaled
from ganzoo.data.store import PairStore, Store

_APART = 500_009  # between the seeds of the two sides where they do not match


class Order:
    """The places of ``length`` images as one endless sequence, each epoch shuffled anew.

    Nothing is remembered between calls: what is at a position is the same in a resumed run.

    Args:
        length: number of images.
        seed: of the order.
        rank: which share of each batch this process takes.
        world: number of processes.
    """

    def __init__(self, length: int, seed: int, rank: int, world: int) -> None:
        self.length, self.seed, self.rank, self.world = length, seed, rank, world
        self._epoch = functools.lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(self.length, generator=generator)

    def indices(self, position: int, n: int) -> Tensor:
        """Return this rank's image indices for the ``n`` places from ``position`` of the endless sequence."""
        share = n // self.world
        start, parts = position + self.rank * share, []
        while share > 0:
            epoch, offset = divmod(start, self.length)
            part = self._epoch(epoch)[offset : offset + share]
            parts.append(part)
            start, share = start + len(part), share - len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class Loader:
    """Serves a store as batches, gathered by index, normalised on the device.

    Args:
        store: the images.
        seed: of the order.
        device: where batches go.
        rank: which share of each batch this process takes.
        world: number of processes.
    """

    def __init__(
        self,
        store: Store | PairStore,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.store = store
        self.device = torch.device(device)
        first = store if isinstance(store, Store) else store.b
        self._order = Order(len(first), seed, rank, world)
        self._order_of_a = self._order
        if isinstance(store, PairStore) and store.a is not None and not store.matched:
            self._order_of_a = Order(len(store.a), seed + _APART, rank, world)

    def indices(self, position: int, n: int) -> Tensor:
        """Return this rank's image indices for the ``n`` places from ``position``; of two sets, those of B."""
        return self._order.indices(position, n)

    def batch(self, position: int, n: int, resolution: int | None = None) -> dict[str, Tensor]:
        """Return this rank's share of the batch of ``n`` images at ``position``.

        Args:
            position: images drawn before, over all ranks.
            n: images over all ranks, a multiple of their number.
            resolution: height and width to average the images down to; None leaves them.

        Returns:
            ``image`` (n / world, C, S, S) float32 in [-1, 1] in channels-last order and, for labelled data, ``label``
            (n / world,) int64, on the device; of two sets ``A`` and ``B`` like ``image`` and, where they match,
            ``pair`` (n / world,) int64, the numbers of the pairs.
        """
        index, store = self.indices(position, n), self.store
        if isinstance(store, Store):
            batch = {"image": self._images(store, index, resolution)}
            if store.labels is not None:
                batch["label"] = store.labels[index].to(self.device, non_blocking=True)
            return batch
        b = self._images(store.b, index, resolution)
        if store.a is not None:
            a = self._images(store.a, self._order_of_a.indices(position, n), resolution)
        else:
            a = store.degrade(b)
        pair = {"pair": index.to(self.device, non_blocking=True)} if store.matched else {}
        return {"A": a, "B": b, **pair}

    def _images(self, store: Store, index: Tensor, resolution: int | None) -> Tensor:
        image = scaled(store.images[index].to(self.device, non_blocking=True))
        if resolution is not None and resolution != image.shape[-1]:
            image = F.interpolate(image, size=(resolution, resolution), mode="area")
        return image.contiguous(memory_format=torch.channels_last)
