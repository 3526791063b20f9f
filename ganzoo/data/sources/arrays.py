"""Array files: .npz and .npy files of uint8 images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.sources.source import Source, count_classes, fingerprint
from ganzoo.errors import DataError
from ganzoo.media.base import Item, why


def from_arrays(name: str, path: Path) -> Source:
    """Return the images of a .npz or .npy file."""
    images, labels = _load_arrays(name, path)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise DataError(
            f"{name} must hold uint8 images (N, H, W), (N, H, W, C) or (N, C, H, W), not {images.dtype} {images.shape}"
        )
    if images.ndim == 4 and images.shape[-1] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[-1] not in (1, 3):
        raise DataError(f"{name} must have 1 or 3 channels, not shape {images.shape}")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if labels is not None and (labels.shape != (len(images),) or labels.dtype.kind not in "iu"):
        raise DataError(f"{name}: 'labels' must be {len(images)} class indices, not {labels.dtype} {labels.shape}")
    classes = count_classes(name, labels.tolist()) if labels is not None else None

    def read() -> Iterator[Item]:
        for i, image in enumerate(images):
            yield Item(np.ascontiguousarray(image), int(labels[i]) if labels is not None else None, f"{name}[{i}]")

    key = fingerprint([path], path.parent)
    return Source(name, key, len(images), read, classes, local=True, files=(path,))


def _load_arrays(name: str, path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return (images, labels or None), as they are in the file."""
    try:
        if path.suffix == ".npy":
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
