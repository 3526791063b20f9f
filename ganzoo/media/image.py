"""Pictures: grey, RGB, or RGB with transparency."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps, features
from torch import Tensor
from torch.nn import functional as F

from ganzoo.errors import ConfigError, DataError
from ganzoo.gan.sample_spec import PartialShape, Reading, Shape
from ganzoo.media.base import Item, Medium, Sample, SurveyNeededError, why
from ganzoo.media.grids import tiled, to_pil
from ganzoo.media.limits import InHand, check_bytes, check_pixels, max_pixels, too_large
from ganzoo.registry.image_sizes import size_of

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_NAMES = {1: "grey", 3: "RGB", 4: "RGBA"}
_FITTED = {"crop": "centre-cropped", "pad": "padded", "stretch": "stretched"}
_DEPTHS = (8, 10, 12, 14, 16)
_LOOKED_AT = 16
_ORIENTATION = 0x0112  # the tag of EXIF
_TILE = (322, 323)  # the tags of TIFF
_IN_HAND = InHand()

# No others: Pillow starts a program for some.
_FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else [])]
try:
    import pillow_heif  # type: ignore[import-not-found]  # reads .heic; optional
except ImportError:
    pass
else:
    pillow_heif.register_heif_opener()
    _FORMATS.append("HEIF")


class ImageMedium(Medium):
    """Pictures (C, H, W): uint8 as they are stored, float32 in [-1, 1] as networks see them."""

    suffix = ".png"
    noun = "image"

    def native(self, items: Iterable[Item]) -> PartialShape:
        """Return (C, H, W) of the first pictures that can be read; C is 1 or 3, a side in which they differ None."""
        found, failed = [], None
        for item in islice(items, _LOOKED_AT):
            try:
                with opened(item) as image:
                    found.append((*image.size, Image.getmodebase(image.mode) == "L"))
            except DataError as error:
                failed = failed or error
        if failed is not None and not found:
            raise failed
        widths, heights = ({one[axis] for one in found} for axis in (0, 1))
        grey = all(one[2] for one in found)
        sides = (side.pop() if len(side) == 1 else None for side in (heights, widths))
        return (1 if grey else 3, *sides)

    def hyperparameters(self, shape: PartialShape) -> dict[str, Any]:
        """Return ``channels`` and ``image_size``, which is None where pictures differ in size."""
        channels, height, width = shape
        return {"channels": channels, "image_size": size_of(height, width) if height and width else None}

    def trials(self) -> list[dict[str, Any]]:
        """Return small squares of 1 and 3 channels, a rectangle with transparency, and a large image."""
        squares = [{"image_size": size, "channels": channels} for size in (16, 28, 32, 64) for channels in (1, 3)]
        return [*squares, {"image_size": (96, 64), "channels": 4}, {"image_size": 256, "channels": 3}]

    def check(self, reading: Reading) -> None:
        """Refuse a background that is no colour."""
        try:
            ImageColor.getcolor(reading.background, "RGB")
        except ValueError as error:
            raise ConfigError(f"background '{reading.background}' is no colour: say white, black or #rrggbb") from error

    def survey(self, items: Iterable[Item]) -> dict[str, Any]:
        """Return ``{"bits": n}``, of the largest value in the pictures of 16 bits."""
        largest = 0
        for item in items:
            try:
                with opened(item) as image:
                    if image.mode.startswith("I;16"):
                        largest = max(largest, int(np.asarray(image).max()))
            except DataError:
                continue  # named when it is read
        return {"bits": next(bits for bits in _DEPTHS if largest < 2**bits)}

    def read(self, item: Item, shape: Shape, reading: Reading) -> Sample:
        """Return a picture as (C, H, W) uint8; see `Reading`."""
        channels, height, width = shape
        with opened(item, least=max(height, width)) as image:
            if image.mode in ("I", "F"):
                raise DataError(f"{item.where} has pixels of 32 bits, whose range is unknown: save it with 8 or 16")
            notes = _notes_of(image)
            if image.mode.startswith("I;16"):
                if "bits" not in reading.survey:
                    raise SurveyNeededError
                bits = reading.survey["bits"]
                notes.append(f"of {bits} bits in 16, scaled to 8")
                image = image.convert("I").point(_to_8_bits(bits), "L")  # noqa: PLW2901 - frees what it was
            image, transparent = _converted(image, channels, reading.background)  # noqa: PLW2901
            notes += [transparent] if transparent else []
            if image.size != (width, height):
                notes += _changes(image.size, (width, height), reading)
                image = _fitted(image, (width, height), reading)  # noqa: PLW2901
            stored = np.asarray(image, dtype=np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
        return Sample(stored, tuple(notes))

    def describe(self, shape: Shape, reading: Reading) -> str:
        """Describe the size and the channels."""
        return f"{shape[1]}x{shape[2]} {_NAMES[shape[0]]}"

    def to_model(self, stored: Tensor) -> Tensor:
        """Return uint8 pictures (N, C, H, W) as float32 in [-1, 1], in channels-last order."""
        return image_layout(stored.float().div_(127.5).sub_(1))

    def to_storage(self, samples: Tensor) -> Tensor:
        """Return pictures in [-1, 1] as uint8 in 0 ... 255, rounded to the nearest."""
        return quantise(samples)

    def write(self, stored: NDArray[Any], path: Path) -> None:
        """Write a PNG."""
        self.picture(stored).save(path, "PNG", compress_level=1)

    def picture(self, stored: NDArray[Any]) -> Image.Image:
        """Return a stored picture as a PIL image."""
        return to_pil(stored.transpose(1, 2, 0))

    def preview(self, stored: NDArray[Any], columns: int | None = None) -> Image.Image:
        """Return a grid of pictures (N, C, H, W)."""
        return tiled(self.array(stored), columns)

    def array(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return (N, C, H, W) as (N, H, W, C)."""
        return stored.transpose(0, 2, 3, 1)

    def encode(self, stored: NDArray[Any]) -> bytes:
        """Encode without loss: TIFF by differences and Zstandard, which decodes faster than a PNG of its size."""
        buffer = io.BytesIO()
        try:
            self.picture(stored).save(buffer, "TIFF", compression="zstd", tiffinfo={317: 2})
        except (OSError, ValueError):  # a Pillow without libtiff's Zstandard
            buffer = io.BytesIO()
            self.picture(stored).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def decode(self, data: bytes, shape: Shape) -> NDArray[Any]:
        """Return (C, H, W) uint8."""
        channels, height, width = shape
        image = Image.open(io.BytesIO(data), formats=("TIFF", "PNG"))
        return np.asarray(image, dtype=np.uint8).reshape(height, width, channels).transpose(2, 0, 1)

    def reduce(self, samples: Tensor, resolution: int | Sequence[int]) -> Tensor:
        """Average pictures (N, C, H, W) down to a resolution, an int or (H, W)."""
        if samples.ndim != 4:
            return super().reduce(samples, resolution)
        size = (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)
        return samples if samples.shape[-2:] == size else image_layout(F.interpolate(samples, size=size, mode="area"))


