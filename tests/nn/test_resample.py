"""The filter and its derivatives against what torch derives from a plain convolution."""

import pytest
import torch
from torch.nn import functional as F

from ganzoo.nn.resample import Halve, Smooth

CASES = [
    (Smooth(2), 2, 1, 1.0), (Smooth(1, gain=4.0), 1, 1, 4.0), (Smooth(4), 4, 1, 1.0), (Halve(), 1, 2, 1.0),
    (Smooth(0, step=3), 0, 3, 1.0),
]  # fmt: skip
SHAPES = [(12, 17), (8, 8), (5, 6)]


def plain(maps, padding, step, gain):
    """Return each channel convolved with the filter."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel = (gain * torch.outer(taps, taps)).to(maps.dtype).expand(maps.shape[1], 1, 4, 4)
    return F.conv2d(maps, kernel, stride=step, padding=padding, groups=maps.shape[1])


def derivatives(filtered, maps):
    """Return the values, their gradient, and the gradient of its square, of a loss that is not linear."""
    values = filtered(maps)
    (first,) = torch.autograd.grad(values.float().square().sum(), maps, create_graph=True)
    (second,) = torch.autograd.grad(first.float().pow(3).sum(), maps)
    return values, first, second


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("layer", "padding", "step", "gain"), CASES)
def test_values_and_derivatives_are_those_of_a_plain_convolution(layer, padding, step, gain, shape, channels):
    torch.manual_seed(0)
    maps = torch.randn(2, channels, *shape, dtype=torch.float64, requires_grad=True)
    ours = derivatives(layer, maps)
    theirs = derivatives(lambda maps: plain(maps, padding, step, gain), maps)
    for own, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, expected)


@pytest.mark.parametrize(("layer", "padding", "step", "gain"), CASES)
def test_bf16_has_the_derivatives_of_float32_within_its_rounding(layer, padding, step, gain):
    torch.manual_seed(0)
    maps = torch.randn(2, 5, 12, 17)
    exact = derivatives(lambda maps: plain(maps, padding, step, gain), maps.requires_grad_())
    rounded = derivatives(layer, maps.detach().bfloat16().requires_grad_())
    for own, expected in zip(rounded, exact, strict=True):
        assert own.dtype is torch.bfloat16
        assert (own.float() - expected).norm() < 0.03 * expected.norm()


def test_maps_are_channels_last_whatever_came():
    for format_ in (torch.contiguous_format, torch.channels_last):
        maps = torch.randn(2, 5, 8, 12).contiguous(memory_format=format_).requires_grad_()
        for layer in (Smooth(2), Halve()):
            made = layer(maps)
            assert made.is_contiguous(memory_format=torch.channels_last)
            (gradient,) = torch.autograd.grad(made.sum(), maps)
            assert gradient.shape == maps.shape


def test_the_filter_is_made_where_the_maps_are():
    maps = torch.empty(2, 5, 12, 16, device="meta", requires_grad=True)
    assert Halve()(maps).shape == (2, 5, 6, 8)
    (gradient,) = torch.autograd.grad(Smooth(2)(maps).sum(), maps)
    assert gradient.shape == maps.shape
    assert list(Halve().state_dict()) == []


def test_halving_is_the_transpose_of_bilinear_doubling():
    """<halve(x), y> = <x, double(y)> / 4 away from the border, where doubling repeats the edge."""
    x, y = torch.randn(1, 1, 16, 16, dtype=torch.float64), torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    y[..., 1:-1, 1:-1] = torch.randn(6, 6)
    double = F.interpolate(y, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close((Halve()(x) * y).sum(), (x * double).sum() / 4)


def test_halving_keeps_the_channels_apart_and_the_mean():
    maps = torch.zeros(1, 3, 8, 8)
    maps[:, 1] = 1
    out = Halve()(maps)
    assert out[:, [0, 2]].abs().max() == 0
    torch.testing.assert_close(out[0, 1, 1:-1, 1:-1], torch.ones(2, 2))
