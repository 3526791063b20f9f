"""What is measured: samples that a model generates or translates, or (see `ganzoo.metrics.pictures`) other ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from ganzoo.data import PairStore, Store, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN, SampleSpec
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading, Specs
from ganzoo.media import IMAGE, get_medium
from ganzoo.metrics.images import Batch, Direction, Images, Real, opaque
from ganzoo.metrics.protocol import Protocol
from ganzoo.registry import Zoo


class Measured(ABC):
    """What is measured.

    Attributes:
        device: where it is measured.
        medium: of the samples, a name in the registry.
        first: one sample in the storage form, (1, C, H, W) uint8 for images, on the device.
        gives: keys of a batch.
        unlabelled: why there are no labels, for the message.
        needs: keys that the real data must have.
        specs: of the real samples.
        direction: keys of a batch, from and to.
        reading: how real samples are brought to the shape of these; transparency is laid on its background.
        translates: whether it makes samples of others.
    """

    device: torch.device
    medium: str
    first: Tensor
    gives: frozenset[str]
    unlabelled: str
    needs: frozenset[str] = frozenset()
    direction: Direction = (IMAGE, IMAGE)
    reading: Reading = DEFAULT_READING
    translates: bool = False

    @property
    def specs(self) -> Specs:
        """What the real samples are brought to: the shape of these."""
        return {self.medium: SampleSpec(tuple(self.first.shape[1:]), self.medium)}

    @abstractmethod
    def check(self, protocol: Protocol, real: Real | None) -> None:
        """Refuse a protocol that these samples cannot be measured by."""

    @abstractmethod
    def images(self, count: int, seed: int, real: Real | None, batch_size: int) -> Images:
        """Return ``count`` samples in batches."""


class Generated(Measured):
    """The samples that a model generates from seeds, or translates from the first ones of the real data."""

    unlabelled = "this model takes none"

    def __init__(self, gan: GAN, to: str | None = None, reading: Reading | None = None) -> None:
        self.gan, self.reading, self.device = gan, reading or gan.reading, gan.device
        self.translates, self.needs = bool(gan.translations), gan.needs
        if self.translates or to is not None:
            self.direction = gan.direction(to)
        self._to = {"to": self.direction[1]} if len(gan.translations) > 1 else {}
        self.medium = gan.output_spec(to).medium
        self.first = self._stored(gan.sample(1))
        labelled = "label" in gan.inputs(1, seeds=[0])
        self.gives = frozenset({"image", *(["label"] if labelled else []), *(["target"] if self.translates else [])})

    @property
    def specs(self) -> Specs:
        """Those of the model, if it translates."""
        return self.gan.sample_specs if self.translates else super().specs

    def check(self, protocol: Protocol, real: Real | None) -> None:
        """Refuse more translations than there are sources, and a seed of them."""
        if not self.translates:
            return
        if real is None:
            raise ConfigError(f"a model that translates needs images: name their split, as in '{protocol}/test'")
        store = real.store
        there = len(store) if isinstance(store, Store) else store.length(self.direction[0])
        if protocol.images > there:
            raise ConfigError(f"'{protocol}' asks for more images than the {there:,} of {store.name} to translate")
        if protocol.seed:
            raise ConfigError(f"'{protocol}': a translation has no seed: leave out the #")

    def images(self, count: int, seed: int, real: Real | None, batch_size: int) -> Images:
        """Return the samples of ``count`` seeds from ``seed``, or of the first real ones, with labels and targets."""
        gan, (source, target) = self.gan, self.direction
        store = real.store if real is not None and self.translates else None

        def make(part: Tensor) -> Batch:
            given: dict[str, Any] = {} if store is None else {"images": store.take(source, part), **self._to}
            inputs = gan.inputs(len(part), seeds=part.tolist(), **given)
            size = batch_size if store is None else min(batch_size, 64)  # as `GAN.translate` does
            batch = {"image": self._stored(gan.generate_batches(inputs, size))}
            if "label" in self.gives:
                batch["label"] = inputs["label"].to(self.device)
            if isinstance(store, PairStore) and store.matched:
                batch["target"] = self._stored(store.take(target, part))
            return batch

        return Images("generating", torch.split(torch.arange(seed, seed + count), batch_size), make)

    def _stored(self, samples: Tensor) -> Tensor:
        """Return samples as in a file, without transparency, on the device."""
        return opaque(get_medium(self.medium).to_storage(samples), self.medium, self.reading.background).to(self.device)


def open_real(
    zoo: Zoo, data: str, split: str, measured: Measured, *, skip_unreadable: bool = False, progress: bool
) -> Real:
    """Return the real images of a split, brought to what is measured."""
    source = open_data(data, split=split, zoo=zoo)
    if missing := measured.needs - source.keys - {"label", "pair"}:
        raise ConfigError(
            f"{data} has no {' and '.join(sorted(missing))}: say the data as for `ganzoo train`, A=DATA,B=DATA or "
            "grey:DATA and the like"
        )
    store = prepare(source, measured.specs, measured.reading, progress=progress, skip_unreadable=skip_unreadable)
    return Real(source, store, measured.direction, measured.reading)
