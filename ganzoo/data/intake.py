"""Reading a source into the cache: decoded or encoded, with a record of what was changed and skipped."""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import filelock
import msgspec
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ganzoo._files import cache_dir
from ganzoo.data.encoded import OFFSETS
from ganzoo.data.encoded import SAMPLES as ENCODED
from ganzoo.data.sources.source import Source
from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import Reading, SampleSpec, Shape
from ganzoo.media import get_medium
from ganzoo.media.base import Item, Medium, Sample, SurveyNeededError

T = TypeVar("T")
SAMPLES = "samples.npy"
ENCODED_ABOVE = 8 * 2**30
"""Bytes of decoded samples above which they stay encoded."""
_FORMAT = 2  # of the files in the cache: a new number makes new stores
_AHEAD, _AHEAD_BYTES = 512, 2**27
_NAMED, _UNREADABLE_UP_TO = 10, 2**17


@dataclass(frozen=True)
class Intake:
    """What was read of a source.

    Args:
        count: samples read.
        shape: that they were brought to, in the medium's words.
        notes: what was changed in how many of them.
        skipped: the location of each that was left out, with the reason.
    """

    count: int
    shape: str
    notes: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        changed = [f"{'all' if n == self.count else format(n, ',')} {note}" for note, n in self.notes.items()]
        skipped = [f"{len(self.skipped):,} unreadable and skipped"] if self.skipped else []
        return ", ".join([self.shape, *changed, *skipped])


def read_ahead(items: Iterable[Item], read: Callable[[Item], T], size: int) -> Iterator[tuple[Item, T | DataError]]:
    """Yield each item with what ``read`` makes of it in threads, ``size`` bytes, or with the error in its place.

    What is in memory at once is bounded: by `_AHEAD` items and `_AHEAD_BYTES` of them and of what is made of them.
    """

    def attempt(item: Item) -> T | DataError:
        try:
            return read(item)
        except DataError as error:
            return error

    begun: deque[tuple[Item, Future[T | DataError]]] = deque()
    held = 0
    pool = ThreadPoolExecutor()
    try:
        for item in items:
            begun.append((item, pool.submit(attempt, item)))
            held += item.held + size
            while len(begun) > _AHEAD or held > _AHEAD_BYTES:
                first, done = begun.popleft()
                held -= first.held + size
                yield first, done.result()
        while begun:
            first, done = begun.popleft()
            yield first, done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def brought_to(source: Source, spec: SampleSpec, reading: Reading) -> tuple[Medium, Shape]:
    """Return the medium of a source, and the shape that its samples are brought to.

    Raises:
        DataError: the spec is of another medium, or leaves open what the samples differ in.
        ConfigError: the medium cannot be read in this way.
    """
    if spec.medium != source.medium:
        raise DataError(f"{source.name} holds samples of the kind {source.medium}, and the model takes {spec.medium}")
    medium = get_medium(spec.medium)
    medium.check(reading)
    return medium, (spec.with_shape_of(source.native(), source.name) if None in spec.shape else spec).size


class Reader:
    """Reads the items of a source, in any thread; surveys the whole set once where a sample needs it."""

    def __init__(self, source: Source, medium: Medium, shape: Shape, reading: Reading) -> None:
        self.source, self.medium, self.shape, self.reading = source, medium, shape, reading
        self._lock = threading.Lock()

    def read(self, item: Item) -> Sample:
        """Return one sample in the storage form."""
        try:
            return self.medium.read(item, self.shape, self.reading)
        except SurveyNeededError:
            with self._lock:
                if not self.reading.survey:
                    self.reading = replace(self.reading, survey=self.medium.survey(self.source.read()))
            return self.medium.read(item, self.shape, self.reading)


def cached(
    source: Source, medium: Medium, shape: Shape, reading: Reading, *, progress: bool, encoded: bool | None, skip: bool
) -> tuple[Path, Intake]:
    """Return the folder with the samples of a source, read if it is not there, and what was read.

    Raises:
        DataError: samples cannot be read, and are not to be skipped; or the cache cannot be written or read.
    """
    size = source.count * math.prod(shape) * medium.dtype.itemsize
    encoded = size > ENCODED_ABOVE if encoded is None else encoded
    parts = (_FORMAT, source.key, source.medium, shape, reading.fit, reading.background, encoded)
    folder = cache_dir() / "data" / hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
    pass_ = _Pass(source, medium, shape, reading, encoded, skip, progress)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if not folder.exists():
                pass_.into(folder)
        intake = msgspec.json.decode((folder / "intake.json").read_bytes(), type=Intake)
    except OSError as error:
        raise DataError(
            f"samples cannot be written to {folder}: {error.strerror or error}; set GANZOO_CACHE to another"
        ) from error
    except msgspec.DecodeError as error:
        raise DataError(f"the samples in {folder} cannot be read ({error}): delete that folder") from error
    _refuse_unreadable(source, intake.skipped, intake.count if skip else 0)
    return folder, intake


