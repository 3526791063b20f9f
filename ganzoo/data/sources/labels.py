"""Classes of images: labels that are whole numbers or words, and the files that list them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganzoo.data.sources.source import natural, some
from ganzoo.errors import DataError, one_line
from ganzoo.media.base import why
from ganzoo.media.limits import check_bytes

METADATA = ("dataset.json", "metadata.csv", "metadata.jsonl")
"""Files that may list labels: StyleGAN's, and those of the Hub's image folders."""
SUPPORTED = "one class per image is supported, a whole number or a word"
_REMEDY = "take the labels out to train without any"
_COLUMNS = ("label", "class", "category")
_METADATA_UP_TO, _PER_FILE = 2**25, 1000  # bytes: parsed, they may take fifty times as many
_CLASSES_UP_TO, _LETTERS_UP_TO = 2**16, 1000


class Classes(NamedTuple):
    """Classes in the order of their numbers.

    Args:
        names: of the classes; none where images have no labels.
        numbers: the number of the class that a label means, where it is another than the label.
        notes: what a user should be told.
    """

    names: tuple[str, ...] = ()
    numbers: Mapping[Any, int] = {}
    notes: tuple[str, ...] = ()

    def keyed(self, key: str) -> str:
        """Return another key of the content where classes are not numbered as its labels."""
        same = all(type(label) is int and label == number for label, number in self.numbers.items())
        return key if same else f"{key}:numbered"


def classes_of(where: str, labels: Iterable[Any]) -> Classes:
    """Number the labels that occur: whole numbers in their order, without gaps, or words in natural order.

    Raises:
        DataError: a label is missing, a fraction, several, or no class index.
    """
    labels = list(labels)
    if any(isinstance(label, list | dict) or str(label)[:1] in "[{" for label in labels if label not in (None, "")):
        raise DataError(f"{where} gives several labels per image: {SUPPORTED}; {_REMEDY}")
    if any(label in (None, "") for label in labels):
        raise DataError(f"{where} leaves images without a label: give each one, or {_REMEDY}")
    numbers = [_number(label) for label in labels]
    whole = [int(number) for number in numbers if number is not None and number.is_integer()]
    if len(whole) == len(labels):
        return _numbered(where, dict(zip(labels, whole, strict=True)))
    if None not in numbers:
        raise DataError(f"{where} gives labels that are fractions: {SUPPORTED}; {_REMEDY}")
    return named_classes(
        where, {label: str(label).lower() if isinstance(label, bool) else str(label) for label in labels}
    )


def classes_of_numbers(where: str, labels: NDArray[np.integer[Any]]) -> Classes:
    """Number the labels in an array."""
    found = np.unique(labels)
    return classes_of(where, (found if len(found) <= _CLASSES_UP_TO else found[[0, -1]]).tolist())  # which is refused


def named_classes(where: str, words: Mapping[Any, str]) -> Classes:
    """Number classes in the natural order of the word that each label stands for."""
    names = sorted(set(words.values()), key=natural)
    for unnamed in (name for name in names if not name.isprintable()):
        raise DataError(f"{where} names a class {unnamed!a}, which is not printable: rename it")
    if len(names) > _CLASSES_UP_TO:
        raise DataError(f"{where} gives {len(names):,} different labels, and up to {_CLASSES_UP_TO:,} are supported")
    place = {name: i for i, name in enumerate(names)}
    return Classes(tuple(names), {label: place[word] for label, word in words.items()})


def classes_of_column(where: str, column: str, kind: str, read: Callable[[], Iterable[Any]]) -> Classes:
    """Number the labels in a table's column of the type ``kind``; a note where such a type is not supported."""
    if not kind.removeprefix("large_").startswith(("int", "uint", "bool", "string")):
        return Classes(notes=(f"the column {column} ({kind}) is not used: {SUPPORTED}",))
    labels = set()
    for label in read():
        if isinstance(label, str) and len(label) > _LETTERS_UP_TO:
            raise DataError(
                f"{where} gives a label of {len(label):,} letters, and up to {_LETTERS_UP_TO} are supported"
            )
        if label is not None:
            labels.add(label)
        if len(labels) > _CLASSES_UP_TO:
            raise DataError(f"{where} gives more than {_CLASSES_UP_TO:,} different labels: {_REMEDY}")
    return classes_of(where, labels) if labels else Classes()


def _numbered(where: str, labels: Mapping[Any, int]) -> Classes:
    present = sorted(set(labels.values()))
    low, high = present[0], present[-1]
    if low < 0 or high >= _CLASSES_UP_TO:
        raise DataError(f"{where}: labels must be class indices in 0 ... {_CLASSES_UP_TO - 1}, not {low} ... {high}")
    place, missing = {label: i for i, label in enumerate(present)}, sorted({*range(high)} - {*present})
    notes: tuple[str, ...] = ()
    if missing:
        notes = (f"labels numbered anew from 0, as no image has {some([*map(str, missing)], 3)}",)
    return Classes(tuple(map(str, present)), {label: place[number] for label, number in labels.items()}, notes)


def _number(label: Any) -> float | None:
    try:
        return None if isinstance(label, bool) else float(label)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return None


def read_labels(where: str, content: bytes | Path, most: int) -> list[tuple[str, Any]] | None:
    """Return (file name, label) of each row of a file of metadata; None where it does not speak of labels.

    Args:
        where: it lies.
        content: of it.
        most: files that there are: of more rows, one more than these is returned.

    Raises:
        DataError: it is damaged, or its form is another.
    """
    try:
        check_bytes(
            where,
            content.stat().st_size if isinstance(content, Path) else len(content),
            _METADATA_UP_TO + _PER_FILE * most,
        )
        text = (content.read_bytes() if isinstance(content, Path) else content).decode("utf-8-sig")
        if where.endswith(".json"):
            return _of_dataset_json(where, msgspec.json.decode(text))
        if where.endswith(".csv"):
            rows: Iterable[Any] = csv.DictReader(io.StringIO(text, newline=""))
        else:
            rows = (msgspec.json.decode(line) for line in io.StringIO(text, newline="\n") if line.strip())
        return _of_rows(where, islice(rows, most + 1))
    except (OSError, ValueError, RecursionError, csv.Error, msgspec.DecodeError) as error:
        raise DataError(f"{where} cannot be read: {why(error)}") from error


def _of_rows(where: str, rows: Iterable[Any]) -> list[tuple[str, Any]] | None:
    columns: list[str] = []
    labels = []
    for row in rows:
        if not isinstance(row, dict) or None in row:
            raise DataError(f"{where} has rows of another form than its first: correct them")
        columns = columns or list(row)
        if not isinstance(row.get("file_name"), str):
            there = one_line(some(columns))
            raise DataError(f"{where} needs a column file_name that is filled everywhere; it has: {there}")
        label = next((column for column in _COLUMNS if column in columns), "")
        labels.append((row["file_name"], row.get(label)))
    return labels if any(column in columns for column in _COLUMNS) else None


def _of_dataset_json(where: str, content: Any) -> list[tuple[str, Any]] | None:
    if not isinstance(content, dict) or "labels" not in content:
        return None
    rows = content["labels"] or []  # null: the set has none
    pairs = isinstance(rows, list) and all(isinstance(row, list) and len(row) == 2 for row in rows)
    if not pairs or not all(isinstance(file, str) for file, _ in rows):
        raise DataError(f'{where} must hold {{"labels": [["file name", class], ...]}}: correct it')
    return [(file, label) for file, label in rows]
