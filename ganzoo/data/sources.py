"""Where images come from: a data set of the Hub, a parquet folder, a folder of images, an array file."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.errors import DataError, MissingExtraError
from ganzoo.registry import Dataset, Zoo, installed

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_HASHED_UP_TO = 2**30


class Item(NamedTuple):
    """One image, still encoded (or an array), with its label and where it is, for error messages."""

    image: bytes | Path | NDArray[np.uint8]
    label: int | None
    where: str


@dataclass(frozen=True)
class Source:
    """Images that have been found but not read.

    Args:
        name: as the user gave it.
        key: changes whenever the content does.
        count: number of images.
        read: starts a new pass over the images.
        classes: names of the labels in order, or None for unlabelled images.
    """

    name: str
    key: str
    count: int
    read: Callable[[], Iterator[Item]]
    classes: tuple[str, ...] | None = None

    def native(self) -> tuple[int | None, int]:
        """Return (size, channels) of the first images: the size is None where they differ or are not square."""
        shapes = [open_image(item) for item in itertools.islice(self.read(), 16)]
        sizes = {image.size for image in shapes}
        width, height = sizes.pop() if len(sizes) == 1 else (0, 1)
        grey = all(image.mode in ("1", "L", "I", "I;16", "F") for image in shapes)
        return (width if width == height else None), (1 if grey else 3)


def open_image(item: Item) -> Image.Image:
    """Decode one image.

    Raises:
        DataError: it cannot be decoded; the text names its file or row.
    """
    try:
        if isinstance(item.image, np.ndarray):
            return Image.fromarray(item.image)
        image = Image.open(io.BytesIO(item.image) if isinstance(item.image, bytes) else item.image)
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = str(error).partition("<_io")[0].strip() or type(error).__name__
        raise DataError(f"{item.where} is no readable image ({why}): mend or remove it") from error
    return image


def open_source(spec: str | os.PathLike[str], *, split: str = "train", zoo: Zoo | None = None) -> Source:
    """Find the images that ``spec`` names.

    Args:
        spec: a data set's short name (``"mnist"``), ``"hf:owner/name"``, a folder of parquet files or of images (with
            one sub-folder per class, or none), or a ``.npz`` or ``.npy`` file of uint8 images.
        split: of a data set that has several.
        zoo: where short names are looked up.

    Raises:
        DataError: nothing is there, or it holds no images.
        UnknownNameError: neither a path nor a known short name.
        MissingExtraError: a package for this kind of source is not installed.
    """
    name, path = str(spec), Path(spec).expanduser()
    zoo = zoo or installed()
    if name.startswith("hf:"):
        return _from_hub(Dataset(name=name, repo=name[3:], summary=""), split)
    if name in zoo.datasets:
        return _from_hub(zoo.datasets[name].record, split)
    if path.is_dir():
        return _from_parquet(name, path, split) if list(path.glob("*.parquet")) else _from_folder(name, path)
    if path.is_file() and path.suffix in (".npz", ".npy"):
        return _from_arrays(name, path)
    if path.exists():
        raise DataError(f"{name} is neither a folder nor a .npz or .npy file of images")
    if os.sep in name or name.startswith("."):
        raise DataError(f"There is no folder or file {path.absolute()}")
    zoo.datasets[name]  # raises with a suggestion
    raise AssertionError


def fingerprint(paths: Sequence[Path]) -> str:
    """Return a key of the files' content, or of their names, sizes and times where they are over 1 GiB together."""
    stats = [path.stat() for path in paths]
    by_content = sum(stat.st_size for stat in stats) <= _HASHED_UP_TO
    digest = hashlib.sha256()
    for path, stat in zip(paths, stats, strict=True):
        digest.update(f"{path.name}\0{path.parent.name}\0{stat.st_size}\0".encode())
        digest.update(path.read_bytes() if by_content else str(stat.st_mtime_ns).encode())
    return digest.hexdigest()


def _from_hub(dataset: Dataset, split: str) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(f"the data set {dataset.name}", "data") from error
    try:
        rows = datasets.load_dataset(dataset.repo, dataset.subset, split=split)
    except Exception as error:  # the library raises a dozen kinds, from ValueError to its own
        why = " ".join(str(error).split())
        raise DataError(
            f"data set {dataset.repo} ({split}) cannot be fetched from the Hub: {type(error).__name__}: {why}"
        ) from error
    column = _image_column(dataset.name, rows.column_names, dataset.image_column)
    rows = rows.cast_column(column, datasets.Image(decode=False))
    label = dataset.label_column if dataset.label_column in rows.column_names else None
    classes = getattr(rows.features[label], "names", None) if label else None
    if label and classes is None:
        label = None

    def read() -> Iterator[Item]:
        for i, row in enumerate(rows):
            cell = row[column]
            image = cell["bytes"] if cell["bytes"] is not None else Path(cell["path"])
            yield Item(image, row[label] if label else None, f"row {i} of {dataset.name}")

    key = rows._fingerprint  # noqa: SLF001 - the library's own key of what was loaded and how; it has no other name
    return Source(dataset.name, key, len(rows), read, tuple(classes) if classes else None)