def open_image(item: Item) -> Image.Image:
    """Decode one picture and turn it upright.

    Raises:
        DataError: it is no picture, or one of more than `max_pixels`.
    """
    with opened(item) as image:
        image.load()
        return image


@contextmanager
def opened(item: Item, least: int | None = None) -> Iterator[Image.Image]:
    """Yield one picture, upright; its pixels may be decoded only when they are used, and pictures wait for memory.

    Args:
        item: the picture.
        least: shorter side that is enough: a larger JPEG may be decoded at a half, a quarter or an eighth of its size.

    Raises:
        DataError: it is no picture, one of more than `max_pixels`, or a file of more than 4 bytes for each of these.
    """
    image = item.image
    try:
        if isinstance(image, np.ndarray):
            check_pixels(item.where, image.shape[1], image.shape[0])
            yield Image.fromarray(image)
        elif isinstance(image, Image.Image):
            check_pixels(item.where, *image.size)
            yield _upright(image)
        else:
            with image.open("rb") if isinstance(image, Path) else io.BytesIO(image) as file:
                size = file.seek(0, io.SEEK_END)
                check_bytes(item.where, size, 4 * max_pixels())
                file.seek(0)
                held: list[Image.Image] = [Image.open(file, formats=_FORMATS)]
                memory = 2 * size + _memory(held[0], item.where, least)
                with _IN_HAND.take(memory):
                    held = [_upright(held[0])]
                    yield held.pop()  # kept by its user alone, who may drop it before the end
    except (DataError, ConfigError, SurveyNeededError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large(item.where) from error
    except Exception as error:  # damaged files raise a dozen kinds, from OSError to struct.error
        raise DataError(f"{item.where} is not a readable image ({why(error)}): mend or remove it") from error


def _memory(image: Image.Image, where: str, least: int | None) -> int:
    """Return the bytes that it takes at most to decode and convert a picture, which may be reduced as it is decoded."""
    check_pixels(where, *image.size)
    tags = getattr(image, "tag_v2", {})
    check_pixels(f"{where}: a tile", *(int(tags.get(tag, 0)) for tag in _TILE))
    coefficients = 6 * image.width * image.height if "progressive" in image.info else 0
    if least is not None:
        image.draft(None, (2 * least, 2 * least))
    plain = image.mode in ("1", "L", "RGB", "YCbCr") and image.format != "WEBP"
    return image.width * image.height * (8 if plain else 16) + coefficients


def _upright(image: Image.Image) -> Image.Image:
    # Most are upright, and what Pillow would return for them is a copy.
    return image if image.getexif().get(_ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)


def image_layout(samples: Tensor) -> Tensor:
    """Return a batch of images (N, C, H, W) in channels-last order, samples of any other rank in the default one."""
    return samples.contiguous(memory_format=torch.channels_last) if samples.ndim == 4 else samples.contiguous()


def quantise(images: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 in 0 ... 255, rounded to the nearest."""
    return (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Return images (N, C, H, W) in [-1, 1] as (N, H, W, C) in 0 ... 255, rounded to the nearest."""
    return quantise(images).permute(0, 2, 3, 1).cpu().numpy()


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """Return images (N, C, H, W) in [-1, 1] as one picture, row by row, as square as can be without ``columns``."""
    return tiled(to_uint8(images), columns)


def _to_8_bits(bits: int) -> list[int]:
    """Return the value in 8 bits of each of 16, where ``bits`` of these are used."""
    return list((np.arange(2**16) * (255 / (2**bits - 1))).astype(np.uint8).tolist())


def _notes_of(image: Image.Image) -> list[str]:
    """Return what of a picture is lost before it is converted."""
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("of several frames, of which the first is used")
    if image.mode == "CMYK":
        notes.append("converted from CMYK")
    return notes


def _converted(image: Image.Image, channels: int, background: str) -> tuple[Image.Image, str]:
    """Return a picture in the mode of its channels, and what happened to its transparency."""
    transparent = ""
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")  # which would copy it
        if channels != 4 and np.asarray(image.getchannel("A")).min() < 255:
            image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
            transparent = f"with transparency, laid on {background}"
    return image.convert(_MODES[channels]), transparent


def _changes(size: tuple[int, int], wanted: tuple[int, int], reading: Reading) -> list[str]:
    notes = ["enlarged"] if size[0] < wanted[0] or size[1] < wanted[1] else []
    if size[0] * wanted[1] != size[1] * wanted[0]:
        notes.append(_FITTED[reading.fit])
    return notes


def _fitted(image: Image.Image, size: tuple[int, int], reading: Reading) -> Image.Image:
    """Bring a picture to (width, height)."""
    lanczos = Image.Resampling.LANCZOS
    if reading.fit == "stretch":
        return image.resize(size, lanczos)
    if reading.fit == "crop":
        return ImageOps.fit(image, size, lanczos)
    colour = (0, 0, 0, 0) if image.mode == "RGBA" else ImageColor.getcolor(reading.background, image.mode)
    return ImageOps.pad(image, size, lanczos, color=colour)
