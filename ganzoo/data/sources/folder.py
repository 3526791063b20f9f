"""Image files: a list of them, or a folder, whose sub-folders may be classes."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.errors import DataError
from ganzoo.media.base import Item, why

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def from_folder(name: str, folder: Path) -> Source:
    """Return the images of a folder; the sub-folders are classes where every image is in one."""
    try:
        paths = [p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    except OSError as error:
        raise DataError(f"{error.filename or name} cannot be read: {why(error)}") from error
    # Hidden files are not images: macOS writes ._x.png, notebooks .ipynb_checkpoints.
    paths = sorted(p for p in paths if not any(part.startswith(".") for part in p.parts))
    if not paths:
        raise DataError(f"{name} holds no images ({', '.join(IMAGE_SUFFIXES)}), and no parquet files beside them")
    files = [folder / path for path in paths]
    # Classes only where every image is in a sub-folder; a stray image beside them makes the set unlabelled.
    classes = sorted({p.parts[0] for p in paths}) if all(len(p.parts) > 1 for p in paths) else []
    for unnamed in (c for c in classes if not c.isprintable()):
        raise DataError(f"{name}: the sub-folder {unnamed!a} names a class, but is not printable: rename it")
    index = {c: i for i, c in enumerate(classes)}
    labels = [index.get(p.parts[0]) for p in paths]

    def read() -> Iterator[Item]:
        for path, label in zip(files, labels, strict=True):
            yield Item(path, label, str(path))

    return Source(
        name, fingerprint(files, folder), len(files), read, tuple(classes) or None, local=True, files=tuple(files)
    )


def from_files(paths: Sequence[Path]) -> Source:
    """Return the images of some files, in their order."""

    def read() -> Iterator[Item]:
        for path in paths:
            yield Item(path, None, str(path))

    name = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
    key = hashlib.sha256("".join(fingerprint([path], path.parent) for path in paths).encode()).hexdigest()
    return Source(name, key, len(paths), read, local=True, files=tuple(paths))


def file_names(source: Source, count: int) -> list[str]:
    """Return a unique name for each of the first ``count`` images: numbers from 0 where they are not files.

    Files have their own names, with the sub-folders in which they differ, and without suffix; two that differ only in
    the suffix have it appended, and a file that occurs twice a number.
    """
    names = bare_names(source, count)
    if names is None:
        return [f"{i:0{len(str(count - 1))}d}" for i in range(count)]
    names = _distinguish(names, [path.suffix[1:].lower() for path in _paths(source, count)])
    digits = len(str(len(names)))
    return _distinguish(names, [f"{i:0{digits}d}" for i in range(len(names))])


def _distinguish(names: list[str], ends: list[str]) -> list[str]:
    """Append its end to each name that occurs twice; to all of them where that makes others equal."""
    times = Counter(names)
    new = [f"{name}-{end}" if times[name] > 1 else name for name, end in zip(names, ends, strict=True)]
    if any(times[after] for before, after in zip(names, new, strict=True) if after != before):
        return [f"{name}-{end}" for name, end in zip(names, ends, strict=True)]
    return new


def bare_names(source: Source, count: int) -> list[str] | None:
    """Return the names of the files of the first ``count`` images, as in `file_names` but perhaps not unique."""
    paths = _paths(source, count)
    if not paths:
        return None
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return [path.relative_to(root).with_suffix("").as_posix() for path in paths]


def files_of(source: Source) -> set[Path]:
    """Return the files that images are read from, with links resolved."""
    return {path.resolve() for path in source.files}


def _paths(source: Source, count: int) -> list[Path]:
    """Return the files of the first ``count`` images, up to the first that is not a file."""
    images = (item.image for item in itertools.islice(source.read(), count))
    return [image.absolute() for image in itertools.takewhile(lambda image: isinstance(image, Path), images)]  # type: ignore[union-attr]
