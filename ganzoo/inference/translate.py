"""Images of images: pictures with the input beside the output, and many translated to disk."""

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
from ganzoo.data.decode import Item
from ganzoo.data.pairs import SIDES
from ganzoo.data.sources.folder import file_names, files_of
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
    """Make images of images: `load`, reading and `GAN.translate` in one call; see there for the options and errors.

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
    several: Sequence[Any] = images if isinstance(images, list | tuple) else [images]
    given = [Path(one) if isinstance(one, str | os.PathLike) else one for one in several]
    strange = [type(one).__name__ for one in given if not isinstance(one, Path | Image.Image | np.ndarray)]
    if strange or not given:
        kind = strange[0] if strange else "nothing"
        raise ConfigError(f"images must be a tensor, files, PIL images or arrays, not {kind}")
    for one in given:
        if isinstance(one, Path) and not one.is_file():
            folder = f"{one} is a folder: name the images in it, or use `ganzoo translate`"
            raise DataError(folder if one.is_dir() else f"There is no file {one.absolute()}")
        if isinstance(one, np.ndarray) and (one.dtype != np.uint8 or one.ndim not in (2, 3) or 0 in one.shape):
            raise ConfigError(f"arrays must be uint8 (H, W) or (H, W, C), not {one.dtype} {one.shape}")
        if isinstance(one, Image.Image) and 0 in one.size:
            raise ConfigError("one of the images has no pixels")
    items = [Item(one, None, str(one) if isinstance(one, Path) else f"image {i}") for i, one in enumerate(given)]
    source = Source("images", "", len(items), lambda: iter(items))
    size, channels = shape_for(gan, source)
    batches = read_batches(source, size, channels, count=len(items), batch_size=CHUNK)
    return gan.translate(torch.cat([batch["image"] for batch in batches]), **options)


def side_by_side(gan: GAN, batch: Mapping[str, Any], columns: int = _ACROSS) -> Image.Image:
    """Return a grid of what a model makes of a batch, each way it knows: input, output and, where there is one, target.

    Args:
        gan: a model that translates.
        batch: with the images (N, C, S, S) that its `translations` name; a ``pair`` in it says that they match.
        columns: inputs in a row, of one way; two ways are beside each other, half as many in a row.
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
    """Translate the images of a source and write them, with a progress bar and flat memory.

    Args:
        gan: a model that translates.
        source: the images; of two sets, the one that the model starts from.
        out: ``.png`` for one grid, ``.npz`` for an array ``images`` (N, H, W, C) uint8, else a new folder of PNGs that
            are called as their inputs are, or numbered.
        to: see `GAN.translate`.
        count: the first so many; None for all.
        beside: each picture has the input on the left and, for data in pairs, the target on the right.
        columns: of a grid.
        batch_size: images per forward pass.
        **conditions: as for `GAN.translate`.

    Returns:
        How many were translated.

    Raises:
        GanzooError: ``out`` cannot be written, or an image cannot be read.
        ConfigError: a bad number or condition, or the model makes no images of images.
    """
    begin, target = gan.direction(to)
    if isinstance(source, Source):
        begin = "image"
    elif begin not in SIDES:
        raise ConfigError(f"{type(gan).__name__} starts from one set of images, and {source.name} is two: name one")
    elif source.a is not None and not (beside and source.matched):  # the other side is not looked at
        source, begin = (source.a if begin == "A" else source.b), "image"
    if count is not None and count < 1:
        raise ConfigError(f"the number of images must be at least 1, not {count}")
    n = min(count or source.count, source.count)
    sources = [source] if isinstance(source, Source) else [s for s in (source.a, source.b) if s is not None]
    if out.is_file() and any(out.resolve() in files_of(one) for one in sources):
        raise ConfigError(f"{out} is what is translated, or a part of it: name another file")
    size, channels = shape_for(gan, source)
    batches = read_batches(source, size, channels, count=n, batch_size=max(batch_size, 1))
    matched = isinstance(source, PairSource) and source.matched

    def chunks() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        done = 0
        for batch in batches:
            made = gan.translate(batch[begin], to=to, batch_size=batch_size, **conditions)
            parts = [batch[begin], made, *([batch[target]] if matched else [])] if beside else [made]
            yield done, to_uint8(torch.cat(parts, 3))  # side by side
            done += len(made)

    names = file_names(sources[-1] if begin == "B" else sources[0], n)
    digits = max(1, len(str(n - 1)))
    write_images(
        out, chunks(), n, name=lambda i: names[i] if names else f"{i:0{digits}d}", columns=columns, verb="translating",
    )  # fmt: skip
    return n


def shape_for(gan: GAN, source: Source | PairSource) -> tuple[int, int]:
    """Return (size, channels) that images to translate are brought to: the model's, or their own where it takes all.

    Raises:
        DataError: it takes all, and they are of several sizes.
    """
    size, channels = getattr(gan.config, "image_size", None), getattr(gan.config, "channels", None)
    if size is None or channels is None:
        native = source.native()
        size, channels = size or native[0], channels or native[1]
    if size is None:
        raise DataError(f"{source.name} has images of several sizes, or none that is square")
    return int(size), int(channels)
