"""Small layers that architectures share."""

from __future__ import annotations

import functools
import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganzoo.errors import ConfigError, renamed
from ganzoo.nn.renamed import renamed_names

M = TypeVar("M", bound=nn.Module)
__getattr__ = renamed_names(__name__, mixes_images="uses_batch_statistics")


def spectral_norm(layer: M, n_power_iterations: int = 1) -> M:
    """Divide a layer's weight by its largest singular value (Miyato 2018, section 2.1); returns the layer."""
    parametrizations.spectral_norm(layer, n_power_iterations=n_power_iterations)
    return layer


def norm_layer(name: str, channels: int) -> nn.Module:
    """Return a normalisation of (N, ``channels``, H, W) by name: batch, instance, layer (over C, H and W) or none.

    Raises:
        ConfigError: there is no such normalisation.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return InstanceNorm(channels, affine=True)
    if name == "layer":  # one group is layer normalisation, which WGAN-GP's critic may use (Gulrajani 2017, section 4)
        return nn.GroupNorm(1, channels)
    if name == "none":
        return nn.Identity()
    raise ConfigError(f"No normalisation is called '{name}'. There are: batch, instance, layer, none.")


class InstanceNorm(nn.InstanceNorm2d):
    """torch's own, which falls out of the channels-last layout, and back into it."""

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise."""
        return _channels_last(super().forward(maps))


def init_normal(module: nn.Module, std: float = 0.02) -> None:
    """Draw weights from N(0, std^2) and batch norm scales from N(1, std^2), zero biases (Radford 2015, section 4)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            nn.init.normal_(layer.weight, 0.0, std)
        elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(layer.weight, 1.0, std)
        else:
            continue
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def init_xavier(module: nn.Module) -> None:
    """Draw the weights of linear and convolutional layers as Glorot 2010 (equation 16) does, zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def at_least_float32(values: Tensor) -> Tensor:
    """Return bf16 and half values in float32, others as they are: sums of squares need the digits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def uses_batch_statistics(module: nn.Module) -> bool:
    """Whether an image's output depends on the rest of its batch in training: batch norm, minibatch statistics.

    A layer of another kind that does so has an attribute ``uses_batch_statistics = True``.
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    for layer in module.modules():
        if isinstance(layer, kinds) or getattr(layer, "uses_batch_statistics", False):
            return True
        if getattr(layer, "mixes_images", False):
            renamed(f"{type(layer).__name__}.mixes_images", "uses_batch_statistics")
            return True
    return False


class Dropout(nn.Dropout):
    """torch's own, but for where its numbers come from on a CPU: those that it takes are drawn five times as slowly."""

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


def to_maps(features: Tensor, *shape: int) -> Tensor:
    """Reshape features (N, C*H*W) to maps (N, C, H, W), channels-last in memory as what follows them is."""
    return _channels_last(features.view(-1, *shape))


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def _if_there(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else _channels_last(gradient)


class Flatten(nn.Module):
    """Maps (N, C, H, W) to features (N, C*H*W), as `torch.nn.Flatten` has them.

    The gradient comes back in the layout of the maps. Otherwise the activation before it computes with two layouts at
    once, which takes tens of times as long on a CPU (docs/performance.md).
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Flatten."""
        if maps.requires_grad and maps.is_contiguous(memory_format=torch.channels_last):
            maps = maps.view_as(maps)  # the hook is for this use of the maps, not for others
            maps.register_hook(_if_there)  # type: ignore[no-untyped-call]
        return maps.flatten(1)


class ToImage(nn.Module):
    """Reshape (N, C*H*W) to images or maps (N, ``channels``, ``size``, ``size``), see `to_maps`."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return to_maps(x, *self.shape)
