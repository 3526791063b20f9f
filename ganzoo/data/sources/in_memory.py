"""Images handed over in code: files, PIL images and arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.data.sources.source import Source
from ganzoo.errors import ConfigError, DataError
from ganzoo.media.base import Item


def from_objects(images: Sequence[Any]) -> Source:
    """Return the source of files, PIL images and uint8 arrays (H, W) or (H, W, C), in their order."""
    if not images:
        raise ConfigError("images must be a tensor, files, PIL images or arrays, not nothing")
    items = [_item(image, i) for i, image in enumerate(images)]
    return Source("images", "", len(items), lambda: iter(items))


def _item(image: Any, i: int) -> Item:
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        if path.is_dir():
            raise DataError(f"{path} is a folder: name the images in it, or use `ganzoo translate`")
        if not path.is_file():
            raise DataError(f"There is no file {path.absolute()}")
        return Item(path, None, str(path))
    if not isinstance(image, Image.Image | np.ndarray):
        raise ConfigError(f"images must be a tensor, files, PIL images or arrays, not {type(image).__name__}")
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape):
        raise ConfigError(f"arrays must be uint8 (H, W) or (H, W, C), not {image.dtype} {image.shape}")
    if isinstance(image, Image.Image) and 0 in image.size:
        raise ConfigError("one of the images has no pixels")
    return Item(image, None, f"image {i}")