def _image_column(name: str, columns: Sequence[str], preferred: str) -> str:
    found = next((c for c in (preferred, "image", "img") if c in columns), None)
    if found is None:
        raise DataError(f"{name} has no column of images; it has: {', '.join(columns)}")
    return found


def _from_parquet(name: str, folder: Path, split: str) -> Source:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(f"reading parquet files ({name})", "data") from error
    files = sorted(folder.glob(f"{split}-*.parquet")) or sorted(folder.glob(f"{split}.parquet"))
    if not files:
        splits = sorted({path.stem.partition("-")[0] for path in folder.glob("*.parquet")})
        raise DataError(f"{name} has no split '{split}'; it has: {', '.join(splits)}")
    try:
        opened = [pq.ParquetFile(file) for file in files]
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name}: {' '.join(str(error).split())}") from error
    schema = opened[0].schema_arrow
    image = _image_column(name, schema.names, "image")
    described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    classes = described.get("info", {}).get("features", {}).get("label", {}).get("names")
    labelled = "label" in schema.names
    if labelled and classes is None:
        top = max(
            batch["label"].max() for file in files for batch in [pq.read_table(file, columns=["label"]).to_pydict()]
        )
        classes = [str(i) for i in range(top + 1)]
    columns = [image, "label"] if labelled else [image]

    def read() -> Iterator[Item]:
        for file in files:
            rows = itertools.count()
            try:
                for batch in pq.ParquetFile(file).iter_batches(1024, columns=columns):
                    labels = batch.column("label").to_pylist() if labelled else itertools.repeat(None)
                    for cell, label in zip(batch.column(image).to_pylist(), labels, strict=False):
                        yield Item(_cell_bytes(cell), label, f"row {next(rows)} of {file}")
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{file} cannot be read: {' '.join(str(error).split())}") from error

    count = sum(file.metadata.num_rows for file in opened)
    if count == 0:
        raise DataError(f"{name} has no images in split '{split}'")
    return Source(name, fingerprint(files), count, read, tuple(classes) if labelled else None)


def _cell_bytes(cell: Any) -> bytes:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    return data if isinstance(data, bytes) else b""


def _from_folder(name: str, folder: Path) -> Source:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not files:
        raise DataError(f"{name} holds no images ({', '.join(IMAGE_SUFFIXES)}) and no parquet files")
    parts = [path.relative_to(folder).parts for path in files]
    # Classes only where every image is in a sub-folder; a stray image beside them makes the set unlabelled.
    classes = sorted({p[0] for p in parts}) if all(len(p) > 1 for p in parts) else None
    labels: Iterable[int | None] = [classes.index(p[0]) for p in parts] if classes else [None] * len(files)

    def read() -> Iterator[Item]:
        for path, label in zip(files, labels, strict=True):
            yield Item(path, label, str(path))

    return Source(name, fingerprint(files), len(files), read, tuple(classes) if classes else None)


def _from_arrays(name: str, path: Path) -> Source:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            images, labels = loaded, None
        else:
            key = next((k for k in ("images", "arr_0") if k in loaded), None)
            if key is None:
                raise DataError(f"{name} has no array 'images'; it has: {', '.join(loaded)}")
            images, labels = loaded[key], loaded.get("labels")
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"{name} is no array file that can be read safely: {error}") from error
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or len(images) == 0:
        raise DataError(
            f"{name} must hold uint8 images (N, H, W), (N, H, W, C) or (N, C, H, W), not {images.dtype} {images.shape}"
        )
    if images.ndim == 4 and images.shape[-1] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[-1] not in (1, 3):
        raise DataError(f"{name} must have 1 or 3 channels, not shape {images.shape}")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if labels is not None and (labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0):
        raise DataError(
            f"{name}: 'labels' must be {len(images)} class indices from 0, not {labels.dtype} {labels.shape}"
        )
    classes = tuple(str(i) for i in range(int(labels.max()) + 1)) if labels is not None else None

    def read() -> Iterator[Item]:
        for i, image in enumerate(images):
            yield Item(np.ascontiguousarray(image), int(labels[i]) if labels is not None else None, f"{name}[{i}]")

    return Source(name, fingerprint([path]), len(images), read, classes)
