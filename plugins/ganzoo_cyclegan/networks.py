"""The generator of CycleGAN (Zhu 2017, appendix 7.2)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ganzoo.nn.layers import norm_layer

NUM_DOWNSAMPLES = 2


def block(conv: nn.Module, channels: int) -> list[nn.Module]:
    """Return a convolution, instance norm and ReLU."""
    return [conv, norm_layer("instance", channels), nn.ReLU()]


class Residual(nn.Module):
    """A residual block of two 3x3 convolutions on maps (N, ``channels``, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *block(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"), channels),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            norm_layer("instance", channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Transform."""
        total: Tensor = maps + self.layers(maps)
        return total


class Generator(nn.Module):
    """Images (N, C, H, W) in [-1, 1] to images of the same shape: downsampled twice, transformed, upsampled twice.

    Args:
        channels: C.
        base_channels: width of the first map.
        blocks: residual blocks at a quarter of the size.
    """

    def __init__(self, channels: int, *, base_channels: int, blocks: int) -> None:
        super().__init__()
        widths = [base_channels << i for i in range(NUM_DOWNSAMPLES + 1)]
        layers = block(nn.Conv2d(channels, widths[0], 7, padding=3, padding_mode="reflect"), widths[0])
        for in_channels, out_channels in pairwise(widths):
            layers += block(nn.Conv2d(in_channels, out_channels, 3, 2, 1), out_channels)
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for in_channels, out_channels in pairwise(widths[::-1]):
            layers += block(nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, output_padding=1), out_channels)
        last = nn.Conv2d(widths[0], channels, 7, padding=3, padding_mode="reflect")
        self.layers = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        translated: Tensor = self.layers(images)
        return translated
