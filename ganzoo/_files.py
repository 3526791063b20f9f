"""Files and folders that appear whole or not at all, their locks, and the cache folder."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from ganzoo.errors import GanzooError

CHECKSUM = "checksum"
"""The name under which a file of JSON, or the header of one of tensors, has the SHA-256 of all the rest."""
PARTIAL = ".partial-"
"""In the name of a partial file or folder."""
LOCK = ".lock"
"""The file in a folder by which `locked` locks it."""
_OLD = "-old"
_UNFINISHED = re.compile(r"\.tmp[A-Za-z0-9]{6}")  # what safetensors calls a file that it is writing


def cache_dir() -> Path:
    """Return the cache folder: ``GANZOO_CACHE`` where it is set, else the platform's, ``~/.cache/ganzoo`` on Linux."""
    if chosen := os.environ.get("GANZOO_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs  # most commands need no cache

    return platformdirs.user_cache_path("ganzoo", appauthor=False).expanduser()


@contextmanager
def _errors_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GanzooError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well it is flushed to disk and renamed to ``path``.

    Raises:
        GanzooError: the folder is missing or cannot be written, or the disk is full.
    """
    with _errors_explained(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}{PARTIAL}", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            sync(partial)
            umask = os.umask(0)
            os.umask(umask)
            partial.chmod(0o666 & ~umask)  # mkstemp makes private files; these are for whoever may read the folder
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; when the block ends well it takes the name, of an empty folder too.

    Raises:
        GanzooError: it cannot be written, or the disk is full.
    """
    with _errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not TemporaryDirectory: at its end the folder has another name.
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
        try:
            yield partial
            partial.chmod(0o755)  # mkdtemp makes private folders
            if path.exists():
                path.rmdir()
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def swap_folder(partial: Path, final: Path) -> None:
    """Give a finished folder its name, in place of the folder that has it.

    Raises:
        OSError: it failed; the old folder is in its place.
    """
    partial.chmod(0o755)  # mkdtemp makes private folders
    sync(partial)
    old = partial.with_name(f"{partial.name}{_OLD}")
    if final.exists():
        final.rename(old)
    try:
        partial.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def locked(folder: Path, busy: GanzooError, *, seconds: float = 0.0) -> Iterator[None]:
    """Hold an existing folder's lock, and remove what a killed process has left in it half-written.

    Raises:
        GanzooError: ``busy`` where another process holds it after ``seconds``, or the folder cannot be written into.
    """
    with _held(folder / LOCK, busy, seconds):
        with suppress(OSError):  # what cannot be removed does no harm
            _sweep(folder)
        yield


@contextmanager
def only_one(path: Path, busy: GanzooError) -> Iterator[None]:
    """Lock a file that need not exist yet, by a file beside it, and remove what a killed process has left of it.

    The lock's file is deleted at the end.

    Raises:
        GanzooError: ``busy`` where another process holds it, or the folder cannot be written into.
    """
    lock = path.with_name(f".{path.name}.lock")
    with _held(lock, busy):
        with suppress(OSError):  # what cannot be removed does no harm
            for partial in path.parent.glob(f".{glob.escape(path.name)}{PARTIAL}*"):
                partial.unlink()
        try:
            yield
        finally:
            with suppress(OSError):  # while it is held; Windows removes it afterwards
                lock.unlink()


@contextmanager
def _held(path: Path, busy: GanzooError, seconds: float = 0.0) -> Iterator[None]:
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout as error:
        raise busy from error
    except OSError as error:
        raise GanzooError(f"{path.parent} cannot be written into: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _sweep(folder: Path) -> None:
    """Remove partial files in a folder and its subfolders; a folder that `swap_folder` renamed gets its name back."""
    within = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and PARTIAL not in path.name]
    for place in (folder, *within):
        for path in [path for path in place.iterdir() if path.name.startswith(".")]:
            name, partial, rest = path.name.partition(PARTIAL)
            if partial and rest.endswith(_OLD) and name and not (place / name[1:]).exists():
                path.rename(place / name[1:])
            elif partial and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif partial or _UNFINISHED.fullmatch(path.name):
                path.unlink(missing_ok=True)


def is_leftover(name: str) -> bool:
    """Whether a file is a lock, or what a killed process has left half-written and `locked` removes."""
    return name == LOCK or PARTIAL in name or bool(_UNFINISHED.fullmatch(name))


def sync(path: Path) -> None:
    """Flush a file, or (where the system can) a folder's entries, to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def with_checksum(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON can hold with a checksum of all of it, which `check_checksum` compares."""
    return {**value, CHECKSUM: _checksum(value)}


def check_checksum(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content without its checksum; one that has none, as those of before 0.3, is not checked.

    Raises:
        ValueError: it is not what was written.
    """
    content = {key: entry for key, entry in value.items() if key != CHECKSUM}
    if CHECKSUM in value and value[CHECKSUM] != _checksum(content):
        raise ValueError(f"it does not match its {CHECKSUM}")
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
