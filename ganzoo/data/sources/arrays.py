"""Array files: .npz and .npy files of uint8 images, read an image at a time."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.sources.archive import check_unpacked
from ganzoo.data.sources.labels import Classes, classes_of_numbers
from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.errors import DataError
from ganzoo.media.base import Item, why
from ganzoo.media.limits import check_bytes, check_pixels

_FORTRAN_UP_TO = 2**29  # bytes of an array whose images do not follow each other
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def from_arrays(name: str, path: Path) -> Source:
    """Return the images of a .npz or .npy file."""
    with _damage_named(name):
        key, others = ("", ()) if path.suffix.lower() == ".npy" else _key(name, path)
        with _opened(path, key) as (_, header):
            pass
    shape = header.shape
    if header.dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
        raise DataError(
            f"{name} must hold uint8 images (N, H, W), (N, H, W, C) or (N, C, H, W), not {header.dtype} {shape}"
        )
    axis = None
    if len(shape) == 4:
        # Where both ends may be channels, 1 and 3 go before 4, and the last axis before the second.
        axis = next((axis for kinds in ((1, 3), (4,)) for axis in (3, 1) if shape[axis] in kinds), None)
        if axis is None:
            raise DataError(f"{name} must have 1, 3 or 4 channels, not shape {shape}")
    height, width = (size for i, size in enumerate(shape) if i not in (0, axis))
    check_pixels(f"{name}[0]", width, height)
    if header.fortran:
        check_bytes(f"{name}, in Fortran order,", header.size, _FORTRAN_UP_TO)
    labels = None
    if "labels" in others:
        with _damage_named(name), _opened(path, "labels") as (file, of_labels):
            if of_labels.shape != shape[:1] or of_labels.dtype.kind not in "iu":
                raise DataError(
                    f"{name}: 'labels' must be {shape[0]} class indices, not {of_labels.dtype} {of_labels.shape}"
                )
            labels = np.frombuffer(file.read(of_labels.size), of_labels.dtype)
    found = Classes() if labels is None else classes_of_numbers(name, labels)

    def read() -> Iterator[Item]:
        with _damage_named(name), _opened(path, key) as (file, _):
            for i, image in enumerate(_images(file, header)):
                channels_last = image if axis is None else np.moveaxis(image, axis - 1, 2)
                one = channels_last[..., 0] if channels_last.shape[2:] == (1,) else channels_last
                label = None if labels is None else found.numbers[int(labels[i])]
                yield Item(np.ascontiguousarray(one), label, f"{name}[{i}]")

    key_of_content, classes = found.keyed(fingerprint({path.name: path})), found.names or None
    return Source(name, key_of_content, shape[0], read, classes, local=True, files=(path,), notes=found.notes)


class _Header(NamedTuple):
    """What a .npy file says of its array."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # damaged files raise a dozen kinds, from zlib.error to tokenize.TokenError
        raise DataError(f"{name} is not an array file that can be read safely: {why(error)}") from error


def _key(name: str, path: Path) -> tuple[str, list[str]]:
    """Return the name of the array of images in a .npz file, and those of all arrays."""
    with zipfile.ZipFile(path) as archive:
        check_unpacked(name, archive.infolist(), path.stat().st_size)
        names = [entry.removesuffix(".npy") for entry in archive.namelist()]
    for key in ("images", "arr_0"):
        if key in names:
            return key, names
    raise DataError(f"{name} has no array 'images'; it has: {', '.join(names)}")


@contextmanager
def _opened(path: Path, key: str) -> Iterator[tuple[IO[bytes], _Header]]:
    """Yield an array of a file, at its first value, and what it is."""
    if key:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as file:
            yield file, _header(file, archive.getinfo(f"{key}.npy").file_size)
    else:
        with path.open("rb") as file:
            yield file, _header(file, os.fstat(file.fileno()).st_size)


def _header(file: IO[bytes], size: int) -> _Header:
    """Read the header of an array, in a file of ``size`` bytes."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"it is of the version {version} of the format")
    header = _Header(*_HEADERS[version](file))
    if header.dtype.hasobject:
        raise ValueError("it holds Python objects")
    if min(header.shape, default=0) < 0 or header.size > size - file.tell():
        raise ValueError(f"its array of shape {header.shape} needs {header.size:,} bytes, and it holds fewer")
    return header


def _images(file: IO[bytes], header: _Header) -> Iterator[NDArray[Any]]:
    """Yield the images that follow a header."""
    count, *shape = header.shape
    if header.fortran:
        yield from np.frombuffer(file.read(header.size), np.uint8).reshape(header.shape, order="F")
        return
    for _ in range(count):
        yield np.frombuffer(file.read(math.prod(shape)), np.uint8).reshape(shape)
