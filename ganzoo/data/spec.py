"""What a name given as data means: a data set of the Hub, a folder, a file, or one class of any of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ganzoo.data.decode import Item, why
from ganzoo.data.sources.arrays import from_arrays
from ganzoo.data.sources.base import Source
from ganzoo.data.sources.folder import IMAGE_SUFFIXES, from_files, from_folder
from ganzoo.data.sources.hub import HUB, from_hub
from ganzoo.data.sources.parquet import from_parquet
from ganzoo.errors import DataError, did_you_mean
from ganzoo.registry import Dataset, Zoo, installed

ONLY_SPLIT = "train"


def open_source(spec: str | os.PathLike[str], *, split: str = "train", zoo: Zoo | None = None) -> Source:
    """Find the images that ``spec`` names.

    Args:
        spec: a data set's short name (``"mnist"``), ``"hf:owner/name"``, a folder of parquet files or of images (with
            one sub-folder per class, or none), or a ``.npz`` or ``.npy`` file of uint8 images; ``:CLASS`` after any of
            them (``"cifar10:horse"``) takes the images of one class.
        split: of a data set that has several.
        zoo: where short names are looked up.

    Raises:
        DataError: nothing is there under that name, or it holds no images.
        MissingExtraError: a package for this kind of source is not installed.
    """
    name = str(spec)
    zoo = zoo or installed()
    if not name.strip():
        raise DataError("the data has no name: say mnist, hf:owner/name, a folder or a file")
    if (of_class := _of_class(name, split, zoo)) is not None:
        return of_class
    if name.startswith("hf:"):
        if not HUB.fullmatch(name):  # the library takes all else for a path
            raise DataError(f"'{name}' is no data set of the Hub: say hf:owner/name")
        return from_hub(Dataset(name=name, repo=name[3:], summary=""), split)
    if name in zoo.datasets:
        return from_hub(zoo.datasets[name].record, split)
    return _from_path(name, split, zoo)


def _from_path(name: str, split: str, zoo: Zoo) -> Source:
    try:
        path = Path(name).expanduser()
        is_folder, there = path.is_dir(), path.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a home that is not there
        raise DataError(f"{name} cannot be opened: {why(error)}") from error
    if is_folder:
        for folder in (path, path / "data"):  # where repositories of the Hub keep their parquet files
            if list(folder.glob("*.parquet")):
                return from_parquet(name, folder, split)
        _check_single(name, split)
        return from_folder(name, path)
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        _check_single(name, split)
        return replace(from_files([path]), name=name)
    if path.is_file() and path.suffix in (".npz", ".npy"):
        _check_single(name, split)
        return from_arrays(name, path)
    if there:
        kinds = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{name} is neither a folder, nor a .npz or .npy file of images, nor an image ({kinds})")
    if "/" in name or os.sep in name or name.startswith("."):
        raise DataError(f"There is no folder or file {path.absolute()}")
    names = zoo.datasets.names()
    raise DataError(
        f"No data set or path is called '{name}'.{did_you_mean(name, names)} "
        f"There are: {', '.join(names) or 'none'}; else say hf:owner/name, a folder, an image, or a .npz or .npy file."
    )


def _of_class(name: str, split: str, zoo: Zoo) -> Source | None:
    """Return the images of one class for ``DATA:CLASS``, or None where the name is no such thing."""
    parts = split_class(name, zoo)
    if parts is None:
        return None
    whole, wanted = parts
    source = open_source(whole, split=split, zoo=zoo)
    classes = source.classes or ()
    if wanted not in classes:
        there = f"It has: {', '.join(classes[:20])}" if classes else "It has no labels"
        raise DataError(f"{whole} has no class '{wanted}'.{did_you_mean(wanted, classes)} {there}.")
    label = classes.index(wanted)

    def read() -> Iterator[Item]:
        return (item._replace(label=None) for item in source.read() if item.label == label)

    count = sum(1 for _ in read())
    if count == 0:
        raise DataError(f"{whole} has no image of the class '{wanted}' in split '{split}'")
    return replace(source, name=name, key=f"{source.key}:class={label}", count=count, read=read, classes=None)


def split_class(name: str, zoo: Zoo) -> tuple[str, str] | None:
    """Split ``DATA:CLASS``, at the last colon that has data before it; None where the name is no such thing."""
    if name in zoo.datasets:
        return None
    for place in reversed([i for i, letter in enumerate(name) if letter == ":"]):
        whole, wanted = name[:place], name[place + 1 :]
        if whole in zoo.datasets:  # whose name is never a path, wherever it is said
            return whole, wanted
        if exists(name):
            return None
        if HUB.fullmatch(whole) or exists(whole):
            return whole, wanted
    return None


def exists(name: str) -> bool:
    """Whether a file or folder has this name."""
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, a home that is not there
        return False


def _check_single(name: str, split: str) -> None:
    if split != ONLY_SPLIT:
        raise DataError(f"{name} has no split '{split}': it is one set of images, and its only split is '{ONLY_SPLIT}'")
