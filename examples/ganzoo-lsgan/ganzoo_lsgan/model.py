"""Least squares GAN (Mao et al. 2017) with a residual generator."""

from __future__ import annotations

import math

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.registry import fields
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_lsgan import LSGANConfig


class UpBlock(nn.Module):
    """Maps (N, C, S, S) to (N, C / 2, 2 S, 2 S): two convolutions, and the input past them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(channels, channels // 2, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1), nn.BatchNorm2d(channels // 2), nn.ReLU(),
            nn.Conv2d(channels // 2, channels // 2, 3, padding=1),
        )  # fmt: skip
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Double the size."""
        maps = F.interpolate(maps, scale_factor=2)
        return self.shortcut(maps) + self.layers(F.relu(self.norm(maps)))


class Generator(nn.Module):
    """Latents (N, latent_dim) to images (N, channels, height, width) in [-1, 1]."""

    def __init__(self, config: LSGANConfig) -> None:
        super().__init__()
        self.size, width = fields.height_width(config.image_size), config.width
        self.start = [math.ceil(side / 4) for side in self.size]
        self.project = nn.Linear(config.latent_dim, 4 * width * math.prod(self.start))
        self.blocks = nn.Sequential(UpBlock(4 * width), UpBlock(2 * width), nn.BatchNorm2d(width), nn.ReLU())
        self.to_image = nn.Conv2d(width, config.channels, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Generate images."""
        maps = self.project(latent).unflatten(1, (-1, *self.start))
        return crop(self.to_image(self.blocks(maps)), self.size).tanh()


def crop(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the upper left part of the maps."""
    return maps[..., : size[0], : size[1]]


class Discriminator(nn.Module):
    """Images (N, channels, height, width) to scores (N,): near 1 for real ones, near 0 for others."""

    def __init__(self, config: LSGANConfig) -> None:
        super().__init__()
        width = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(config.channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, 1), nn.Flatten(0),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Score images."""
        return self.layers(images)


class LSGAN(AdversarialGAN):
    """One generator against one discriminator under the least squares loss (equation 2)."""

    def __init__(self, config: LSGANConfig) -> None:
        super().__init__(
            config,
            generator=Generator(config),
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            loss="least-squares",
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (0.5, 0.99)}),
            ema=config.ema,
        )
