"""Layers with the values of torch's own, computed in another way on a CPU: memory layout, random numbers, filters.

An activation whose input is channels-last and whose gradient is not computes with two layouts at once, which is many
times slower on a CPU (docs/performance.md). ``benchmarks/layouts.py`` measures each layer here against the plain one.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor, nn

from ganzoo.registry.image_sizes import Size, height_width


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


class Smooth(nn.Module):
    """Filter maps (N, C, S, S) with (1, 3, 3, 1) / 8 both ways, each channel with itself; zeros lie around them.

    Before a strided convolution or after a transposed one it keeps what is too fine for the smaller size from aliasing.
    Computed as two products with matrices: on a CPU a convolution of each channel with itself is many times slower when
    it is differentiated in bf16.

    Args:
        padding: zeros on each side; maps of S + 2 ``padding`` - 3 come out.
        step: 2 keeps every other row and column.
        gain: factor on the values; 4 for maps whose pixels are one in four, as a transposed convolution's.
    """

    def __init__(self, padding: int, *, step: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.padding, self.step, self.gain = padding, step, gain

    def forward(self, maps: Tensor) -> Tensor:
        """Filter."""
        n, channels, height, width = maps.shape
        shape = self.padding, self.step, math.sqrt(self.gain)
        rows, columns = (_smoothing(size, *shape, maps.dtype, maps.device) for size in (height, width))
        smooth = columns @ maps.permute(0, 2, 3, 1)  # (N, H, W', C), one block where the maps are channels-last
        smooth = rows @ smooth.reshape(n, height, -1)
        return smooth.view(n, len(rows), len(columns), channels).permute(0, 3, 1, 2)


class Halve(Smooth):
    """Maps (N, C, S, S) to (N, C, S/2, S/2), filtered with (1, 3, 3, 1) / 8 both ways (Karras 2020, appendix B).

    Away from the edges it is the transpose of bilinear doubling, so nothing aliases.
    """

    def __init__(self) -> None:
        super().__init__(padding=1, step=2)


@functools.cache
def _smoothing(size: int, padding: int, step: int, gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix (S', S) that pads with zeros, filters with (1, 3, 3, 1) / 8 and keeps every step-th value."""
    with torch.inference_mode(False):  # it outlives whoever asks first
        matrix = torch.zeros((size + 2 * padding - 4) // step + 1, size)
        for tap, weight in enumerate((1, 3, 3, 1)):
            place = step * torch.arange(len(matrix)) + tap - padding
            inside = (place >= 0) & (place < size)
            matrix[inside.nonzero().flatten(), place[inside]] = gain * weight / 8
        return matrix.to(device, dtype)
