"""Image-to-image translation: of images in code, of a whole source to files, and a grid of inputs beside outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.data import PairSource, Source, read_batches
from ganzoo.data.pairs import SIDES
from ganzoo.data.sources.folder import file_names, files_of
from ganzoo.data.sources.in_memory import from_objects
from ganzoo.errors import ConfigError, DataError
from ganzoo.gan import GAN
from ganzoo.inference.image_io import CHUNK, grid, to_uint8, write_images
from ganzoo.models.load import load

EXAMPLES = 16
"""Images of a preview."""
_ACROSS = 4  # inputs in a row of a grid


def translate(
    model: str | os.PathLike[str] | GAN,
    images: Tensor | NDArray[np.uint8] | Image.Image | str | os.PathLike[str] | Sequence[Any],
    **options: Any,
) -> Tensor:
    """Translate images (image-to-image): `load`, reading and `GAN.translate` in one call.

    Args:
        model: a GAN, or what `load` takes.
        images: a tensor (N, C, S, S) in [-1, 1] as it is; or one or several files, PIL images or uint8 arrays (H, W) or
            (H, W, C), which are brought to the model's size: the shorter side resized, the middle cropped.
        **options: of `GAN.translate`.

    Returns:
        Images (N, C, S, S), float32 in [-1, 1], on the CPU.

    Raises:
        DataError: an image cannot be read.
    """
    gan = model if isinstance(model, GAN) else load(model)
    if isinstance(images, Tensor):
        return gan.translate(images, **options)
    source = from_objects(images if isinstance(images, list | tuple) else [images])
    size, channels = shape_for(gan, source)
    batches = read_batches(source, size, channels, count=source.count, batch_size=CHUNK)
    return gan.translate(torch.cat([batch["image"] for batch in batches]), **options)


def side_by_side(gan: GAN, batch: Mapping[str, Any], columns: int = _ACROSS) -> Image.Image:
    """Return a grid of a batch translated in each direction: input, output and, where it is known, the target.

    Args:
        gan: a model that translates.
        batch: with the images (N, C, S, S) that its `translations` name; ``pair`` in it means that they match.
        columns: inputs in a row, of one direction; two directions are beside each other, half as many in a row.
    """
    shown: list[Tensor] = []
    for source, target in gan.translations:
        shown += [batch[source], gan.translate(batch[source], to=target)]
        shown += [batch[target]] if "pair" in batch else []
    cells = torch.stack(shown, 1)  # (N, cells of an input, C, S, S)
    columns = max(1, columns // len(gan.translations))
    return grid(cells.flatten(0, 1), columns * cells.shape[1])


def translate_source(
    gan: GAN, source: Source | PairSource, out: Path, *, to: str | None = None, count: int | None = None,
    beside: bool = False, columns: int | None = None, batch_size: int = 64, **conditions: Any,
) -> int:  # fmt: skip
    """Translate the images of a source and write them, with a progress bar and constant memory.

    Args:
        gan: a model that translates.
        source: the images; of two sets, the inputs of the translation are read.
        out: ``.png`` for one grid, ``.npz`` for an array ``images`` (N, H, W, C) uint8, else a new folder of PNGs that
            have the names of their inputs, or are numbered.
        to: see `GAN.translate`.
        count: translate only the first ``count`` images; None for all.
        beside: each picture has the input on the left and, for data in pairs, the target on the right.
        columns: of a grid.
        batch_size: images per forward pass.
        **conditions: as for `GAN.translate`.

    Returns:
        How many were translated.

    Raises:
        GanzooError: ``out`` cannot be written, or an image cannot be read.
        ConfigError: a bad number or condition, or the model does not translate.
    """
    begin, target = gan.direction(to)
    if count is not None and count < 1:
        raise ConfigError(f"the number of images must be at least 1, not {count}")
    source, begin = _select_side(gan, source, begin, with_target=beside)
    sources = [source] if isinstance(source, Source) else [side for side in (source.a, source.b) if side is not None]
    if out.is_file() and any(out.resolve() in files_of(one) for one in sources):
        raise ConfigError(f"{out} is an input of the translation: name another file")
    n = min(count or source.count, source.count)
    size, channels = shape_for(gan, source)
    batches = read_batches(source, size, channels, count=n, batch_size=max(batch_size, 1))
    matched = isinstance(source, PairSource) and source.matched

    def chunks() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        done = 0
        for batch in batches:
            translated = gan.translate(batch[begin], to=to, batch_size=batch_size, **conditions)
            parts = [batch[begin], translated, *([batch[target]] if matched else [])] if beside else [translated]
            yield done, to_uint8(torch.cat(parts, 3))  # side by side
            done += len(translated)

    names = file_names(sources[-1] if begin == "B" else sources[0], n)
    write_images(out, chunks(), n, name=names.__getitem__, columns=columns, verb="translating")
    return n


def _select_side(
    gan: GAN, source: Source | PairSource, begin: str, *, with_target: bool
) -> tuple[Source | PairSource, str]:
    """Return what is to be read of a source, and the key of the inputs in its batches."""
    if isinstance(source, Source):
        return source, "image"
    if begin not in SIDES:
        raise ConfigError(f"{type(gan).__name__} translates one set of images, and {source.name} is two: name one")
    if source.a is None or (with_target and source.matched):
        return source, begin
    return (source.a if begin == "A" else source.b), "image"


def shape_for(gan: GAN, source: Source | PairSource) -> tuple[int, int]:
    """Return (size, channels) of a model's inputs: of its config, else of the images themselves."""
    size, channels = getattr(gan.config, "image_size", None), getattr(gan.config, "channels", None)
    if size is None or channels is None:
        native = source.native()
        size, channels = size or native[0], channels or native[1]
    if size is None:
        raise DataError(f"{source.name} has images of several sizes, or not square")
    return int(size), int(channels)
