"""What every installed architecture must do, whatever it is."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.gan import Progress
from ganzoo.testing.subject import Subject, phases
from helpers import narrow

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
    gan = small(name)
    with pytest.raises(ConfigError, match=r"'colour'.*: ") as raised:
        gan.sample(1, colour="red")
    assert all(known in str(raised.value) for known in gan.conditions())
    assert gan.conditions()


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


# --- training: the rest is the conformance kit's ---


def test_losses_are_float32_under_bf16_autocast(name):
    subject = Subject.find(name, narrow(name))
    gan = subject.build().train()
    for at in phases(gan):
        batch = subject.batch(gan, at)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for terms in at.phase.loss(batch, at.progress):
                assert {values.dtype for values in terms.values()} == {torch.float32}


def test_the_learning_rate_falls_where_the_configuration_says_so(falling, small):
    late = Progress(0, 0, 0, 0.75)
    assert small(falling, lr_decay=0.0).lr_scale(late) == 1
    assert small(falling, lr_decay=0.5).lr_scale(late) == pytest.approx(0.5)


def test_the_architectures_of_the_zoo_are_those_the_papers_test_knows():
    assert {"vanilla", "dcgan", "wgan-gp", "wgan", "cgan"} <= set(ganzoo.list_architectures())
