"""Small files that ask for much memory: `MAKERS` makes each of them in a folder."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

_GREY, _RGB, _RGBA = 0, 2, 6
_SAMPLES = {_GREY: 1, _RGB: 3, _RGBA: 4}
_BELOW = 9150  # the side of an image just below the limit of pixels


def png(path: Path, width: int, height: int, colour: int, depth: int = 8, after: int = 0) -> Path:
    """Write an image of zeros, and so many bytes of nothing after it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes(1 + (width * _SAMPLES[colour] * depth + 7) // 8)
    packer = zlib.compressobj(1)
    data = b"".join([packer.compress(row * 16) for _ in range(height // 16)])
    data += packer.compress(row * (height % 16)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"") + bytes(after)
    )
    return path


def _pngs(folder: Path, *, count: int, side: int, colour: int, depth: int = 8) -> Path:
    first = png(folder / "set" / "0.png", side, side, colour, depth)
    for i in range(1, count):
        os.link(first, first.with_name(f"{i}.png"))
    return first.parent


def _saved(folder: Path, *, count: int, mode: str, suffix: str, **options: object) -> Path:
    """Save an image just below the limit of pixels by Pillow."""
    from PIL import Image

    path = folder / "set" / f"0.{suffix}"
    path.parent.mkdir()
    Image.new(mode, (_BELOW, _BELOW)).save(path, **options)
    for i in range(1, count):
        os.link(path, path.with_name(f"{i}.{suffix}"))
    return path.parent


def _turned(folder: Path) -> Path:
    """Save images that their EXIF turns by a quarter."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved(folder, count=3, mode="RGBA", suffix="png", exif=exif, compress_level=1)


def tiff_of_a_tile(path: Path, side: int) -> Path:
    """Write an image of 16x16 that is in one large tile."""
    packer = zlib.compressobj(1)
    data = b"".join([packer.compress(bytes(side * 3 * 16)) for _ in range(side // 16)]) + packer.flush()
    entries = [
        (256, 3, 1, 16), (257, 3, 1, 16), (258, 3, 3, 0), (259, 3, 1, 8), (262, 3, 1, 2), (277, 3, 1, 3),
        (284, 3, 1, 1), (322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, 0), (325, 4, 1, len(data)),
    ]  # fmt: skip
    bits_at = 8 + 2 + 12 * len(entries) + 4
    at = {258: bits_at, 324: bits_at + 6}
    directory = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (struct.pack("<HH", value, 0) if kind == 3 and count == 1 else struct.pack("<I", at.get(tag, value)))
        for tag, kind, count, value in entries
    )
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + struct.pack("<HHH", 8, 8, 8) + data
    )
    return path


def _sparse(folder: Path, *, name: str, begin: bytes = b"", size: int = 5 * 2**30) -> Path:
    """A file of zeros that takes no place on the disk."""
    path = folder / "set" / name
    path.parent.mkdir()
    path.write_bytes(begin)
    os.truncate(path, size)
    return path.parent if path.suffix in (".png", ".parquet", ".csv", ".json") else path


def _sparse_png(folder: Path) -> Path:
    """A whole image, and 5 GiB of nothing after it."""
    path = png(folder / "set" / "0.png", 16, 16, _RGB)
    os.truncate(path, 5 * 2**30)
    return path.parent


def _png_chunk(folder: Path) -> Path:
    """An image that begins with 1.5 GiB of metadata."""
    image = png(folder / "whole.png", 16, 16, _RGB).read_bytes()
    size = 3 * 2**29
    path = folder / "set" / "0.png"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(image[:33] + struct.pack(">I", size) + b"eXIf")
        file.seek(size, os.SEEK_CUR)
        file.write(bytes(4) + image[33:])
    return path.parent


def npy_header(shape: tuple[int, ...], dtype: str, *, fortran: bool = False) -> bytes:
    """Return how a .npy file of this array begins."""
    buffer = io.BytesIO()
    header = {"descr": np.dtype(dtype).str, "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def _npz(
    folder: Path, *, shape: tuple[int, ...], dtype: str = "u1", size: int | None = None, fortran: bool = False,
    member: str = "images", labels: bool = False,
) -> Path:  # fmt: skip
    """A deflated array of zeros; ``size`` bytes of it are there."""
    path = folder / "images.npz"
    left = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize if size is None else size
    block = bytes(2**24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if labels:
            archive.writestr("images.npy", npy_header((4, 16, 16), "u1") + bytes(4 * 16 * 16))
        with archive.open(f"{member}.npy", "w", force_zip64=True) as file:
            file.write(npy_header(shape, dtype, fortran=fortran))
            while left > 0:
                file.write(block[:left])
                left -= len(block)
    return path


def _npy_that_ends_early(folder: Path) -> Path:
    path = folder / "images.npy"
    path.write_bytes(npy_header((10**6, 64, 64), "u1") + bytes(64 * 64))
    return path


def _parquet(
    folder: Path, *, rows: int, size: int, column: str = "image", dictionary: bool = True, text: bool = False
) -> Path:
    """A table of images, or of labels, that are all the same and hold ``size`` bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    image = png(folder / "whole.png", 16, 16, _RGB).read_bytes()
    large = "x" * size if text else image + bytes(size)
    kind = pa.string() if text else pa.binary()
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([large], kind))
    columns = {"image": pa.array([image] * rows)} | {column: repeated}
    path = folder / "set" / "train.parquet"
    path.parent.mkdir()
    table = pa.table(columns)
    pq.write_table(table, path, compression="zstd", use_dictionary=dictionary, store_schema=False)
    return path.parent


def _parquet_of_nulls(folder: Path, *, rows: int) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "set" / "train.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"image": pa.nulls(rows, pa.binary())}), path, compression="zstd")
    return path.parent


def _parquet_of_a_long_list(folder: Path) -> Path:
    """A table of one row that is a list of images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "set" / "train.parquet"
    path.parent.mkdir()
    large = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array([bytes(5_000_000)]))
    table = pa.table({"image": pa.ListArray.from_arrays([0, 1000], large)})
    pq.write_table(table, path, compression="zstd", store_schema=False)
    return path.parent


def _zip(folder: Path, *, entries: int, size: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Images in an archive, each with ``size`` bytes of nothing after it."""
    image = png(folder / "whole.png", 16, 16, _RGB, after=size).read_bytes()
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for i in range(entries):
            archive.writestr(f"{i}.png", image)
    return path


def _zip_of_pngs(folder: Path) -> Path:
    data = png(folder / "0.png", _BELOW, _BELOW, _RGBA).read_bytes()
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(3):
            archive.writestr(f"{i}.png", data)
    return path


def _metadata(folder: Path, *, name: str, begin: bytes, row: bytes, size: int, end: bytes = b"") -> Path:
    """A folder with one image and a file of metadata of ``size`` bytes."""
    png(folder / "set" / "0.png", 16, 16, _GREY)
    path = folder / "set" / name
    with path.open("wb") as file:
        file.write(begin)
        block = row * (2**20 // len(row))
        for _ in range(size // len(block)):
            file.write(block)
        file.write(end)
    return path.parent


MAKERS: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {
        # above the limit of pixels
        "png-16-bit": partial(_pngs, count=4, side=13_000, colour=_GREY, depth=16),
        "png-rgba": partial(_pngs, count=6, side=13_000, colour=_RGBA),
        "png-above-pillow": partial(_pngs, count=1, side=20_000, colour=_GREY, depth=1),
        # below it, and many at once
        "png-16-bit-below": partial(_pngs, count=3, side=_BELOW, colour=_GREY, depth=16),
        "png-rgba-below": partial(_pngs, count=3, side=_BELOW, colour=_RGBA),
        "png-rgb-16-bit-below": partial(_pngs, count=3, side=_BELOW, colour=_RGB, depth=16),
        "png-turned": _turned,
        "jpeg-below": partial(_saved, count=3, mode="RGB", suffix="jpg"),
        "jpeg-progressive-below": partial(_saved, count=3, mode="RGB", suffix="jpg", progressive=True, subsampling=0),
        "jpeg-cmyk-below": partial(_saved, count=3, mode="CMYK", suffix="jpg", progressive=True),
        "webp-below": partial(_saved, count=3, mode="RGBA", suffix="webp", lossless=True, quality=0, method=0),
        "gif-below": partial(_saved, count=3, mode="P", suffix="gif"),
        "bmp-below": partial(_saved, count=1, mode="1", suffix="bmp"),
        "tiff-below": partial(_saved, count=3, mode="RGBA", suffix="tiff", compression="tiff_adobe_deflate"),
        "tiff-tile": lambda folder: tiff_of_a_tile(folder / "set" / "0.tiff", 26_000).parent,
        "zip-below": _zip_of_pngs,
        # sparse files, and long ones
        "png-sparse": partial(_sparse, name="0.png"),
        "png-sparse-end": _sparse_png,
        "png-chunk": _png_chunk,
        "npy-sparse": partial(_sparse, name="images.npy"),
        "npz-sparse": partial(_sparse, name="images.npz"),
        "zip-sparse": partial(_sparse, name="set.zip"),
        "parquet-sparse": partial(_sparse, name="train.parquet"),
        "zip-long-entries": partial(_zip, entries=5, size=200 * 2**20),
        "zip-entry-above": partial(_zip, entries=1, size=300 * 2**20),
        "metadata-sparse": partial(_metadata, name="metadata.csv", begin=b"", row=bytes(2**20), size=2**31),
        "metadata-rows": partial(
            _metadata, name="metadata.csv", begin=b"file_name,label\n", row=b"a,0\n", size=31 * 2**20
        ),
        "metadata-json": partial(
            _metadata, name="dataset.json", begin=b"[[]", row=b"," + b"[" * 500 + b"]" * 500, end=b"]", size=31 * 2**20
        ),
        # arrays
        "npy-floats-sparse": partial(
            _sparse, name="images.npy", begin=npy_header((10_485_760, 8, 8), "f8"), size=5 * 2**30 + 128
        ),
        "npy-bytes-sparse": partial(
            _sparse, name="images.npy", begin=npy_header((5120, 1024, 1024), "u1"), size=5 * 2**30 + 128
        ),
        "npy-one-image": partial(
            _sparse, name="images.npy", begin=npy_header((1, 70_000, 70_000), "u1"), size=4_900_000_128
        ),
        "npy-ends-early": _npy_that_ends_early,
        "npz-floats": partial(_npz, shape=(168_000, 64, 64), dtype="f8"),
        "npz-bytes": partial(_npz, shape=(1_344_000, 64, 64)),
        "npz-ends-early": partial(_npz, shape=(1_344_000, 64, 64), size=64 * 64),
        "npz-one-image": partial(_npz, shape=(1, 30_000, 30_000)),
        "npz-fortran": partial(_npz, shape=(130_000, 64, 64), fortran=True),
        "npz-labels": partial(_npz, shape=(250_000_000,), dtype="i8", member="labels", labels=True),
        # tables
        "parquet-dictionary": partial(_parquet, rows=1000, size=5_000_000),
        "parquet-plain": partial(_parquet, rows=100, size=20_000_000, dictionary=False),
        "parquet-nulls": partial(_parquet_of_nulls, rows=4_000_000),
        "parquet-list": _parquet_of_a_long_list,
        "parquet-value": partial(_parquet, rows=1, size=2**30, dictionary=False),
        "parquet-label": partial(_parquet, rows=1000, size=5_000_000, column="label", text=True),
    }
)
"""The attacks: each function makes one in a folder and returns what to give to ``--data``."""
