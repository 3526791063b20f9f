"""Pictures inside of a page, as data URIs, within a budget of bytes."""

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
"""Bytes of all previews, before base64 adds a third."""
ENOUGH = 24
"""Previews that show a training; rather than to show fewer, they are scaled down."""
_SIDE = 1024
_MOST_PIXELS = 2**26


@dataclass(frozen=True)
class Frame:
    """A preview: a PNG or WebP file of (width, height) pixels; ``images`` is None where its file name is no number."""

    images: int | None
    kind: str
    content: bytes
    size: tuple[int, int]

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return _uri(self.kind, self.content)

    @property
    def when(self) -> str:
        """When it was made, in words."""
        return f"after {self.images:,} images" if self.images is not None else "of the final weights"


@dataclass(frozen=True)
class Frames:
    """The previews of a run that a page shows.

    Args:
        shown: in their order.
        found: number of valid previews in the run.
        damaged: file names that are no valid previews.
        smaller: whether the previews were scaled down.
    """

    shown: Sequence[Frame]
    found: int
    damaged: Sequence[str] = ()
    smaller: bool = False

    @property
    def notes(self) -> list[str]:
        """What the page says of previews that it does not show as they are."""
        notes = []
        if len(self.shown) < self.found:
            notes.append(f"{len(self.shown)} of {self.found} previews, evenly spaced, to limit the size of the page.")
        if self.smaller:
            notes.append("The previews are scaled down.")
        if self.damaged:
            notes.append(f"Damaged and left out: {', '.join(self.damaged[:5])}.")
        return notes


def read_frames(paths: Sequence[Path], budget: int = BUDGET) -> Frames:
    """Read previews that together are no larger than ``budget`` bytes.

    Of too many, an evenly spaced selection with the first and the last one is read; where that leaves fewer than
    `ENOUGH`, they are scaled down.
    """
    valid, damaged = [], []
    for path in paths:
        try:
            valid.append((path, picture_size(path), path.stat().st_size))
        except (DataError, OSError):
            damaged.append(path.name)
    count = fitting([size for *_, size in valid], budget)
    if count >= min(len(valid), ENOUGH):
        frames = [Frame(_images_of(path), "png", path.read_bytes(), size) for path, size, _ in _spaced(valid, count)]
        return Frames(frames, len(valid), damaged)
    smaller = [frame for path, *_ in _spaced(valid, min(len(valid), 4 * ENOUGH)) if (frame := _smaller(path))]
    count = max(1, fitting([len(frame.content) for frame in smaller], budget))
    return Frames(_spaced(smaller, count), len(valid), damaged, smaller=True)


def even(rows: int, count: int) -> list[int]:
    """Return ``count`` of ``rows`` indices, evenly spaced, with the first and the last one."""
    if count >= rows:
        return list(range(rows))
    return [round(i * (rows - 1) / (count - 1)) for i in range(count)] if count > 1 else [rows - 1]


def _spaced(found: Sequence[T], count: int) -> list[T]:
    return [found[i] for i in even(len(found), count)]


def fitting(sizes: Sequence[int], budget: int) -> int:
    """Return how many of these, evenly spaced, are together no larger than ``budget``."""
    count = len(sizes)
    while count and (total := sum(_spaced(sizes, count))) > budget:
        count = min(count - 1, int(count * budget / total))
    return count


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of a PNG file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
            with Image.open(path, formats=["PNG"]) as picture:
                size = picture.size
                if size[0] * size[1] <= _MOST_PIXELS:
                    picture.verify()  # that it is complete; decodes nothing
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is no PNG file, or damaged: {error}") from error
    if size[0] * size[1] > _MOST_PIXELS:
        raise DataError(f"{path} is {size[0]}x{size[1]}, too large for a page")
    return size


def picture_uri(images: Tensor, columns: int) -> tuple[str, tuple[int, int]]:
    """Return images (N, C, H, W) uint8, ``columns`` in a row, as a data URI, and its (width, height) in pixels."""
    n, channels, height, width = images.shape
    rows = images.reshape(n // columns, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    picture = to_pil(rows.reshape(n // columns * height, columns * width, channels).cpu().numpy())
    kind = "png"
    if picture.width > 2 * _SIDE:
        picture.thumbnail((2 * _SIDE, picture.height), Image.Resampling.LANCZOS)
        kind = "webp"
    return _uri(kind, _encoded(picture, kind)), picture.size


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _smaller(path: Path) -> Frame | None:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            small = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError):  # cut short after its header
        return None
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return Frame(_images_of(path), "webp", _encoded(small, "webp"), small.size)


def _images_of(path: Path) -> int | None:
    return int(path.stem) if path.stem.isdecimal() and path.stem.isascii() and len(path.stem) < 16 else None


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    options = {"quality": 82, "method": 4} if kind == "webp" else {"optimize": True}
    picture.save(file, kind.upper(), **options)
    return file.getvalue()
