"""Image files: a list of them, or a folder, whose sub-folders may be classes."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.data.sources.tree import Tree, from_tree
from ganzoo.errors import DataError
from ganzoo.media import IMAGE, suffixes
from ganzoo.media.base import Item, why


def from_folder(name: str, folder: Path, split: str = "train") -> Source:
    """Return the images of one split of a folder, see `ganzoo.data.sources.tree.from_tree`; links are followed."""
    files, folders = [], []
    skipped: dict[str, list[str]] = defaultdict(list)
    seen, todo, links = set(), deque([""]), deque[str]()
    while todo or links:  # links last: what they lead to may be in the folder itself
        here = todo.popleft() if todo else links.popleft()
        real = os.path.realpath(folder / here)
        if real in seen:  # links may lead back
            skipped["folder that is read already"].append(here)
            continue
        seen.add(real)
        try:
            entries = [*os.scandir(folder / here)]
        except OSError as error:
            if not here:
                raise DataError(f"{name} cannot be read: {why(error)}") from error
            skipped["folder that cannot be read"].append(here)
            continue
        folders.append(here)
        # Hidden files are not images: macOS writes ._x.png, notebooks .ipynb_checkpoints.
        for entry in (entry for entry in entries if not entry.name.startswith(".")):
            path = posixpath.join(here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                todo.append(path)
            elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 - no error where it leads nowhere
                links.append(path)
            elif entry.is_file(follow_symlinks=False) or os.path.isfile(entry.path):  # noqa: PTH113
                files.append(path)
            else:
                skipped["broken link" if entry.is_symlink() else "special file"].append(path)

    def contents(files: Sequence[str]) -> Iterator[Path]:
        return (folder / file for file in files)

    def key(files: Sequence[str], start: str) -> str:
        return fingerprint({file.removeprefix(start): folder / file for file in files})

    return from_tree(Tree(name, folder, files, folders, contents, key, skipped), split)


def from_files(paths: Sequence[Path]) -> Source:
    """Return the images of some files, in their order."""

    def read() -> Iterator[Item]:
        for path in paths:
            yield Item(path, None, str(path))

    name = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
    key = hashlib.sha256("".join(fingerprint({path.name: path}) for path in paths).encode()).hexdigest()
    names = [path.absolute().as_posix() for path in paths]
    medium = suffixes().get(paths[0].suffix.lower(), IMAGE)
    return Source(name, key, len(paths), read, local=True, files=tuple(paths), names=names, medium=medium)


def file_names(source: Source, count: int) -> list[str]:
    """Return a unique name for each of the first ``count`` images: numbers from 0 where they are not files.

    Files have their own names, with the sub-folders in which they differ, and without suffix; two that differ only in
    the suffix have it appended, and a file that occurs twice a number.
    """
    names = bare_names(source, count)
    if names is None:
        return [f"{i:0{len(str(count - 1))}d}" for i in range(count)]
    names = _distinguish(names, [PurePosixPath(path).suffix[1:].lower() for path in source.names[:count]])
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
    paths = [PurePosixPath(name) for name in source.names[:count]]
    if not paths:
        return None
    root = posixpath.commonpath([path.parent for path in paths])
    return [path.relative_to(root).with_suffix("").as_posix() for path in paths]


def files_of(source: Source) -> set[Path]:
    """Return the files that images are read from, with links resolved."""
    return {path.resolve() for path in source.files}
