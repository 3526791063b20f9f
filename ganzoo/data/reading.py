"""The first samples of a source in batches, without the cache."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.degradations import get_degradation
from ganzoo.data.intake import Reader, brought_to, read_ahead
from ganzoo.data.pairs import PairSource
from ganzoo.data.sources.source import Source
from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading, SampleSpec, Specs


def read_batches(
    source: Source | PairSource, specs: Specs, reading: Reading = DEFAULT_READING, *, count: int, batch_size: int
) -> Iterator[dict[str, Tensor]]:
    """Yield the first ``count`` samples in their order.

    Args:
        source: one set or two; of two sets sample i of A comes with sample i of B.
        specs: what each key of a batch holds, see `ganzoo.data.prepare`; one set is read as the first of them.
        reading: how samples are brought to a shape.
        count: how many, at most.
        batch_size: samples at a time.

    Yields:
        the name of the medium (``image``), or ``A`` and ``B``, (N, ...) float32 in [-1, 1].

    Raises:
        DataError: a sample cannot be read; the text names it.
    """
    first = next(iter(specs.values()))
    if isinstance(source, Source):
        for samples in _read(source, first, reading, count, batch_size):
            yield {source.medium: samples}
        return
    a, b = (specs.get(side, first) for side in ("A", "B"))
    of_b = _read(source.b, b, reading, count, batch_size)
    if source.a is None:
        degrade = get_degradation(str(source.degradation))
        for images in of_b:
            yield {"A": degrade(images), "B": images}
        return
    for of_a, samples in zip(_read(source.a, a, reading, count, batch_size), of_b, strict=False):
        n = min(len(of_a), len(samples))
        yield {"A": of_a[:n], "B": samples[:n]}


def _read(source: Source, spec: SampleSpec, reading: Reading, count: int, batch_size: int) -> Iterator[Tensor]:
    medium, shape = brought_to(source, spec, reading)
    reader = Reader(source, medium, shape, reading)
    found = read_ahead(
        itertools.islice(source.read(), count),
        lambda item: reader.read(item).stored,
        math.prod(shape) * medium.dtype.itemsize,
    )
    while batch := list(itertools.islice(found, batch_size)):
        arrays = []
        for _, one in batch:
            if isinstance(one, DataError):
                raise one
            arrays.append(one)
        yield medium.to_model(torch.from_numpy(np.stack(arrays)))
