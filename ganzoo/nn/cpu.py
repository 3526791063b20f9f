"""Layers with the values of torch's own, computed in another way on a CPU: memory layout, random numbers.

An activation whose input is channels-last and whose gradient is not computes with two layouts at once, which is many
times slower on a CPU (docs/performance.md). ``benchmarks/layouts.py`` measures each layer here against the plain one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.registry.image_sizes import Size, height_width

__all__ = ["Dropout", "Flatten", "InstanceNorm", "ToImage", "to_maps"]


class InstanceNorm(nn.InstanceNorm2d):
    """`torch.nn.InstanceNorm2d` with a channels-last result, as its input has; torch's is contiguous."""

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise."""
        return _channels_last(super().forward(maps))


def to_maps(features: Tensor, *shape: int) -> Tensor:
    """Reshape features (N, C*H*W) to maps (N, C, H, W), channels-last in memory."""
    return _channels_last(features.view(-1, *shape))


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def _gradient_channels_last(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else _channels_last(gradient)


class Flatten(nn.Module):
    """Maps (N, C, H, W) to features (N, C*H*W), as `torch.nn.Flatten` has them.

    The gradient has the layout of the maps, so that the activation before it computes with one layout.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Flatten."""
        if maps.requires_grad and maps.is_contiguous(memory_format=torch.channels_last):
            maps = maps.view_as(maps)  # the hook is for this use of the maps, not for others
            maps.register_hook(_gradient_channels_last)  # type: ignore[no-untyped-call]
        return maps.flatten(1)


class ToImage(nn.Module):
    """Reshape (N, C*H*W) to images or maps (N, ``channels``, H, W), see `to_maps`; ``size`` is (H, W), or H = W."""

    def __init__(self, channels: int, size: Size) -> None:
        super().__init__()
        self.shape = (channels, *height_width(size))

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return to_maps(x, *self.shape)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, on a CPU with random numbers of `torch.rand_like`, which are several times faster."""

    def forward(self, values: Tensor) -> Tensor:
        """Drop."""
        if not self.training or self.p == 0 or values.device.type != "cpu":
            return super().forward(values)
        kept = torch.rand_like(values, dtype=torch.float32) >= self.p
        return values * kept / (1 - self.p)
