"""The convolutional pair at every size."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.nn.convnets import ConvDiscriminator, ConvFeatures, ConvGenerator, start_size

SIZES = [16, 28, 32, 64, 128]


def widths(network):
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(a.out_channels == b.in_channels for a, b in pairwise(convs))
    return [convs[0].in_channels, *(conv.out_channels for conv in convs)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(8, (4, 1)), (14, (7, 1)), (16, (4, 2)), (28, (7, 2)), (32, (4, 3)), (56, (7, 3)), (64, (4, 4)), (128, (4, 5))],
)
def test_the_first_map_is_four_for_powers_of_two_and_seven_for_28(size, expected):
    assert start_size(size) == expected


@pytest.mark.parametrize("size", [-8, 0, 1, 4, 7, 12, 20, 30, 33, 48, 100])
def test_a_size_that_doubling_cannot_reach_is_an_error_that_names_the_sizes(size):
    with pytest.raises(ConfigError, match=rf"image_size {size} .*28"):
        start_size(size)


@pytest.mark.parametrize("output", ["transposed", "conv"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_generator_draws_in_range_at_every_size(size, channels, output):
    torch.manual_seed(0)
    network = ConvGenerator(6, image_size=size, channels=channels, base_channels=2, output=output)
    images = network(torch.randn(3, 6) * 100)
    assert images.shape == (3, channels, size, size)
    assert images.abs().max() <= 1
    assert images.std() > 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_discriminator_gives_one_logit_per_image_at_every_size(size, channels):
    network = ConvDiscriminator(image_size=size, channels=channels, base_channels=2, norm="layer", dropout=0.1)
    assert network(torch.randn(3, channels, size, size)).shape == (3,)


@pytest.mark.parametrize("size", SIZES)
def test_the_features_end_in_a_map_of_four(size):
    network = ConvFeatures(image_size=size, channels=1, base_channels=2)
    features = network(torch.randn(2, 1, size, size))
    assert features.shape == (2, network.out_features)
    assert network.out_features == widths(network)[-1] * 4 * 4


def test_maps_double_in_width_up_to_eight_times():
    assert widths(ConvGenerator(6, image_size=128, channels=3, base_channels=2)) == [16, 16, 8, 4, 2, 3]
    assert widths(ConvFeatures(image_size=128, channels=3, base_channels=2)) == [3, 2, 4, 8, 16, 16]
    assert widths(ConvFeatures(image_size=28, channels=1, base_channels=2)) == [1, 2, 4, 8]


def test_the_other_ending_halves_the_width_at_full_resolution():
    network = ConvGenerator(6, image_size=28, channels=1, base_channels=8, output="conv")
    assert widths(network) == [16, 8, 4, 1]
    assert network.layers[-2].kernel_size == (3, 3)


def biases(network):
    kinds = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
    return [m.bias is not None for m in network.modules() if isinstance(m, kinds)]


@pytest.mark.parametrize(("norm", "inner"), [("batch", False), ("none", True)])
def test_a_layer_has_a_bias_only_where_no_norm_follows_it(norm, inner):
    features = ConvFeatures(image_size=32, channels=1, base_channels=2, norm=norm)
    assert biases(features) == [True, inner, inner]  # of all maps but the first
    assert sum(isinstance(m, nn.BatchNorm2d) for m in features.modules()) == (0 if inner else 2)
    generator = ConvGenerator(6, image_size=32, channels=1, base_channels=2, norm=norm)
    assert biases(generator) == [inner, inner, inner, True]
