"""Zip files of images, read as they are, without unpacking."""

from __future__ import annotations

import contextlib
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ganzoo.data.sources.source import Source, fingerprint
from ganzoo.data.sources.tree import SPLITS, Tree, from_tree
from ganzoo.errors import DataError
from ganzoo.media.base import why
from ganzoo.media.limits import MAX_FILE

_TOTAL_UP_TO = 2**30  # bytes of all files, unpacked, or
_RATIO_UP_TO = 50  # times the size of the archive: images hardly shrink
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may take gigabytes to unpack a byte
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)


def from_archive(name: str, path: Path, split: str = "train") -> Source:
    """Return the images of one split of a zip file, see `ganzoo.data.sources.tree.from_tree`.

    Raises:
        DataError: it is damaged, or holds links, other archives, encrypted files, paths that lead out of it, or more
            than is read safely.
    """
    with _damage_named(name), zipfile.ZipFile(path) as archive:
        entries, size = archive.infolist(), path.stat().st_size
    seen: set[str] = set()
    for entry in entries:
        if fault := _fault(entry, seen):
            raise DataError(f"{name} holds {entry.orig_filename!a}, {fault}: pack the images anew")
        seen.add(entry.filename)
    check_unpacked(name, entries, size)
    shown = [entry.filename for entry in entries if "/." not in f"/{entry.filename}"]
    tops = {entry.partition("/")[0] for entry in shown}
    root = "/".join([*tops, ""])  # the folder that holds all files, if there is one and it is no split
    if len(tops) != 1 or tops & {*SPLITS} or not all(entry.startswith(root) for entry in shown):
        root = ""

    def contents(files: Sequence[str]) -> Iterator[bytes]:
        with _damage_named(name), zipfile.ZipFile(path) as archive:
            for file in files:
                with _damage_named(f"{name}/{file}"):
                    content = archive.read(root + file)
                yield content

    def key(_: Sequence[str], start: str) -> str:
        return f"{fingerprint({'': path})}:{start}"

    shown = [entry.removeprefix(root) for entry in shown]
    files, folders = [entry for entry in shown if entry[-1:] not in ("", "/")], {*map(posixpath.dirname, shown)}
    return from_tree(Tree(name, path, files, folders, contents, key), split)


@contextlib.contextmanager
def _damage_named(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DataError(f"{name} cannot be read: {why(error)}") from error


def check_unpacked(name: str, entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuse an archive of ``size`` bytes whose entries hold far more, or are compressed in another way than usual."""
    if odd := next((entry for entry in entries if entry.compress_type not in _METHODS), None):
        raise DataError(
            f"{name} holds {odd.orig_filename!a}, which is compressed by another method than deflate: pack it anew"
        )
    check_ratio(name, sum(entry.file_size for entry in entries), size, _TOTAL_UP_TO)


def check_ratio(where: str, total: int, size: int, most: int) -> None:
    """Refuse ``size`` bytes that unpack to more than ``most`` and far more than they are."""
    if total > max(most, _RATIO_UP_TO * size):
        raise DataError(
            f"{where} would unpack to {total / 2**30:,.1f} GiB, more than {most / 2**30:g} GiB and over "
            f"{_RATIO_UP_TO} times its size: check it, and pack it without compression if it is right"
        )


def _fault(entry: zipfile.ZipInfo, seen: Collection[str]) -> str | None:
    """Return what makes an entry of an archive one that is not read."""
    name = entry.orig_filename
    faults = {
        "whose path leads elsewhere": {"", ".", ".."} & {*name.rstrip("/").split("/")} or {*"\\:\0"} & {*name},
        "more than once": entry.filename in seen,
        "which is a link": stat.S_ISLNK(entry.external_attr >> 16),
        "which is encrypted": entry.flag_bits & 1,
        "which is an archive itself": name.lower().endswith(".zip"),
        f"which unpacks to more than {MAX_FILE >> 20} MiB": entry.file_size > MAX_FILE,
    }
    return next((fault for fault, holds in faults.items() if holds), None)
