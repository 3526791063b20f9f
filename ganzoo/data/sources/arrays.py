"""Array files: .npz and .npy files of uint8 images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.sources.labels import Classes, classes_of
from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.errors import DataError
from ganzoo.media.base import Item, why


def from_arrays(name: str, path: Path) -> Source:
    """Return the images of a .npz or .npy file."""
    images, labels = _load_arrays(name, path)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise DataError(
            f"{name} must hold uint8 images (N, H, W), (N, H, W, C) or (N, C, H, W), not {images.dtype} {images.shape}"
        )
    if images.ndim == 4:
        # Where both ends may be channels, 1 and 3 go before 4, and the last axis before the second.
        axis = next((axis for kinds in ((1, 3), (4,)) for axis in (3, 1) if images.shape[axis] in kinds), None)
        if axis is None:
            raise DataError(f"{name} must have 1, 3 or 4 channels, not shape {images.shape}")
        images = np.moveaxis(images, axis, 3)
        images = images[..., 0] if images.shape[3] == 1 else images
    if labels is not None and (labels.shape != (len(images),) or labels.dtype.kind not in "iu"):
        raise DataError(f"{name}: 'labels' must be {len(images)} class indices, not {labels.dtype} {labels.shape}")
    found = Classes() if labels is None else classes_of(name, np.unique(labels).tolist())

    def read() -> Iterator[Item]:
        for i, image in enumerate(images):
            label = None if labels is None else found.numbers[int(labels[i])]
            yield Item(np.ascontiguousarray(image), label, f"{name}[{i}]")

    key, classes = found.keyed(fingerprint({path.name: path})), found.names or None
    return Source(name, key, len(images), read, classes, local=True, files=(path,), notes=found.notes)


def _load_arrays(name: str, path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return (images, labels or None), as they are in the file."""
    try:
        if path.suffix.lower() == ".npy":
            return np.lib.format.open_memmap(path, mode="r"), None
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as loaded:
            names = list(loaded)
            key = next((k for k in ("images", "arr_0") if k in names), None)
            if key is not None:
                labels = np.asarray(loaded["labels"]) if "labels" in names else None
                return np.asarray(loaded[key]), labels
    except Exception as error:  # damaged files raise a dozen kinds, from zlib.error to tokenize.TokenError
        raise DataError(f"{name} is not an array file that can be read safely: {why(error)}") from error
    raise DataError(f"{name} has no array 'images'; it has: {', '.join(names)}")
