"""The part with torch: two networks, and the GAN that they make."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo_old_gan import OldGanConfig


class Generator(nn.Module):
    """Latents (N, latent_dim) to images (N, channels, size, size) in [-1, 1]: doubled from a quarter of the size."""

    def __init__(self, config: OldGanConfig) -> None:
        super().__init__()
        self.width, self.start = config.width, math.ceil(config.image_size / 4)
        self.size = config.image_size
        self.project = nn.Linear(config.latent_dim, 4 * config.width * self.start**2)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(4 * config.width), nn.ReLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(4 * config.width, 2 * config.width, 3, padding=1),
            nn.BatchNorm2d(2 * config.width), nn.ReLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(2 * config.width, config.width, 3, padding=1),
            nn.BatchNorm2d(config.width), nn.ReLU(),
            nn.Conv2d(config.width, config.channels, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, latent: Tensor) -> Tensor:
        """Draw images."""
        maps = self.project(latent).view(-1, 4 * self.width, self.start, self.start)
        return self.layers(maps)[..., : self.size, : self.size]


class Discriminator(nn.Module):
    """Images (N, channels, size, size) to logits (N,): large for real ones."""

    def __init__(self, config: OldGanConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(config.channels, config.width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(config.width, 2 * config.width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * config.width, 4 * config.width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * config.width, 1), nn.Flatten(0),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Judge images."""
        return self.layers(images)


class OldGan(AdversarialGAN):
    """One generator against one discriminator.

    `AdversarialGAN` plays the phases: change the loss by its name, or give ``regularizers``. For anything else write
    the phases yourself on `ganzoo.gan.GAN`.
    """

    def __init__(self, config: OldGanConfig) -> None:
        super().__init__(
            config,
            generator=Generator(config),
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            loss="non-saturating",  # or minimax, least-squares, hinge, wasserstein
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (0.5, 0.99)}),
            ema=config.ema,
        )
