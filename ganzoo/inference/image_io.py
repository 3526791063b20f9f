"""Images to files: grids, strips, arrays, folders; each is written completely or not at all."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from tqdm import tqdm

from ganzoo._files import new_folder, replacing
from ganzoo.errors import ConfigError, GanzooError

CHUNK = 256
"""Images per write."""
_LARGEST_GRID = 10_000
_CELL, _CAPTION, _GAP, _APART = 64, 14, 2, 10
"""Pixels of an image at least, of the line above a row, between two images, and beside those that are set apart."""
_FRAME = "#35609f"

Chunks = Iterable[tuple[int, NDArray[np.uint8]]]
"""(number of the first image, images (N, H, W, C)), a chunk at a time."""


def quantise(images: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 in 0 ... 255, rounded to the nearest."""
    return (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Return images (N, C, H, W) in [-1, 1] as (N, H, W, C) in 0 ... 255, rounded to the nearest."""
    return quantise(images).permute(0, 2, 3, 1).cpu().numpy()


def to_pil(image: NDArray[np.uint8]) -> Image.Image:
    """Return one image (H, W, C) as a PIL image, grey for one channel."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """Return images (N, C, H, W) in [-1, 1] as one picture, row by row, as square as can be without ``columns``."""
    if len(images) == 0 or (columns is not None and columns < 1):
        raise ConfigError("a grid needs at least one image and one column")
    return _tiled(to_uint8(images), columns)


def _tiled(pixels: NDArray[np.uint8], columns: int | None) -> Image.Image:
    n, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[:n] = pixels
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return to_pil(sheet.reshape(rows * height, columns * width, channels))


def captioned(rows: Sequence[tuple[str, NDArray[np.uint8]]], apart: int = 0) -> Image.Image:
    """Return rows of images, each under its caption; small images are enlarged by whole pixels, without blur.

    Args:
        rows: the caption and the images (N, H, H, C) of each.
        apart: the number of images at the start of a row that are framed, at a distance from the others.
    """
    columns = max((len(images) for _, images in rows), default=0)
    if columns == 0:
        raise ConfigError("a picture needs at least one image")
    font = ImageFont.load_default()
    cell = max(_CELL, *(images.shape[1] for _, images in rows))
    gap = _APART if apart else 0
    rim = _GAP if apart else 0  # room for a frame around an image
    top = _CAPTION + 2 * rim
    height = top + cell + rim + _GAP + gap
    lefts = [2 * rim + column * (cell + _GAP) + (gap if column >= apart else 0) for column in range(columns)]
    words = max(int(font.getlength(text)) for text, _ in rows)
    sheet = Image.new("RGB", (max(lefts[-1] + cell, 2 * rim + words) + _GAP, len(rows) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (text, images) in enumerate(rows):
        side = images.shape[1] * (cell // images.shape[1])
        space = (cell - side) // 2
        first = row * height + top + space
        draw.text((max(_GAP, rim + space), row * height), text, fill="black", font=font)
        for left, image in zip(lefts, images, strict=False):
            large = to_pil(image).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(large, (left + space, first))
        if apart:
            last = lefts[min(apart, len(images)) - 1] + space + side
            box = (lefts[0] + space - 2 * rim, first - 2 * rim, last + 2 * rim - 1, first + side + 2 * rim - 1)
            draw.rectangle(box, outline=_FRAME, width=rim)
    return sheet


def check_out(out: Path, n: int) -> None:
    """Refuse a path that ``n`` images cannot be written to, before they are generated."""
    if out.suffix not in (".png", ".npz", ""):
        raise ConfigError(f"{out}: images are written as .png (a grid), .npz or into a folder, not as '{out.suffix}'")
    if not out.absolute().parent.is_dir():
        raise GanzooError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    if out.suffix == ".png" and n > _LARGEST_GRID:
        raise ConfigError(f"a grid of {n} images is too large to look at: name a folder or a .npz file instead")
    if not out.suffix and (out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir())))):
        raise GanzooError(f"{out} exists and is not an empty folder: name another, or remove it")
    if not out.suffix and out.resolve() == Path.cwd():
        raise GanzooError(f"{out} is the folder that this runs in: name one inside of it")


def write_images(
    out: Path, chunks: Chunks, n: int, *, name: Callable[[int], str], columns: int | None = None, verb: str = "writing"
) -> None:
    """Write images as they come, with a progress bar and constant memory (except for a grid).

    Args:
        out: ``.png`` for one grid, ``.npz`` for an array ``images`` (N, H, W, C) uint8, else a new folder of PNGs.
        chunks: the images; none is computed before ``out`` is checked.
        n: how many in all.
        name: the name of an image's file in a folder, by its number.
        columns: of a grid.
        verb: the first word of the progress bar.

    Raises:
        GanzooError: it cannot be written: its parent folder does not exist, or it is a folder that is not empty.
        ConfigError: an unknown suffix, or too many images for a grid.
    """
    check_out(out, n)
    with tqdm(total=n, desc=f"{verb} to {out}", unit="img", disable=True if n <= CHUNK else None) as bar:
        counted = _counted(chunks, bar)
        if out.suffix == ".png":
            sheet = _tiled(np.concatenate([pixels for _, pixels in counted]), columns)
            with replacing(out) as partial:
                sheet.save(partial)
        elif out.suffix == ".npz":
            _write_npz(out, n, counted)
        else:
            _write_folder(out, name, counted)


def _counted(chunks: Chunks, bar: tqdm[Any]) -> Chunks:
    for start, pixels in chunks:
        yield start, pixels
        bar.update(len(pixels))


def _write_npz(out: Path, n: int, chunks: Chunks) -> None:
    with replacing(out) as partial, zipfile.ZipFile(partial, "w", allowZip64=True) as archive:  # noqa: SIM117
        with archive.open("images.npy", "w", force_zip64=True) as file:
            for start, pixels in chunks:
                if start == 0:
                    header = io.BytesIO()
                    np.lib.format.write_array_header_2_0(
                        header, {"descr": "|u1", "fortran_order": False, "shape": (n, *pixels.shape[1:])}
                    )
                    file.write(header.getvalue())
                file.write(pixels.tobytes())


def _write_folder(out: Path, name: Callable[[int], str], chunks: Chunks) -> None:
    """Write PNGs in threads (zlib releases the GIL) into a folder that is renamed when it is complete."""

    def write(partial: Path, start: int, pixels: NDArray[np.uint8]) -> None:
        for i, image in enumerate(pixels):
            path = partial / f"{name(start + i)}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            to_pil(image).save(path, "PNG", compress_level=1)

    with new_folder(out) as partial, ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        pending: deque[Future[None]] = deque()
        for start, pixels in chunks:
            pending.append(pool.submit(write, partial, start, pixels))
            while len(pending) > 8:  # bounded memory, however slow the disk
                pending.popleft().result()
        while pending:
            pending.popleft().result()


def save_strip(images: Tensor, out: Path, *, milliseconds: int = 80) -> None:
    """Write images (N, C, H, W) side by side as ``.png``, or as a ``.gif`` that loops back and forth."""
    if out.suffix == ".png":
        with replacing(out) as partial:
            grid(images, len(images)).save(partial)
    elif out.suffix == ".gif":
        frames = [to_pil(image) for image in to_uint8(images)]
        frames += frames[-2:0:-1]
        with replacing(out) as partial:
            frames[0].save(partial, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    else:
        raise ConfigError(f"{out}: an interpolation is written as .png or .gif, not as '{out.suffix}'")
