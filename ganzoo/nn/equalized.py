"""Layers with an equalised learning rate, and what goes with them (Karras 2018, section 4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn.layers import at_least_float32
from ganzoo.nn.renamed import renamed_arguments

RECTIFIER = math.sqrt(2)  # He's gain


class EqualizedLinear(nn.Module):
    """A linear layer whose weight is scaled in the forward pass (Karras 2018, section 4.1).

    Weights are drawn from N(0, 1) and divided by sqrt(``in_features``), so that Adam moves all layers alike.

    Args:
        in_features: features of the input.
        out_features: features of the output.
        gain: of the output's deviation.
        lr: factor on the learning rate of this layer (Karras 2019, appendix C: 0.01 for a mapping network).
        bias: what the bias begins at, or None for none.
    """

    @renamed_arguments(inside="in_features", out="out_features")
    def __init__(
        self, in_features: int, out_features: int, *, gain: float = RECTIFIER, lr: float = 1.0, bias: float | None = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr)
        self.bias = None if bias is None else nn.Parameter(torch.full((out_features,), bias / lr))
        self.scale, self.lr = gain / math.sqrt(in_features) * lr, lr

    def forward(self, features: Tensor) -> Tensor:
        """Transform."""
        return F.linear(features, self.weight * self.scale, None if self.bias is None else self.bias * self.lr)


class EqualizedConv2d(nn.Module):
    """A convolution whose weight is scaled in the forward pass, as in `EqualizedLinear`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: height and width of the kernel.
        padding: of the maps; by default so that the size stays.
        stride: 2 halves the size.
        gain: of the output's deviation.
        bias: whether there is one; it begins at 0.
    """

    @renamed_arguments(inside="in_channels", out="out_channels", size="kernel_size")
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int | None = None,
        stride: int = 1,
        gain: float = RECTIFIER,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = gain / math.sqrt(in_channels * kernel_size**2)
        self.padding, self.stride = kernel_size // 2 if padding is None else padding, stride

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve."""
        weight = self.weight * self.scale
        if weight.shape[2:] == (1, 1) and self.stride == 1 and not self.padding:  # a product of matrices is faster
            return F.linear(maps.permute(0, 2, 3, 1), weight.flatten(1), self.bias).permute(0, 3, 1, 2)
        return F.conv2d(maps, weight, self.bias, self.stride, self.padding)


class PixelNorm(nn.Module):
    """Divide each pixel's (or row's) feature vector by its root mean square (Karras 2018, section 4.2)."""

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise (N, C, ...) over C, in float32."""
        square = at_least_float32(maps).square().mean(1, keepdim=True)
        return maps * torch.rsqrt(square + 1e-8).to(maps.dtype)


class MinibatchStd(nn.Module):
    """Maps (N, C, H, W) to (N, C + 1, H, W): one more map, the standard deviation over a group of images (section 3).

    Args:
        group: images of a group; a batch that it does not divide is split into smaller ones.
    """

    uses_batch_statistics = True

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, maps: Tensor) -> Tensor:
        """Append the map."""
        n, _, height, width = maps.shape
        size = next(size for size in range(min(self.group, n), 0, -1) if n % size == 0)
        # Images of a group are n / size apart. Written out, as var() over so few is slow on a CPU.
        grouped = at_least_float32(maps).reshape(size, n // size, -1)
        deviation = ((grouped - grouped.mean(0)).square().mean(0) + 1e-8).sqrt().mean(1)
        extra = deviation.repeat(size).view(n, 1, 1, 1).expand(n, 1, height, width)
        return torch.cat([maps, extra.to(maps.dtype)], 1).contiguous(memory_format=torch.channels_last)
