"""Images decoded once into one uint8 array in the cache, so that training never touches an encoded image."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from ganzoo.data.sources import Item, Source, open_image
from ganzoo.errors import DataError

_FORMAT = 1  # of the files in the cache: a new number makes new stores
_IN_MEMORY_UP_TO = 2**30
_CHUNK = 512


@dataclass(frozen=True)
class Store:
    """Decoded images.

    Args:
        name: as the user named the source.
        images: (N, C, S, S) uint8, in memory, or memory-mapped above 1 GiB.
        labels: (N,) int64, or None.
        classes: names of the labels, or None.
    """

    name: str
    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def keys(self) -> frozenset[str]:
        """The keys that a batch of this store has."""
        return frozenset({"image"} if self.labels is None else {"image", "label"})


def cache_dir() -> Path:
    """Return the folder of decoded images: ``GANZOO_CACHE``, or ``ganzoo`` in the user's cache folder."""
    if os.environ.get("GANZOO_CACHE"):
        return Path(os.environ["GANZOO_CACHE"]).expanduser()
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ganzoo"


def prepare(source: Source, image_size: int, channels: int, *, progress: bool = True) -> Store:
    """Return the decoded images of a source, from the cache where they are in it.

    Images are resized so that the shorter side is ``image_size``, cropped at the centre, and made grey (1 channel) or
    RGB (3). Several processes may prepare the same source at once: one decodes, the others wait for it.

    Raises:
        DataError: an image cannot be read (the text names it), or the cache cannot be written.
    """
    key = hashlib.sha256(f"{_FORMAT}:{source.key}:{image_size}:{channels}".encode()).hexdigest()[:32]
    folder = cache_dir() / "data" / key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if not folder.exists():
                _decode(source, image_size, channels, folder, progress)
    except OSError as error:
        raise DataError(f"decoded images cannot be kept in {folder}: {error.strerror or error}") from error
    size = (folder / "images.npy").stat().st_size
    # Copy-on-write pages: torch wants a writable array, and nothing is ever written.
    images = np.load(folder / "images.npy", mmap_mode="c" if size > _IN_MEMORY_UP_TO else None)
    labels = torch.from_numpy(np.load(folder / "labels.npy")) if source.classes is not None else None
    return Store(source.name, torch.from_numpy(images), labels, source.classes)


def _decode(source: Source, size: int, channels: int, folder: Path, progress: bool) -> None:
    """Decode into a folder beside the final one and rename it, so that a store is whole or absent."""
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    try:
        shape = (source.count, channels, size, size)
        images = np.lib.format.open_memmap(partial / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        labels = np.zeros(source.count, dtype=np.int64)
        bar = tqdm(total=source.count, desc=f"decoding {source.name}", unit="img", disable=None if progress else True)
        done = 0
        with bar, ThreadPoolExecutor() as pool:
            for chunk in _chunks(source.read()):
                arrays = pool.map(lambda item: to_array(item, size, channels), chunk)
                for item, array in zip(chunk, arrays, strict=True):
                    images[done] = array
                    labels[done] = item.label or 0
                    done += 1
                bar.update(len(chunk))
        if done != source.count:
            raise DataError(f"{source.name} has {done} images where {source.count} were announced")
        if source.classes and not 0 <= labels.min() <= labels.max() < len(source.classes):
            raise DataError(f"{source.name} has a label that is not in 0 ... {len(source.classes) - 1}")
        images.flush()
        np.save(partial / "labels.npy", labels)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, _CHUNK)):
        yield chunk


def to_array(item: Item, size: int, channels: int) -> NDArray[np.uint8]:
    """Return one image as (``channels``, ``size``, ``size``) uint8: resized by its shorter side, centre-cropped.

    Raises:
        DataError: it cannot be decoded.
    """
    image = ImageOps.exif_transpose(open_image(item))
    if image.mode in ("I", "I;16", "F"):  # 16-bit grey: keep the high byte
        image = Image.fromarray((np.asarray(image, dtype=np.float64) / 256).clip(0, 255).astype(np.uint8))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    array = np.asarray(image, dtype=np.uint8).reshape(size, size, channels)
    return array.transpose(2, 0, 1)
