"""Image files below a root, in a folder or an archive: splits, classes, and what is left out."""

from __future__ import annotations

import functools
import itertools
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.data.sources.labels import METADATA, Classes, classes_of, named_classes, read_labels
from ganzoo.data.sources.source import Source, natural, reasons, some
from ganzoo.errors import DataError, one_line
from ganzoo.media import IMAGE, suffixes
from ganzoo.media.base import Item

SPLITS = ("train", "val", "valid", "validation", "test", "eval")


@dataclass(frozen=True)
class Tree:
    """The files below a folder or in an archive, but for hidden ones.

    Args:
        name: as the user gave it.
        path: of the folder or archive.
        files: their paths below it, with ``/``.
        folders: the paths of all folders below it.
        contents: yields the content of each of some files, or where it is.
        key: hashes the content of some files, whose names are taken relative to a folder.
        skipped: paths of what cannot be used, by reason.
    """

    name: str
    path: Path
    files: Sequence[str]
    folders: Collection[str]
    contents: Callable[[Sequence[str]], Iterator[bytes | Path]]
    key: Callable[[Sequence[str], str], str]
    skipped: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @functools.cached_property
    def medium(self) -> str:
        """The medium of most files."""
        counts = Counter(medium for file in self.files if (medium := suffixes().get(_suffix(file))))
        return counts.most_common(1)[0][0] if counts else IMAGE

    def is_sample(self, file: str) -> bool:
        """Whether a file holds a sample of that medium."""
        return suffixes().get(_suffix(file)) == self.medium


def from_tree(tree: Tree, split: str) -> Source:
    """Return one split of a tree's images.

    Folders called train, val, test, ... at the top are splits. Labels come from a file of metadata; else the folders at
    the top are classes, unless most images are beside them.

    Raises:
        DataError: there are no images or no such split, or the labels cannot be used.
    """
    start = _start(tree, split)
    files = sorted((f for f in tree.files if f.startswith(start) or _top(f).lower() not in SPLITS), key=_order)
    images = [file for file in files if tree.is_sample(file)]
    metadata, labels = _labels(tree, start)
    skipped: dict[str, list[str]] = defaultdict(list, {reason: [*paths] for reason, paths in tree.skipped.items()})
    for file in files:
        if not tree.is_sample(file) and file != metadata:
            skipped[_suffix(file) or "without suffix"].append(file)

    def leave_out(reason: str, keep: Callable[[str], bool]) -> None:
        skipped[reason] = [image for image in images if not keep(image)]
        images[:] = filter(keep, images)

    leave_out("beside the splits", lambda image: image.startswith(start))
    found, notes = Classes(), []
    if labels:
        leave_out(f"not in {metadata}", labels.__contains__)
        found = classes_of(str(tree.path / str(metadata)), labels.values())
    elif metadata is None and 2 * sum(_top(image, start) == "" for image in images) < len(images):
        leave_out("beside the class folders", lambda image: _top(image, start) != "")
        labels = {image: _top(image, start) for image in images}
        found = named_classes(tree.name, {folder: folder for folder in labels.values()})
        folders = {_top(f"{folder}/", start) for folder in tree.folders if folder.startswith(start)}
        if empty := sorted(folders - {*found.names, ""}, key=natural):
            notes = [f"no images in {some(empty, 3)}"]
    elif metadata is None and any(_top(image, start) for image in images):
        notes = ["no classes, as most images are beside the folders"]
    skipped = {reason: paths for reason, paths in skipped.items() if paths}
    if not images:
        there = f" but {reasons(skipped)}" if skipped else " and no parquet files beside them"
        raise DataError(f"{tree.name} holds no images ({', '.join(suffixes())}),{there}")
    numbers = [found.numbers[labels[image]] for image in images] if found.names else []

    def read() -> Iterator[Item]:
        for i, content in enumerate(tree.contents(images)):
            yield Item(content, numbers[i] if numbers else None, str(tree.path / images[i]))

    key = tree.key([*images, *filter(None, [metadata])], start)
    sources = (tree.path,) if tree.path.is_file() else tuple(tree.path / image for image in images)
    return Source(
        tree.name, key, len(images), read, found.names or None, local=True, files=sources, names=images,
        labels=numbers, skipped=skipped, notes=(*found.notes, *notes), medium=tree.medium,
    )  # fmt: skip


def refuse_split(name: str, split: str) -> None:
    """Refuse any split but train of a set that has no others."""
    if split != SPLITS[0]:
        raise DataError(f"{name} has no split '{split}': it is one set of images, and its only split is '{SPLITS[0]}'")


def _start(tree: Tree, split: str) -> str:
    """Return the folder of a split with a slash, or nothing where the tree has no splits."""
    tops = {_top(file) for file in tree.files if tree.is_sample(file)} - {""}
    splits = {top.lower(): top for top in sorted(tops) if top.lower() in SPLITS}
    if not splits:
        refuse_split(tree.name, split)
        return ""
    if len(splits) == 1 and (others := sorted(tops - {*splits.values()})):
        (only,) = splits.values()
        raise DataError(
            f"{tree.name} has the folder {only} beside {some(others, 3)}: say {tree.name}/{only} if it is a split, and "
            "rename it if it is a class"
        )
    if split.lower() not in splits:
        raise DataError(f"{tree.name} has no split '{split}'; it has: {', '.join(splits)}")
    return f"{splits[split.lower()]}/"


def _labels(tree: Tree, start: str) -> tuple[str | None, dict[str, Any]]:
    """Return the first file of metadata that speaks of labels, and the label of each file that it names."""
    there = {*tree.files}
    for place, metadata in itertools.product(dict.fromkeys((start, "")), METADATA):
        file = place + metadata
        if file not in there:
            continue
        (content,) = tree.contents([file])
        if (rows := read_labels(str(tree.path / file), content, len(there))) is None:
            continue
        named = [posixpath.normpath(posixpath.join(place, name.replace("\\", "/"))) for name, _ in rows]
        for fault, names in (
            ("more than once", [name for name, times in Counter(named).items() if times > 1]),
            ("though there is no such file", [name for name in named if name not in there]),
        ):
            if names:
                more = f" and {len(names) - 1:,} others" if len(names) > 1 else ""
                raise DataError(f"{tree.path / file} names {one_line(names[0])}{more} {fault}: correct it")
        return file, {name: label for name, (_, label) in zip(named, rows, strict=True)}
    return None, {}


def _top(file: str, start: str = "") -> str:
    """Return the first folder of a path below ``start``, or nothing."""
    return file.removeprefix(start).rpartition("/")[0].partition("/")[0]


def _suffix(file: str) -> str:
    return posixpath.splitext(file)[1].lower()


def _order(file: str) -> list[Any]:
    """Return a sort key for natural order, folder by folder; suffixes count last, so that those of pairs may differ."""
    stem, suffix = posixpath.splitext(file)
    return [*map(natural, stem.split("/")), natural(suffix)]
