"""Data sets of the Hugging Face Hub, loaded by the datasets library."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ganzoo.data.sources.labels import Classes, classes_of_column
from ganzoo.data.sources.source import Source
from ganzoo.errors import DataError, MissingExtraError, one_line
from ganzoo.media.base import Item, why
from ganzoo.registry import Dataset

HUB = re.compile(r"hf:[\w.-]*\w[\w.-]*/[\w.-]*\w[\w.-]*")
"""The address of a data set of the Hub."""


def from_hub(dataset: Dataset, split: str) -> Source:
    """Return one split of a data set of the Hub."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(f"the data set {dataset.name}", "data") from error
    try:
        rows = datasets.load_dataset(dataset.repo, dataset.subset, split=split)
        column = image_column(dataset.name, rows.column_names, dataset.image_column)
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
    found = Classes()
    if label is not None and (names := getattr(rows.features[label], "names", None)):
        found = Classes(tuple(names))
    elif label is not None:
        kind = getattr(rows.features[label], "dtype", None) or "several values"
        found = classes_of_column(dataset.name, label, kind, lambda: rows.unique(label))

    @functools.cache
    def roots() -> list[Path]:
        return _roots(dataset.repo, Path(datasets.config.EXTRACTED_DATASETS_PATH))

    def read() -> Iterator[Item]:
        for i, row in enumerate(rows):
            cell, where = row[column], f"row {i} of {dataset.name}"
            path = cell.get("path") if isinstance(cell, dict) else None
            image = cell_bytes(cell) or (own_file(where, path, roots()) if path else b"")
            value = row[label] if label and found.names else None
            yield Item(image, found.numbers.get(value, value), where)

    # The library's fingerprint of what was loaded and how; it has no public name.
    key = found.keyed(f"{rows._fingerprint}:{label if found.names else None}")  # noqa: SLF001
    return Source(dataset.name, key, len(rows), read, found.names or None, notes=found.notes)


def own_file(where: str, path: str, roots: Sequence[Path]) -> Path:
    """Return the file that a row names, with links resolved, which must lie in one of the set's own folders."""
    for root in roots:
        if (real := (root / path).resolve()).is_relative_to(root.resolve()):
            return real
    raise DataError(
        f"{where} names the file {one_line(path)}, which lies outside the data set and is not opened: put the image "
        "into the set"
    )


def _roots(repo: str, extracted: Path) -> list[Path]:
    """Return the folder of a data set, and those into which the library has unpacked the archives in it."""
    from huggingface_hub import constants

    own = Path(repo) if Path(repo).is_dir() else Path(constants.HF_HUB_CACHE, f"datasets--{repo.replace('/', '--')}")
    own = own.absolute()
    if not extracted.is_dir():
        return [own]
    unpacked = (extracted / hashlib.sha256(os.fsencode(file)).hexdigest() for file in own.rglob("*"))
    return [own, *(folder for folder in unpacked if folder.is_dir())]


def image_column(name: str, columns: Sequence[str], preferred: str) -> str:
    """Return the name of the column that holds the images."""
    found = next((c for c in (preferred, "image", "img") if c in columns), None)
    if found is None:
        raise DataError(f"{name} has no column of images; it has: {', '.join(columns)}")
    return found


def cell_bytes(cell: Any) -> bytes:
    """Return the encoded image of one table cell, or no bytes where it holds none."""
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    return data if isinstance(data, bytes) else b""
