"""Residual networks of pre-activation blocks, as Gulrajani 2017 (appendix F) and Miyato 2018 (table 4) use them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn.convnets import start_shape
from ganzoo.nn.cpu import to_maps
from ganzoo.nn.renamed import renamed_arguments
from ganzoo.registry.image_sizes import Size

Wrap = Callable[[nn.Module], nn.Module]
"""Takes a layer with a weight and returns it, for instance with `ganzoo.nn.layers.spectral_norm`."""

_FULL_WIDTH = 5  # doublings at which maps are still as wide as any: those of 128x128


def plain(layer: nn.Module) -> nn.Module:
    """Return the layer as it is."""
    return layer


class ConditionalNorm(nn.Module):
    """Batch norm of (N, ``channels``, H, W) whose scale and shift depend on the label (Dumoulin 2017; de Vries 2017).

    Without classes, or without a label, it is plain batch norm.
    """

    def __init__(self, channels: int, classes: int | None = None) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=classes is None)
        self.scale = self.shift = None
        if classes is not None:
            self.scale, self.shift = nn.Embedding(classes, channels), nn.Embedding(classes, channels)
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)

    def forward(self, maps: Tensor, label: Tensor | None = None) -> Tensor:
        """Normalise."""
        normal: Tensor = self.norm(maps)
        if self.scale is None or self.shift is None:
            return normal
        return torch.addcmul(self.shift(label)[..., None, None], self.scale(label)[..., None, None], normal)


class UpBlock(nn.Module):
    """Maps (N, I, H, W) to (N, O, 2H, 2W): twice norm, ReLU and convolution, enlarged before the first one."""

    @renamed_arguments(inside="in_channels", out="out_channels")
    def __init__(self, in_channels: int, out_channels: int, classes: int | None = None) -> None:
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(in_channels, classes), ConditionalNorm(out_channels, classes)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, maps: Tensor, label: Tensor | None = None) -> Tensor:
        """Double the size."""
        hidden: Tensor = self.conv1(F.interpolate(F.relu(self.norm1(maps, label)), scale_factor=2.0))
        # A 1x1 convolution and an enlargement commute; the small map costs a quarter.
        past: Tensor = F.interpolate(self.shortcut(maps), scale_factor=2.0)
        return past.add(self.conv2(F.relu(self.norm2(hidden, label))))


class DownBlock(nn.Module):
    """Maps (N, I, H, W) to (N, O, H/2, W/2), or to the same size with ``down=False``.

    Args:
        in_channels: I.
        out_channels: O.
        down: average pairs of pixels at the end.
        first: the block sees images, so nothing is rectified before its first convolution.
        wrap: of each convolution.
    """

    @renamed_arguments(inside="in_channels", out="out_channels")
    def __init__(
        self, in_channels: int, out_channels: int, *, down: bool = True, first: bool = False, wrap: Wrap = plain
    ) -> None:
        super().__init__()
        self.down, self.first = down, first
        self.conv1 = wrap(nn.Conv2d(in_channels, out_channels, 3, padding=1))
        self.conv2 = wrap(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.shortcut = (
            wrap(nn.Conv2d(in_channels, out_channels, 1)) if down or first or in_channels != out_channels else None
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Halve the size."""
        hidden: Tensor = self.conv2(F.relu(self.conv1(maps if self.first else F.relu(maps))))
        if self.down:  # averages and sums commute, and so do averages and 1x1 convolutions
            hidden, maps = F.avg_pool2d(hidden, 2), F.avg_pool2d(maps, 2)
        return hidden.add(maps if self.shortcut is None else self.shortcut(maps))


def _widths(count: int, width: int) -> list[int]:
    """Return the channels after 0, 1, ... ``count`` doublings: beyond 128x128 each doubling halves them."""
    return [max(1, width >> max(0, level - _FULL_WIDTH)) for level in range(count + 1)]


class ResidualGenerator(nn.Module):
    """Latent (N, D) to images (N, ``channels``, H, W) in [-1, 1].

    Args:
        in_features: D.
        image_size: (H, W), or one number for a square; see `ganzoo.nn.convnets.start_shape`.
        channels: of the image.
        width: of the maps; above 128x128, each time that the size doubles it halves.
        classes: number of labels that the normalisation depends on, or None.
    """

    def __init__(
        self, in_features: int, *, image_size: Size, channels: int, width: int, classes: int | None = None
    ) -> None:
        super().__init__()
        (start_height, start_width), count = start_shape(image_size)
        widths = _widths(count, width)
        self.start = (width, start_height, start_width)
        self.project = nn.Linear(in_features, width * start_height * start_width)
        self.blocks = nn.ModuleList(UpBlock(wide, narrow, classes) for wide, narrow in pairwise(widths))
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Generate one image per row."""
        maps = to_maps(self.project(latent), *self.start)
        for block in self.blocks:
            maps = block(maps, label)
        return torch.tanh(self.to_image(F.relu(self.norm(maps))))


class ResidualFeatures(nn.Module):
    """Images (N, ``channels``, H, W) to features (N, ``width``): halved to about 8x8, two more blocks, summed up.

    Args:
        image_size: (H, W), or one number for a square; see `ganzoo.nn.convnets.start_shape`.
        channels: of the image.
        width: of the maps; above 128x128, each time that the size doubles it halves.
        wrap: of each convolution.
    """

    def __init__(self, *, image_size: Size, channels: int, width: int, wrap: Wrap = plain) -> None:
        super().__init__()
        count = start_shape(image_size)[1]
        widths = [channels, *_widths(count, width)[:0:-1]]
        widths = widths[: max(1, count - 1) + 1]
        downs = [DownBlock(narrow, wide, first=i == 0, wrap=wrap) for i, (narrow, wide) in enumerate(pairwise(widths))]
        self.blocks = nn.Sequential(*downs, *(DownBlock(width, width, down=False, wrap=wrap) for _ in range(2)))
        self.out_features = width

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of each image."""
        return F.relu(self.blocks(images)).sum((2, 3))
