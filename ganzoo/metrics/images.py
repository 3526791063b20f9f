"""The images of a measurement: generated from seeds, translated from other images, or real."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from ganzoo.data import PairSource, PairStore, Source, Store, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN, SampleSpec
from ganzoo.media import IMAGE
from ganzoo.media.image import quantise
from ganzoo.metrics.protocol import Protocol
from ganzoo.registry import Zoo

Wanted = tuple[Protocol, frozenset[str]]
"""A protocol, and the keys of a batch that its metric needs."""
Direction = tuple[str, str]
"""Keys of a batch: source, target."""
Batch = dict[str, Tensor]
Reals = dict[str, "Real"]
"""Splits by name."""


def direction_of(gan: GAN, to: str | None) -> Direction:
    """Return the direction in which a model translates; without a meaning for one that generates from seeds."""
    return gan.direction(to) if gan.translations or to is not None else ("image", "image")


@dataclass(frozen=True)
class Real:
    """A split of the data.

    Args:
        source: of the images.
        store: the images, decoded in the shape of the generated ones.
        direction: source and target of a translation.
    """

    source: Source | PairSource
    store: Store | PairStore
    direction: Direction

    @property
    def key(self) -> str:
        """A key that changes whenever the real images do."""
        return f"{self.source.key}:{self.direction[1]}"

    @property
    def named(self) -> str:
        """The public name; of local images with the first digits of their content's hash."""
        name, key = self.source.public, hashlib.sha256(self.key.encode()).hexdigest()
        return f"{name} {key[:8]}" if self.source.local else name

    @property
    def target(self) -> Store:
        """The real images that generated ones are compared with."""
        if isinstance(self.store, Store):
            return self.store
        if self.direction[1] == "A" and self.store.a is None:
            raise ConfigError(f"A of {self.store.name} is computed from B: no real images of A to compare with")
        return self.store.a if self.direction[1] == "A" and self.store.a is not None else self.store.b


def find_real(
    zoo: Zoo, wanted: Sequence[Wanted], data: str | None, image: Tensor, gan: GAN, direction: Direction, *,
    progress: bool = True,
) -> Reals:  # fmt: skip
    """Return the real images of each split, in the shape of the generated ones."""
    found: Reals = {}
    specs = gan.sample_specs if gan.translations else {IMAGE: SampleSpec(tuple(image.shape[1:]))}
    for protocol, needs in wanted:
        split = protocol.split
        if split is None:
            if gan.translations:
                raise ConfigError(f"a model that translates needs images: name their split, as in '{protocol}/test'")
            continue
        if data is None:
            raise ConfigError(f"'{protocol}' compares with real images: say which data")
        if split not in found:
            source = open_data(data, split=split, zoo=zoo)
            if missing := gan.needs - source.keys - {"label", "pair"}:
                raise ConfigError(
                    f"{data} has no {' and '.join(sorted(missing))}: say the data as for `ganzoo train`, A=DATA,B=DATA "
                    "or grey:DATA and the like"
                )
            found[split] = Real(source, prepare(source, specs, progress=progress), direction)
        _check_real(found[split], protocol, needs, data, gan)
    return found


def _check_real(real: Real, protocol: Protocol, needs: frozenset[str], data: str, gan: GAN) -> None:
    store = real.store
    if "target" in needs and not (isinstance(store, PairStore) and store.matched):
        raise ConfigError(f"'{protocol}' compares image by image, and {data} has no pairs: say pairs:... or grey:DATA")
    if "target" in needs:
        return  # the images of the other domain, computed or not
    if "label" in needs and real.target.labels is None:
        raise ConfigError(f"'{protocol}' needs labels, and {data} has none")
    if protocol.real is not None and protocol.real > len(real.target):
        raise ConfigError(f"'{protocol}' asks for more real images than the {len(real.target):,} of {data}")
    if gan.translations:
        there = len(store) if isinstance(store, Store) else store.length(real.direction[0])
        if protocol.images > there:
            raise ConfigError(f"'{protocol}' asks for more images than the {there:,} of {data} to translate")
        if protocol.seed:
            raise ConfigError(f"'{protocol}': a translation has no seed: leave out the #")


@dataclass(frozen=True)
class Images:
    """Images that are computed batch by batch.

    Args:
        what: text of the progress bar.
        parts: indices of the images of each batch.
        make: returns the batch of some indices, on the device of the extractor.
    """

    what: str
    parts: Sequence[Tensor]
    make: Callable[[Tensor], Batch]

    @property
    def count(self) -> int:
        """The number of images."""
        return sum(map(len, self.parts))

    def batches(self, *, progress: bool) -> Iterator[Batch]:
        """Yield all batches, with a progress bar."""
        with tqdm(total=self.count, desc=self.what, unit="img", leave=False, disable=None if progress else True) as bar:
            for part in self.parts:
                yield self.make(part)
                bar.update(len(part))


def translated(gan: GAN, real: Real, images: int, batch_size: int) -> Images:
    """Return the translations of the first source images, with their targets where the data is paired."""
    source, target = real.direction
    store = real.store
    paired = isinstance(store, PairStore) and store.matched

    def make(part: Tensor) -> Batch:
        batch = {"image": quantise(gan.translate(store.take(source, part), to=target)).to(gan.device)}
        if paired:
            batch["target"] = quantise(store.take(target, part)).to(gan.device)
        return batch

    return Images("generating", torch.split(torch.arange(images), batch_size), make)


def generated(gan: GAN, images: int, seed: int, batch_size: int) -> Images:
    """Return the images that a model generates from seeds, with their labels."""

    def make(part: Tensor) -> Batch:
        inputs = gan.inputs(len(part), seeds=part.tolist())
        batch = {"image": quantise(gan.generate_batches(inputs, batch_size))}
        if "label" in inputs:
            batch["label"] = inputs["label"]
        return {key: value.to(gan.device) for key, value in batch.items()}

    return Images("generating", torch.split(torch.arange(seed, seed + images), batch_size), make)


def real_images(store: Store, number: int, device: torch.device, batch_size: int) -> Images:
    """Return real images, evenly spaced over the store."""

    def make(part: Tensor) -> Batch:
        batch = {"image": store.stored(part).to(device)}
        if store.labels is not None:
            batch["label"] = store.labels[part].to(device)
        return batch

    return Images(f"reading {store.name}", torch.split(torch.arange(number) * len(store) // number, batch_size), make)
