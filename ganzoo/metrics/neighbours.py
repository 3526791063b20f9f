"""Nearest neighbours among features, and pictures of generated images beside the training images nearest to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ganzoo.errors import ConfigError, PluginError, renamed
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import Reading
from ganzoo.media.grids import captioned
from ganzoo.metrics.extractors import FeatureExtractor, open_extractor
from ganzoo.metrics.images import Images, real_images
from ganzoo.metrics.measured import Generated, open_real
from ganzoo.registry import installed

PART = 1_000
"""Rows whose distances to all others are held at a time: memory does not grow with the product of two sets."""


class Neighbours(NamedTuple):
    """Generated images, and the real ones nearest to each.

    Args:
        generated: (N, C, H, W) uint8, sorted by the distance to the nearest real image.
        real: (N, K, C, H, W) uint8, the real images nearest to each, the nearest first.
        distances: (N, K) of the features, float32.
        seeds: (N,) of the generated images, int64.
        extractor: of the features, as in a protocol.
    """

    generated: Tensor
    real: Tensor
    distances: Tensor
    seeds: Tensor
    extractor: str

    @property
    def drawn(self) -> Tensor:
        """The name of ``generated`` in ganzoo 0.1."""
        renamed("Neighbours.drawn", "generated")
        return self.generated

    def picture(self) -> Image.Image:
        """Return a row for each generated image: itself in a frame, then the real ones, their distances above them."""
        rows = torch.cat([self.generated[:, None], self.real], 1).permute(0, 1, 3, 4, 2).numpy()
        near = [", ".join(f"{distance:#.3g}".rstrip(".") for distance in row) for row in self.distances.tolist()]
        captions = [f"seed {seed}: {distances}" for seed, distances in zip(self.seeds.tolist(), near, strict=True)]
        return captioned([*zip(captions, rows, strict=True)], apart=1)


def nearest_neighbours(
    gan: GAN,
    *,
    data: str,
    extractor: str = "pixels",
    images: int = 1_000,
    seed: int = 0,
    keep: int = 8,
    neighbours: int = 4,
    split: str = "train",
    reading: Reading | None = None,
    skip_unreadable: bool = False,
    batch_size: int = 64,
    progress: bool = True,
) -> Neighbours:
    """Generate images and find the real ones nearest to each, by the Euclidean distance of features.

    Args:
        gan: a model that generates from seeds.
        data: the real images, as `ganzoo.train` takes them.
        extractor: of the features, as in a protocol.
        images: how many are generated, with the seeds ``seed``, ``seed + 1``, ...
        seed: of the first image.
        keep: how many of them are returned: those nearest to a real image.
        neighbours: how many real images are returned for each.
        split: of the data; the training split shows memorisation.
        reading: how real images are brought to the model's size; by default as in its training.
        skip_unreadable: leave out files that cannot be read.
        batch_size: images at a time; the result does not depend on it.
        progress: show progress bars.

    Raises:
        ConfigError: a model that translates, a number below 1, or more neighbours than there are images.
        DataError: the real images cannot be found or read.
        PluginError: the extractor fails.
    """
    if gan.translations:
        raise ConfigError("a model that translates images has no neighbours: choose one that generates from seeds")
    if min(images, keep, neighbours, batch_size) < 1:
        raise ConfigError("images, keep, neighbours and batch_size must be at least 1")
    zoo = installed()
    features = open_extractor(zoo, extractor, gan.device)
    measured = Generated(gan, reading=reading)
    real = open_real(zoo, data, split, measured, skip_unreadable=skip_unreadable, progress=progress).target
    if neighbours > len(real):
        raise ConfigError(f"{data} has {len(real):,} images, fewer than {neighbours:,} neighbours")
    with torch.inference_mode():
        made = measured.images(images, seed, None, batch_size)
        rows, pictures = _extracted(features, made, progress=progress, keep=True)
        theirs = real_images(real, len(real), gan.device, batch_size)
        others, _ = _extracted(features, theirs, progress=progress, keep=False)
        distances, at = nearest_rows(rows, others, neighbours)
    order = distances[:, 0].argsort(stable=True)[:keep]
    nearest = torch.stack([real.stored(row) for row in at[order]])
    return Neighbours(pictures[order], nearest, distances[order].float(), order + seed, features.text)


def _extracted(extractor: FeatureExtractor, images: Images, *, progress: bool, keep: bool) -> tuple[Tensor, Tensor]:
    """Return the features of images, and the images themselves if they are to be kept."""
    found: list[Tensor] = []
    kept: list[Tensor] = []
    for batch in images.batches(progress=progress):
        seen = extractor.extract(batch["image"])
        if "features" not in seen:
            raise PluginError(f"extractor '{extractor.text}' gives no features")
        found.append(seen["features"].float().cpu())
        kept += [batch["image"].cpu()] if keep else []
    return torch.cat(found), torch.cat(kept) if kept else torch.empty(0)


def nearest_rows(rows: Tensor, others: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the distances to the nearest others and their indices, both (N, count), the nearest first.

    Args:
        rows: (N, D).
        others: (M, D); a row that is among them is its own nearest.
        count: at most M.
    """
    found = [distances.topk(count, largest=False) for distances in _distances(rows, others)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def _distances(rows: Tensor, others: Tensor) -> Iterator[Tensor]:
    """Yield the distances (P, M) of `PART` rows at a time to all others."""
    wide = others.double()  # in float64 the fast formula, by the dot product, tells near from equal
    return (torch.cdist(part.double(), wide) for part in torch.split(rows, PART))


def radii(rows: Tensor, neighbours: int) -> Tensor:
    """Return the distance of each row (N, D) to its ``neighbours``-th nearest other one."""
    return nearest_rows(rows, rows, neighbours + 1)[0][:, -1]


def within(rows: Tensor, others: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many others each row is within reach of, and which others have a row within theirs.

    Args:
        rows: (N, D).
        others: (M, D).
        reach: (M,) of each other.
    """
    held, holding = [], torch.zeros(len(others), dtype=torch.bool)
    for distances in _distances(rows, others):
        inside = distances < reach
        held.append(inside.sum(1))
        holding |= inside.any(0)
    return torch.cat(held), holding
