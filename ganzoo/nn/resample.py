"""Filtered up- and downsampling of maps with (1, 3, 3, 1) / 8, each channel with itself, whatever their size."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _kernel(like: Tensor, gain: float) -> Tensor:
    """Return the filter (C, 1, 4, 4), computed where the maps are: a copy to a device would wait for it."""
    taps = 0.5 - (torch.arange(4, device=like.device, dtype=torch.float32) - 1.5).abs() / 4  # 1/8, 3/8, 3/8, 1/8
    kernel = gain * taps[:, None] * taps
    return kernel.to(like.dtype).expand(like.shape[1], 1, 4, 4)


class _Filter(torch.autograd.Function):
    """Filter and keep every step-th value; its gradient is `_Spread`, as both are linear."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, padding: int, step: int, gain: float) -> Tensor:
        ctx.size, ctx.how = maps.shape[2:], (padding, step, gain)
        return F.conv2d(maps, _kernel(maps, gain), stride=step, padding=padding, groups=maps.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return cast(Tensor, _Spread.apply(gradients[0], ctx.size, *ctx.how)), None, None, None


class _Spread(torch.autograd.Function):
    """The transpose of `_Filter`, from maps to the size that it filtered."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, size: tuple[int, int], padding: int, step: int, gain: float) -> Tensor:
        ctx.how = (padding, step, gain)
        maps = maps.contiguous(memory_format=torch.channels_last)
        kernel, channels = _kernel(maps, gain), maps.shape[1]
        if step == 1 and padding <= 3:  # the filter is symmetric, and a convolution faster than a transposed one
            return F.conv2d(maps, kernel, padding=3 - padding, groups=channels)
        left = [(side + 2 * padding - 4) % step for side in size]
        if maps.device.type == "cpu" and maps.dtype != torch.float64:  # many times slower in bf16
            maps, kernel, dtype = maps.float(), kernel.float(), maps.dtype
            return F.conv_transpose2d(maps, kernel, None, step, padding, left, channels).to(dtype)
        return F.conv_transpose2d(maps, kernel, None, step, padding, left, channels)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        return cast(Tensor, _Filter.apply(gradients[0], *ctx.how)), None, None, None, None


class Smooth(nn.Module):
    """Filter maps (N, C, H, W) with (1, 3, 3, 1) / 8 both ways, each channel with itself; zeros lie around them.

    Before a strided convolution or after a transposed one it keeps what is too fine for the smaller size from aliasing.
    Derivatives of any order are such filters again: on a CPU what torch derives is many times slower in bf16.

    Args:
        padding: zeros on each side; maps of H + 2 ``padding`` - 3 by W + 2 ``padding`` - 3 come out.
        step: 2 keeps every other row and column.
        gain: factor on the values; 4 for maps whose pixels are one in four, as a transposed convolution's.
    """

    def __init__(self, padding: int, *, step: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.padding, self.step, self.gain = padding, step, gain

    def forward(self, maps: Tensor) -> Tensor:
        """Filter."""
        maps = maps.contiguous(memory_format=torch.channels_last)
        return cast(Tensor, _Filter.apply(maps, self.padding, self.step, self.gain))


class Halve(Smooth):
    """Maps (N, C, H, W) to (N, C, H/2, W/2), filtered with (1, 3, 3, 1) / 8 both ways (Karras 2020, appendix B).

    Away from the edges it is the transpose of bilinear doubling, so nothing aliases.
    """

    def __init__(self) -> None:
        super().__init__(padding=1, step=2)
