"""Where the images of a measurement come from: drawn of seeds, made of images, or real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data import PairStore, Store, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.metrics.protocol import Protocol
from ganzoo.pictures import quantise
from ganzoo.registry import Zoo

Wanted = tuple[Protocol, frozenset[str]]
"""A protocol, and what its metric needs."""
Way = tuple[str, str]
"""Keys of a batch: from, to."""
Batch = dict[str, Tensor]


def way_of(gan: GAN, to: str | None) -> Way:
    """Return which way a model translates; for one that draws it is of no use.

    Raises:
        ConfigError: it does not translate to that.
    """
    return gan.way(to) if gan.translations or to is not None else ("image", "image")


def stores_for(
    zoo: Zoo, wanted: Sequence[Wanted], data: str | None, image: Tensor, gan: GAN, way: Way
) -> dict[str, Store | PairStore]:
    """Return the images by split, in the shape of the drawn ones.

    Raises:
        ConfigError: a protocol asks for what the data has not.
        DataError: the data cannot be had.
    """
    stores: dict[str, Store | PairStore] = {}
    for protocol, needs in wanted:
        split = protocol.split
        if split is None:
            if gan.translations:
                raise ConfigError(f"a model that translates needs images: say of which split, as in '{protocol}/test'")
            continue
        if data is None:
            raise ConfigError(f"'{protocol}' compares with real images: say which data")
        if split not in stores:
            source = open_data(data, split=split, zoo=zoo)
            if missing := gan.needs - source.keys - {"label", "pair"}:
                raise ConfigError(
                    f"{data} has no {' and '.join(sorted(missing))}: say the data as for `ganzoo train`, A=DATA,B=DATA "
                    "or grey:DATA and the like"
                )
            stores[split] = prepare(source, image.shape[-1], image.shape[1])
        store = target_of(stores[split], way)
        if "label" in needs and store.labels is None:
            raise ConfigError(f"'{protocol}' needs labels, and {data} has none")
        if protocol.real is not None and protocol.real > len(store):
            raise ConfigError(f"'{protocol}' asks for more real images than the {len(store):,} of {data}")
        if gan.translations:
            there = _length(stores[split], way[0])
            if protocol.images > there:
                raise ConfigError(f"'{protocol}' asks for more images than the {there:,} of {data} to start from")
            if protocol.seed:
                raise ConfigError(f"'{protocol}': where images are made of images no seed counts: leave out the #")
    return stores


def target_of(store: Store | PairStore, way: Way) -> Store:
    """Return the real images that drawn ones are compared with.

    Raises:
        ConfigError: they are themselves made of others.
    """
    if isinstance(store, Store):
        return store
    if way[1] == "A" and store.a is None:
        raise ConfigError(f"A of {store.name} is made of B: there are no real images of A to compare with")
    return store.a if way[1] == "A" and store.a is not None else store.b


def _length(store: Store | PairStore, key: str) -> int:
    return len(store) if isinstance(store, Store) else store.length(key)


@dataclass(frozen=True)
class Images:
    """Images that are there when they are asked for.

    Args:
        what: they are, for a progress bar.
        parts: their numbers, in batches.
        make: numbers to a batch, on the device where it is looked at.
    """

    what: str
    parts: Sequence[Tensor]
    make: Callable[[Tensor], Batch]

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(map(len, self.parts))


def translated(gan: GAN, store: Store | PairStore, way: Way, images: int, batch_size: int) -> Images:
    """Return what a model makes of the first images of its source."""
    source, target = way

    def make(part: Tensor) -> Batch:
        return {"image": quantise(gan.translate(store.take(source, part), to=target)).to(gan.device)}

    return Images("drawing", torch.split(torch.arange(images), batch_size), make)


def drawn(gan: GAN, images: int, seed: int, batch_size: int) -> Images:
    """Return what a model draws of seeds, with the labels that it was given."""

    def make(part: Tensor) -> Batch:
        inputs = gan.inputs(len(part), seeds=part.tolist())
        batch = {"image": quantise(gan.draw(inputs, batch_size))}
        if "label" in inputs:
            batch["label"] = inputs["label"]
        return {key: value.to(gan.device) for key, value in batch.items()}

    return Images("drawing", torch.split(torch.arange(seed, seed + images), batch_size), make)


def real_images(store: Store, number: int, device: torch.device, batch_size: int) -> Images:
    """Return real images, evenly spaced over all of them."""

    def make(part: Tensor) -> Batch:
        batch = {"image": store.images[part].to(device)}
        if store.labels is not None:
            batch["label"] = store.labels[part].to(device)
        return batch

    return Images(f"reading {store.name}", torch.split(torch.arange(number) * len(store) // number, batch_size), make)
