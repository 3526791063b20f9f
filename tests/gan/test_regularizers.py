"""The penalties against analytic discriminators and finite differences."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from ganzoo.gan.regularizers import (
    clip_weights,
    gradient_penalty,
    gradient_penalty_regularizer,
    input_gradient,
    r1_penalty,
    r1_regularizer,
)

SHAPE = (5, 2, 3, 3)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)


@pytest.fixture
def linear():
    """D(x) = <w, x>, whose gradient is w everywhere, with |w| = 2.5."""
    layer = nn.Linear(18, 1)
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(1))
        layer.weight.mul_(2.5 / layer.weight.norm())
    return layer


@pytest.fixture
def network():
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(18, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))


def logits(layer):
    return lambda x: layer(x.flatten(1)).flatten()


def numeric_gradient(network, images, step=1e-5):
    """Central differences in float64."""
    network, flat = copy.deepcopy(network).double(), images.double().flatten(1)
    columns = []
    for i in range(flat.shape[1]):
        move = torch.zeros_like(flat)
        move[:, i] = step
        columns.append((network(flat + move) - network(flat - move)) / (2 * step))
    return torch.stack(columns, 1).detach()


def test_the_input_gradient_is_that_of_finite_differences(network, images):
    found = input_gradient(network, images[0])
    torch.testing.assert_close(found.double(), numeric_gradient(network, images[0]), rtol=1e-4, atol=1e-6)


def test_r1_is_the_squared_gradient_at_the_real_images(network, images):
    expected = numeric_gradient(network, images[0]).square().sum(1)
    torch.testing.assert_close(r1_penalty(network, images[0]).double(), expected, rtol=1e-4, atol=1e-6)


def test_a_linear_discriminator_has_its_weight_for_a_gradient(linear, images):
    torch.testing.assert_close(r1_penalty(logits(linear), images[0]), torch.full((5,), 2.5**2))
    torch.testing.assert_close(gradient_penalty(logits(linear), *images), torch.full((5,), 1.5**2))


def test_the_penalties_give_gradients_to_the_discriminator(linear, images):
    weight = linear.weight.detach().clone()
    (by_r1,) = torch.autograd.grad(r1_penalty(logits(linear), images[0]).mean(), linear.weight)
    (by_gp,) = torch.autograd.grad(gradient_penalty(logits(linear), *images).mean(), linear.weight)
    torch.testing.assert_close(by_r1, 2 * weight)  # of |w|^2
    torch.testing.assert_close(by_gp, 2 * 1.5 * weight / 2.5)  # of (|w| - 1)^2


def test_the_gradient_penalty_is_taken_between_real_and_fake_with_one_factor_per_image():
    seen = []

    def quadratic(x):  # its gradient at x is x
        seen.append(x.detach())
        return x.square().sum((1, 2, 3)) / 2

    real, fake = torch.zeros(8, 2, 3, 3), torch.ones(8, 2, 3, 3)
    penalty = gradient_penalty(quadratic, real, fake)
    (between,) = seen
    factors = between[:, 0, 0, 0]
    assert torch.equal(between, factors.view(8, 1, 1, 1).expand_as(between))
    assert len(set(factors.tolist())) == 8
    assert ((factors >= 0) & (factors <= 1)).all()
    torch.testing.assert_close(penalty, (factors * 18**0.5 - 1).square())


def test_the_penalties_give_no_gradient_to_real_or_fake_images(network, images):
    real, fake = (part.clone().requires_grad_() for part in images)
    (gradient_penalty(network, real, fake) + r1_penalty(network, real)).sum().backward()
    assert real.grad is None
    assert fake.grad is None


@pytest.mark.parametrize(
    "penalty", [lambda d, real, fake: r1_penalty(d, real), gradient_penalty], ids=["r1", "gradient penalty"]
)
def test_the_penalties_are_computed_in_float32_under_bf16_autocast(penalty, network, images):
    dtypes = []

    def discriminate(x):
        out = network(x)
        dtypes.extend([x.dtype, out.dtype])
        return out

    torch.manual_seed(7)
    expected = penalty(discriminate, *images)
    torch.manual_seed(7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(images[0]).dtype == torch.bfloat16  # or the test would show nothing
        found = penalty(discriminate, *images)
    assert set(dtypes) == {torch.float32}
    assert torch.equal(found, expected)


def test_fakes_in_bf16_are_taken_as_they_are(network, images):
    assert gradient_penalty(network, images[0], images[1].bfloat16()).dtype == torch.float32


def test_the_records_carry_the_weight_the_name_and_the_interval(linear, images):
    gp, r1 = gradient_penalty_regularizer(10, every=2), r1_regularizer(3.0, every=16)
    assert (gp.name, gp.every, r1.name, r1.every) == ("gp", 2, "r1", 16)
    torch.testing.assert_close(gp.penalty(logits(linear), *images), torch.full((5,), 10 * 1.5**2))
    torch.testing.assert_close(r1.penalty(logits(linear), *images), torch.full((5,), 3 / 2 * 2.5**2))


def test_clipping_changes_only_what_is_outside(linear):
    before = linear.weight.detach().clone()
    clip_weights(linear.parameters(), 0.5)
    assert (before.abs() > 0.5).any()
    assert torch.equal(linear.weight, torch.where(before > 0.5, 0.5, torch.where(before < -0.5, -0.5, before)))
    assert linear.weight.requires_grad


@pytest.mark.parametrize("shape", [(5, 1, 12), (5, 12, 2), (5, 2, 3, 4, 4)], ids=["(N,1,T)", "(N,T,C)", "(N,C,F,H,W)"])
@pytest.mark.parametrize("penalty", [gradient_penalty, lambda d, real, fake: r1_penalty(d, real)], ids=["gp", "r1"])
def test_samples_of_any_rank_are_penalised_as_their_values_are(shape, penalty):
    real, fake = torch.randn(2, *shape, generator=torch.Generator().manual_seed(3))
    seen = []

    def discriminate(samples):
        seen.append(samples.shape)
        return samples.flatten(1).pow(3).sum(1)

    values = []
    for rank in (shape, (5, real[0].numel())):
        torch.manual_seed(0)
        values.append(penalty(discriminate, real.view(rank), fake.view(rank)))
    torch.testing.assert_close(*values)
    assert seen == [torch.Size(shape), (5, real[0].numel())]
