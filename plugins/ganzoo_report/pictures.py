"""Pictures that the model generates for the report: interpolations, translations, nearest real images."""

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
from ganzoo.models.load import Model, assemble
from ganzoo_report.embedded import picture_uri

INTERPOLATIONS, STEPS = 6, 10
EXAMPLES = 8
KEPT, GENERATED = 6, 1000

_PATH = re.compile(r"(?:\b[A-Za-z]:[\\/]|(?<![\w.:/])~?/)(?:[^\s'\":,;()]*[\\/])?(?=[\w.-])")
"""The folders of a path that begins at a root."""

DataOf = str | Callable[[Model], str]
"""The real images, or a function from a model to them."""


@dataclass(frozen=True)
class Picture:
    """A picture with the words for it.

    Args:
        uri: that holds it.
        size: (width, height) in pixels.
        alt: what is to be seen.
        caption: to be read beside it.
    """

    uri: str
    size: tuple[int, int]
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Generated images for the report, and why some could not be made.

    Args:
        interpolations: between two seeds, a strip each.
        translated: inputs beside outputs, one picture for each direction.
        neighbours: generated images, each followed by the real ones that lie nearest to it.
        split: the inputs' or neighbours'.
        extractor: of the features in which neighbours are near.
        missing: the name of a section to the reason that it is empty.
    """

    interpolations: Sequence[Picture] = ()
    translated: Sequence[Picture] = ()
    neighbours: Sequence[Sequence[Picture]] = ()
    split: str = ""
    extractor: str = "pixels"
    missing: dict[str, str] = field(default_factory=dict)


def make_pictures(
    model: Model, data: DataOf, *, split: str, neighbours: int, device: torch.device, extractor: str = "pixels",
    progress: bool = True,
) -> Pictures:  # fmt: skip
    """Generate what the report of a model shows; a part that fails is named with its reason.

    Args:
        model: that was found.
        data: the real images.
        split: of the data.
        neighbours: real images beside each generated one; 0 for none.
        device: of the model.
        extractor: of the features in which neighbours are near, as in a protocol.
        progress: show progress bars.

    Raises:
        GanzooError: the model cannot be loaded.
    """
    gan = assemble(model, device=device)
    missing: dict[str, str] = {}
    places = (str(model.folder or ""), model.origin, str(data), str(model.config.training.get("data") or ""))
    if gan.translations:
        translated: Sequence[Picture] = ()
        try:
            translated, split = _translated(gan, _named(data, model), split)
        except (GanzooError, OSError, RuntimeError) as error:  # data that is not there, memory
            missing["translations"] = public(error, *places)
        return Pictures(translated=translated, split=split, missing=missing)
    interpolations: Sequence[Picture] = ()
    near: Sequence[Sequence[Picture]] = ()
    try:
        interpolations = [_interpolation(gan, 2 * i, 2 * i + 1) for i in range(INTERPOLATIONS)]
    except (GanzooError, RuntimeError) as error:
        missing["interpolations"] = public(error, *places)
    if neighbours:
        try:
            near, extractor = _neighbours(gan, _named(data, model), split, neighbours, extractor, progress=progress)
        except (GanzooError, OSError, RuntimeError) as error:
            missing["neighbours"] = public(error, *places)
    return Pictures(interpolations=interpolations, neighbours=near, split=split, extractor=extractor, missing=missing)


def public(error: Exception, *places: str) -> str:
    """Return an error's text for everybody: of a path of this machine only the last part is left.

    Args:
        error: what was raised.
        *places: paths that it may name.
    """
    said = one_line(str(error))
    for place in sorted(filter(None, places), key=len, reverse=True):
        said = said.replace(place, Path(place).name)
    return _PATH.sub("", said)


def _named(data: DataOf, model: Model) -> str:
    return data if isinstance(data, str) else data(model)


def _interpolation(gan: GAN, first: int, last: int) -> Picture:
    uri, size = picture_uri(quantise(interpolate(gan, first, last, STEPS)), STEPS)
    caption = f"seeds {first}, {last}"
    return Picture(
        uri, size, f"interpolation from the image of seed {first} to that of seed {last} in {STEPS} images", caption
    )


def _translated(gan: GAN, data: str, split: str) -> tuple[list[Picture], str]:
    """Return input, output and, for pairs, target of some images, and their split: test, where there is one."""
    source, used = open_data(data, split=split), split
    if split == "train":
        with suppress(DataError):
            source, used = open_data(data, split="test"), "test"
    made = []
    for begin, target in gan.translations:
        shown = _cells(gan, source, begin, target)
        across = shown.shape[1] * (2 if len(shown) % 2 == 0 else 1)
        uri, size = picture_uri(quantise(shown.flatten(0, 1)), across)
        what = ", ".join(("input", "output", "target")[: shown.shape[1]])
        made.append(
            Picture(uri, size, f"{what} of {len(shown)} images, {begin} to {target}", f"{begin} to {target}: {what}")
        )
    return made, used


def _cells(gan: GAN, source: Source | PairSource, begin: str, target: str) -> Tensor:
    """Return (N, 2 or 3, C, S, S): inputs, outputs and, for pairs, targets."""
    specs = {begin: gan.sample_specs[begin], **gan.sample_specs}
    batch = next(iter(read_batches(source, specs, count=EXAMPLES, batch_size=EXAMPLES)))
    begin = source.medium if isinstance(source, Source) else begin
    if begin not in batch:
        raise DataError(f"{source.name} has no images {begin}: say the data as for `ganzoo train`")
    parts = [batch[begin], gan.translate(batch[begin], to=target)]
    if isinstance(source, PairSource) and source.matched:
        parts.append(batch[target])
    return torch.stack(parts, 1)


def _neighbours(
    gan: GAN, data: str, split: str, count: int, extractor: str, *, progress: bool
) -> tuple[list[list[Picture]], str]:
    """Return the rows of pictures, and the extractor as a protocol writes it."""
    found = nearest_neighbours(
        gan,
        data=data,
        extractor=extractor,
        images=GENERATED,
        keep=KEPT,
        neighbours=count,
        split=split,
        progress=progress,
    )
    rows = []
    for generated, real, distances in zip(found.generated, found.real, found.distances, strict=True):
        row = [Picture(*picture_uri(generated[None], 1), "a generated image", "generated")]
        for place, (image, distance) in enumerate(zip(real, distances.tolist(), strict=True), 1):
            alt = f"the {'' if place == 1 else f'{place}. '}nearest training image, at a distance of {distance:.3g}"
            row.append(Picture(*picture_uri(image[None], 1), alt, f"{distance:#.3g}"))
        rows.append(row)
    return rows, found.extractor
