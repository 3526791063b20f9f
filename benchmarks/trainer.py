"""The engine on random images of the shape that an architecture takes."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator

import ganzoo
from ganzoo.data import Loader, PairStore, Store
from ganzoo.gan import GAN, Progress
from ganzoo.models.create import pick_device
from ganzoo.training.ema import EMA
from ganzoo.training.loop import State, train
from ganzoo.training.settings import Settings
from ganzoo.training.updates import resolve_precision

BATCH = 64
SMALL_BATCHES = {"cyclegan": 4, "pix2pix": 16}  # on a CPU: a batch of 64 at 128x128 takes minutes and tens of GB


def batch_of(name: str, device: torch.device) -> int:
    """Return the batch size that an architecture is measured with."""
    return SMALL_BATCHES.get(name, BATCH) if device.type == "cpu" else BATCH


def random_store(config: Any, count: int) -> Store:
    """Return ``count`` random images of the shape that the config names: what is drawn on them costs nothing."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, config.channels, config.image_size, config.image_size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    classes = tuple(str(i) for i in range(getattr(config, "classes", 10)))
    return Store("random", images, torch.randint(0, len(classes), (count,), generator=generator), classes)


def grown(name: str, **hyperparameters: Any) -> GAN:
    """Return an untrained GAN; one that grows is at its full resolution."""
    torch.manual_seed(0)
    gan = ganzoo.create(name, **hyperparameters)
    stages = gan.stages()
    gan.before_step(Progress(0, images_before_last_stage(gan), len(stages) - 1, 0.0))
    return gan


def images_before_last_stage(gan: GAN) -> int:
    """Return how many images are drawn before the last stage begins."""
    return sum(stage.images or 0 for stage in gan.stages()[:-1])


class Trainer:
    """The engine with ganzoo's defaults.

    Args:
        name: an architecture.
        batch: images per update; None takes `batch_of`.
        precision: as `ganzoo.train` takes it.
        device: as `ganzoo.models.create.pick_device` takes it.
        count: images in the store.
        store: of other images.
        **hyperparameters: what differs from the architecture's defaults.
    """

    def __init__(
        self, name: str, *, batch: int | None = None, precision: str = "auto", device: str = "auto", count: int = 1024,
        store: Store | None = None, **hyperparameters: Any,
    ) -> None:  # fmt: skip
        self.device = pick_device(device)
        self.batch = batch or batch_of(name, self.device)
        self.precision = resolve_precision(precision, self.device)
        self.settings = Settings("", 10**12, batch_size=self.batch, precision=self.precision)
        self.accelerator = Accelerator(cpu=self.device.type == "cpu")
        self.gan = grown(name, **hyperparameters).to(self.device).to(memory_format=torch.channels_last)
        self.state = State(self.gan, EMA(self.gan), self.gan.optimizers(), images=images_before_last_stage(self.gan))
        store = store or random_store(self.gan.config, count)
        pairs = PairStore("random", store, store, matched=True)
        self.loader = Loader(pairs if "A" in self.gan.needs else store, seed=0, device=self.device)

    def run(self, steps: int) -> int:
        """Make ``steps`` steps and return how many real images they drew."""
        last, before = self.state.step + steps, self.state.images
        train(self.state, self.loader, self.accelerator, self.settings, after_step=lambda: self.state.step >= last)
        return self.state.images - before
