"""Pictures from anywhere, measured as if a model had generated them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import Source, Store, open_source, prepare
from ganzoo.data.spec import SetSpec, exists
from ganzoo.errors import ConfigError, DataError, did_you_mean
from ganzoo.gan import GAN, SampleSpec
from ganzoo.gan.sample_spec import DEFAULT_READING, PartialShape, Reading
from ganzoo.hub.address import is_address
from ganzoo.media import get_medium
from ganzoo.metrics.images import Images, Real, opaque, real_images
from ganzoo.metrics.measured import Generated, Measured
from ganzoo.metrics.protocol import Protocol
from ganzoo.models.config import CONFIG
from ganzoo.models.load import load
from ganzoo.registry import Zoo, installed
from ganzoo.registry.image_sizes import Size, height_width


class Pictures(Measured):
    """Pictures from anywhere, made by `open_pictures`.

    Args:
        source: where they come from.
        store: decoded in one shape, with labels where they have classes.
        reading: how they were brought to it.
        device: where they are measured.
    """

    def __init__(
        self, source: Source, store: Store, reading: Reading = DEFAULT_READING, device: torch.device | str = "cpu"
    ) -> None:
        self.source, self.store, self.reading, self.device = source, store, reading, torch.device(device)
        self.medium = source.medium
        self.first = opaque(store.stored(torch.tensor([0])), self.medium, reading.background).to(self.device)
        self.gives = frozenset({"image"} if store.labels is None else {"image", "label"})
        self.unlabelled = f"{source.name} has none: sort the pictures into a folder for each class"

    def __len__(self) -> int:
        return len(self.store)

    def __str__(self) -> str:
        return f"{self.named}: {self.source.describe()}; {self.store.describe()}"

    @property
    def key(self) -> str:
        """The SHA-256 of their content, and of what they were brought to."""
        parts = (self.source.key, tuple(self.store.samples.shape), self.reading.fit, self.reading.background)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def named(self) -> str:
        """The public name with the first digits of the key."""
        return f"{self.source.public} {self.key[:8]}"

    def facts(self) -> dict[str, Any]:
        """Return what a value of them is reproduced by, in JSON types."""
        return {
            "name": self.source.public,
            "key": self.key,
            "count": len(self),
            "shape": [*self.first.shape[1:]],
            "classes": [*(self.store.classes or ())],
        }

    def check(self, protocol: Protocol, real: Real | None) -> None:
        """Refuse more pictures than there are, and a seed."""
        if protocol.images > len(self):
            raise ConfigError(
                f"'{protocol}' asks for {protocol.images:,} {get_medium(self.medium).noun}s, and {self.source.name} "
                f"has {len(self):,}: say @{len(self)}"
            )
        if protocol.seed:
            raise ConfigError(f"'{protocol}': pictures have no seed: leave out the #")

    def images(self, count: int, seed: int, real: Real | None, batch_size: int) -> Images:
        """Return ``count`` pictures, evenly spaced over all of them."""
        return real_images(self.store, count, self.device, batch_size, self.reading.background)

    def numbered(self, classes: Sequence[str] | None) -> Pictures:
        """Return them with labels numbered as in ``classes``; without it, classes called by numbers have these.

        Raises:
            ConfigError: a class of the pictures is not among them.
        """
        own = self.store.classes
        if own is None or self.store.labels is None:
            return self
        if classes is not None and (unknown := [name for name in own if name not in classes]):
            raise ConfigError(
                f"{self.source.name} has the class {unknown[0]}, which the real images do not have: they have "
                f"{', '.join(classes[:20])}.{did_you_mean(unknown[0], classes)}"
            )
        by_number = classes is None and all(name.isdecimal() for name in own)
        numbers = torch.tensor([int(name) if by_number else (classes or own).index(name) for name in own])
        store = replace(self.store, labels=numbers[self.store.labels])
        return Pictures(self.source, store, self.reading, self.device)


def open_pictures(
    pictures: Source | str | os.PathLike[str], *, size: Size | None = None, reading: Reading = DEFAULT_READING,
    skip_unreadable: bool = False, device: torch.device | str = "cpu", progress: bool = True,
) -> Pictures:  # fmt: skip
    """Open pictures that are to be measured.

    Args:
        pictures: a folder, a file or a data set, as `ganzoo.data.open_source` takes it.
        size: a number or (height, width) that they are brought to; by default the size that all of them have.
        reading: how they are brought to it; transparency is laid on its background.
        skip_unreadable: leave out what cannot be read.
        device: where they are measured.
        progress: show a progress bar.

    Raises:
        DataError: they cannot be found or read, or have several sizes and none is given.
    """
    source = pictures if isinstance(pictures, Source) else open_source(pictures)
    shape = _common_shape(source)
    if size is not None:
        shape = (shape[0], *height_width(size))
    elif None in shape:
        raise DataError(
            f"{source.name} has {get_medium(source.medium).noun}s of several sizes: bring them to one with --size HxW, "
            "or size=(H, W) in code"
        )
    spec = {source.medium: SampleSpec(shape, source.medium)}
    store = prepare(source, spec, reading, progress=progress, skip_unreadable=skip_unreadable)
    return Pictures(source, store, reading, torch.device(device))


def _common_shape(source: Source) -> PartialShape:
    """Return the shape that all samples have, with the most channels; None is a dimension in which they differ."""
    shape = source.native()  # of the first ones
    for item in () if None in shape else source.read():
        try:
            own = get_medium(source.medium).native([item])
        except DataError:
            continue  # named when it is read
        channels = max(int(shape[0] or 0), int(own[0] or 0))
        shape = (channels, *(a if a == b else None for a, b in zip(shape[1:], own[1:], strict=True)))
        if None in shape:
            break
    return shape


def are_pictures(name: str, zoo: Zoo) -> bool:
    """Whether a name is that of pictures: of a data set, a file, or a folder without a ``config.json``; no model's."""
    if name in zoo.models or is_address(name) or (exists(name) and (Path(name) / CONFIG).exists()):
        return False
    try:
        one = SetSpec.parse(name, zoo)
    except DataError:
        return False
    return one.kind == "registered" or (one.kind == "path" and exists(one.name))


def measured_from(
    measured: GAN | Measured | Source | str | os.PathLike[str], to: str | None = None,
    reading: Reading | None = None, *, skip_unreadable: bool = False, progress: bool = True,
) -> Measured:  # fmt: skip
    """Return what is measured: the samples of a model, or pictures."""
    if isinstance(measured, str | os.PathLike) and not are_pictures(str(measured), installed()):
        measured = load(measured)
    if isinstance(measured, GAN):
        return Generated(measured, to, reading)
    if to is not None:
        raise ConfigError("pictures have no target: leave out the direction of a translation")
    if isinstance(measured, Measured):
        return measured
    return open_pictures(
        measured, reading=reading or DEFAULT_READING, skip_unreadable=skip_unreadable, progress=progress
    )
