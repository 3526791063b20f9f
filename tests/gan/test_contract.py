"""What every installed architecture must do, whatever it is."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError


def phases(gan):
    return [phase for stage in gan.stages() for phase in stage.phases]


def freeze_all_but(gan, optimizer):
    own = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for parameter in gan.parameters():
        parameter.requires_grad_(id(parameter) in own)
    return [p for p in gan.parameters() if id(p) in own]


def total(terms):
    return sum(values.mean() for values in terms.values() if values.requires_grad)


# --- images ---


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 32])
def test_images_have_the_size_and_channels_of_the_data(name, small, size, channels):
    images = small(name, image_size=size, channels=channels).sample(3)
    assert images.shape == (3, channels, size, size)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    assert images.std() > 0
    assert not images.is_inference()
    assert not images.requires_grad


@pytest.mark.parametrize("size", [64, 128])
def test_images_may_be_large(name, small, size):
    assert small(name, image_size=size, channels=3).sample(1).shape == (1, 3, size, size)


def test_an_image_depends_on_its_seed_alone(name, small):
    gan = small(name)
    images = gan.sample(7, seed=40)
    assert torch.unique(images, dim=0).shape[0] == 7
    for batch_size in (1, 3, 64):
        torch.testing.assert_close(gan.sample(7, seed=40, batch_size=batch_size), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(gan.sample(1, seed=44), images[4:5], atol=1e-5, rtol=0)
    torch.testing.assert_close(gan.sample(seeds=[46, 40, 46]), images[[6, 0, 6]], atol=1e-5, rtol=0)


def test_sampling_puts_every_mode_back(name, small):
    gan = small(name).train()
    next(iter(gan.children())).eval()
    modes = [module.training for module in gan.modules()]
    assert len(set(modes)) == 2
    gan.sample(2)
    assert [module.training for module in gan.modules()] == modes
    with pytest.raises(ConfigError):
        gan.sample(2, no_such_condition=1)
    assert [module.training for module in gan.modules()] == modes


def test_sampling_leaves_the_global_generator_and_the_weights_alone(name, small):
    gan = small(name).train()
    before = {key: value.clone() for key, value in gan.state_dict().items()}
    state = torch.get_rng_state()
    gan.sample(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in gan.state_dict().items())


def test_an_unknown_condition_is_an_error_that_lists_the_known(name, small):
    with pytest.raises(ConfigError, match=r"takes no 'colour' when it is sampled; it takes: .*truncation"):
        small(name).sample(1, colour="red")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n": 0}, "at least one image"),
        ({"seeds": []}, "at least one image"),
        ({"n": 2, "batch_size": 0}, "batch size of at least 1"),
        ({"seed": -1}, r"a seed must be in 0 \.\.\."),
        ({"seeds": [3, 2**63]}, r"a seed must be in 0 \.\.\."),
    ],
)
def test_a_bad_number_or_seed_is_an_error(name, small, arguments, text):
    with pytest.raises(ConfigError, match=text):
        small(name).sample(**arguments)


def test_the_largest_seed_is_a_seed(name, small):
    assert small(name).sample(seeds=[2**63 - 1]).isfinite().all()


# --- training ---


def test_every_phase_moves_an_optimizer_that_exists(name, small):
    gan = small(name)
    assert {phase.optimizer for phase in phases(gan)} == set(gan.optimizers())
    assert all(hasattr(gan, network) for network in (*gan.ema, *gan.inference))


def test_no_parameter_has_two_optimizers_and_none_has_no_optimizer(name, small):
    gan = small(name)
    moved = [id(p) for o in gan.optimizers().values() for group in o.param_groups for p in group["params"]]
    assert sorted(moved) == sorted(id(p) for p in gan.parameters())


def test_the_terms_are_finite_and_per_image(name, small, batch_for, tick):
    gan = small(name)
    batch = batch_for(gan)
    for phase in phases(gan):
        for terms in phase.loss(batch, tick()):
            assert terms
            for values in terms.values():
                assert values.shape == (6,)
                assert values.isfinite().all()
            assert any(values.requires_grad for values in terms.values())


def test_with_the_others_frozen_a_phase_reaches_every_parameter_of_its_own(name, small, batch_for, tick):
    gan = small(name)
    batch, optimizers = batch_for(gan), gan.optimizers()
    for phase in phases(gan):
        own = freeze_all_but(gan, optimizers[phase.optimizer])
        gan.zero_grad(set_to_none=True)
        for terms in phase.loss(batch, tick()):
            total(terms).backward()
        assert {id(p) for p in gan.parameters() if p.grad is not None} == {id(p) for p in own}
        assert all(p.grad.isfinite().all() for p in own)
        assert any(p.grad.any() for p in own)


def test_a_step_of_a_phase_lowers_its_loss(name, small, batch_for, tick):
    """On the same images, latents and dropout; for each optimizer, by a small step against its gradient."""
    gan = small(name)
    optimizers = gan.optimizers()

    def loss(phase):
        torch.manual_seed(5)
        return sum(total(terms) for terms in phase.loss(batch_for(gan), tick()))

    for phase in phases(gan):
        own = freeze_all_but(gan, optimizers[phase.optimizer])
        before = loss(phase)
        gradients = torch.autograd.grad(before, own)
        norm = torch.stack([g.square().sum() for g in gradients]).sum()
        with torch.no_grad():
            for parameter, gradient in zip(own, gradients, strict=True):
                parameter.sub_(1e-4 * gradient / norm.sqrt())
        assert loss(phase).item() < before.item()


def test_losses_are_float32_under_bf16_autocast(name, small, batch_for, tick):
    gan = small(name)
    batch = batch_for(gan)
    for phase in phases(gan):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for terms in phase.loss(batch, tick()):
                assert {values.dtype for values in terms.values()} == {torch.float32}
                assert all(values.isfinite().all() for values in terms.values())


def test_the_learning_rate_falls_where_the_configuration_says_so(name, small, tick):
    late = tick()
    object.__setattr__(late, "progress", 0.75)
    assert small(name).lr_scale(late) == 1
    assert small(name, lr_decay=0.5).lr_scale(late) == pytest.approx(0.5)


def test_the_architectures_of_the_zoo_are_those_the_papers_test_knows():
    assert {"vanilla", "dcgan", "wgan-gp", "wgan", "cgan"} <= set(ganzoo.list_architectures())
