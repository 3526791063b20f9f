"""Pictures that the model generates for its report: interpolations, translations, nearest training images."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data import PairSource, Source, open_data, read_batches
from ganzoo.errors import DataError, GanzooError, one_line
from ganzoo.gan import GAN
from ganzoo.inference.sample import interpolate
from ganzoo.media.image import quantise
from ganzoo.metrics import nearest_neighbours
from ganzoo.models.load import Model, assemble, find
from ganzoo_report.embedded import picture_uri

INTERPOLATIONS, STEPS = 6, 10
EXAMPLES = 8
KEPT, GENERATED = 6, 1000

_PATH = re.compile(r"(?:\b[A-Za-z]:[\\/]|(?<![\w.:/])~?/)(?:[^\s'\":,;()]*[\\/])?(?=[\w.-])")
"""The folders of an absolute path."""

DataOf = str | Callable[[Model], str]
"""The real images, or a function that names those of a model."""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size (width, height) in pixels and its texts."""

    uri: str
    size: tuple[int, int]
    alt: str
    caption: str


@dataclass
class Pictures:
    """Generated pictures for the report.

    Args:
        translates: whether the model is image-to-image.
        split: of the data that translations take their inputs from.
        extractor: of the features in which neighbours are near.
        translations: inputs beside outputs, one picture for each direction.
        interpolations: between two seeds each.
        neighbours: generated images, each followed by its nearest training images.
        missing: the name of a section to the reason why it has no pictures.
    """

    translates: bool
    split: str = ""
    extractor: str = "pixels"
    translations: Sequence[Picture] = ()
    interpolations: Sequence[Picture] = ()
    neighbours: Sequence[Sequence[Picture]] = ()
    missing: dict[str, str] = field(default_factory=dict)


def make_pictures(
    run: Path, data: DataOf, *, translates: bool, split: str, neighbours: int, extractor: str = "pixels",
    device: torch.device, progress: bool = True,
) -> Pictures:  # fmt: skip
    """Generate the pictures of a report; where that fails, ``missing`` gives the reason."""
    made = Pictures(translates, split, extractor)
    sections = ["translations"] if translates else ["interpolations", *(["neighbours"] if neighbours else [])]
    places = [str(run), str(run.absolute())]
    try:
        model = find(places[1])
        gan = assemble(model, device=device)
    except (GanzooError, RuntimeError) as error:  # no weights yet, another version, memory
        made.missing = dict.fromkeys(sections, public(error, *places))
        return made
    places += [str(model.folder or ""), model.origin, str(data), str(model.config.training.get("data") or "")]
    for section in sections:
        try:
            if section == "interpolations":
                made.interpolations = [_interpolation(gan, 2 * i, 2 * i + 1) for i in range(INTERPOLATIONS)]
                continue
            images = data if isinstance(data, str) else data(model)
            if section == "translations":
                made.translations, made.split = _translations(gan, images, split)
            else:
                made.neighbours, made.extractor = _neighbours(
                    gan, images, split, neighbours, extractor, progress=progress
                )
        except (GanzooError, OSError, RuntimeError) as error:  # missing data, memory
            made.missing[section] = public(error, *places)
    return made


def public(error: Exception, *places: str) -> str:
    """Return an error's text with only the last part of each path of this machine."""
    text = one_line(str(error))
    for place in sorted(filter(None, places), key=len, reverse=True):
        text = text.replace(place, Path(place).name)
    return _PATH.sub("", text)


def _interpolation(gan: GAN, first: int, last: int) -> Picture:
    uri, size = picture_uri(quantise(interpolate(gan, first, last, STEPS)), STEPS)
    alt = f"interpolation from the image of seed {first} to that of seed {last} in {STEPS} images"
    return Picture(uri, size, alt, f"seeds {first}, {last}")


def _translations(gan: GAN, data: str, split: str) -> tuple[list[Picture], str]:
    """Return one picture for each direction, and the split of the inputs: test, where there is one."""
    source = open_data(data, split=split)
    if split == "train":
        with suppress(DataError):
            source, split = open_data(data, split="test"), "test"
    made = []
    for begin, target in gan.translations:
        cells = _cells(gan, source, begin, target)
        columns = cells.shape[1] * (2 if len(cells) % 2 == 0 else 1)
        uri, size = picture_uri(quantise(cells.flatten(0, 1)), columns)
        what = ", ".join(("input", "output", "target")[: cells.shape[1]])
        alt = f"{what} of {len(cells)} images, {begin} to {target}"
        made.append(Picture(uri, size, alt, f"{begin} to {target}: {what}"))
    return made, split


def _cells(gan: GAN, source: Source | PairSource, begin: str, target: str) -> Tensor:
    """Return (N, 2 or 3, C, S, S): inputs, outputs and, for pairs, targets."""
    specs = {begin: gan.sample_specs[begin], **gan.sample_specs}
    batch = next(iter(read_batches(source, specs, gan.reading, count=EXAMPLES, batch_size=EXAMPLES)))
    begin = source.medium if isinstance(source, Source) else begin
    if begin not in batch:
        raise DataError(f"{source.name} has no images {begin}: name the data as for `ganzoo train`")
    parts = [batch[begin], gan.translate(batch[begin], to=target)]
    if isinstance(source, PairSource) and source.matched:
        parts.append(batch[target])
    return torch.stack(parts, 1)


def _neighbours(
    gan: GAN, data: str, split: str, count: int, extractor: str, *, progress: bool
) -> tuple[list[list[Picture]], str]:
    """Return rows of a generated image and its neighbours, and the extractor as a protocol writes it."""
    found = nearest_neighbours(
        gan, data=data, extractor=extractor, images=GENERATED, keep=KEPT, neighbours=count, split=split,
        progress=progress,
    )  # fmt: skip
    rows = []
    for generated, real, distances in zip(found.generated, found.real, found.distances, strict=True):
        row = [Picture(*picture_uri(generated[None], 1), "a generated image", "generated")]
        for rank, (image, distance) in enumerate(zip(real, distances.tolist(), strict=True), 1):
            alt = f"the {'' if rank == 1 else f'{rank}. '}nearest training image, at a distance of {distance:.3g}"
            row.append(Picture(*picture_uri(image[None], 1), alt, f"{distance:#.3g}"))
        rows.append(row)
    return rows, found.extractor
