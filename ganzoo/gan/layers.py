"""Small layers that architectures share."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from ganzoo.errors import ConfigError

M = TypeVar("M", bound=nn.Module)


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
        return nn.InstanceNorm2d(channels, affine=True)
    if name == "layer":  # one group is layer normalisation, which WGAN-GP's critic may use (Gulrajani 2017, section 4)
        return nn.GroupNorm(1, channels)
    if name == "none":
        return nn.Identity()
    raise ConfigError(f"No normalisation is called '{name}'. There are: batch, instance, layer, none.")


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


def mixes_images(module: nn.Module) -> bool:
    """Whether an image's output depends on the rest of its batch in training: batch norm, minibatch statistics.

    A layer of one's own that does so says it with an attribute ``mixes_images = True``.
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    return any(isinstance(layer, kinds) or getattr(layer, "mixes_images", False) for layer in module.modules())


class Halve(nn.Module):
    """Maps (N, C, S, S) to (N, C, S/2, S/2), filtered with (1, 3, 3, 1) / 8 both ways (Karras 2020, appendix B).

    It is the transpose of bilinear doubling, so nothing aliases.
    """

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Filter, and keep every other pixel."""
        channels = maps.shape[1]
        kernel: Tensor = self.get_buffer("kernel")
        return F.conv2d(maps, kernel.expand(channels, 1, 4, 4), stride=2, padding=1, groups=channels)


class ToImage(nn.Module):
    """Reshape (N, C*H*W) to images (N, ``channels``, ``size``, ``size``)."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return x.view(-1, *self.shape)
