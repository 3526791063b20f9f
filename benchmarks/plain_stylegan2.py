"""StyleGAN2 written plainly, operation by operation, as Karras 2020 and its figures have it.

It holds the parameters of ``ganzoo_stylegan2`` under the same names and computes the same functions: what the
benchmarks measure ganzoo's networks against, and what the tests hold them to. Nothing is fused, folded or laid out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_stylegan2 import StyleGAN2Config
from ganzoo_stylegan2.model import StyleGAN2
from ganzoo_stylegan2.networks import Discriminator, Mapping, Synthesis

GAIN = math.sqrt(2)  # of what an activation follows


def upfirdn2d(maps: Tensor, *, up: int = 1, down: int = 1, padding: tuple[int, int], gain: float = 1.0) -> Tensor:
    """Insert zeros, pad, filter each channel with the outer product of (1, 3, 3, 1) / 8, keep every ``down``-th."""
    n, channels, height, width = maps.shape
    maps = F.pad(maps.reshape(n, channels, height, 1, width, 1), (0, up - 1, 0, 0, 0, up - 1))
    maps = F.pad(maps.reshape(n, channels, height * up, width * up), (*padding, *padding))
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=maps.device) / 8
    kernel = (gain * torch.outer(taps, taps)).to(maps.dtype).expand(channels, 1, 4, 4)
    return F.conv2d(maps, kernel, groups=channels)[:, :, ::down, ::down]


def linear(layer: nn.Module, features: Tensor) -> Tensor:
    """Return what a layer with an equalised learning rate makes of the features."""
    return F.linear(features, layer.weight * layer.scale, layer.bias * layer.lr)


def convolution(layer: nn.Module, maps: Tensor, *, padding: int = 0, stride: int = 1) -> Tensor:
    """Return the maps convolved with a weight of an equalised learning rate, without gain or bias."""
    weight = layer.weight / math.sqrt(layer.weight[0].numel())
    return F.conv2d(maps, weight.to(maps.dtype), padding=padding, stride=stride)


def activated(maps: Tensor, bias: Tensor) -> Tensor:
    """Return the maps times their gain, plus the bias, through leaky ReLU."""
    return F.leaky_relu(maps * GAIN + bias.view(-1, 1, 1).to(maps.dtype), 0.2)


def modulated(layer: nn.Module, maps: Tensor, style: Tensor, *, up: bool, demodulate: bool, grouped: bool) -> Tensor:
    """Convolve with a weight that is scaled for each image (equations 1 and 3).

    Args:
        layer: holds the parameters.
        maps: (N, I, H, W).
        style: (N, W).
        up: double the size: a transposed convolution, and the filter (appendix B).
        demodulate: scale back to unit norm.
        grouped: one convolution with the weights of all images, a group each; else the maps are scaled instead.
    """
    n, channels, height, width = maps.shape
    factors = linear(layer.style, style)
    weight = layer.weight / math.sqrt(layer.weight[0].numel())
    own = weight * factors.view(n, 1, channels, 1, 1)
    norm = (own.square().sum((2, 3, 4)) + 1e-8).rsqrt()  # (N, O)
    if grouped:
        own = (own * norm.view(n, -1, 1, 1, 1) if demodulate else own).to(maps.dtype)
        maps = maps.reshape(1, n * channels, height, width)
        if up:
            maps = F.conv_transpose2d(maps, own.flip(3, 4).transpose(1, 2).flatten(0, 1), stride=2, groups=n)
        else:
            maps = F.conv2d(maps, own.flatten(0, 1), padding=weight.shape[-1] // 2, groups=n)
        maps = maps.view(n, -1, *maps.shape[2:])
        return upfirdn2d(maps, padding=(1, 1), gain=4.0) if up else maps
    maps = maps * factors.view(n, channels, 1, 1).to(maps.dtype)
    weight = weight.to(maps.dtype)
    if up:
        maps = F.conv_transpose2d(maps, weight.flip(2, 3).transpose(0, 1), stride=2)
        maps = upfirdn2d(maps, padding=(1, 1), gain=4.0)
    else:
        maps = F.conv2d(maps, weight, padding=weight.shape[-1] // 2)
    return maps * norm.view(n, -1, 1, 1).to(maps.dtype) if demodulate else maps


class PlainMapping(Mapping):
    """Latent to a style."""

    def forward(self, latent: Tensor) -> Tensor:
        """Map."""
        style = latent * (latent.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            if hasattr(layer, "weight"):
                style = F.leaky_relu(linear(layer, style), 0.2)
        return style


class PlainSynthesis(Synthesis):
    """Styles and noise to images; ``grouped`` is as `modulated` takes it."""

    grouped = False

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Generate."""
        maps, images, place = self.basis.expand(len(styles), -1, -1, -1), None, 0
        for i, layer in enumerate(self.layers):
            up = i % 2 == 1
            maps = modulated(layer.conv, maps, styles[:, i], up=up, demodulate=True, grouped=self.grouped)
            height, width = maps.shape[2:]
            own = noise[:, place : place + height * width].view(-1, 1, height, width)
            place += height * width
            maps = activated(maps + own.to(maps.dtype) * (layer.strength / GAIN).to(maps.dtype), layer.bias)
            if not up:
                colours = self.to_image[i // 2]
                colours = modulated(colours, maps, styles[:, i + 1], up=False, demodulate=False, grouped=self.grouped)
                if images is not None:
                    images = F.pad(images, (1, 1, 1, 1), mode="replicate")  # what lies outside is as the border is
                    images = upfirdn2d(images, up=2, padding=(2, 1), gain=4.0)[:, :, 2:-2, 2:-2]
                images = colours if images is None else images + colours
        return images.float() + self.image_bias if images.dtype == torch.bfloat16 else images + self.image_bias


class PlainDiscriminator(Discriminator):
    """Images to logits."""

    def forward(self, images: Tensor) -> Tensor:
        """Judge."""
        if torch.is_autocast_enabled("cpu"):
            images = images.bfloat16()
        first = self.from_image[0]
        maps = activated(convolution(first, images), first.bias)
        for block in self.blocks:
            same, half = (layer for layer in block.layers if hasattr(layer, "weight"))
            shortcut = next(layer for layer in block.shortcut if hasattr(layer, "weight"))
            passed = convolution(shortcut, upfirdn2d(maps, down=2, padding=(1, 1)))
            maps = activated(convolution(same, maps, padding=1), same.bias)
            maps = convolution(half, upfirdn2d(maps, padding=(2, 2)), stride=2)
            maps = (activated(maps, half.bias) + passed) / math.sqrt(2)
        n, _, height, width = maps.shape
        size = next(size for size in range(4, 0, -1) if n % size == 0)
        grouped = maps.reshape(size, n // size, -1)
        deviation = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean(1)
        maps = torch.cat([maps, deviation.repeat(size).view(n, 1, 1, 1).expand(n, 1, height, width)], 1)
        last, hidden, logit = (layer for layer in self.judge if hasattr(layer, "weight"))
        maps = activated(convolution(last, maps, padding=1), last.bias)
        return linear(logit, F.leaky_relu(linear(hidden, maps.flatten(1)), 0.2)).flatten()


class PlainStyleGAN2(StyleGAN2):
    """The model with the plain networks; losses and phases are the same."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__(config)
        self.generator.mapping = PlainMapping(config)
        self.generator.synthesis = PlainSynthesis(config)
        self.discriminator = PlainDiscriminator(config)
