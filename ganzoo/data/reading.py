"""The first images of a source in batches, without the cache."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.decode import decode_chunks, scaled
from ganzoo.data.degradations import get_degradation
from ganzoo.data.pairs import PairSource
from ganzoo.data.sources.source import Source


def read_batches(
    source: Source | PairSource, size: int, channels: int, *, count: int, batch_size: int
) -> Iterator[dict[str, Tensor]]:
    """Yield the first ``count`` images in their order.

    Args:
        source: one set or two; of two sets image i of A comes with image i of B.
        size: height and width of the result; images are resized and cropped as by `ganzoo.data.prepare`.
        channels: of the result.
        count: how many, at most.
        batch_size: images at a time.

    Yields:
        ``image``, or ``A`` and ``B``, (N, C, S, S) float32 in [-1, 1].

    Raises:
        DataError: an image cannot be read; the text names it.
    """
    if isinstance(source, Source):
        for images in _read(source, size, channels, count, batch_size):
            yield {"image": images}
        return
    of_b = _read(source.b, size, channels, count, batch_size)
    if source.a is None:
        degrade = get_degradation(str(source.degradation))
        for images in of_b:
            yield {"A": degrade(images), "B": images}
        return
    for a, b in zip(_read(source.a, size, channels, count, batch_size), of_b, strict=False):
        n = min(len(a), len(b))
        yield {"A": a[:n], "B": b[:n]}


def _read(source: Source, size: int, channels: int, count: int, batch_size: int) -> Iterator[Tensor]:
    for _, arrays in decode_chunks(itertools.islice(source.read(), count), size, channels, batch_size):
        yield scaled(torch.from_numpy(np.stack(list(arrays))))
