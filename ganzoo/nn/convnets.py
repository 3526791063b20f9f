"""The pair of strided convolutional networks that Radford 2015 introduced; several architectures are built on it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError, renamed
from ganzoo.nn.cpu import Dropout, Flatten, to_maps
from ganzoo.nn.layers import norm_layer
from ganzoo.nn.renamed import renamed_arguments, renamed_names
from ganzoo.registry.image_sizes import Size, Sizes, doublings, height_width

__getattr__ = renamed_names(__name__, pyramid="channels_per_resolution")


def start_shape(image_size: Size) -> tuple[tuple[int, int], int]:
    """Return (height and width of the first feature map, number of doublings) of a network that doubles it.

    The first map is as small as it can be: sides of 4 to 16, 4 for powers of two and 7 for 28.

    Raises:
        ConfigError: the sides are not such numbers times the same power of two.
    """
    height, width = height_width(image_size)
    count = doublings(height, width)
    if count == 0:
        raise ConfigError(f"doubling {Sizes(doubling=True).refusal(image_size)}")
    return (height >> count, width >> count), count


def start_size(image_size: int) -> tuple[int, int]:
    """Return (size of the first feature map, number of doublings) of a square: `start_shape` in the first edition."""
    renamed(f"{__name__}.start_size", "start_shape, which returns a height and a width")
    (start, _), count = start_shape(image_size)
    return start, count


@renamed_arguments(most="max_channels")
def channels_per_resolution(image_size: Size, base: int, max_channels: int) -> list[int]:
    """Return the channels at each resolution, the lowest first: ``base`` at the full one, at most ``max_channels``.

    Raises:
        ConfigError: see `start_shape`.
    """
    count = start_shape(image_size)[1]
    return [min(max_channels, base << (count - level)) for level in range(count + 1)]


def halved_sizes(image_size: Size, until: int) -> list[tuple[int, int]]:
    """Return the (height, width) of maps that are halved, rounding up, until no side is above ``until``; at least once.

    The image's own size is the first.
    """
    height, width = height_width(image_size)
    sizes = [(height, width)]
    while len(sizes) == 1 or max(height, width) > until:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def halving_kernel(height: int, width: int) -> tuple[int, int]:
    """Return the kernel that, with stride 2 and padding 1, halves maps of this size, rounding up.

    A transposed convolution with it undoes that: 4 for even sides, 3 for odd ones.
    """
    return 4 - height % 2, 4 - width % 2


class ConvGenerator(nn.Module):
    """Latent (N, D) to images (N, ``channels``, H, W) in [-1, 1] by transposed convolutions.

    Args:
        in_features: D.
        image_size: (H, W), or one number for a square; see `start_shape`.
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
        image_size: Size,
        channels: int,
        base_channels: int,
        norm: str = "batch",
        output: str = "transposed",
    ) -> None:
        super().__init__()
        (height, width), count = start_shape(image_size)
        widths = [base_channels * min(8, 2 ** (count - 1 - i)) for i in range(count)]
        bias = norm == "none"
        self.start = (widths[0], height, width)
        self.project = nn.Linear(in_features, widths[0] * height * width, bias=bias)
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
    """Images (N, ``channels``, H, W) to features (N, `out_features`) by strided convolutions.

    They halve the maps, rounding up, until no side is above 6.

    Args:
        image_size: (H, W) of any values, or one number for a square.
        channels: of the image.
        base_channels: width of the first map; each next one is twice as wide, up to 8 times.
        norm: normalisation of all maps but the first, see `norm_layer`.
        dropout: share of the features of each map that is dropped.
    """

    def __init__(
        self, *, image_size: Size, channels: int, base_channels: int, norm: str = "none", dropout: float = 0.0
    ) -> None:
        super().__init__()
        sizes = halved_sizes(image_size, until=6)
        widths = [channels, *(base_channels * min(8, 2**i) for i in range(len(sizes) - 1))]
        layers: list[nn.Module] = []
        for i, (narrow, wide) in enumerate(pairwise(widths)):
            layers.append(nn.Conv2d(narrow, wide, halving_kernel(*sizes[i]), 2, 1, bias=i == 0 or norm == "none"))
            if i > 0:
                layers.append(norm_layer(norm, wide))
            layers.append(nn.LeakyReLU(0.2))
            if dropout > 0:
                layers.append(Dropout(dropout))
        self.layers = nn.Sequential(*layers, Flatten())
        self.out_features = widths[-1] * sizes[-1][0] * sizes[-1][1]

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of each image."""
        features: Tensor = self.layers(images)
        return features


class ConvDiscriminator(nn.Module):
    """Images (N, C, H, W) to logits (N,): `ConvFeatures` and one linear layer; same arguments."""

    def __init__(
        self, *, image_size: Size, channels: int, base_channels: int, norm: str = "none", dropout: float = 0.0
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
