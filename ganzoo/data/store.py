"""Images decoded once into one uint8 array in the cache, so that training never touches an encoded image."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import filelock
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ganzoo._files import cache_dir
from ganzoo.data.decode import Item, decode_chunks, image_layout, scaled
from ganzoo.data.degradations import get_degradation
from ganzoo.data.pairs import PairSource
from ganzoo.data.sources.source import Source
from ganzoo.errors import DataError

_FORMAT = 1  # of the files in the cache: a new number makes new stores
_IN_MEMORY_UP_TO = 2**30
_CHUNK = 512


@dataclass(frozen=True)
class Store:
    """Decoded images.

    Args:
        name: as the user named the source.
        images: (N, C, S, S) uint8 (or samples of any other rank), in memory, or memory-mapped above 1 GiB.
        labels: (N,) int64, or None.
        classes: names of the labels, or None.
    """

    name: str
    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, key: str, index: Tensor) -> Tensor:
        """Return images (N, C, S, S) by their numbers, float32 in [-1, 1]; ``key`` is ``"image"``."""
        return scaled(self.images.index_select(0, index))


@dataclass(frozen=True)
class PairStore:
    """Decoded images of two sets.

    Args:
        name: as the user named them.
        a: the first set; None where ``degradation`` computes it from the second.
        b: the second set.
        matched: image i of A and image i of B belong together.
        degradation: a name in `ganzoo.data.degradations.DEGRADATIONS`, or None.
    """

    name: str
    a: Store | None
    b: Store
    matched: bool
    degradation: str | None = None

    def __len__(self) -> int:
        return len(self.b)

    def length(self, key: str) -> int:
        """Return the number of images of A or B."""
        return len(self._side(key))

    def take(self, key: str, index: Tensor) -> Tensor:
        """Return images of A or B (N, C, S, S) by their numbers, float32 in [-1, 1]."""
        images = self._side(key).take("image", index)
        return self.degrade(images) if key == "A" and self.a is None else images

    def _side(self, key: str) -> Store:
        return self.a if key == "A" and self.a is not None else self.b

    def degrade(self, images: Tensor) -> Tensor:
        """Compute A from images (N, C, S, S) of B, where A is a degradation of B."""
        return image_layout(get_degradation(str(self.degradation))(images))


@overload
def prepare(source: Source, image_size: int, channels: int, *, progress: bool = True) -> Store: ...
@overload
def prepare(source: PairSource, image_size: int, channels: int, *, progress: bool = True) -> PairStore: ...
def prepare(source: Source | PairSource, image_size: int, channels: int, *, progress: bool = True) -> Store | PairStore:
    """Return the decoded images of a source, from the cache if they are there.

    Images are resized so that the shorter side is ``image_size``, cropped at the centre, and converted to grey (1
    channel) or RGB (3). Several processes may prepare the same source at once: one decodes, the others wait for it.

    Raises:
        DataError: an image cannot be read (the text names it), or the cache cannot be written.
    """
    if isinstance(source, PairSource):
        a = None if source.a is None else prepare(source.a, image_size, channels, progress=progress)
        b = prepare(source.b, image_size, channels, progress=progress)
        pair = PairStore(source.name, a, b, source.matched, source.degradation)
        if a is None:
            probe = torch.rand(1, channels, image_size, image_size)
            if torch.equal(pair.degrade(probe), probe):  # raises for a size that it cannot take
                raise DataError(f"{source.name}: these images are {source.degradation} already, so A would equal B")
        return pair
    key = hashlib.sha256(f"{_FORMAT}:{source.key}:{image_size}:{channels}".encode()).hexdigest()[:32]
    folder = cache_dir() / "data" / key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if not folder.exists():
                _decode(source, image_size, channels, folder, progress)
    except OSError as error:
        raise DataError(
            f"decoded images cannot be written to {folder}: {error.strerror or error}; set GANZOO_CACHE to another"
        ) from error
    try:
        images = _opened(folder / "images.npy")
        labels = torch.from_numpy(np.load(folder / "labels.npy")) if source.classes is not None else None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"the decoded images in {folder} cannot be read ({error}): delete that folder") from error
    return Store(source.name, images, labels, source.classes)


def _opened(path: Path) -> Tensor:
    """Return the images of a file: in memory, or memory-mapped where they are large."""
    size = path.stat().st_size
    if size <= _IN_MEMORY_UP_TO:
        return torch.from_numpy(np.load(path))
    # Read-only: a writable mapping counts as memory, and a large store would not open.
    images = np.load(path, mmap_mode="r")
    if hasattr(mmap, "MADV_RANDOM") and size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2:
        # Where the pages do not all fit in memory, what is read ahead is evicted before it is used.
        images._mmap.madvise(mmap.MADV_RANDOM)  # noqa: SLF001 - numpy has no public access to it
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # and nothing writes
        return torch.from_numpy(images)


def _decode(source: Source, size: int, channels: int, folder: Path, progress: bool) -> None:
    """Decode into a folder beside the final one and rename it, so that a store is complete or absent."""
    for left in folder.parent.glob(f"{folder.name}.partial-*"):  # of a killed process: this one holds the lock
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    header = {"descr": "|u1", "fortran_order": False, "shape": (source.count, channels, size, size)}
    labels: list[int] = []
    try:
        bar = tqdm(total=source.count, desc=f"decoding {source.name}", unit="img", disable=None if progress else True)
        # Written, not memory-mapped: a full disk is then an OSError, not a SIGBUS.
        with bar, (partial / "images.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for chunk, arrays in decode_chunks(source.read(), size, channels, _CHUNK):
                for item, array in zip(chunk, arrays, strict=True):
                    labels.append(_label(item, source))
                    file.write(array.tobytes())
                bar.update(len(chunk))
        if len(labels) != source.count:
            raise DataError(f"{source.name} has {len(labels)} images, not the {source.count} that it should have")
        np.save(partial / "labels.npy", np.array(labels, dtype=np.int64))
        partial.chmod(0o755)  # mkdtemp makes private folders, and a cache may be shared
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _label(item: Item, source: Source) -> int:
    if source.classes is None:
        return 0
    if item.label is None or not 0 <= item.label < len(source.classes):
        raise DataError(f"{item.where} has the label {item.label}, which is not in 0 ... {len(source.classes) - 1}")
    return item.label
