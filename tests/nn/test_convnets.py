"""The convolutional pair at every size."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.nn.convnets import (
    ConvDiscriminator,
    ConvFeatures,
    ConvGenerator,
    channels_per_resolution,
    halved_sizes,
    halving_kernel,
    start_shape,
    start_size,
)  # fmt: skip
from ganzoo.registry.fields import height_width

SIZES = [16, 28, 32, 64, 128, 48, (32, 80)]


def widths(network):
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(a.out_channels == b.in_channels for a, b in pairwise(convs))
    return [convs[0].in_channels, *(conv.out_channels for conv in convs)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(8, (4, 1)), (14, (7, 1)), (16, (4, 2)), (28, (7, 2)), (32, (4, 3)), (56, (7, 3)), (64, (4, 4)), (128, (4, 5)),
     (48, (6, 3)), (1024, (4, 8)), (2048, (4, 9))],
)  # fmt: skip
def test_the_first_map_is_four_for_powers_of_two_and_seven_for_28(size, expected):
    assert start_shape(size) == ((expected[0], expected[0]), expected[1])
    with pytest.warns(DeprecationWarning, match="start_size is now called start_shape"):
        assert start_size(size) == expected


@pytest.mark.parametrize(("size", "expected"), [((320, 448), ((5, 7), 6)), ((1024, 256), ((16, 4), 6))])
def test_the_first_map_of_a_rectangle_has_its_aspect(size, expected):
    assert start_shape(size) == expected


@pytest.mark.parametrize("size", [-8, 0, 1, 4, 7, 33, 100, (64, 512), (63, 64)])
def test_a_size_that_doubling_cannot_reach_is_an_error_that_names_the_nearest(size):
    with pytest.raises(ConfigError, match=r"^doubling cannot make images of .*; the nearest it can (is|are) "):
        start_shape(size)


def test_channels_double_up_to_the_most():
    assert channels_per_resolution(1024, 32, 128) == [128] * 7 + [64, 32]
    assert channels_per_resolution((96, 64), 8, 40) == [40, 40, 32, 16, 8]


@pytest.mark.parametrize(
    ("size", "until", "sizes"),
    [
        (28, 6, [(28, 28), (14, 14), (7, 7), (4, 4)]),
        (100, 6, [(100, 100), (50, 50), (25, 25), (13, 13), (7, 7), (4, 4)]),
        ((5, 12), 1, [(5, 12), (3, 6), (2, 3), (1, 2), (1, 1)]),
        (4, 6, [(4, 4), (2, 2)]),
    ],
)
def test_a_strided_convolution_halves_and_a_transposed_one_doubles_any_size(size, until, sizes):
    assert halved_sizes(size, until) == sizes
    for before, after in pairwise(sizes):
        maps = nn.Conv2d(1, 1, halving_kernel(*before), 2, 1)(torch.zeros(1, 1, *before))
        assert maps.shape[2:] == after
        assert nn.ConvTranspose2d(1, 1, halving_kernel(*before), 2, 1)(maps).shape[2:] == before


@pytest.mark.parametrize("output", ["transposed", "conv"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_the_generator_draws_in_range_at_every_size(size, channels, output):
    torch.manual_seed(0)
    network = ConvGenerator(6, image_size=size, channels=channels, base_channels=2, output=output)
    images = network(torch.randn(3, 6) * 100)
    assert images.shape == (3, channels, *height_width(size))
    assert images.abs().max() <= 1
    assert images.std() > 0


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_the_discriminator_gives_one_logit_per_image_at_every_size(size, channels):
    network = ConvDiscriminator(image_size=size, channels=channels, base_channels=2, norm="layer", dropout=0.1)
    assert network(torch.randn(3, channels, *height_width(size))).shape == (3,)


@pytest.mark.parametrize(
    ("size", "last"),
    [*((size, 16) for size in (16, 28, 32, 64, 100, 128)), (48, 36), ((32, 80), 10), ((3, 200), 4)],
)
def test_the_features_end_in_a_small_map_of_any_size(size, last):
    network = ConvFeatures(image_size=size, channels=1, base_channels=2)
    features = network(torch.randn(2, 1, *height_width(size)))
    assert features.shape == (2, network.out_features)
    assert network.out_features == widths(network)[-1] * last


def test_maps_double_in_width_up_to_eight_times():
    assert widths(ConvGenerator(6, image_size=128, channels=3, base_channels=2)) == [16, 16, 8, 4, 2, 3]
    assert widths(ConvFeatures(image_size=128, channels=3, base_channels=2)) == [3, 2, 4, 8, 16, 16]
    assert widths(ConvFeatures(image_size=28, channels=1, base_channels=2)) == [1, 2, 4, 8]
    assert max(widths(ConvGenerator(6, image_size=1024, channels=3, base_channels=2))) == 16
    assert max(widths(ConvFeatures(image_size=(1024, 512), channels=3, base_channels=2))) == 16


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
