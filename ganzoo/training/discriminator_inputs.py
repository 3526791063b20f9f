"""Augmentation and instance noise on the inputs of discriminators, for every architecture that names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ganzoo.gan import GAN, Progress
from ganzoo.gan.augment import ADAPTIVE, POLICIES, instance_noise, read_policy

TARGET = 0.6
"""Mean sign of the logits of real images that adaptive augmentation keeps (Karras 2020b, section 3.1)."""
_SPEED = 500_000  # images in which the strength may go from 0 to 1 (section 3.1)
_STEPS = 4  # between two changes of the strength (appendix B)


class Augmentation(nn.Module):
    """Augments what discriminators see, real or generated.

    Args:
        policy: one of `ganzoo.gan.augment.ADAPTIVE`, names with commas between (see
            `ganzoo.gan.augment.read_policy`), or None.
        noise: standard deviation of the instance noise at the start; it falls linearly to zero over the budget.
        decision_boundary: the output between real and generated; see `GAN.decision_boundary`.

    Attributes:
        strength: probability of each adaptive augmentation.
    """

    strength: Tensor
    signs: Tensor

    def __init__(self, policy: str | None, *, noise: float = 0.0, decision_boundary: float = 0.0) -> None:
        super().__init__()
        self._adapt = ADAPTIVE.get(policy or "")
        self.adaptive = self._adapt is not None
        self.names = read_policy(policy) if policy and not self.adaptive else []
        self.noise, self.decision_boundary = noise, decision_boundary
        self._deviation = noise
        self.register_buffer("strength", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))  # sum and number since the last change

    def forward(self, images: Tensor) -> Tensor:
        """Augment samples in float32; instance noise takes any rank, all else images (N, C, H, W)."""
        with torch.autocast(images.device.type, enabled=False):
            images = images.float()
            for name in self.names:
                images = POLICIES[name](images)
            if self._adapt is not None:
                images = self._adapt(images, self.strength)
            if self._deviation:
                images = instance_noise(images, self._deviation)
            return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images

    @contextmanager
    def attached(self, gan: GAN) -> Iterator[None]:
        """Augment the first argument of every discriminator of ``gan`` that is in training mode."""

        def augment(network: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            return (self(arguments[0]), *arguments[1:]) if network.training else None

        handles = [getattr(gan, name).register_forward_pre_hook(augment) for name in gan.discriminators]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def before_step(self, progress: Progress) -> None:
        """Reduce the instance noise."""
        self._deviation = self.noise * (1 - progress.fraction)

    def count_signs(self, terms: Mapping[str, Tensor]) -> None:
        """Count the logits of real images, the terms called ``real...``, on each side of the decision boundary."""
        if self.adaptive:
            for name, logits in terms.items():
                if name.startswith("real"):
                    signs = (logits.detach() - self.decision_boundary).sign()
                    self.signs += torch.stack([signs.sum(), torch.ones_like(signs).sum()])

    def after_step(self, steps: int, images: int, accelerator: Accelerator) -> None:
        """Adapt the strength every few steps, without a wait for the device."""
        if not self.adaptive or steps % _STEPS:
            return
        total, number = accelerator.reduce(self.signs, "sum")
        direction = (total / number.clamp(min=1) - TARGET).sign()
        self.strength.add_(direction * (images * _STEPS / _SPEED)).clamp_(0, 1)
        self.signs.zero_()
