"""The pair of strided convolutional networks that Radford 2015 introduced; several architectures are built on it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.nn.cpu import Dropout, Flatten, to_maps
from ganzoo.nn.layers import norm_layer
from ganzoo.nn.renamed import renamed_arguments, renamed_names

__getattr__ = renamed_names(__name__, pyramid="channels_per_resolution")


def start_size(image_size: int) -> tuple[int, int]:
    """Return (size of the first feature map, number of doublings): 7 for 28 and its like, 4 for powers of two.

    Raises:
        ConfigError: the size is not 4 or 7 times a power of two, from 8 up.
    """
    for start in (4, 7):
        doublings = (image_size // start).bit_length() - 1
        if doublings >= 1 and start << doublings == image_size:
            return start, doublings
    raise ConfigError(f"image_size {image_size} cannot be built by doubling: use 28, or a power of two from 16 to 128")


@renamed_arguments(most="max_channels")
def channels_per_resolution(image_size: int, base: int, max_channels: int) -> list[int]:
    """Return the channels at each resolution, the lowest first: ``base`` at the full one, at most ``max_channels``.

    Raises:
        ConfigError: see `start_size`.
    """
    doublings = start_size(image_size)[1]
    return [min(max_channels, base << (doublings - level)) for level in range(doublings + 1)]


class ConvGenerator(nn.Module):
    """Latent (N, D) to images (N, ``channels``, S, S) in [-1, 1] by transposed convolutions.

    Args:
        in_features: D.
        image_size: S.
        channels: of the image.
        base_channels: width of the last hidden map; each map before it is twice as wide, up to 8 times.
        norm: normalisation of the hidden maps, see `norm_layer`.
        output: ``"transposed"`` ends as the paper does; ``"conv"`` first doubles to half of ``base_channels`` at the
            full resolution and ends in a 3x3 convolution, which gives finer detail at more cost.
    """

    def __init__(
        self,
        in_features: int,
        *,
        image_size: int,
        channels: int,
        base_channels: int,
        norm: str = "batch",
        output: str = "transposed",
    ) -> None:
        super().__init__()
        start, doublings = start_size(image_size)
        widths = [base_channels * min(8, 2 ** (doublings - 1 - i)) for i in range(doublings)]
        bias = norm == "none"
        self.start = (widths[0], start, start)
        self.project = nn.Linear(in_features, widths[0] * start * start, bias=bias)
        layers: list[nn.Module] = [norm_layer(norm, widths[0]), nn.ReLU()]
        if output == "conv":
            widths.append(max(1, base_channels // 2))
        for wide, narrow in pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=bias), norm_layer(norm, narrow), nn.ReLU()]
        last = nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)
        layers += [nn.Conv2d(widths[-1], channels, 3, 1, 1) if output == "conv" else last, nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Generate one image per row."""
        images: Tensor = self.layers(to_maps(self.project(latent), *self.start))
        return images


class LabelledConvGenerator(nn.Module):
    """Latent (N, D) and label (N,) to images: a `ConvGenerator` of the latent with the label's embedding beside it.

    Args:
        latent_dim: D.
        classes: number of labels.
        label_dim: size of the embedding.
        shape: the other arguments of `ConvGenerator`.
    """

    def __init__(self, latent_dim: int, *, classes: int, label_dim: int, **shape: Any) -> None:
        super().__init__()
        self.embed = nn.Embedding(classes, label_dim)
        self.draw = ConvGenerator(latent_dim + label_dim, **shape)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        """Generate one image per row."""
        images: Tensor = self.draw(torch.cat([latent, self.embed(label)], 1))
        return images


class ConvFeatures(nn.Module):
    """Images (N, ``channels``, S, S) to features (N, `out_features`) by strided convolutions.

    Args:
        image_size: S.
        channels: of the image.
        base_channels: width of the first map; each next one is twice as wide, up to 8 times.
        norm: normalisation of all maps but the first, see `norm_layer`.
        dropout: share of the features of each map that is dropped.
    """

    def __init__(
        self, *, image_size: int, channels: int, base_channels: int, norm: str = "none", dropout: float = 0.0
    ) -> None:
        super().__init__()
        start, doublings = start_size(image_size)
        if start == 7:  # 28 -> 14 -> 7 -> 4: one more step, as the first map of 7 is still large
            start, doublings = 4, doublings + 1
        widths = [channels, *(base_channels * min(8, 2**i) for i in range(doublings))]
        layers: list[nn.Module] = []
        for i, (narrow, wide) in enumerate(pairwise(widths)):
            kernel = 3 if image_size >> i == 7 else 4
            layers.append(nn.Conv2d(narrow, wide, kernel, 2, 1, bias=i == 0 or norm == "none"))
            if i > 0:
                layers.append(norm_layer(norm, wide))
            layers.append(nn.LeakyReLU(0.2))
            if dropout > 0:
                layers.append(Dropout(dropout))
        self.layers = nn.Sequential(*layers, Flatten())
        self.out_features = widths[-1] * start * start

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of each image."""
        features: Tensor = self.layers(images)
        return features


class ConvDiscriminator(nn.Module):
    """Images (N, C, S, S) to logits (N,): `ConvFeatures` and one linear layer; same arguments."""

    def __init__(
        self, *, image_size: int, channels: int, base_channels: int, norm: str = "none", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.features = ConvFeatures(
            image_size=image_size, channels=channels, base_channels=base_channels, norm=norm, dropout=dropout
        )
        self.logit = nn.Linear(self.features.out_features, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per image."""
        logit: Tensor = self.logit(self.features(images))
        return logit.flatten()
