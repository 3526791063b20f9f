"""The networks of R3GAN and how they train."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.gan.regularizers import r1_regularizer, r2_regularizer
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import channels_per_resolution, start_shape
from ganzoo.nn.resample import Halve
from ganzoo_r3gan import R3GANConfig

EXPANSION = 2  # of the channels within a block
GAIN = math.sqrt(2 / (1 + 0.2**2))  # of a leaky ReLU


def conv(in_channels: int, out_channels: int, kernel_size: int, groups: int = 1, gain: float = 1.0) -> nn.Conv2d:
    """Return a convolution without bias whose output has ``gain`` times the deviation of its input."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False)
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    return layer


class BiasedActivation(nn.Module):
    """Add a bias to each channel, then leaky ReLU: the affine part of a normalisation layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Activate."""
        return F.leaky_relu(maps + self.bias, 0.2)


class Block(nn.Module):
    """Maps (N, C, H, W) to the same shape: a residual block of 1x1, grouped 3x3 and 1x1 convolutions.

    Fix-up initialisation (Zhang 2019): the last convolution is zero and the others are scaled by the depth, so that a
    deep network starts as the identity and needs no normalisation.
    """

    def __init__(self, channels: int, group_size: int, depth: int) -> None:
        super().__init__()
        hidden = channels * EXPANSION
        gain = GAIN * depth ** (-1 / 4)  # two convolutions before the last one: depth^(-1 / (2 m - 2)) with m = 3
        self.layers = nn.Sequential(
            conv(channels, hidden, 1, gain=gain),
            BiasedActivation(hidden),
            conv(hidden, hidden, 3, groups=math.gcd(hidden, max(1, hidden // group_size)), gain=gain),
            BiasedActivation(hidden),
            conv(hidden, channels, 1, gain=0.0),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Transform."""
        return maps.add(self.layers(maps))


class Resample(nn.Module):
    """Double or halve (N, I, H, W) bilinearly, with a 1x1 convolution to O channels at the lower resolution."""

    def __init__(self, in_channels: int, out_channels: int, *, up: bool) -> None:
        super().__init__()
        self.halve = None if up else Halve()
        self.change = conv(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Resample."""
        if self.halve is None:
            return F.interpolate(self.change(maps), scale_factor=2.0, mode="bilinear")
        changed: Tensor = self.change(self.halve(maps))
        return changed


def stack(channels: int, config: R3GANConfig) -> list[Block]:
    """Return the blocks of one resolution."""
    depth = config.blocks * (start_shape(config.image_size)[1] + 1)
    return [Block(channels, config.group_size, depth) for _ in range(config.blocks)]


class Generator(nn.Module):
    """Latent (N, D) to images (N, C, H, W) in [-1, 1]."""

    def __init__(self, config: R3GANConfig) -> None:
        super().__init__()
        channels = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)
        start = start_shape(config.image_size)[0]
        # A learned map, scaled by a linear function of the latent, is the first feature map.
        self.basis = nn.Parameter(torch.randn(channels[0], *start))
        self.project = nn.Linear(config.latent_dim, channels[0], bias=False)
        nn.init.normal_(self.project.weight, 0.0, 1 / math.sqrt(config.latent_dim))
        layers: list[nn.Module] = [*stack(channels[0], config)]
        for in_channels, out_channels in pairwise(channels):
            layers += [Resample(in_channels, out_channels, up=True), *stack(out_channels, config)]
        self.layers = nn.Sequential(*layers, conv(channels[-1], config.channels, 1))

    def forward(self, latent: Tensor) -> Tensor:
        """Generate one image per row. The paper's output is linear; tanh keeps it in [-1, 1] here."""
        return torch.tanh(self.layers(self.basis * self.project(latent)[..., None, None]))


class Discriminator(nn.Module):
    """Images (N, C, H, W) to logits (N,): the generator's mirror image."""

    def __init__(self, config: R3GANConfig) -> None:
        super().__init__()
        channels = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)[::-1]
        start = start_shape(config.image_size)[0]
        layers: list[nn.Module] = [conv(config.channels, channels[0], 1), *stack(channels[0], config)]
        for in_channels, out_channels in pairwise(channels):
            layers += [Resample(in_channels, out_channels, up=False), *stack(out_channels, config)]
        self.layers = nn.Sequential(*layers)
        # A depthwise convolution as large as the map reduces it to one value per channel.
        self.reduce = nn.Conv2d(channels[-1], channels[-1], start, groups=channels[-1], bias=False)
        nn.init.normal_(self.reduce.weight, 0.0, 1 / math.sqrt(math.prod(start)))
        self.logit = nn.Linear(channels[-1], 1, bias=False)
        nn.init.normal_(self.logit.weight, 0.0, 1 / math.sqrt(channels[-1]))

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per image."""
        logit: Tensor = self.logit(self.reduce(self.layers(images)).flatten(1))
        return logit.flatten()


class R3GAN(AdversarialGAN):
    """Relativistic loss with the R1 and R2 gradient penalties (Huang 2024, section 2)."""

    def __init__(self, config: R3GANConfig) -> None:
        penalties = [
            r1_regularizer(config.gamma, config.penalty_every),
            r2_regularizer(config.gamma, config.penalty_every),
        ]
        super().__init__(
            config,
            generator=Generator(config),
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            loss=config.loss,
            regularizers=penalties if config.gamma else [],
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (config.beta1, config.beta2)}),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )
