"""Normalisation by name, initialisation, and what a network's layers depend on."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganzoo.errors import ConfigError, renamed
from ganzoo.nn.cpu import Dropout, Flatten, InstanceNorm, ToImage, to_maps
from ganzoo.nn.renamed import renamed_names
from ganzoo.nn.resample import Halve, Smooth

__all__ = [
    "Dropout", "Flatten", "Halve", "InstanceNorm", "Smooth", "ToImage", "at_least_float32", "init_normal",
    "init_xavier", "norm_layer", "spectral_norm", "to_maps", "uses_batch_statistics",
]  # fmt: skip

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


def init_normal(module: nn.Module, std: float = 0.02) -> None:
    """Initialise weights with N(0, std^2), batch norm scales with N(1, std^2), biases with 0 (Radford 2015)."""
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
    """Initialise linear and convolutional weights as Glorot 2010 (equation 16), and biases with 0."""
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
