"""The images of a measurement in batches, and the real ones of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import ImageColor
from torch import Tensor
from tqdm import tqdm

from ganzoo._distributed import ALONE, Processes
from ganzoo.data import PairSource, PairStore, Source, Store
from ganzoo.errors import ConfigError
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading
from ganzoo.media import IMAGE
from ganzoo.metrics.jobs import Job

Batch = dict[str, Tensor]
Direction = tuple[str, str]
"""Keys of a batch: source and target of a translation."""


@dataclass(frozen=True)
class Real:
    """The real images of a split, decoded in the shape of the generated ones."""

    source: Source | PairSource
    store: Store | PairStore
    direction: Direction
    reading: Reading = DEFAULT_READING

    @property
    def key(self) -> str:
        """A key that changes whenever the real images do."""
        read = [self.reading.fit, self.reading.background] if self.reading != DEFAULT_READING else []
        return ":".join([self.source.key, self.direction[1], *read])

    @property
    def named(self) -> str:
        """The public name; of local images with the first digits of their content's hash."""
        name, key = self.source.public, hashlib.sha256(self.key.encode()).hexdigest()
        if self.source.local:
            return f"{name} {key[:8]}"
        return name if self.reading == DEFAULT_READING else f"{name} ({self.reading.fit}, {self.reading.background})"

    @property
    def target(self) -> Store:
        """The real images that generated ones are compared with."""
        if isinstance(self.store, Store):
            return self.store
        if self.direction[1] != "A":
            return self.store.b
        if self.store.a is None:
            raise ConfigError(f"A of {self.store.name} is computed from B: no real images of A to compare with")
        return self.store.a

    def check(self, job: Job, data: str) -> None:
        """Refuse a job that these images, which the user calls ``data``, are not enough for."""
        store, protocol, measure = self.store, job.protocol, job.measure
        if "target" in measure.needs:  # the images of the other domain, computed or not
            if isinstance(store, PairStore) and store.matched:
                return
            raise ConfigError(
                f"'{protocol}' compares image by image, and {data} has no pairs: say pairs:... or grey:DATA"
            )
        if "label" in measure.needs and measure.compares and self.target.labels is None:
            raise ConfigError(f"'{protocol}' needs labels, and {data} has none")
        if protocol.real is not None and protocol.real > len(self.target):
            raise ConfigError(f"'{protocol}' asks for more real images than the {len(self.target):,} of {data}")


@dataclass(frozen=True)
class Images:
    """Images that are computed batch by batch: ``make`` returns the batch of one of the ``parts``, of indices."""

    what: str  # text of the progress bar
    parts: Sequence[Tensor]
    make: Callable[[Tensor], Batch]

    def batches(
        self, work: Callable[[Tensor], Batch] | None = None, processes: Processes = ALONE, *, progress: bool
    ) -> Iterator[Batch]:
        """Yield ``work(part)``, or ``make(part)``, of every part; the processes share them, the first one shows it."""
        off = None if progress and processes.is_first else True
        with tqdm(total=sum(map(len, self.parts)), desc=self.what, unit="img", leave=False, disable=off) as bar:
            for part, batch in zip(self.parts, processes.share(self.parts, work or self.make), strict=True):
                yield batch
                bar.update(len(part))


def real_images(
    store: Store, number: int, device: torch.device, batch_size: int, background: str = DEFAULT_READING.background
) -> Images:
    """Return the images of a store, evenly spaced over it, with their labels."""

    def make(part: Tensor) -> Batch:
        batch = {"image": opaque(store.stored(part).to(device), store.key, background)}
        if store.labels is not None:
            batch["label"] = store.labels[part].to(device)
        return batch

    return Images(f"reading {store.name}", torch.split(torch.arange(number) * len(store) // number, batch_size), make)


def opaque(stored: Tensor, medium: str, background: str = DEFAULT_READING.background) -> Tensor:
    """Lay images (N, 4, H, W) uint8 on a background, bit by bit as Pillow does; return all else as it is."""
    if medium != IMAGE or stored.shape[1] != 4:
        return stored
    below = torch.tensor(ImageColor.getrgb(background)[:3], device=stored.device).view(1, 3, 1, 1)
    colours, alpha = stored[:, :3].int(), stored[:, 3:].int()
    blend = (colours * alpha + below * (255 - alpha) + 128) << 7
    return ((blend + (blend >> 8)) >> 15).to(torch.uint8)
