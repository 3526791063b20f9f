"""The layers of Karras 2018 against what the paper defines."""

import pytest
import torch

from ganzoo.nn.equalized import EqualizedConv2d, EqualizedLinear, MinibatchStd, PixelNorm

LAYERS = {
    "linear": (lambda **more: EqualizedLinear(300, 400, **more), (500, 300)),
    "slow": (lambda **more: EqualizedLinear(300, 400, lr=0.01, **more), (500, 300)),
    "conv": (lambda **more: EqualizedConv2d(40, 50, 3, padding=0, **more), (20, 40, 12, 12)),
    "strided": (lambda **more: EqualizedConv2d(40, 50, 3, padding=0, stride=2, **more), (50, 40, 13, 13)),
}


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("gain", [1.0, 2**0.5])
def test_unit_variance_stays_unit_variance_times_the_gain(make, shape, gain):
    torch.manual_seed(0)
    out = make(gain=gain)(torch.randn(shape))
    assert out.std().item() == pytest.approx(gain, rel=0.03)
    assert out.mean().item() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_what_adam_moves_is_of_unit_size_over_the_learning_rate(make, shape):
    torch.manual_seed(0)
    layer = make()
    assert layer.weight.std().item() * getattr(layer, "lr", 1.0) == pytest.approx(1, rel=0.02)


def test_a_slow_layer_moves_as_much_less_as_its_factor_says():
    moved = []
    for lr in (1.0, 0.01):
        torch.manual_seed(0)
        layer = EqualizedLinear(30, 40, gain=1.0, lr=lr)
        before = layer(torch.ones(1, 30)).detach()
        optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
        layer(torch.ones(1, 30)).sum().backward()
        optimizer.step()
        moved.append((layer(torch.ones(1, 30)) - before).abs().mean().item())
    assert moved[1] / moved[0] == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize("bias", [0.0, 1.0, None])
def test_a_bias_begins_at_its_value(bias):
    layer = EqualizedLinear(3, 4, lr=0.01, bias=bias)
    assert torch.allclose(layer(torch.zeros(2, 3)), torch.full((2, 4), bias or 0.0))


def test_pixel_norm_leaves_vectors_of_unit_mean_square():
    maps = 7 * torch.randn(2, 5, 3, 3)
    torch.testing.assert_close(PixelNorm()(maps).square().mean(1), torch.ones(2, 3, 3))
    torch.testing.assert_close(PixelNorm()(maps), maps / maps.square().mean(1, keepdim=True).sqrt())


@pytest.mark.parametrize(("n", "size"), [(8, 4), (6, 3), (5, 1), (4, 4), (1, 1)])
def test_the_minibatch_map_is_the_mean_deviation_of_each_group(n, size):
    maps = torch.randn(n, 3, 4, 4, dtype=torch.float64)
    out = MinibatchStd(group=4)(maps)
    assert out.shape == (n, 4, 4, 4)
    assert torch.equal(out[:, :3], maps)
    for i in range(n):
        group = maps[i % (n // size) :: n // size]
        expected = group.std(0, unbiased=False).mean()
        torch.testing.assert_close(out[i, 3], expected.expand(4, 4), atol=1e-3, rtol=1e-3)


def test_equal_images_have_no_deviation():
    assert MinibatchStd()(torch.ones(4, 2, 4, 4))[:, 2].abs().max() < 1e-3
