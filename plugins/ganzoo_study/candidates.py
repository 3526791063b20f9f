"""What a study compares: two models, or a model and real images."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ganzoo.cli.files import sha256
from ganzoo.data import Source, open_data, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import SampleSpec
from ganzoo.media.image import to_uint8
from ganzoo.models.load import assemble, find
from ganzoo.registry import Zoo
from ganzoo_study.study import SIDES, Side, Trial

Pixels = NDArray[np.uint8]
_MOST_BYTES = 2**31


@dataclass(frozen=True)
class Candidate:
    """A model or a set of real images.

    Args:
        about: its name, origin and hash, for the file.
        shape: of an image (C, H, W).
        images: returns the images (N, H, W, C) of seeds, or at places of the data set.
        places: of the data set; None for a model.
    """

    about: dict[str, Any]
    shape: tuple[int, ...]
    images: Callable[[Sequence[int]], Pixels]
    places: Sequence[int] | None = None


def open_model(spec: str | os.PathLike[str], *, device: torch.device | str = "cpu", batch_size: int = 64) -> Candidate:
    """Return a model that `ganzoo.load` takes."""
    found = find(spec)
    gan = assemble(found, device=device)
    if gan.translations:
        raise ConfigError(
            f"{spec} is an image-to-image model, and a study compares models that generate images from seeds: "
            "name another model"
        )
    about = {"name": str(spec), "origin": found.origin, "sha256": sha256(found.weights)}

    def images(seeds: Sequence[int]) -> Pixels:
        return to_uint8(gan.sample(seeds=list(seeds), batch_size=batch_size))

    return Candidate(about, tuple(gan.sample(1).shape[1:]), images)


def open_real(data: str, like: Candidate, *, split: str, zoo: Zoo, progress: bool = True) -> Candidate:
    """Return real images in the shape of a model's."""
    source = open_data(data, split=split, zoo=zoo)
    if not isinstance(source, Source):
        raise ConfigError(f"{data} is two sets of images: name one of them")
    store = prepare(source, {"image": SampleSpec(tuple(like.shape))}, progress=progress)
    about = {"name": source.public, "data": source.public, "split": split, "key": source.key}

    def images(places: Sequence[int]) -> Pixels:
        return store.medium.array(store.stored(torch.tensor(places)).numpy())

    return Candidate(about, tuple(store.samples.shape[1:]), images, range(len(store)))


def check_shapes(a: Candidate, b: Candidate) -> None:
    """Refuse candidates that their shapes would tell apart."""
    shapes = ["x".join(map(str, (*one.shape[1:], one.shape[0]))) for one in (a, b)]
    if a.shape != b.shape:
        raise ConfigError(
            f"{a.about['name']} generates images of {shapes[0]} and {b.about['name']} of {shapes[1]}: a study needs "
            "two of one size and as many channels"
        )


def generate_pairs(
    trials: Sequence[Trial], a: Candidate, b: Candidate, grid: int, *, progress: bool = True
) -> list[dict[Side, Pixels]]:
    """Return the two pictures (H, W, C) of each trial; all at once, so that no delay on the page tells the model."""
    size = 2 * len(trials) * grid * grid * math.prod(a.shape)
    if size > _MOST_BYTES:
        raise ConfigError(
            f"{len(trials)} trials show {size / 2**30:.1f} GiB of pictures: ask for fewer, or a smaller grid"
        )
    pictures: list[dict[Side, Pixels]] = []
    for trial in tqdm(trials, desc="generating", unit="trial", disable=None if progress else True):
        made = {"a": a.images(trial.a), "b": b.images(trial.b)}
        pictures.append({side: _tile(made[trial.label_on(side)], grid) for side in SIDES})
    return pictures


def _tile(images: Pixels, grid: int) -> Pixels:
    """Return images (N * N, H, W, C) as one picture with N in a row."""
    _, height, width, channels = images.shape
    rows = images.reshape(grid, grid, height, width, channels).swapaxes(1, 2)
    return rows.reshape(grid * height, grid * width, channels)
