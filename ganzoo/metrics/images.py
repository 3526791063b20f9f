"""The images of a measurement: generated from seeds, translated from other images, or real."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from ganzoo._distributed import ALONE, Processes
from ganzoo.data import PairSource, PairStore, Source, Store, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN, SampleSpec
from ganzoo.media import IMAGE
from ganzoo.media.image import quantise
from ganzoo.metrics.jobs import Job
from ganzoo.registry import Zoo

Batch = dict[str, Tensor]
Direction = tuple[str, str]
"""Keys of a batch: source and target of a translation."""


@dataclass(frozen=True)
class Real:
    """The real images of a split, decoded in the shape of the generated ones."""

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
        if self.direction[1] != "A":
            return self.store.b
        if self.store.a is None:
            raise ConfigError(f"A of {self.store.name} is computed from B: no real images of A to compare with")
        return self.store.a

    def check(self, job: Job, data: str, *, translates: bool) -> None:
        """Refuse a job that these images, which the user calls ``data``, are not enough for."""
        store, protocol, needs = self.store, job.protocol, job.measure.needs
        if "target" in needs:  # the images of the other domain, computed or not
            if isinstance(store, PairStore) and store.matched:
                return
            raise ConfigError(
                f"'{protocol}' compares image by image, and {data} has no pairs: say pairs:... or grey:DATA"
            )
        if "label" in needs and self.target.labels is None:
            raise ConfigError(f"'{protocol}' needs labels, and {data} has none")
        if protocol.real is not None and protocol.real > len(self.target):
            raise ConfigError(f"'{protocol}' asks for more real images than the {len(self.target):,} of {data}")
        there = len(store) if isinstance(store, Store) else store.length(self.direction[0])
        if translates and protocol.images > there:
            raise ConfigError(f"'{protocol}' asks for more images than the {there:,} of {data} to translate")
        if translates and protocol.seed:
            raise ConfigError(f"'{protocol}': a translation has no seed: leave out the #")


def open_real(
    zoo: Zoo, data: str, split: str, gan: GAN, image: Tensor, direction: Direction = ("image", "image"), *,
    progress: bool,
) -> Real:  # fmt: skip
    """Return the real images of a split, in the shape of a generated ``image`` (1, C, H, W)."""
    source = open_data(data, split=split, zoo=zoo)
    if missing := gan.needs - source.keys - {"label", "pair"}:
        raise ConfigError(
            f"{data} has no {' and '.join(sorted(missing))}: say the data as for `ganzoo train`, A=DATA,B=DATA or "
            "grey:DATA and the like"
        )
    specs = gan.sample_specs if gan.translations else {IMAGE: SampleSpec(tuple(image.shape[1:]))}
    return Real(source, prepare(source, specs, gan.reading, progress=progress), direction)


@dataclass(frozen=True)
class Images:
    """Images that are computed batch by batch: ``make`` returns the batch of one of the ``parts``, of indices."""

    what: str  # text of the progress bar
    parts: Sequence[Tensor]
    make: Callable[[Tensor], Batch]

    def batches(
        self, work: Callable[[Tensor], Batch], processes: Processes = ALONE, *, progress: bool
    ) -> Iterator[Batch]:
        """Yield ``work(part)`` of every part, which the processes share; the first one shows a progress bar."""
        off = None if progress and processes.is_first else True
        with tqdm(total=sum(map(len, self.parts)), desc=self.what, unit="img", leave=False, disable=off) as bar:
            for part, batch in zip(self.parts, processes.share(self.parts, work), strict=True):
                yield batch
                bar.update(len(part))


def translated(gan: GAN, real: Real, images: int, batch_size: int) -> Images:
    """Return the translations of the first source images, with their targets where the data is paired."""
    (source, target), store = real.direction, real.store

    def make(part: Tensor) -> Batch:
        batch = {"image": quantise(gan.translate(store.take(source, part), to=target)).to(gan.device)}
        if isinstance(store, PairStore) and store.matched:
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
