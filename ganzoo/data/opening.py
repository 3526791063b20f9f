"""Opening the images that a ``--data`` argument names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ganzoo.data.pairs import SIDES, PairSource, check_pairs, half, warn_of_odd_halves
from ganzoo.data.sources.archive import from_archive
from ganzoo.data.sources.arrays import from_arrays
from ganzoo.data.sources.folder import from_files, from_folder
from ganzoo.data.sources.hub import from_hub
from ganzoo.data.sources.parquet import from_parquet
from ganzoo.data.sources.source import Source
from ganzoo.data.sources.tree import SPLITS, refuse_split
from ganzoo.data.spec import DataSpec, SetSpec, exists
from ganzoo.errors import DataError, did_you_mean
from ganzoo.media import suffixes
from ganzoo.media.base import Item, why
from ganzoo.registry import Dataset, Zoo, installed


def open_data(spec: str, *, split: str = "train", zoo: Zoo | None = None) -> Source | PairSource:
    """Find the images that ``spec`` names: one set or two.

    Args:
        spec: two sets are ``"A=DATA,B=DATA"`` or a folder with the sub-folders ``trainA`` and ``trainB`` (and so for
            other splits); two sets that belong together image by image are ``"pairs:A=DATA,B=DATA"``, ``"pairs:DATA"``
            for a folder with ``train/A`` and ``train/B`` or for images of A and B side by side, or ``"grey:DATA"``,
            where A is what a degradation makes of B. All else is one set, see `open_source`.
        split: of data that has several.
        zoo: where short names are looked up.

    Raises:
        DataError: nothing exists under that name, it holds no images, or sets that must match do not.
        MissingExtraError: a package for this kind of source is not installed.
    """
    zoo = zoo or installed()
    parsed = DataSpec.parse(str(spec), zoo)
    text, pattern, first, folder = parsed.text, parsed.pattern, parsed.sets[0], None
    if len(parsed.sets) == 2:
        a, b = (_open_set(one, split, zoo) for one in parsed.sets)
    elif (
        parsed.degradation is None
        and first.kind == "path"
        and (sides := _sides(first.text, split, matched=parsed.matched))
    ):
        a, b = (from_folder(str(side), side) for side in sides)
        folder = first.text
    else:
        whole = _open_set(first, split, zoo)
        if parsed.degradation is not None:
            return PairSource(text, None, whole, True, parsed.degradation, pattern=pattern)
        if not parsed.matched:
            return whole
        warn_of_odd_halves(whole)
        return PairSource(text, half(whole, "A"), half(whole, "B"), True, pattern=pattern)
    if parsed.matched:
        check_pairs(text, a, b)
    return PairSource(text, a, b, parsed.matched, folder=folder, pattern=pattern)


def open_source(spec: str | os.PathLike[str], *, split: str = "train", zoo: Zoo | None = None) -> Source:
    """Find the images that ``spec`` names.

    Args:
        spec: a data set's short name (``"mnist"``), ``"hf:owner/name"``, a folder of parquet files or of images (with
            one sub-folder per class, or none), a ``.zip`` file of one, or a ``.npz`` or ``.npy`` file of uint8 images;
            ``:CLASS`` after any of them (``"cifar10:horse"``) takes the images of one class.
        split: of a data set that has several.
        zoo: where short names are looked up.

    Raises:
        DataError: nothing exists under that name, or it holds no images.
        MissingExtraError: a package for this kind of source is not installed.
    """
    zoo = zoo or installed()
    return _open_set(SetSpec.parse(str(spec), zoo), split, zoo)


def _open_set(spec: SetSpec, split: str, zoo: Zoo) -> Source:
    if spec.kind == "registered":
        source = from_hub(zoo.datasets[spec.name].record, split)
    elif spec.kind == "hub":
        source = from_hub(Dataset(name=spec.name, repo=spec.name.removeprefix("hf:"), summary=""), split)
    else:
        source = _from_path(spec.name, split, zoo)
    return source if spec.class_name is None else _of_class(source, spec, spec.class_name, split)


def _of_class(source: Source, spec: SetSpec, class_name: str, split: str) -> Source:
    classes = source.classes or ()
    if class_name not in classes:
        found = f"It has: {', '.join(classes[:20])}" if classes else "It has no labels"
        raise DataError(f"{spec.name} has no class '{class_name}'.{did_you_mean(class_name, classes)} {found}.")
    label = classes.index(class_name)

    def read() -> Iterator[Item]:
        return (item._replace(label=None) for item in source.read() if item.label == label)

    count = source.labels.count(label) if source.labels else sum(1 for _ in read())
    if count == 0:
        raise DataError(f"{spec.name} has no image of the class '{class_name}' in split '{split}'")
    names = [name for name, own in zip(source.names, source.labels, strict=False) if own == label]
    return replace(
        source, name=spec.text, key=f"{source.key}:class={label}", count=count, read=read, classes=None, names=names,
        labels=(), notes=(),
    )  # fmt: skip


def _from_path(name: str, split: str, zoo: Zoo) -> Source:
    try:
        path = Path(name).expanduser()
        there, is_folder, suffix = path.exists(), path.is_dir(), path.suffix.lower()
    except (OSError, RuntimeError) as error:  # a name too long, a missing home folder
        raise DataError(f"{name} cannot be opened: {why(error)}") from error
    if not there:
        raise _not_found(name, path, zoo)
    if is_folder:
        for folder in (path, path / "data"):  # where repositories of the Hub keep their parquet files
            if list(folder.glob("*.parquet")):
                return from_parquet(name, folder, split)
        return from_folder(name, path, split)
    if suffix == ".zip" and path.is_file():
        return from_archive(name, path, split)
    if not path.is_file() or suffix not in (*suffixes(), ".npz", ".npy"):
        kinds = ", ".join(suffixes())
        raise DataError(f"{name} is neither a folder, nor a .npz, .npy or .zip file of images, nor an image ({kinds})")
    refuse_split(name, split)
    return from_arrays(name, path) if suffix in (".npz", ".npy") else replace(from_files([path]), name=name)


def _not_found(name: str, path: Path, zoo: Zoo) -> DataError:
    if "/" in name or os.sep in name or name.startswith("."):
        return DataError(f"There is no folder or file {path.absolute()}")
    names = zoo.datasets.names()
    return DataError(
        f"No data set or path is called '{name}'.{did_you_mean(name, names)} "
        f"There are: {', '.join(names) or 'none'}; else say hf:owner/name, a folder, an image, or a .zip, .npz or .npy."
    )


def _sides(name: str, split: str, *, matched: bool) -> tuple[Path, Path] | None:
    """Return the folders of A and B below one with ``trainA``, or in pairs ``train/A``; None where it has neither."""
    if not exists(name):
        return None
    folder = Path(name).expanduser()
    for slash in ("", "/") if matched else ("",):
        found = {one: [exists(f"{folder}/{one}{slash}{side}") for side in SIDES] for one in SPLITS}
        if not any(map(any, found.values())):
            continue
        a, b = (folder / f"{split}{slash}{side}" for side in SIDES)
        for path in (a, b):
            if not path.is_dir():
                splits = [one for one, sides in found.items() if all(sides)]
                others = f"; it has: {', '.join(splits)}" if splits else ""
                raise DataError(f"{name} has no split '{split}': there is no folder {path}{others}")
        return a, b
    return None
