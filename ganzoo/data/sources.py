"""Where images come from: a data set of the Hub, a parquet folder, a folder of images, an array file."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.folders import IMAGE_SUFFIXES, from_files, from_folder
from ganzoo.data.images import Item, why
from ganzoo.data.source import Source, fingerprint
from ganzoo.errors import DataError, MissingExtraError, did_you_mean
from ganzoo.registry import Dataset, Zoo, installed

ONLY_SPLIT = "train"
HUB = re.compile(r"hf:[\w.-]*\w[\w.-]*/[\w.-]*\w[\w.-]*")
"""A data set of the Hub."""
_CLASSES_UP_TO = 2**16


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
        return _from_hub(Dataset(name=name, repo=name[3:], summary=""), split)
    if name in zoo.datasets:
        return _from_hub(zoo.datasets[name].record, split)
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
                return _from_parquet(name, folder, split)
        _check_single(name, split)
        return from_folder(name, path)
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        _check_single(name, split)
        return replace(from_files([path]), name=name)
    if path.is_file() and path.suffix in (".npz", ".npy"):
        _check_single(name, split)
        return _from_arrays(name, path)
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


def _from_hub(dataset: Dataset, split: str) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(f"the data set {dataset.name}", "data") from error
    try:
        rows = datasets.load_dataset(dataset.repo, dataset.subset, split=split)
        column = _image_column(dataset.name, rows.column_names, dataset.image_column)
        rows = rows.cast_column(column, datasets.Image(decode=False))
    except DataError:
        raise
    except Exception as error:  # the library raises a dozen kinds, from ValueError to its own
        raise DataError(
            f"data set {dataset.repo} ({split}) cannot be fetched from the Hub: {type(error).__name__}: {why(error)}"
        ) from error
    if len(rows) == 0:
        raise DataError(f"data set {dataset.repo} has no images in split '{split}'")
    label = dataset.label_column if dataset.label_column in rows.column_names else None
    classes = getattr(rows.features[label], "names", None) if label else None
    if label and classes is None:
        label = None

    def read() -> Iterator[Item]:
        for i, row in enumerate(rows):
            cell = row[column]
            path = cell.get("path") if isinstance(cell, dict) else None
            image = _cell_bytes(cell) or (Path(path) if path else b"")
            yield Item(image, row[label] if label else None, f"row {i} of {dataset.name}")

    # The library's own key of what was loaded and how; it has no other name.
    key = f"{rows._fingerprint}:{label}"  # noqa: SLF001
    return Source(dataset.name, key, len(rows), read, tuple(classes) if classes else None)


def _image_column(name: str, columns: Sequence[str], preferred: str) -> str:
    found = next((c for c in (preferred, "image", "img") if c in columns), None)
    if found is None:
        raise DataError(f"{name} has no column of images; it has: {', '.join(columns)}")
    return found


def _from_parquet(name: str, folder: Path, split: str) -> Source:
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(f"reading parquet files ({name})", "data") from error
    found = sorted(folder.glob("*.parquet"))
    files = [f for f in found if f.stem.startswith(f"{split}-")] or [f for f in found if f.stem == split]
    if not files:
        splits = sorted({path.stem.partition("-")[0] for path in found})
        raise DataError(f"{name} has no split '{split}'; it has: {', '.join(splits)}")
    try:
        opened = [pq.ParquetFile(file) for file in files]
        schema = opened[0].schema_arrow
        image = _image_column(name, schema.names, "image")
        classes = None
        if "label" in schema.names and pa.types.is_integer(schema.field("label").type):
            ranges = [pc.min_max(file.read(columns=["label"])["label"]).as_py() for file in opened]
            labels = [value for ends in ranges for value in ends.values() if value is not None]
            if labels:
                classes = _class_names(schema.metadata) or _count_classes(name, labels)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{name}: {why(error)}") from error
    columns = [image, "label"] if classes else [image]

    def read() -> Iterator[Item]:
        for file in files:
            rows = itertools.count()
            try:
                for batch in pq.ParquetFile(file).iter_batches(1024, columns=columns):
                    labels = batch.column("label").to_pylist() if classes else [None] * len(batch)
                    for cell, label in zip(batch.column(image).to_pylist(), labels, strict=True):
                        yield Item(_cell_bytes(cell), label, f"row {next(rows)} of {file}")
            except (pa.ArrowException, OSError, KeyError) as error:
                raise DataError(f"{file} cannot be read: {why(error)}") from error

    count = sum(file.metadata.num_rows for file in opened)
    if count == 0:
        raise DataError(f"{name} has no images in split '{split}'")
    return Source(name, fingerprint(files, folder), count, read, classes, local=True, files=tuple(files))


def _class_names(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...] | None:
    """Return the names of the labels that the Hub's library writes into a parquet file, if it did."""
    try:
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"]
        return tuple(str(name) for name in names)
    except (KeyError, TypeError, ValueError):
        return None


def _count_classes(name: str, labels: Sequence[int]) -> tuple[str, ...]:
    """Name the classes after their numbers.

    Raises:
        DataError: a label is no class index.
    """
    low, high = min(labels), max(labels)
    if low < 0 or high >= _CLASSES_UP_TO:
        raise DataError(f"{name}: labels must be class indices in 0 ... {_CLASSES_UP_TO - 1}, not {low} ... {high}")
    return tuple(str(i) for i in range(high + 1))


def _cell_bytes(cell: Any) -> bytes:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    return data if isinstance(data, bytes) else b""


def _from_arrays(name: str, path: Path) -> Source:
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
    classes = _count_classes(name, labels.tolist()) if labels is not None else None

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
        raise DataError(f"{name} is no array file that can be read safely: {why(error)}") from error
    raise DataError(f"{name} has no array 'images'; it has: {', '.join(names)}")
