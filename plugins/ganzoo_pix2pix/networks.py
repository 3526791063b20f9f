"""The generator of pix2pix: a U-Net (Isola 2017, section 3.2.1 and appendix 6.1.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.nn.convnets import halved_sizes, halving_kernel
from ganzoo.nn.cpu import Dropout
from ganzoo.nn.layers import norm_layer
from ganzoo.registry.fields import Size

WIDEST = 8  # times the first map's width
DROPPING = 3  # innermost levels of the decoder that drop features


class Level(nn.Module):
    """A level of the U-Net: downsample (N, I, H, W), apply the level below, upsample; concatenated with the input.

    Args:
        in_channels: I.
        width: channels of the downsampled maps.
        out_channels: channels of the upsampled maps.
        size: (H, W).
        below: the next level, which maps ``width`` channels to ``2 * width``; None for the innermost.
        norm: of all maps but the outermost and the innermost ones, see `norm_layer`.
        dropout: share of the upsampled maps that is dropped.
        outer: the outermost level: neither its input nor its output is activated or normalised.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        *,
        size: tuple[int, int],
        below: Level | None,
        norm: str,
        dropout: float = 0.0,
        outer: bool = False,
    ) -> None:
        super().__init__()
        kernel = halving_kernel(*size)
        down: list[nn.Module] = [nn.Conv2d(in_channels, width, kernel, 2, 1)]
        if not outer:
            down.insert(0, nn.LeakyReLU(0.2))
            if below is not None:
                down.append(norm_layer(norm, width))
        up: list[nn.Module] = [
            nn.ReLU(),
            nn.ConvTranspose2d(width * (1 if below is None else 2), out_channels, kernel, 2, 1),
        ]
        if not outer:
            up += [norm_layer(norm, out_channels), Dropout(dropout)]
        self.outer = outer
        self.down, self.below, self.up = nn.Sequential(*down), below, nn.Sequential(*up)

    def forward(self, maps: Tensor) -> Tensor:
        """Transform."""
        halved: Tensor = self.down(maps)
        doubled: Tensor = self.up(halved if self.below is None else self.below(halved))
        return doubled if self.outer else torch.cat([maps, doubled], 1)


class UNet(nn.Module):
    """Images (N, C, H, W) in [-1, 1] to images of the same shape, by downsampling to one pixel and upsampling again.

    Args:
        channels: C.
        image_size: (H, W) of any values, or one number for a square.
        base_channels: width of the first map; each next one is twice as wide, up to 8 times.
        norm: see `norm_layer`.
        dropout: of the innermost maps.
    """

    def __init__(self, channels: int, *, image_size: Size, base_channels: int, norm: str, dropout: float) -> None:
        super().__init__()
        sizes = halved_sizes(image_size, until=1)
        widths = [base_channels * min(WIDEST, 2**i) for i in range(len(sizes) - 1)]
        level: Level | None = None
        for i in range(len(widths) - 1, 0, -1):  # from the innermost outwards
            drop = dropout if len(widths) - 1 - i < DROPPING else 0.0
            level = Level(
                widths[i - 1], widths[i], widths[i - 1], size=sizes[i], below=level, norm=norm, dropout=drop
            )  # fmt: skip
        self.levels = Level(channels, widths[0], channels, size=sizes[0], below=level, norm=norm, outer=True)

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        return torch.tanh(self.levels(images))
