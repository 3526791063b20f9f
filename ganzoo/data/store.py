"""Samples brought to one shape once, in the cache, so that training never touches a file of the data set."""

from __future__ import annotations

import functools
import mmap
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.degradations import get_degradation
from ganzoo.data.encoded import EncodedSamples
from ganzoo.data.intake import SAMPLES, Intake, brought_to, cached
from ganzoo.data.pairs import PairSource
from ganzoo.data.sources.source import Source
from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading, SampleSpec, Specs
from ganzoo.media import get_medium
from ganzoo.media.base import Medium
from ganzoo.media.image import image_layout

_IN_MEMORY_UP_TO = 2**30


@dataclass(frozen=True)
class Store:
    """Samples in the storage form of their medium.

    Args:
        name: as the user named the source.
        samples: (N, ...): a tensor in memory or, above 1 GiB, memory-mapped; or samples that stay encoded.
        labels: (N,) int64, or None.
        classes: names of the labels, or None.
        key: of the samples in a batch: the name of their medium.
        intake: what was read, changed and skipped.
    """

    name: str
    samples: Tensor | EncodedSamples
    labels: Tensor | None
    classes: tuple[str, ...] | None
    key: str = "image"
    intake: Intake | None = None

    def __len__(self) -> int:
        return len(self.samples)

    @functools.cached_property
    def medium(self) -> Medium:
        """The medium of the samples."""
        return get_medium(self.key)

    def describe(self) -> str:
        """Describe what the samples were brought to, and what was changed and skipped."""
        return str(self.intake) if self.intake else "x".join(map(str, self.samples.shape[1:]))

    def stored(self, index: Tensor) -> Tensor:
        """Return stored samples (N, ...) by their numbers."""
        return self.samples.index_select(0, index)

    def take(self, key: str, index: Tensor) -> Tensor:
        """Return samples (N, ...) by their numbers as networks see them; ``key`` is that of the store."""
        return self.medium.to_model(self.stored(index))


@dataclass(frozen=True)
class PairStore:
    """Samples of two sets.

    Args:
        name: as the user named them.
        a: the first set; None where ``degradation`` computes it from the second.
        b: the second set.
        matched: sample i of A and sample i of B belong together.
        degradation: a name in `ganzoo.data.degradations.DEGRADATIONS`, or None.
    """

    name: str
    a: Store | None
    b: Store
    matched: bool
    degradation: str | None = None

    def __len__(self) -> int:
        return len(self.b)

    def length(self, key: str) -> int:
        """Return the number of samples of A or B."""
        return len(self._side(key))

    def take(self, key: str, index: Tensor) -> Tensor:
        """Return samples of A or B (N, ...) by their numbers as networks see them."""
        side = self._side(key)
        samples = side.take(side.key, index)
        return self.degrade(samples) if key == "A" and self.a is None else samples

    def describe(self) -> str:
        """Describe both sets, see `Store.describe`."""
        a = self.degradation or (self.a.describe() if self.a else "")
        return f"A: {a}; B: {self.b.describe()}"

    def _side(self, key: str) -> Store:
        return self.a if key == "A" and self.a is not None else self.b

    def degrade(self, images: Tensor) -> Tensor:
        """Compute A from images (N, C, H, W) of B, where A is a degradation of B."""
        return image_layout(get_degradation(str(self.degradation))(images))


@overload
def prepare(
    source: Source, specs: Specs, reading: Reading = ..., *, progress: bool = ..., encoded: bool | None = ...,
    skip_unreadable: bool = ...,
) -> Store: ...  # fmt: skip
@overload
def prepare(
    source: PairSource, specs: Specs, reading: Reading = ..., *, progress: bool = ..., encoded: bool | None = ...,
    skip_unreadable: bool = ...,
) -> PairStore: ...  # fmt: skip
def prepare(
    source: Source | PairSource, specs: Specs, reading: Reading = DEFAULT_READING, *, progress: bool = True,
    encoded: bool | None = None, skip_unreadable: bool = False,
) -> Store | PairStore:  # fmt: skip
    """Return the samples of a source in the shapes of a GAN, from the cache if they are there.

    Several processes may prepare the same source at once: one reads, the others wait for it.

    Args:
        source: one set or two.
        specs: `GAN.sample_specs`; what a shape leaves open is taken from the data. One set is read as the first of
            them, two as ``A`` and ``B``.
        reading: how samples are brought to a shape.
        progress: show a progress bar.
        encoded: keep the samples encoded, and decode them as they are read; by default where the decoded ones would
            take more than 8 GiB.
        skip_unreadable: leave out what cannot be read.

    Raises:
        DataError: samples cannot be read (the text names them), do not fit the specs, or the cache cannot be written.
    """
    if isinstance(source, Source):
        spec = specs.get(source.medium) or next(iter(specs.values()))
        return _prepared(source, spec, reading, progress, encoded, skip_unreadable)
    if source.matched and skip_unreadable:
        raise DataError(f"{source.name}: of pairs, nothing is skipped: mend or remove both files")
    a, b = (specs.get(side) or next(iter(specs.values())) for side in ("A", "B"))
    made = PairStore(
        source.name,
        None if source.a is None else _prepared(source.a, a, reading, progress, encoded, skip_unreadable),
        _prepared(source.b, b, reading, progress, encoded, skip_unreadable),
        source.matched,
        source.degradation,
    )
    if made.a is None:
        probe = torch.rand(1, *made.b.samples.shape[1:])
        if torch.equal(made.degrade(probe), probe):  # raises for a size that it cannot take
            raise DataError(f"{source.name}: these images are {source.degradation} already, so A would equal B")
    return made


def _prepared(
    source: Source, spec: SampleSpec, reading: Reading, progress: bool, encoded: bool | None, skip_unreadable: bool
) -> Store:
    medium, shape = brought_to(source, spec, reading)
    folder, intake = cached(source, medium, shape, reading, progress=progress, encoded=encoded, skip=skip_unreadable)
    try:
        samples = _opened(folder / SAMPLES) if (folder / SAMPLES).exists() else EncodedSamples(folder, medium, shape)
        labels = torch.from_numpy(np.load(folder / "labels.npy")) if source.classes is not None else None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"the decoded samples in {folder} cannot be read ({error}): delete that folder") from error
    return Store(source.name, samples, labels, source.classes, source.medium, intake)


def _opened(path: Path) -> Tensor:
    """Return the samples of a file: in memory, or memory-mapped where they are large."""
    size = path.stat().st_size
    if size <= _IN_MEMORY_UP_TO:
        return torch.from_numpy(np.load(path))
    # Read-only: a writable mapping counts as memory, and a large store would not open.
    images = np.load(path, mmap_mode="r")
    if hasattr(mmap, "MADV_RANDOM") and size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2:
        # Where the pages do not all fit in memory, what is read ahead is evicted before it is used.
        images._mmap.madvise(mmap.MADV_RANDOM)  # noqa: SLF001 - numpy has no public access to it
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # and nothing writes
        return torch.from_numpy(images)
