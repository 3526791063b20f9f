"""Samples to files: a grid, an array, a folder, one file, a strip; each is written completely or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ganzoo._files import new_folder, replacing
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.gan import GAN
from ganzoo.media import get_medium
from ganzoo.media.base import Medium

CHUNK = 256
"""Samples per write."""
_LARGEST_GRID = 10_000

Chunks = Iterable[tuple[int, NDArray[Any]]]
"""(number of the first sample, stored samples (N, ...)), a chunk at a time."""


def check_out(out: Path, n: int, medium: Medium | None = None) -> None:
    """Refuse a path that ``n`` samples cannot be written to, before they are generated."""
    one = medium.suffix if medium is not None and n == 1 else ".png"
    if out.suffix not in (one, ".png", ".npz", ""):
        raise ConfigError(f"{out}: samples are written as .png (a grid), .npz or into a folder, not as '{out.suffix}'")
    if not out.absolute().parent.is_dir():
        raise GanzooError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    if out.suffix == ".png" and n > _LARGEST_GRID:
        raise ConfigError(f"a grid of {n} images is too large to look at: name a folder or a .npz file instead")
    if not out.suffix and (out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir())))):
        raise GanzooError(f"{out} exists and is not an empty folder: name another, or remove it")
    if not out.suffix and out.resolve() == Path.cwd():
        raise GanzooError(f"{out} is the folder that this runs in: name one inside of it")


def folder_names(classes: Mapping[int, str]) -> dict[int, str]:
    """Return a folder's name for each class: its own as far as file systems take it; all numbered where two agree."""
    plain = {i: "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in n) for i, n in classes.items()}
    short = {i: name.encode()[:100].decode(errors="ignore").strip(" .") for i, name in plain.items()}
    if len({name.casefold() for name in short.values()} - {""}) == len(short):
        return short
    return {i: f"{i:0{len(str(max(short)))}d}-{name}" for i, name in short.items()}


def write_samples(
    out: Path, chunks: Chunks, n: int, medium: Medium, *, name: Callable[[int], str], columns: int | None = None,
    verb: str = "writing",
) -> None:  # fmt: skip
    """Write samples as they come, with a progress bar and constant memory (except for a grid).

    Args:
        out: ``.png`` for one grid, ``.npz`` for an array ``images`` (images as (N, H, W, C) uint8), the medium's own
            suffix for a single sample, else a new folder of files.
        chunks: the samples; none is computed before ``out`` is checked.
        n: how many in all.
        medium: of the samples.
        name: the name of a sample's file in a folder, by its number, without suffix.
        columns: of a grid.
        verb: the first word of the progress bar.

    Raises:
        GanzooError: it cannot be written: its parent folder does not exist, or it is a folder that is not empty.
        ConfigError: an unknown suffix, or too many images for a grid.
    """
    check_out(out, n, medium)
    with tqdm(total=n, desc=f"{verb} to {out}", unit="img", disable=True if n <= CHUNK else None) as bar:
        counted = _counted(chunks, bar)
        if out.suffix == medium.suffix and n == 1:
            with replacing(out) as partial:
                medium.write(next(iter(counted))[1][0], partial)
        elif out.suffix == ".png":
            sheet = medium.preview(np.concatenate([stored for _, stored in counted]), columns)
            with replacing(out) as partial:
                sheet.save(partial)
        elif out.suffix == ".npz":
            _write_npz(out, n, medium, counted)
        else:
            _write_folder(out, medium, name, counted)


def _counted(chunks: Chunks, bar: tqdm[Any]) -> Chunks:
    for start, stored in chunks:
        yield start, stored
        bar.update(len(stored))


def _write_npz(out: Path, n: int, medium: Medium, chunks: Chunks) -> None:
    with replacing(out) as partial, zipfile.ZipFile(partial, "w", allowZip64=True) as archive:  # noqa: SIM117
        with archive.open("images.npy", "w", force_zip64=True) as file:
            for start, stored in chunks:
                array = medium.array(stored)
                if start == 0:
                    header = io.BytesIO()
                    np.lib.format.write_array_header_2_0(
                        header, {"descr": array.dtype.str, "fortran_order": False, "shape": (n, *array.shape[1:])}
                    )
                    file.write(header.getvalue())
                file.write(array.tobytes())


def _write_folder(out: Path, medium: Medium, name: Callable[[int], str], chunks: Chunks) -> None:
    """Write files in threads (zlib releases the GIL) into a folder that is renamed when it is complete."""

    def write(partial: Path, start: int, chunk: NDArray[Any]) -> None:
        for i, stored in enumerate(chunk):
            path = partial / f"{name(start + i)}{medium.suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            medium.write(stored, path)

    with new_folder(out) as partial, ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        pending: deque[Future[None]] = deque()
        for start, chunk in chunks:
            pending.append(pool.submit(write, partial, start, chunk))
            while len(pending) > 8:  # bounded memory, however slow the disk
                pending.popleft().result()
        while pending:
            pending.popleft().result()


def preview(gan: GAN, samples: Tensor, columns: int | None = None) -> Image.Image:
    """Return one picture of samples (N, ...) that a GAN generated, as its medium shows them."""
    medium = get_medium(gan.output_spec().medium)
    return medium.preview(medium.to_storage(samples).cpu().numpy(), columns)


def save_strip(gan: GAN, samples: Tensor, out: Path, *, milliseconds: int = 80) -> None:
    """Write samples (N, ...) of a GAN side by side as ``.png``, or as a ``.gif`` that loops back and forth."""
    if out.suffix == ".png":
        with replacing(out) as partial:
            preview(gan, samples, len(samples)).save(partial)
    elif out.suffix == ".gif":
        frames = [preview(gan, sample[None]) for sample in samples]
        frames += frames[-2:0:-1]
        with replacing(out) as partial:
            frames[0].save(partial, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    else:
        raise ConfigError(f"{out}: an interpolation is written as .png or .gif, not as '{out.suffix}'")
