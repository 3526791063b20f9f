"""Folders of parquet files, as the Hub keeps data sets."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo.data.sources.archive import check_ratio
from ganzoo.data.sources.hub import cell_bytes, image_column
from ganzoo.data.sources.labels import Classes, classes_of_column
from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.errors import DataError, MissingExtraError, one_line
from ganzoo.media.base import Item, why

_ROWS, _AT_ONCE = 1024, 2**27


def from_parquet(name: str, folder: Path, split: str) -> Source:
    """Return one split of a folder of parquet files."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(f"reading parquet files ({name})", "data") from error
    there = sorted(folder.glob("*.parquet"))
    files = [f for f in there if f.stem.startswith(f"{split}-")] or [f for f in there if f.stem == split]
    if not files:
        splits = sorted({path.stem.partition("-")[0] for path in there})
        raise DataError(f"{name} has no split '{split}'; it has: {', '.join(splits)}")

    def batches(file: Path, columns: list[str]) -> Iterator[Any]:
        """Yield the rows of a file, as many at a time as may be in memory."""
        with pq.ParquetFile(file, memory_map=True) as table:
            yield from table.iter_batches(_rows_at_once(file, table.metadata, columns), columns=columns)

    try:
        opened = [pq.ParquetFile(file) for file in files]
        schema = opened[0].schema_arrow
        image = image_column(name, schema.names, "image")
        leaf = _leaf(name, schema.field(image))
        labelled, found = "label" in schema.names, Classes()
        if labelled and (names := _class_names(schema.metadata)):
            found = Classes(names)
        elif labelled:
            found = classes_of_column(
                name, "label", str(schema.field("label").type),
                lambda: (one for file in files for rows in batches(file, ["label"]) for one in rows[0].to_pylist()),
            )  # fmt: skip
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{name}: {why(error)}") from error
    columns = [leaf, "label"] if found.names else [leaf]

    def read() -> Iterator[Item]:
        for file in files:
            rows = itertools.count()
            try:
                for batch in batches(file, columns):
                    labels = batch["label"].to_pylist() if found.names else [None] * len(batch)
                    for cell, label in zip(batch[image].to_pylist(), labels, strict=True):
                        yield Item(cell_bytes(cell), found.numbers.get(label, label), f"row {next(rows)} of {file}")
            except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
                raise DataError(f"{file} cannot be read: {why(error)}") from error

    count = sum(file.metadata.num_rows for file in opened)
    if count == 0:
        raise DataError(f"{name} has no images in split '{split}'")
    key, classes = found.keyed(fingerprint({file.name: file for file in files})), found.names or None
    return Source(name, key, count, read, classes, local=True, files=tuple(files), notes=found.notes)


def _leaf(name: str, field: Any) -> str:
    """Return the column of the encoded images: of a struct, its field ``bytes``."""
    kind, leaf = field.type, str(field.name)
    if kind.num_fields and "bytes" in [kind.field(i).name for i in range(kind.num_fields)]:
        kind, leaf = kind.field("bytes").type, f"{leaf}.bytes"
    if not str(kind).removeprefix("dictionary<values=").startswith(("binary", "large_binary", "fixed_size_binary")):
        raise DataError(f"{name}: its column {leaf} must hold encoded images (binary), not {one_line(str(kind))}")
    return leaf


def _rows_at_once(file: Path, metadata: Any, columns: list[str]) -> int:
    """Return a number of rows that are small even where each holds all that its group does, as in a dictionary."""
    largest = 1
    for group in (metadata.row_group(i) for i in range(metadata.num_row_groups)):
        used = [column for i in range(group.num_columns) if (column := group.column(i)).path_in_schema in columns]
        unpacked = sum(column.total_uncompressed_size for column in used)
        check_ratio(
            f"{file}: a group of rows", unpacked, sum(column.total_compressed_size for column in used), _AT_ONCE
        )
        largest = max(largest, unpacked)
    return max(1, min(_ROWS, _AT_ONCE // largest))


def _class_names(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...] | None:
    """Return the names of the labels that the Hub's library writes into a parquet file, if it did."""
    try:
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"]
        return tuple(str(name) for name in names)
    except (KeyError, TypeError, ValueError):
        return None
