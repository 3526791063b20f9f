"""The networks of StyleGAN2, in plain PyTorch."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn.convnets import channels_per_resolution, start_shape
from ganzoo.nn.cpu import Flatten, Halve, Smooth
from ganzoo.nn.equalized import RECTIFIER, EqualizedConv2d, EqualizedLinear, MinibatchStd, PixelNorm
from ganzoo.nn.layers import at_least_float32
from ganzoo_stylegan2 import StyleGAN2Config


class Mapping(nn.Module):
    """Latent (N, D) to a style (N, W), and the running mean of all styles, which truncation interpolates to."""

    mean: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        widths = [config.latent_dim, *[config.style_dim] * config.mapping_layers]
        layers = [(EqualizedLinear(a, b, lr=0.01), nn.LeakyReLU(0.2)) for a, b in pairwise(widths)]
        self.layers = nn.Sequential(PixelNorm(), *(layer for pair in layers for layer in pair))
        self.register_buffer("mean", torch.zeros(config.style_dim))

    def forward(self, latent: Tensor) -> Tensor:
        """Map."""
        styles: Tensor = self.layers(latent)
        return styles


class ModulatedConv2d(nn.Module):
    """Maps (N, I, S, S) and styles (N, W) to maps (N, O, S, S) (Karras 2020, equations 1 and 3).

    The weight is scaled per image and input channel by the style, and per output channel back to unit norm. Scaling
    the maps before and after one convolution is the same, and needs no weight per image.

    Args:
        in_channels: I.
        out_channels: O.
        kernel_size: height and width of the kernel.
        style_dim: W.
        demodulate: scale back to unit norm.
        gain: of the output's deviation, which the next activation compensates.
        up: double the size. A transposed convolution and a filter do what bilinear doubling and a convolution would,
            but for the edges, at a quarter of the cost (appendix B).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        style_dim: int,
        *,
        demodulate: bool = True,
        gain: float = 1.0,
        up: bool = False,
    ) -> None:
        super().__init__()
        self.style = EqualizedLinear(style_dim, in_channels, gain=1.0, bias=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.scale = 1 / math.sqrt(in_channels * kernel_size**2)
        self.demodulate, self.gain = demodulate, gain
        self.smooth = Smooth(padding=1, gain=4.0) if up else None

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """Convolve."""
        factors, weight = self.style(style), self.weight * self.scale
        maps = maps * factors[..., None, None].to(maps.dtype)
        if self.smooth is None:
            maps = F.conv2d(maps, weight, padding=weight.shape[-1] // 2)
        else:  # correlation, like conv2d: hence the flip
            maps = self.smooth(F.conv_transpose2d(maps, weight.transpose(0, 1).flip(2, 3), stride=2))
        if self.demodulate:
            square = at_least_float32(factors).square() @ at_least_float32(weight).square().sum((2, 3)).T
            maps = maps * (self.gain * torch.rsqrt(square + 1e-8))[..., None, None].to(maps.dtype)
        return maps


class StyledLayer(nn.Module):
    """A modulated convolution, noise (N, S * S) with a learned strength, a bias, and the activation (figure 2c)."""

    def __init__(self, in_channels: int, out_channels: int, config: StyleGAN2Config, *, up: bool) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, config.style_dim, gain=RECTIFIER, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, maps: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Transform."""
        maps = self.conv(maps, style)
        noise = self.strength * noise.view(-1, 1, *maps.shape[2:])
        return F.leaky_relu(maps + noise.to(maps.dtype) + self.bias.to(maps.dtype), 0.2)


class Synthesis(nn.Module):
    """Styles (N, L, W), one for each layer, and noise (N, K) to images (N, C, S, S) (figure 7b: output skips).

    Attributes:
        layers_count: L.
        noise_size: K, the pixels of all noise maps.
    """

    constant_noise: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)
        (start, _), _ = start_shape(config.image_size)
        self.basis = nn.Parameter(torch.randn(widths[0], start, start))
        self.layers = nn.ModuleList([StyledLayer(widths[0], widths[0], config, up=False)])
        for in_channels, out_channels in pairwise(widths):
            self.layers += [
                StyledLayer(in_channels, out_channels, config, up=True),
                StyledLayer(out_channels, out_channels, config, up=False),
            ]
        self.to_image = nn.ModuleList(
            ModulatedConv2d(width, config.channels, 1, config.style_dim, demodulate=False) for width in widths
        )
        self.image_bias = nn.Parameter(torch.zeros(config.channels, 1, 1))
        self.layers_count = len(self.layers) + 1
        self.noise_sizes = [(start << (i + 1) // 2) ** 2 for i in range(len(self.layers))]
        self.noise_size = sum(self.noise_sizes)
        self.register_buffer("constant_noise", torch.randn(self.noise_size))

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Generate."""
        noises = torch.split(noise, self.noise_sizes, 1)
        maps = self.basis.expand(len(styles), -1, -1, -1)
        images: Tensor | None = None
        for i, layer in enumerate(self.layers):
            maps = layer(maps, styles[:, i], noises[i])
            if i % 2 == 0:
                colours = self.to_image[i // 2](maps, styles[:, i + 1])
                images = (
                    colours if images is None else colours + F.interpolate(images, scale_factor=2.0, mode="bilinear")
                )
        assert images is not None  # noqa: S101 - there is at least one layer
        return at_least_float32(images) + self.image_bias


class Generator(nn.Module):
    """Latent (N, D) and noise (N, K) to images (N, C, S, S), linear, so not quite within [-1, 1]."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def spread(self, style: Tensor) -> Tensor:
        """Repeat a style (N, W) for every layer: (N, L, W)."""
        return style[:, None].expand(-1, self.synthesis.layers_count, -1)


class Discriminator(nn.Module):
    """Images (N, C, S, S) to logits (N,): a residual network with minibatch statistics (Karras 2020, figure 7c)."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)[::-1]
        (start, _), _ = start_shape(config.image_size)
        self.from_image = nn.Sequential(EqualizedConv2d(config.channels, widths[0], 1), nn.LeakyReLU(0.2))
        self.blocks = nn.Sequential(
            *(DownBlock(in_channels, out_channels) for in_channels, out_channels in pairwise(widths))
        )
        self.judge = nn.Sequential(
            MinibatchStd(),
            *(EqualizedConv2d(widths[-1] + 1, widths[-1], 3), nn.LeakyReLU(0.2), Flatten()),
            *(EqualizedLinear(widths[-1] * start * start, widths[-1]), nn.LeakyReLU(0.2)),
            *(EqualizedLinear(widths[-1], 1, gain=1.0), nn.Flatten(0)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per image."""
        logits: Tensor = self.judge(self.blocks(self.from_image(images)))
        return logits


class DownBlock(nn.Module):
    """Maps (N, I, S, S) to (N, O, S/2, S/2): two convolutions, and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(EqualizedConv2d(in_channels, in_channels, 3), nn.LeakyReLU(0.2)),
            *(Smooth(padding=2), EqualizedConv2d(in_channels, out_channels, 3, padding=0, stride=2), nn.LeakyReLU(0.2)),
        )
        self.shortcut = nn.Sequential(Halve(), EqualizedConv2d(in_channels, out_channels, 1, gain=1.0, bias=False))

    def forward(self, maps: Tensor) -> Tensor:
        """Halve the size."""
        total: Tensor = self.layers(maps) + self.shortcut(maps)
        return total / math.sqrt(2)
