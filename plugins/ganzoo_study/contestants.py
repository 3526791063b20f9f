"""Who a study compares: models that generate images, or real images; each gives pictures of one shape."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ganzoo.cli.files import sha256
from ganzoo.data import Source, Store, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN, SampleSpec
from ganzoo.media.image import to_uint8
from ganzoo.models.load import assemble, find
from ganzoo.registry import Zoo
from ganzoo_study.study import SIDES, Side, Trial

Pixels = NDArray[np.uint8]
_MOST_BYTES = 2**31


@dataclass(frozen=True)
class Generated:
    """A model.

    Args:
        about: it, for the file: its name, where it can be had again, the hash of its weights.
        gan: the model.
        batch_size: images at a time.
    """

    about: Mapping[str, Any]
    gan: GAN
    batch_size: int = 64

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image (C, H, W)."""
        return tuple(self.gan.sample(1).shape[1:])

    def images(self, numbers: Sequence[int]) -> Pixels:
        """Return the images of these seeds (N, H, W, C)."""
        return to_uint8(self.gan.sample(seeds=list(numbers), batch_size=self.batch_size))


@dataclass(frozen=True)
class Real:
    """Real images.

    Args:
        about: them, for the file.
        store: that holds them.
    """

    about: Mapping[str, Any]
    store: Store

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image (C, H, W)."""
        return tuple(self.store.samples.shape[1:])

    def images(self, numbers: Sequence[int]) -> Pixels:
        """Return the images at these places (N, H, W, C)."""
        return self.store.stored(torch.tensor(numbers)).permute(0, 2, 3, 1).numpy()


def open_model(spec: str | os.PathLike[str], *, device: torch.device | str = "cpu", batch_size: int = 64) -> Generated:
    """Return a model that `ganzoo.load` takes.

    Raises:
        ConfigError: it makes images of images.
        GanzooError: as in `ganzoo.load`.
    """
    found = find(spec)
    gan = assemble(found, device=device)
    if gan.translations:
        raise ConfigError(
            f"{spec} makes images of images, and a study compares models that generate them from seeds: "
            "name another model"
        )
    about = {"name": str(spec), "origin": found.origin, "sha256": sha256(found.weights)}
    return Generated(about, gan, batch_size)


def open_real(data: str, like: Generated, *, split: str, zoo: Zoo, progress: bool = True) -> Real:
    """Return real images in the shape of what a model generates.

    Raises:
        ConfigError: they are two sets.
        DataError: they cannot be had.
    """
    source = open_data(data, split=split, zoo=zoo)
    if not isinstance(source, Source):
        raise ConfigError(f"{data} is two sets of images: name one of them")
    store = prepare(source, {"image": SampleSpec(tuple(like.shape))}, progress=progress)
    return Real({"name": source.public, "data": source.public, "split": split, "key": source.key}, store)


def check_shapes(a: Generated, b: Generated | Real) -> None:
    """Refuse two that a look would tell apart.

    Raises:
        ConfigError: their images are of different shapes.
    """
    shapes = ["x".join(map(str, (*one.shape[1:], one.shape[0]))) for one in (a, b)]
    if a.shape != b.shape:
        raise ConfigError(
            f"{a.about['name']} generates images of {shapes[0]} and {b.about['name']} of {shapes[1]}: a study needs "
            "two of one size and as many channels"
        )


def generate_pairs(
    trials: Sequence[Trial], a: Generated | Real, b: Generated | Real, grid: int, *, progress: bool = True
) -> list[dict[Side, Pixels]]:
    """Return the two pictures (H, W, C) of each trial, all before the first is shown, so that no wait tells the model.

    Raises:
        ConfigError: they are too many for the memory.
    """
    size = 2 * len(trials) * grid * grid * math.prod(a.shape)
    if size > _MOST_BYTES:
        raise ConfigError(
            f"{len(trials)} trials show {size / 2**30:.1f} GiB of pictures: ask for fewer, or a smaller grid"
        )
    pictures: list[dict[Side, Pixels]] = []
    for trial in tqdm(trials, desc="generating", unit="trial", disable=None if progress else True):
        made = {"a": a.images(trial.a), "b": b.images(trial.b)}
        pictures.append({side: _sheet(made[trial.player(side)], grid) for side in SIDES})
    return pictures


def _sheet(images: Pixels, grid: int) -> Pixels:
    """Return images (N * N, H, W, C) as one picture of N in a row."""
    _, height, width, channels = images.shape
    rows = images.reshape(grid, grid, height, width, channels).swapaxes(1, 2)
    return rows.reshape(grid * height, grid * width, channels)
