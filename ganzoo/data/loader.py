"""Batches from a store: endless, shuffled, and a pure function of (seed, position, rank)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.store import PairStore, Store

_APART = 500_009  # between the seeds of the two sides where they do not match
_BATCHES_AHEAD = 2


class Order:
    """The indices of ``length`` images as one endless sequence, each epoch shuffled anew; a rank takes a share of it.

    There is no state between calls: a resumed run finds the same index at a position.
    """

    def __init__(self, length: int, seed: int, rank: int, world: int) -> None:
        self.length, self.seed, self.rank, self.world = length, seed, rank, world
        self._epoch = functools.lru_cache(maxsize=2)(self._shuffled)

    def _generator(self, epoch: int) -> torch.Generator:
        return torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)

    def _shuffled(self, epoch: int) -> Tensor:
        return torch.randperm(self.length, generator=self._generator(epoch))

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


class Balanced(Order):
    """An order in which every run of as many places as there are classes holds each class once, in any order.

    An epoch is as long as if every class had as many images as the largest; images of one class are seen equally often,
    to within one.
    """

    def __init__(self, labels: Tensor, seed: int, rank: int, world: int) -> None:
        self._classes = [torch.nonzero(labels == label).flatten() for label in sorted(set(labels.tolist()))]
        self._rounds = max(len(images) for images in self._classes)
        super().__init__(self._rounds * len(self._classes), seed, rank, world)

    def _shuffled(self, epoch: int) -> Tensor:
        generator, columns = self._generator(epoch), []
        for images in self._classes:
            times = -(-self._rounds // len(images))
            column = torch.cat([images[torch.randperm(len(images), generator=generator)] for _ in range(times)])
            columns.append(column[: self._rounds])
        classes = torch.rand(self._rounds, len(columns), generator=generator).argsort(1)
        return torch.stack(columns, 1).gather(1, classes).flatten()


class Loader:
    """Serves a store as batches, gathered by index, brought to the form of networks on the device.

    Samples that are encoded are decoded by threads ahead of the loop: the next places are known, as the order is a
    function of the position.

    Args:
        store: the samples.
        seed: of the order.
        device: of the batches.
        rank: of this process, which takes the share of each batch that has this number.
        world: the world size.
        balance: sample every class equally often; the store has labels.
    """

    def __init__(
        self,
        store: Store | PairStore,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
        balance: bool = False,
    ) -> None:
        self.store = store
        self.device = torch.device(device)
        first = store if isinstance(store, Store) else store.b
        self._order = Order(len(first), seed, rank, world)
        if balance and first.labels is not None:
            self._order = Balanced(first.labels, seed, rank, world)
        self._order_of_a = self._order
        if isinstance(store, PairStore) and store.a is not None and not store.matched:
            self._order_of_a = Order(len(store.a), seed + _APART, rank, world)
        self._ahead: dict[tuple[str, int, int], list[Future[NDArray[Any]]]] = {}

    def indices(self, position: int, n: int) -> Tensor:
        """Return this rank's sample indices for the ``n`` places from ``position``; of two sets, those of B."""
        return self._order.indices(position, n)

    def batch(self, position: int, n: int, resolution: int | Sequence[int] | None = None) -> dict[str, Tensor]:
        """Return this rank's share of the batch of ``n`` samples at ``position``.

        Args:
            position: samples seen before, over all ranks.
            n: samples over all ranks, a multiple of the world size.
            resolution: height and width (or one number for both) to average images down to; None leaves them.

        Returns:
            ``image`` (n / world, C, H, W), or what the medium is called and holds, float32 in [-1, 1] and, for
            labelled data, ``label`` (n / world,) int64, on the device; of two sets ``A`` and ``B`` likewise and, where
            they match, ``pair`` (n / world,) int64, the numbers of the pairs.

        Raises:
            DataError: a resolution is given for samples that have none.
        """
        index, store = self.indices(position, n), self.store
        if isinstance(store, Store):
            batch = {store.key: self._samples("", store, self._order, position, n, resolution)}
            if store.labels is not None:
                batch["label"] = store.labels.index_select(0, index).to(self.device, non_blocking=True)
            return batch
        b = self._samples("B", store.b, self._order, position, n, resolution)
        if store.a is not None:
            a = self._samples("A", store.a, self._order_of_a, position, n, resolution)
        else:
            a = store.degrade(b)
        pair = {"pair": index.to(self.device, non_blocking=True)} if store.matched else {}
        return {"A": a, "B": b, **pair}

    def _samples(
        self, side: str, store: Store, order: Order, position: int, n: int, resolution: int | Sequence[int] | None
    ) -> Tensor:
        samples = store.samples
        if isinstance(samples, Tensor):
            stored = samples.index_select(0, order.indices(position, n))
        else:
            wanted = [(side, position + i * n, n) for i in range(_BATCHES_AHEAD + 1)]
            ahead = {key: self._ahead.pop(key, []) or samples.start(order.indices(*key[1:])) for key in wanted}
            stored = samples.gather(ahead.pop(wanted[0]))
            self._ahead = {key: started for key, started in self._ahead.items() if key[0] != side} | ahead
        batch = store.medium.to_model(stored.to(self.device, non_blocking=True))
        return batch if resolution is None else store.medium.reduce(batch, resolution)
