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
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import Reading
from ganzoo.inference.output import CHUNK, write_samples
from ganzoo.media import IMAGE, get_medium
from ganzoo.media.grids import grid_of
from ganzoo.models.load import load

EXAMPLES = 16
"""Images of a preview."""
_ACROSS = 4  # inputs in a row of a grid


def translate(
    model: str | os.PathLike[str] | GAN,
    images: Tensor | NDArray[np.uint8] | Image.Image | str | os.PathLike[str] | Sequence[Any],
    *,
    reading: Reading | None = None,
    **options: Any,
) -> Tensor:
    """Translate images (image-to-image): `load`, reading and `GAN.translate` in one call.

    Args:
        model: a GAN, or what `load` takes.
        images: a tensor (N, C, H, W) in [-1, 1] as it is; or one or several files, PIL images or uint8 arrays (H, W) or
            (H, W, C), which are brought to the model's size.
        reading: how images are brought to a size; by default as those that the model was trained on.
        **options: of `GAN.translate`.

    Returns:
        Images (N, C, H, W), float32 in [-1, 1], on the CPU.

    Raises:
        DataError: an image cannot be read.
    """
    gan = model if isinstance(model, GAN) else load(model)
    if isinstance(images, Tensor):
        return gan.translate(images, **options)
    source = from_objects(images if isinstance(images, list | tuple) else [images])
    begin, _ = gan.direction(options.get("to"))
    batches = read_batches(
        source, {begin: gan.sample_specs[begin]}, reading or gan.reading, count=source.count, batch_size=CHUNK
    )
    return gan.translate(torch.cat([batch[source.medium] for batch in batches]), **options)


def side_by_side(gan: GAN, batch: Mapping[str, Any], columns: int = _ACROSS) -> Image.Image:
    """Return a grid of a batch translated in each direction: input, output and, where it is known, the target.

    Args:
        gan: a model that translates.
        batch: with the samples (N, ...) that its `translations` name; ``pair`` in it means that they match.
        columns: inputs in a row, of one direction; two directions are beside each other, half as many in a row.
    """
    shown: list[list[Image.Image]] = []
    for source, target in gan.translations:
        shown.append(_pictures(gan, source, batch[source]))
        shown.append(_pictures(gan, target, gan.translate(batch[source], to=target)))
        shown += [_pictures(gan, target, batch[target])] if "pair" in batch else []
    columns = max(1, columns // len(gan.translations))
    return grid_of([picture for row in zip(*shown, strict=True) for picture in row], columns * len(shown))


def _pictures(gan: GAN, key: str, samples: Tensor) -> list[Image.Image]:
    medium = get_medium(gan.sample_specs[key].medium)
    return [medium.picture(one) for one in medium.to_storage(samples).cpu().numpy()]


def translate_source(
    gan: GAN, source: Source | PairSource, out: Path, *, to: str | None = None, count: int | None = None,
    beside: bool = False, columns: int | None = None, batch_size: int = 64, reading: Reading | None = None,
    **conditions: Any,
) -> int:  # fmt: skip
    """Translate the samples of a source and write them, with a progress bar and constant memory.

    Args:
        gan: a model that translates.
        source: the samples; of two sets, the inputs of the translation are read.
        out: see `ganzoo.inference.output.write_samples`; the files of a folder have the names of their inputs, or are
            numbered.
        to: see `GAN.translate`.
        count: translate only the first ``count`` samples; None for all.
        beside: each picture has the input on the left and, for data in pairs, the target on the right.
        columns: of a grid.
        batch_size: samples per forward pass.
        reading: how images are brought to a size; by default as those that the model was trained on.
        **conditions: as for `GAN.translate`; a list has one value per sample.

    Returns:
        How many were translated.

    Raises:
        GanzooError: ``out`` cannot be written, or a sample cannot be read.
        ConfigError: a bad number or condition, or the model does not translate.
    """
    begin, target = gan.direction(to)
    if count is not None and count < 1:
        raise ConfigError(f"the number of images must be at least 1, not {count}")
    source, key = _select_side(gan, source, begin, with_target=beside)
    sources = [source] if isinstance(source, Source) else [side for side in (source.a, source.b) if side is not None]
    if out.is_file() and any(out.resolve() in files_of(one) for one in sources):
        raise ConfigError(f"{out} is an input of the translation: name another file")
    n = min(count or source.count, source.count)
    for name, value in conditions.items():
        if isinstance(value, list) and len(value) != n:
            raise ConfigError(f"{n} images need {n} values of {name} or one for all, not {len(value)}")
    specs = {begin: gan.sample_specs[begin], **gan.sample_specs}
    batches = read_batches(source, specs, reading or gan.reading, count=n, batch_size=max(batch_size, 1))
    matched = isinstance(source, PairSource) and source.matched
    medium = get_medium(IMAGE if beside else gan.sample_specs[target].medium)

    def chunks() -> Iterator[tuple[int, NDArray[Any]]]:
        done = 0
        for batch in batches:
            inputs = batch[key]
            values = {k: v[done : done + len(inputs)] if isinstance(v, list) else v for k, v in conditions.items()}
            translated = gan.translate(inputs, to=to, batch_size=batch_size, **values)
            if beside:
                parts = [_pictures(gan, begin, inputs), _pictures(gan, target, translated)]
                parts += [_pictures(gan, target, batch[target])] if matched else []
                rows = [np.asarray(grid_of(row, len(row))) for row in zip(*parts, strict=True)]
                stored = np.stack([row.reshape(*row.shape[:2], -1).transpose(2, 0, 1) for row in rows])
            else:
                stored = medium.to_storage(translated).numpy()
            yield done, stored
            done += len(translated)

    names = file_names(sources[-1] if key == "B" else sources[0], n)
    write_samples(out, chunks(), n, medium, name=names.__getitem__, columns=columns, verb="translating")
    return n


def _select_side(
    gan: GAN, source: Source | PairSource, begin: str, *, with_target: bool
) -> tuple[Source | PairSource, str]:
    """Return what is to be read of a source, and the key of the inputs in its batches."""
    if isinstance(source, Source):
        return source, source.medium
    if begin not in SIDES:
        raise ConfigError(f"{type(gan).__name__} translates one set of images, and {source.name} is two: name one")
    if source.a is None or (with_target and source.matched):
        return source, begin
    side = source.a if begin == "A" else source.b
    return side, side.medium
