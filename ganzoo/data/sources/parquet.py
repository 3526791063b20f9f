"""Folders of parquet files, as the Hub keeps data sets."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ganzoo.data.sources.hub import cell_bytes, image_column
from ganzoo.data.sources.labels import Classes, classes_of_column
from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.errors import DataError, MissingExtraError
from ganzoo.media.base import Item, why


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
    try:
        opened = [pq.ParquetFile(file) for file in files]
        schema = opened[0].schema_arrow
        image = image_column(name, schema.names, "image")
        labelled, found = "label" in schema.names, Classes()
        if labelled and (names := _class_names(schema.metadata)):
            found = Classes(names)
        elif labelled:
            found = classes_of_column(
                name, "label", str(schema.field("label").type),
                lambda: {one for file in opened for one in file.read(columns=["label"])["label"].unique().to_pylist()},
            )  # fmt: skip
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{name}: {why(error)}") from error
    columns = [image, "label"] if found.names else [image]

    def read() -> Iterator[Item]:
        for file in files:
            rows = itertools.count()
            try:
                for batch in pq.ParquetFile(file).iter_batches(1024, columns=columns):
                    labels = batch.column("label").to_pylist() if found.names else [None] * len(batch)
                    for cell, label in zip(batch.column(image).to_pylist(), labels, strict=True):
                        yield Item(cell_bytes(cell), found.numbers.get(label, label), f"row {next(rows)} of {file}")
            except (pa.ArrowException, OSError, KeyError) as error:
                raise DataError(f"{file} cannot be read: {why(error)}") from error

    count = sum(file.metadata.num_rows for file in opened)
    if count == 0:
        raise DataError(f"{name} has no images in split '{split}'")
    key, classes = found.keyed(fingerprint({file.name: file for file in files})), found.names or None
    return Source(name, key, count, read, classes, local=True, files=tuple(files), notes=found.notes)


def _class_names(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...] | None:
    """Return the names of the labels that the Hub's library writes into a parquet file, if it did."""
    try:
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"]
        return tuple(str(name) for name in names)
    except (KeyError, TypeError, ValueError):
        return None
