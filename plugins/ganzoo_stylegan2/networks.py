"""The networks of StyleGAN2, in plain PyTorch."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn.convnets import channels_per_resolution, start_shape
from ganzoo.nn.cpu import Flatten
from ganzoo.nn.equalized import RECTIFIER, EqualizedConv2d, EqualizedLinear, MinibatchStd, PixelNorm
from ganzoo.nn.layers import at_least_float32
from ganzoo.nn.resample import Halve, Smooth
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
    """Maps (N, I, H, W) and styles (N, W) to maps (N, O, H, W) (Karras 2020, equations 1 and 3).

    The weight is scaled per image and input channel by the style, and per output channel back to unit norm. Scaling
    the maps before and after one convolution is the same, and needs no weight per image. Of the two the smaller is
    scaled: the weight for one large image, the maps for a batch.

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
        norm: Tensor | None = None
        if self.demodulate:
            square = at_least_float32(factors).square() @ at_least_float32(weight).square().sum((2, 3)).T
            norm = self.gain * torch.rsqrt(square + 1e-8)
        if len(maps) == 1 and apart(maps.shape[2] * maps.shape[3], weight.shape[0]):
            weight = weight * at_least_float32(factors)[0, :, None, None]
            if norm is not None:
                weight = weight * norm[0, :, None, None, None]
            return self._convolve(maps, weight)
        maps = self._convolve(maps * factors[..., None, None].to(maps.dtype), weight)
        return maps if norm is None else maps * norm[..., None, None].to(maps.dtype)

    def _convolve(self, maps: Tensor, weight: Tensor) -> Tensor:
        if self.smooth is None:
            return F.conv2d(maps, weight, padding=weight.shape[-1] // 2)
        # correlation, like conv2d: hence the flip
        smooth: Tensor = self.smooth(F.conv_transpose2d(maps, weight.transpose(0, 1).flip(2, 3), stride=2))
        return smooth


def apart(pixels: int, channels: int) -> bool:
    """Whether an image has so many pixels that a 3x3 weight for it alone costs less than scaling its maps."""
    return pixels >= 16 * 9 * channels


class ToColours(nn.Module):
    """Maps (N, I, H, W) and styles (N, W) to colours (N, O, H, W): modulated, a pixel at a time, not demodulated.

    Args:
        in_channels: I.
        out_channels: O.
        style_dim: W.
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__()
        self.style = EqualizedLinear(style_dim, in_channels, gain=1.0, bias=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.scale = 1 / math.sqrt(in_channels)

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """Convolve."""
        weight = self.style(style)[..., None] * (self.weight * self.scale).flatten(1).T  # (N, I, O)
        n, _, height, width = maps.shape
        colours = torch.bmm(maps.permute(0, 2, 3, 1).flatten(1, 2), weight.to(maps.dtype))
        return colours.view(n, height, width, -1).permute(0, 3, 1, 2)


class StyledLayer(nn.Module):
    """A modulated convolution, noise (N, H * W) with a learned strength, a bias, and the activation (figure 2c)."""

    def __init__(self, in_channels: int, out_channels: int, config: StyleGAN2Config, *, up: bool) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, config.style_dim, gain=RECTIFIER, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, maps: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Transform."""
        maps = self.conv(maps, style)
        noise = self.strength * noise.view(-1, 1, *maps.shape[2:])
        # In place, as no gradient needs what a convolution or a product gave.
        return F.leaky_relu(maps.add_(noise.to(maps.dtype)).add_(self.bias.to(maps.dtype)), 0.2, inplace=True)


class Synthesis(nn.Module):
    """Styles (N, L, W), one for each layer, and noise (N, K) to images (N, C, H, W) (figure 7b: output skips).

    On a CPU large maps are made an image at a time: each has weights of its own there, and what is computed stays in
    the processor's caches.

    Attributes:
        layers_count: L.
        noise_size: K, the pixels of all noise maps.
    """

    constant_noise: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)
        height, width = start_shape(config.image_size)[0]
        self.basis = nn.Parameter(torch.randn(widths[0], height, width))
        self.layers = nn.ModuleList([StyledLayer(widths[0], widths[0], config, up=False)])
        for in_channels, out_channels in pairwise(widths):
            self.layers += [
                StyledLayer(in_channels, out_channels, config, up=True),
                StyledLayer(out_channels, out_channels, config, up=False),
            ]
        self.to_image = nn.ModuleList(ToColours(width, config.channels, config.style_dim) for width in widths)
        self.image_bias = nn.Parameter(torch.zeros(config.channels, 1, 1))
        self.layers_count = len(self.layers) + 1
        pixels = [height * width << 2 * level for level in range(len(widths))]
        self.noise_sizes = [pixels[(i + 1) // 2] for i in range(len(self.layers))]
        self.noise_size = sum(self.noise_sizes)
        self.together = max(1, sum(not apart(*level) for level in zip(pixels, widths, strict=True)))
        self.register_buffer("constant_noise", torch.randn(self.noise_size))

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Generate."""
        levels = range(len(self.to_image))
        maps = self.basis.expand(len(styles), -1, -1, -1)
        if maps.device.type != "cpu" or len(styles) == 1:
            _, images = self._generate(levels, maps, None, styles, noise)
        else:
            maps, images = self._generate(levels[: self.together], maps, None, styles, noise)
            each = zip(*(torch.split(values, 1) for values in (maps, images, styles, noise)), strict=True)
            images = torch.cat([self._generate(levels[self.together :], *one)[1] for one in each])
        return at_least_float32(images) + self.image_bias

    def _generate(
        self, levels: range, maps: Tensor, images: Tensor | None, styles: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the maps and the images after some levels, from those before them."""
        noises = torch.split(noise, self.noise_sizes, 1)
        for level in levels:
            for i in range(max(0, 2 * level - 1), 2 * level + 1):
                maps = self.layers[i](maps, styles[:, i], noises[i])
            colours = self.to_image[level](maps, styles[:, 2 * level + 1])
            if images is not None:
                colours = colours + F.interpolate(images, scale_factor=2.0, mode="bilinear")
            images = colours
        assert images is not None  # noqa: S101 - there is at least one level
        return maps, images


class Generator(nn.Module):
    """Latent (N, D) and noise (N, K) to images (N, C, H, W), linear, so not quite within [-1, 1]."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def spread(self, style: Tensor) -> Tensor:
        """Repeat a style (N, W) for every layer: (N, L, W)."""
        return style[:, None].expand(-1, self.synthesis.layers_count, -1)


class Discriminator(nn.Module):
    """Images (N, C, H, W) to logits (N,): a residual network with minibatch statistics (Karras 2020, figure 7c)."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)[::-1]
        height, width = start_shape(config.image_size)[0]
        self.from_image = nn.Sequential(EqualizedConv2d(config.channels, widths[0], 1), leaky_relu())
        self.blocks = nn.Sequential(
            *(DownBlock(in_channels, out_channels) for in_channels, out_channels in pairwise(widths))
        )
        self.judge = nn.Sequential(
            MinibatchStd(),
            *(EqualizedConv2d(widths[-1] + 1, widths[-1], 3), leaky_relu(), Flatten()),
            *(EqualizedLinear(widths[-1] * height * width, widths[-1]), nn.LeakyReLU(0.2)),
            *(EqualizedLinear(widths[-1], 1, gain=1.0), nn.Flatten(0)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per image."""
        logits: Tensor = self.judge(self.blocks(self.from_image(images)))
        return logits


class DownBlock(nn.Module):
    """Maps (N, I, H, W) to (N, O, H/2, W/2): two convolutions, and a shortcut, their sum over the root of two."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(EqualizedConv2d(in_channels, in_channels, 3), leaky_relu()),
            *(Smooth(padding=2), EqualizedConv2d(in_channels, out_channels, 3, padding=0, stride=2), leaky_relu()),
        )
        half = math.sqrt(0.5)
        self.shortcut = nn.Sequential(Halve(), EqualizedConv2d(in_channels, out_channels, 1, gain=half, bias=False))

    def forward(self, maps: Tensor) -> Tensor:
        """Halve the size."""
        return torch.add(self.shortcut(maps), self.layers(maps), alpha=math.sqrt(0.5))


def leaky_relu() -> nn.LeakyReLU:
    """Return the activation after a convolution, whose output no gradient needs."""
    return nn.LeakyReLU(0.2, inplace=True)
