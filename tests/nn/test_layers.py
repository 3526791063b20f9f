"""Small layers against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.nn.cpu import Flatten, ToImage
from ganzoo.nn.layers import init_normal, norm_layer, spectral_norm, uses_batch_statistics
from helpers import make, make_state, make_store, run_steps


@pytest.mark.parametrize("layer", [nn.Linear(12, 7), nn.Conv2d(3, 8, 3)], ids=["linear", "conv"])
def test_spectral_norm_divides_by_the_largest_singular_value(layer):
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(0))
    values = np.linalg.svd(layer.weight.detach().flatten(1).numpy(), compute_uv=False)
    assert spectral_norm(layer) is layer
    layer.train()
    for _ in range(300):  # one power iteration each
        normed = layer.weight
    found = np.linalg.svd(normed.detach().flatten(1).numpy(), compute_uv=False)
    np.testing.assert_allclose(found, values / values[0], rtol=1e-3)


@pytest.mark.parametrize(("name", "over"), [("batch", (0, 2, 3)), ("instance", (2, 3)), ("layer", (1, 2, 3))])
def test_a_norm_layer_standardises_over_its_axes(name, over):
    x = torch.randn(6, 4, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    expected = x.numpy()
    expected = (expected - expected.mean(over, keepdims=True)) / np.sqrt(expected.var(over, keepdims=True) + 1e-5)
    layer = norm_layer(name, 4)
    np.testing.assert_allclose(layer(x).detach(), expected, atol=1e-4)
    assert {p.numel() for p in layer.parameters()} == {4}


def test_no_normalisation_is_the_identity():
    x = torch.randn(2, 4, 3, 3)
    assert torch.equal(norm_layer("none", 4)(x), x)


def test_an_unknown_normalisation_is_an_error():
    with pytest.raises(ConfigError, match=r"'group'.*batch, instance, layer, none"):
        norm_layer("group", 4)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(32, 64, 4), nn.ConvTranspose2d(32, 64, 4), nn.Linear(128, 256), nn.Embedding(256, 128)]
)
def test_weights_are_drawn_from_a_normal_of_the_given_width(layer):
    torch.manual_seed(0)
    init_normal(nn.Sequential(layer), std=0.02)
    assert layer.weight.mean().item() == pytest.approx(0, abs=5 * 0.02 / layer.weight.numel() ** 0.5)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert getattr(layer, "bias", None) is None or not layer.bias.any()


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_norm_scales_are_drawn_around_one(kind):
    torch.manual_seed(0)
    layer = kind(4096)
    init_normal(layer)
    assert layer.weight.mean().item() == pytest.approx(1, abs=5 * 0.02 / 64)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not layer.bias.any()


@pytest.mark.parametrize("name", ["instance", "layer"])
def test_other_norms_keep_their_scales_of_one(name):
    layer = norm_layer(name, 8)
    init_normal(layer)
    assert (layer.weight == 1).all()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.BatchNorm1d(3), True),
        (nn.BatchNorm2d(3), True),
        (nn.SyncBatchNorm(3), True),
        (nn.InstanceNorm2d(3), False),
        (nn.GroupNorm(1, 3), False),
        (nn.Conv2d(1, 1, 1), False),
    ],
)
def test_batch_norm_is_found_however_deep(layer, expected):
    assert uses_batch_statistics(nn.Sequential(nn.ReLU(), nn.Sequential(layer))) is expected


def test_flat_features_become_images_channel_by_channel():
    assert ToImage(2, (2, 3))(torch.arange(24.0).view(2, 12)).shape == (2, 2, 2, 3)
    images = ToImage(3, 2)(torch.arange(24.0).view(2, 12))
    assert images.shape == (2, 3, 2, 2)
    assert images[1, 2].tolist() == [[20, 21], [22, 23]]


def test_a_gradient_comes_back_through_flatten_in_the_layout_of_the_maps():
    maps = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    seen = []
    active = F.leaky_relu(maps, 0.2)
    active.register_hook(lambda gradient: seen.append(gradient.is_contiguous(memory_format=torch.channels_last)))
    flat = Flatten()(active)
    assert torch.equal(flat, active.flatten(1))
    (gradient,) = torch.autograd.grad((flat * torch.arange(48.0)).sum(), maps, create_graph=True)
    assert seen == [True]
    torch.testing.assert_close(gradient, torch.arange(48.0).view(1, 3, 4, 4) * torch.where(maps > 0, 1.0, 0.2))
    small = torch.randn(2, 2, 2, 2, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    assert torch.autograd.gradgradcheck(lambda x: Flatten()(x.square()).pow(3), small.requires_grad_())


@pytest.mark.parametrize("make", [lambda: norm_layer("instance", 6), lambda: ToImage(6, 4)])
def test_maps_are_channels_last_behind_layers_that_would_lose_it(make):
    layer = make()
    maps = torch.randn(2, 6, 4, 4).contiguous(memory_format=torch.channels_last)
    made = layer(maps if isinstance(layer, nn.InstanceNorm2d) else maps.flatten(1))
    assert made.is_contiguous(memory_format=torch.channels_last)
    if isinstance(layer, nn.InstanceNorm2d):
        torch.testing.assert_close(made, F.instance_norm(maps))
        assert {"weight", "bias"} == set(layer.state_dict())


class Layouts(TorchDispatchMode):
    """Notes every operation on maps of two layouts, other than a convolution, which brings them into one itself."""

    def __init__(self):
        super().__init__()
        self.mixed = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
        maps = [t for t in tensors if t.ndim == 4 and t.shape[1] > 1 and t.shape[2] * t.shape[3] > 1]
        last = {t.is_contiguous(memory_format=torch.channels_last) for t in maps}
        if len(last) > 1 and "convolution" not in str(function):
            self.mixed.append((str(function), [tuple(t.shape) for t in maps]))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [n for n in ("dcgan", "acgan", "infogan", "wgan") if n in ganzoo.list_architectures()])
def test_no_operation_of_a_step_meets_maps_of_two_layouts(name, digits):
    """Tens of times as long an activation takes on a CPU where it does."""
    state, layouts = make_state(make(name)), Layouts()
    with layouts:
        run_steps(state, make_store(digits), 1, precision="bf16")
    assert layouts.mixed == []
