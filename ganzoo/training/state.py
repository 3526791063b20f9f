"""The state of a training, which a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from ganzoo.gan import GAN
from ganzoo.gan.augment import ADAPTIVE
from ganzoo.gan.optim import replaced
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.settings import Settings
from ganzoo.training.sync_norm import convert_batch_norm


@dataclass
class Sums:
    """Means of the loss terms, summed on the device: nothing is read back until `means` is called."""

    totals: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, mean: Tensor) -> None:
        """Add the mean of one batch."""
        if name in self.totals:
            self.totals[name].add_(mean)
        else:
            self.totals[name] = mean.to(torch.float32, copy=True)
        self.counts[name] = self.counts.get(name, 0) + 1

    def means(self, accelerator: Accelerator) -> dict[str, float]:
        """Return the mean of each term since the last call, over all processes, and reset them."""
        names = sorted(self.totals)
        if not names:
            return {}
        values = torch.stack([self.totals[name] / self.counts[name] for name in names])
        means: list[float] = accelerator.reduce(values, "mean").tolist()
        self.totals.clear()
        self.counts.clear()
        return dict(zip(names, means, strict=True))


@dataclass
class State:
    """What training changes: this, and torch's random generators, are a checkpoint."""

    gan: GAN
    ema: EMA
    optimizers: dict[str, Optimizer]
    step: int = 0
    images: int = 0  # real ones, over all processes
    sums: Sums = field(default_factory=Sums)  # since the last report
    augmentation: Augmentation | None = None

    def buffers(self) -> dict[str, Tensor]:
        """Return by name what processes may differ in: running statistics, pools, sums of loss terms."""
        more = self.augmentation.named_buffers(prefix="augmentation") if self.augmentation else ()
        sums = {f"sums.{name}": total for name, total in self.sums.totals.items()}
        return {**dict(self.gan.named_buffers()), **dict(more), **sums}


def make_state(gan: GAN, settings: Settings, accelerator: Accelerator) -> State:
    """Return the initial state of a run; ``gan`` is on its device.

    Raises:
        ConfigError: timm has no such optimizer.
    """
    if settings.sync_batch_norm:
        convert_batch_norm(gan, accelerator.num_processes)
    optimizers = gan.optimizers()
    if settings.optimizer is not None:
        optimizers = {name: replaced(own, settings.optimizer) for name, own in optimizers.items()}
    augmentation = None
    if settings.augment is not None or settings.instance_noise:
        # Looked up for the adaptive augmentation alone: it may need the loss of a plugin.
        decision_boundary = (gan.decision_boundary or 0.0) if settings.augment in ADAPTIVE else 0.0
        augmentation = Augmentation(
            settings.augment, noise=settings.instance_noise, decision_boundary=decision_boundary
        ).to(accelerator.device)
    return State(gan, EMA(gan), optimizers, augmentation=augmentation)