@dataclass(frozen=True)
class _Pass:
    """One pass over a source, into the cache."""

    source: Source
    medium: Medium
    shape: Shape
    reading: Reading
    encoded: bool
    skip: bool
    progress: bool

    def into(self, folder: Path) -> None:
        """Write into a folder beside the final one and rename it, so that a store is complete or absent."""
        for left in folder.parent.glob(f"{folder.name}.partial-*"):  # of a killed process: this one holds the lock
            shutil.rmtree(left, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
        try:
            self._write(partial)
            partial.chmod(0o755)  # mkdtemp makes private folders, and a cache may be shared
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def _write(self, folder: Path) -> None:
        labels: list[int] = []
        lengths: list[int] = []
        notes: Counter[str] = Counter()
        failed: dict[str, str] = {}
        bar = tqdm(
            total=self.source.count, desc=f"reading {self.source.name}", unit=self.medium.noun, leave=False,
            disable=None if self.progress else True,
        )  # fmt: skip
        encode = self.medium.encode if self.encoded else np.ndarray.tobytes
        # Written, not memory-mapped: a full disk is then an OSError, not a SIGBUS.
        size = math.prod(self.shape) * self.medium.dtype.itemsize
        with bar, (folder / (ENCODED if self.encoded else SAMPLES)).open("wb") as file:
            self._write_header(file, self.source.count)
            for item, sample in read_ahead(self.source.read(), self._read_and(encode), size):
                bar.update()
                if isinstance(sample, DataError):
                    failed[item.where] = str(sample)
                    if len(failed) > _UNREADABLE_UP_TO:
                        raise DataError(
                            f"{self.source.name} has over {_UNREADABLE_UP_TO:,} unreadable images: {sample}"
                        )
                    continue
                labels.append(_label(item, self.source))
                lengths.append(file.write(sample[0]))
                notes.update(sample[1])
            if len(labels) + len(failed) != self.source.count:
                found = len(labels) + len(failed)
                raise DataError(f"{self.source.name} has {found} samples, and should have {self.source.count}")
            _refuse_unreadable(self.source, failed, len(labels) if self.skip else 0)
            if failed:
                file.seek(0)
                self._write_header(file, len(labels))
        if self.encoded:
            np.save(folder / OFFSETS, np.cumsum([0, *lengths]))
        np.save(folder / "labels.npy", np.array(labels, dtype=np.int64))
        intake = Intake(len(labels), self.medium.describe(self.shape, self.reading), dict(notes), failed)
        (folder / "intake.json").write_bytes(msgspec.json.encode(intake))

    def _read_and(self, encode: Callable[[NDArray[Any]], bytes]) -> Callable[[Item], tuple[bytes, tuple[str, ...]]]:
        reader = Reader(self.source, self.medium, self.shape, self.reading)

        def read(item: Item) -> tuple[bytes, tuple[str, ...]]:
            stored, notes = reader.read(item)
            return encode(stored), notes

        return read

    def _write_header(self, file: BinaryIO, count: int) -> None:
        if not self.encoded:  # numpy leaves room for another count in it
            header = {"descr": self.medium.dtype.str, "fortran_order": False, "shape": (count, *self.shape)}
            np.lib.format.write_array_header_1_0(file, header)


def _refuse_unreadable(source: Source, failed: Mapping[str, str], without: int) -> None:
    """Refuse a source with files that cannot be read, unless it may be used ``without`` them: what is left then."""
    if not failed or without:
        return
    first, *others = failed.values()
    if not others:
        raise DataError(f"{first}; --skip-unreadable leaves it out")
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    listed = ", ".join(list(failed)[:_NAMED])
    raise DataError(
        f"{source.name}: {len(failed)} of {source.count} files cannot be read: {listed}{more}; mend or remove them, or "
        f"leave them out with --skip-unreadable. The first: {first}"
    )


def _label(item: Item, source: Source) -> int:
    if source.classes is None:
        return 0
    if item.label is None or not 0 <= item.label < len(source.classes):
        raise DataError(f"{item.where} has the label {item.label}, which is not in 0 ... {len(source.classes) - 1}")
    return item.label
