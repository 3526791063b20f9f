"""Several pictures as one: grids, and rows under captions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganzoo.errors import ConfigError

_CELL, _CAPTION, _GAP, _APART = 64, 14, 2, 10
"""Pixels of an image at least, of the line above a row, between two images, and beside those that are set apart."""
_FRAME = "#35609f"


def to_pil(image: NDArray[np.uint8]) -> Image.Image:
    """Return one image (H, W, C) as a PIL image, grey for one channel."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def tiled(pixels: NDArray[np.uint8], columns: int | None = None) -> Image.Image:
    """Return images (N, H, W, C) as one picture, row by row, as square as can be without ``columns``.

    Raises:
        ConfigError: no image, or no column.
    """
    if len(pixels) == 0 or (columns is not None and columns < 1):
        raise ConfigError("a grid needs at least one image and one column")
    n, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[:n] = pixels
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return to_pil(sheet.reshape(rows * height, columns * width, channels))


def grid_of(pictures: Sequence[Image.Image], columns: int | None = None) -> Image.Image:
    """Return pictures of any size and mode as one, each enlarged by whole pixels to about the largest.

    Raises:
        ConfigError: no picture.
    """
    if not pictures:
        raise ConfigError("a grid needs at least one picture")
    modes = {picture.mode for picture in pictures}
    mode = modes.pop() if len(modes) == 1 else "RGBA" if modes & {"RGBA", "LA"} else "RGB"
    width, height = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    columns = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    sheet = Image.new(mode, (columns * width, math.ceil(len(pictures) / columns) * height))
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        large = enlarged(picture.convert(mode), width, height)
        sheet.paste(large, (column * width + (width - large.width) // 2, row * height + (height - large.height) // 2))
    return sheet


def enlarged(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture enlarged by whole pixels, without blur, as far as it fits into a width and a height."""
    factor = max(1, min(width // picture.width, height // picture.height))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def captioned(rows: Sequence[tuple[str, NDArray[np.uint8]]], apart: int = 0) -> Image.Image:
    """Return rows of images, each under its caption; small images are enlarged by whole pixels, without blur.

    Args:
        rows: the caption and the images (N, H, W, C) of each.
        apart: the number of images at the start of a row that are framed, at a distance from the others.
    """
    columns = max((len(images) for _, images in rows), default=0)
    if columns == 0:
        raise ConfigError("a picture needs at least one image")
    font = ImageFont.load_default()
    high, wide = (max(_CELL, *(images.shape[axis] for _, images in rows)) for axis in (1, 2))
    gap = _APART if apart else 0
    rim = _GAP if apart else 0  # room for a frame around an image
    top = _CAPTION + 2 * rim
    height = top + high + rim + _GAP + gap
    lefts = [2 * rim + column * (wide + _GAP) + (gap if column >= apart else 0) for column in range(columns)]
    words = max(int(font.getlength(text)) for text, _ in rows)
    mode = "RGBA" if any(images.shape[-1] == 4 for _, images in rows) else "RGB"
    sheet = Image.new(mode, (max(lefts[-1] + wide, 2 * rim + words) + _GAP, len(rows) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (text, images) in enumerate(rows):
        large = [enlarged(to_pil(image), wide, high) for image in images]
        across, down = large[0].size
        left, first = (wide - across) // 2, row * height + top + (high - down) // 2
        draw.text((max(_GAP, rim + left), row * height), text, fill="black", font=font)
        for start, image in zip(lefts, large, strict=False):
            sheet.paste(image, (start + left, first))
        if apart:
            last = lefts[min(apart, len(images)) - 1] + left + across
            box = (lefts[0] + left - 2 * rim, first - 2 * rim, last + 2 * rim - 1, first + down + 2 * rim - 1)
            draw.rectangle(box, outline=_FRAME, width=rim)
    return sheet
