"""Pictures inside of a page: as data URIs, and of many as many as it may hold."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image
from torch import Tensor

from ganzoo.errors import DataError
from ganzoo.media.grids import to_pil

T = TypeVar("T")

BUDGET = 9 * 2**20
"""Bytes of all previews; in a page they take a third more."""
ENOUGH = 24
"""Previews that show a training; for fewer than these they are made smaller first."""
_SIDE = 1024
_LARGEST = 2**26  # pixels: more of them are no preview


@dataclass(frozen=True)
class Frame:
    """A preview.

    Args:
        images: seen in training when it was made; None where its name does not tell.
        kind: of the picture, "png" or "webp".
        content: of the file.
        size: (width, height) in pixels.
    """

    images: int | None
    kind: str
    content: bytes
    size: tuple[int, int]

    @property
    def uri(self) -> str:
        """The picture as an address that holds it."""
        return _uri(self.kind, self.content)


@dataclass(frozen=True)
class Frames:
    """The previews of a run that a page shows, in their order.

    Args:
        shown: the chosen ones.
        found: how many there are.
        damaged: names of files that are none.
        smaller: they were made smaller.
    """

    shown: Sequence[Frame]
    found: int
    damaged: Sequence[str] = ()
    smaller: bool = False


def read_frames(paths: Sequence[Path], budget: int = BUDGET) -> Frames:
    """Read previews that together are no larger than ``budget`` bytes.

    Where there are more, an even selection is taken, the first and the last among it; where that leaves fewer than
    `ENOUGH`, they are made smaller.

    Args:
        paths: of PNG files, in their order.
        budget: bytes for all.
    """
    whole, damaged = [], []
    for path in paths:
        try:
            whole.append((path, picture_size(path), path.stat().st_size))
        except (DataError, OSError):
            damaged.append(path.name)
    count = fitting([size for *_, size in whole], budget)
    if count >= min(len(whole), ENOUGH):
        shown = [_frame(path, size) for path, size, _ in _taken(whole, count)]
        return Frames(shown, len(whole), damaged)
    smaller = [frame for path, *_ in _taken(whole, min(len(whole), 4 * ENOUGH)) if (frame := _smaller(path))]
    count = max(1, fitting([len(frame.content) for frame in smaller], budget))
    return Frames(_taken(smaller, count), len(whole), damaged, smaller=True)


def even(rows: int, count: int) -> list[int]:
    """Return ``count`` places of ``rows``, evenly spaced, the first and the last among them."""
    if count >= rows:
        return list(range(rows))
    return [round(i * (rows - 1) / (count - 1)) for i in range(count)] if count > 1 else [rows - 1]


def fitting(sizes: Sequence[int], budget: int) -> int:
    """Return how many of these, evenly spaced, are together no larger than ``budget``."""
    count = len(sizes)
    while count and (total := sum(sizes[i] for i in even(len(sizes), count))) > budget:
        count = min(count - 1, int(count * budget / total))
    return count


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of a PNG file.

    Raises:
        DataError: it is none, or much too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at below
            with Image.open(path, formats=["PNG"]) as picture:
                size = picture.size
                if size[0] * size[1] <= _LARGEST:
                    picture.verify()  # that it was not cut short; decodes nothing
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is no PNG file, or damaged: {error}") from error
    if size[0] * size[1] > _LARGEST:
        raise DataError(f"{path} is {size[0]}x{size[1]}, too large for a page")
    return size


def picture_uri(images: Tensor, columns: int) -> tuple[str, tuple[int, int]]:
    """Return images (N, C, H, W) uint8, ``columns`` in a row, as a data URI, and (width, height) in pixels."""
    n, channels, height, width = images.shape
    rows = images.reshape(n // columns, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    picture = to_pil(rows.reshape(n // columns * height, columns * width, channels).cpu().numpy())
    kind = "png"
    if picture.width > 2 * _SIDE:
        picture, kind = _shrunk(picture, 2 * _SIDE), "webp"
    return _uri(kind, _encoded(picture, kind)), picture.size


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _taken(found: Sequence[T], count: int) -> list[T]:
    return [found[i] for i in even(len(found), count)]


def _frame(path: Path, size: tuple[int, int]) -> Frame:
    return Frame(_images_of(path), "png", path.read_bytes(), size)


def _smaller(path: Path) -> Frame | None:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            small = _shrunk(picture.convert("RGB"), _SIDE)
    except (OSError, ValueError, SyntaxError):  # cut short after its header
        return None
    return Frame(_images_of(path), "webp", _encoded(small, "webp"), small.size)


def _images_of(path: Path) -> int | None:
    return int(path.stem) if path.stem.isdecimal() and path.stem.isascii() and len(path.stem) < 16 else None


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    factor = side / max(picture.size)
    if factor >= 1:
        return picture
    width, height = (max(1, round(length * factor)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    options = {"quality": 82, "method": 4} if kind == "webp" else {"optimize": True}
    picture.save(file, kind.upper(), **options)
    return file.getvalue()
