"""Images that have been found but not read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import PartialShape
from ganzoo.media import get_medium
from ganzoo.media.base import Item, why

_HASHED_UP_TO = 2**30
_CLASSES_UP_TO = 2**16


@dataclass(frozen=True)
class Source:
    """Images that have been found but not read.

    Args:
        name: as the user gave it.
        key: changes whenever the content does.
        count: number of images.
        read: starts a new pass over the images.
        classes: names of the labels in order, or None for unlabelled images.
        local: whether the name is a path.
        files: that a local source is read from.
        medium: of the samples, a name in the registry.
    """

    name: str
    key: str
    count: int
    read: Callable[[], Iterator[Item]]
    classes: tuple[str, ...] | None = None
    local: bool = False
    files: tuple[Path, ...] = ()
    medium: str = "image"

    @property
    def keys(self) -> frozenset[str]:
        """Keys of a batch."""
        return frozenset({self.medium} if self.classes is None else {self.medium, "label"})

    @property
    def location(self) -> str:
        """The name with an absolute path; a data set's name as it is."""
        return str(Path(self.name).expanduser().absolute()) if self.local else self.name

    @property
    def public(self) -> str:
        """The name for publication: it does not reveal the path of private images."""
        return f"own images ({Path(self.name).name or 'folder'})" if self.local else self.name

    def native(self) -> PartialShape:
        """Return the shape of the first samples, (C, H, W) for images; None is a dimension in which they differ.

        Raises:
            DataError: none of them can be read.
        """
        return get_medium(self.medium).native(self.read())


def fingerprint(paths: Sequence[Path], root: Path) -> str:
    """Return a hash of the files' paths below ``root`` and of their content (of their times, above 1 GiB together)."""
    digest, path = hashlib.sha256(), root
    try:
        stats = [path.stat() for path in paths]
        by_content = sum(stat.st_size for stat in stats) <= _HASHED_UP_TO
        for path, stat in zip(paths, stats, strict=True):
            digest.update(os.fsencode(path.relative_to(root)) + f"\0{stat.st_size}\0".encode())
            digest.update(path.read_bytes() if by_content else str(stat.st_mtime_ns).encode())
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {why(error)}") from error
    return digest.hexdigest()


def count_classes(name: str, labels: Sequence[int]) -> tuple[str, ...]:
    """Name the classes after their numbers."""
    low, high = min(labels), max(labels)
    if low < 0 or high >= _CLASSES_UP_TO:
        raise DataError(f"{name}: labels must be class indices in 0 ... {_CLASSES_UP_TO - 1}, not {low} ... {high}")
    return tuple(str(i) for i in range(high + 1))
