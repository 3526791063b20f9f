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
from ganzoo.gan.latents import with_class_numbers
from ganzoo.gan.sample_spec import Reading
from ganzoo.inference.output import CHUNK, write_samples
from ganzoo.inference.sample import check_lists, slice_lists
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


def count_inputs(gan: GAN, source: Source | PairSource, *, to: str | None = None, count: int | None = None) -> int:
    """Return how many samples `translate_source` translates; the arguments are as there."""
    source, _ = _select_side(gan, source, gan.direction(to)[0], with_target=False)
    return min(count or source.count, source.count)


def translate_source(
    gan: GAN, source: Source | PairSource, out: Path, *, to: str | None = None, count: int | None = None,
    seed: int = 0, repeat: int = 1, beside: bool = False, columns: int | None = None, batch_size: int = 64,
    reading: Reading | None = None, **conditions: Any,
) -> int:  # fmt: skip
    """Translate the samples of a source and write them, with a progress bar and constant memory.

    Args:
        gan: a model that translates.
        source: the samples; of two sets, the inputs of the translation are read.
        out: see `ganzoo.inference.output.write_samples`; the files of a folder have the names of their inputs, or are
            numbered; where an input is translated several times, they end in -1, -2, ...
        to: see `GAN.translate`.
        count: translate only the first ``count`` samples; None for all.
        seed: input i has the seed ``seed + i``.
        repeat: translations of each input, which differ in other conditions.
        beside: each picture has the input on the left, beside all of its translations, and, for data in pairs, the
            target on the right.
        columns: of a grid.
        batch_size: samples per forward pass.
        reading: how images are brought to a size; by default as those that the model was trained on.
        **conditions: as for `GAN.translate`; a list has one value per translation.

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
    conditions = with_class_numbers(gan, conditions)
    check_lists(conditions, n * repeat)
    specs = {begin: gan.sample_specs[begin], **gan.sample_specs}
    batches = read_batches(source, specs, reading or gan.reading, count=n, batch_size=max(batch_size // repeat, 1))
    matched = isinstance(source, PairSource) and source.matched
    medium = get_medium(IMAGE if beside else gan.sample_specs[target].medium)

    def chunks() -> Iterator[tuple[int, NDArray[Any]]]:
        done = 0
        for batch in batches:
            inputs = batch[key]
            more = done + len(inputs)
            seeds = [seed + i for i in range(done, more) for _ in range(repeat)]
            values = slice_lists(conditions, done * repeat, more * repeat)
            repeated = inputs.repeat_interleave(repeat, 0)
            translated = gan.translate(repeated, to=to, seeds=seeds, batch_size=batch_size, **values)
            if beside:
                parts = [_pictures(gan, begin, inputs)]
                parts += [_pictures(gan, target, translated[i::repeat]) for i in range(repeat)]
                parts += [_pictures(gan, target, batch[target])] if matched else []
                rows = [np.asarray(grid_of(row, len(row))) for row in zip(*parts, strict=True)]
                yield done, np.stack([row.reshape(*row.shape[:2], -1).transpose(2, 0, 1) for row in rows])
            else:
                yield done * repeat, medium.to_storage(translated).numpy()
            done = more

    names = file_names(sources[-1] if key == "B" else sources[0], n)
    pictures = n if beside else n * repeat
    if pictures > n:
        names = [f"{name}-{i + 1:0{len(str(repeat))}d}" for name in names for i in range(repeat)]
    write_samples(out, chunks(), pictures, medium, name=names.__getitem__, columns=columns, verb="translating")
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
