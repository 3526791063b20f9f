"""Images that have been found but not read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ganzoo.errors import one_line
from ganzoo.gan.sample_spec import PartialShape
from ganzoo.media import get_medium
from ganzoo.media.base import Item

_HASHED = 2**30  # bytes of a set that are read for its key, at most
_BLOCK = 2**20
_NAMED = 10


@dataclass(frozen=True)
class Source:
    """Images that have been found but not read.

    Args:
        name: as the user gave it.
        key: changes whenever the content does, and not where the content moves as it is.
        count: number of images.
        read: starts a new pass over the images.
        classes: names of the labels in order, or None for unlabelled images.
        local: whether the name is a path.
        files: that a local source is read from.
        names: where the images are files, their paths in the order of ``read``, below a folder or absolute.
        labels: where the images are files of classes, their labels in the order of ``read``.
        skipped: paths of what was found and is not used, by reason; a suffix such as ``".txt"`` is one.
        notes: what else there is to say of how the set was understood.
        medium: of the samples, a name in the registry.
    """

    name: str
    key: str
    count: int
    read: Callable[[], Iterator[Item]]
    classes: tuple[str, ...] | None = None
    local: bool = False
    files: tuple[Path, ...] = ()
    names: Sequence[str] = ()
    labels: Sequence[int] = ()
    skipped: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()
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

    def describe(self) -> str:
        """Return in one line what was understood: ``286 images (12 skipped: 3 .heic, 9 .txt), 2 classes: cat, dog``."""
        line = f"{self.count:,} image{'s' if self.count != 1 else ''}"
        if self.skipped:
            line += f" ({sum(map(len, self.skipped.values())):,} skipped: {reasons(self.skipped)})"
        if self.classes is not None:
            line += f", {len(self.classes):,} class{'es' if len(self.classes) != 1 else ''}: {some(self.classes)}"
        return one_line("; ".join([line, *self.notes]))


def reasons(skipped: Mapping[str, Sequence[str]]) -> str:
    """Return how many were skipped for each reason, with the first paths where a suffix does not say it all."""
    told = [
        f"{len(paths):,} {reason}" + ("" if reason.startswith(".") else f" ({some(paths, 2)})")
        for reason, paths in skipped.items()
    ]
    return one_line(some(told))


def some(names: Sequence[str], most: int = _NAMED) -> str:
    """Return the first names."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


def fingerprint(files: Mapping[str, Path]) -> str:
    """Return a hash of the names of some files and of their content: above 1 GiB together, of how each begins and ends.

    A file that cannot be read is hashed as such: whoever decodes it says so.
    """
    digest = hashlib.sha256()

    def update(file: BinaryIO, left: int) -> None:
        while left > 0 and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)

    sizes = [path.stat().st_size if path.is_file() else 0 for path in files.values()]
    part = _HASHED if sum(sizes) <= _HASHED else _HASHED // (2 * len(sizes))
    for (name, path), size in zip(files.items(), sizes, strict=True):
        digest.update(os.fsencode(name) + f"\0{size}\0".encode())
        try:
            with path.open("rb") as file:
                update(file, part)
                if size > part:
                    file.seek(max(part, size - part))
                    update(file, part)
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that puts 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)], name
