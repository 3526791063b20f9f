"""Pictures: grey, RGB, or RGB with transparency."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
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
from ganzoo.registry.image_sizes import size_of

MOST_PIXELS = 2**26 + 2**24
"""Pixels of the largest picture that is read, about 9,000 x 9,000: bounds the memory that a small file can take."""
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_NAMES = {1: "grey", 3: "RGB", 4: "RGBA"}
_FITTED = {"crop": "centre-cropped", "pad": "padded", "stretch": "stretched"}
_DEPTHS = (8, 10, 12, 14, 16)
_LOOKED_AT = 16
_ORIENTATION = 0x0112  # the tag of EXIF

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
                found.append(open_image(item))
            except DataError as error:
                failed = failed or error
        if failed is not None and not found:
            raise failed
        widths, heights = ({image.size[axis] for image in found} for axis in (0, 1))
        grey = all(Image.getmodebase(image.mode) == "L" for image in found)
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
                image = open_image(item)
                if image.mode.startswith("I;16"):
                    largest = max(largest, int(np.asarray(image).max()))
            except (DataError, OSError, ValueError):
                continue  # named when it is read
        return {"bits": next(bits for bits in _DEPTHS if largest < 2**bits)}

    def read(self, item: Item, shape: Shape, reading: Reading) -> Sample:
        """Return a picture as (C, H, W) uint8; see `Reading`."""
        channels, height, width = shape
        image = open_image(item, least=max(height, width))
        if image.mode in ("I", "F"):
            raise DataError(f"{item.where} has pixels of 32 bits, whose range is unknown: save it with 8 or 16")
        notes = _notes_of(image)
        try:
            if image.mode.startswith("I;16"):
                if "bits" not in reading.survey:
                    raise SurveyNeededError
                bits = reading.survey["bits"]
                notes.append(f"of {bits} bits in 16, scaled to 8")
                image = Image.fromarray((np.asarray(image, np.float64) * (255 / (2**bits - 1))).astype(np.uint8))
            image, transparent = _converted(image, channels, reading.background)
            notes += [transparent] if transparent else []
            if image.size != (width, height):
                notes += _changes(image.size, (width, height), reading)
                image = _fitted(image, (width, height), reading)
        except SurveyNeededError:
            raise
        except Exception as error:  # pixels are decoded only here, see open_image
            raise _unreadable(item, error) from error
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


def open_image(item: Item, least: int | None = None) -> Image.Image:
    """Open one picture and turn it upright; its pixels may be decoded only when they are used.

    Args:
        item: the picture.
        least: shorter side that is enough: a larger JPEG may be decoded at a half, a quarter or an eighth of its size.

    Raises:
        DataError: it is no picture, or one of more than `MOST_PIXELS`.
    """
    try:
        if isinstance(item.image, np.ndarray):
            return Image.fromarray(item.image)
        image = item.image
        if not isinstance(image, Image.Image):
            data = image.read_bytes() if isinstance(image, Path) else image
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if image.width * image.height <= MOST_PIXELS:
            if least is not None:
                image.draft(None, (2 * least, 2 * least))
            # Most are upright, and what Pillow would return for them is a copy.
            return image if image.getexif().get(_ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)
    except Exception as error:  # damaged files raise a dozen kinds, from OSError to struct.error
        raise _unreadable(item, error) from error
    raise DataError(
        f"{item.where} is {image.height}x{image.width}, more than the {MOST_PIXELS:,} pixels that are read: make it "
        "smaller, or remove it"
    )


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


def _unreadable(item: Item, error: Exception) -> DataError:
    return DataError(f"{item.where} is not a readable image ({why(error)}): mend or remove it")


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
        image = image.convert("RGBA")
        if channels != 4 and np.asarray(image.getchannel("A")).min() < 255:
            sheet = Image.new("RGBA", image.size, background)
            image, transparent = Image.alpha_composite(sheet, image), f"with transparency, laid on {background}"
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
