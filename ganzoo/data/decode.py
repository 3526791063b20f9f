"""Images: from encoded bytes to arrays and tensors."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from ganzoo.errors import DataError

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # no others: Pillow starts a program for some


class Item(NamedTuple):
    """One image, encoded or decoded, with its label and its location for error messages."""

    image: bytes | Path | NDArray[np.uint8] | Image.Image
    label: int | None
    where: str


def open_image(item: Item) -> Image.Image:
    """Decode one image and turn it upright."""
    try:
        if isinstance(item.image, np.ndarray):
            return Image.fromarray(item.image)
        if isinstance(item.image, Image.Image):
            return ImageOps.exif_transpose(item.image)
        data = item.image.read_bytes() if isinstance(item.image, Path) else item.image
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data), formats=_FORMATS))
    except Exception as error:  # damaged files raise a dozen kinds, from OSError to struct.error
        raise _unreadable(item, error) from error


def _unreadable(item: Item, error: Exception) -> DataError:
    return DataError(f"{item.where} is not a readable image ({why(error)}): mend or remove it")


def why(error: Exception) -> str:
    """Return the cause of an error in one line."""
    text = getattr(error, "strerror", None) or str(error).partition("<_io")[0]
    return " ".join(text.split()) or type(error).__name__


def scaled(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 in [-1, 1], on their device."""
    return pixels.float().div_(127.5).sub_(1)


def image_layout(samples: Tensor) -> Tensor:
    """Return a batch of images (N, C, H, W) in channels-last order, samples of any other rank in the default one."""
    return samples.contiguous(memory_format=torch.channels_last) if samples.ndim == 4 else samples.contiguous()


def to_array(item: Item, size: int, channels: int) -> NDArray[np.uint8]:
    """Return one image as (``channels``, ``size``, ``size``) uint8: resized by its shorter side, centre-cropped."""
    image = open_image(item)
    if image.mode in ("I", "F"):
        raise DataError(f"{item.where} has pixels of 32 bits, whose range is unknown: save it with 8 or 16")
    try:
        if image.mode.startswith("I"):  # 16-bit grey: keep the high byte
            image = Image.fromarray((np.asarray(image, dtype=np.float64) / 256).clip(0, 255).astype(np.uint8))
        if image.mode == "P" and "transparency" in image.info:  # Pillow warns of losing it
            image = image.convert("RGBA")
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (size, size):
            image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    except Exception as error:  # pixels are decoded only here, see open_image
        raise _unreadable(item, error) from error
    array = np.asarray(image, dtype=np.uint8).reshape(size, size, channels)
    return array.transpose(2, 0, 1)


def decode_chunks(
    items: Iterable[Item], size: int, channels: int, length: int
) -> Iterator[tuple[list[Item], Iterator[NDArray[np.uint8]]]]:
    """Yield ``length`` images at a time with their arrays (see `to_array`), decoded in threads."""
    iterator = iter(items)
    with ThreadPoolExecutor() as pool:
        while chunk := list(itertools.islice(iterator, length)):
            yield chunk, pool.map(lambda item: to_array(item, size, channels), chunk)
