"""What each paper prescribes, read from an instance with the default configuration."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.gan import LOSSES
from ganzoo.nn.layers import uses_batch_statistics


def layers(network, *kinds):
    return [m for m in network.modules() if isinstance(m, kinds)]


def options(gan, *names):
    return {key: tuple(o.defaults[name] for name in names) for key, o in gan.optimizers().items()}


@pytest.fixture(scope="module")
def dcgan():
    torch.manual_seed(0)
    return ganzoo.create("dcgan", image_size=32, channels=3)


# --- Goodfellow 2014 ---


def test_vanilla_is_perceptron_against_perceptron_with_dropout():
    gan = ganzoo.create("vanilla")
    assert not layers(gan, nn.Conv2d, nn.ConvTranspose2d)
    assert layers(gan.discriminator, nn.Dropout)
    assert gan.loss is LOSSES["non-saturating"]
    sizes = [(m.in_features, m.out_features) for m in layers(gan.generator, nn.Linear)]
    assert sizes == [(64, 512), (512, 1024), (1024, 784)]
    assert [(m.in_features, m.out_features) for m in layers(gan.discriminator, nn.Linear)] == [
        (784, 1024),
        (1024, 512),
        (512, 1),
    ]


def test_vanilla_may_have_a_convolutional_discriminator(small):
    gan = small("vanilla", discriminator="conv", discriminator_channels=6)
    assert layers(gan.discriminator, nn.Conv2d)[0].out_channels == 6
    assert not layers(gan.generator, nn.Conv2d, nn.ConvTranspose2d)
    assert gan.discriminator(gan.sample(3)).shape == (3,)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_may_be_chosen_by_name(small, loss):
    assert small("vanilla", loss=loss).loss is LOSSES[loss]


# --- Radford 2015 ---


@pytest.mark.parametrize(("size", "start"), [(16, 4), (28, 7), (32, 4), (64, 4), (128, 4)])
def test_dcgan_starts_at_seven_for_28_and_at_four_for_powers_of_two(small, size, start):
    maps = []
    gan = small("dcgan", image_size=size)
    layers(gan.generator, nn.ConvTranspose2d)[0].register_forward_pre_hook(lambda m, x: maps.append(x[0].shape))
    gan.sample(1)
    assert maps[0][2:] == (start, start)


def test_dcgan_of_64_has_the_maps_of_figure_1_at_half_width():
    gan = ganzoo.create("dcgan", image_size=64, channels=3)
    convs = layers(gan.generator, nn.ConvTranspose2d)
    assert [c.in_channels for c in convs] + [convs[-1].out_channels] == [512, 256, 128, 64, 3]
    assert gan.latent_dim == 100


def test_dcgan_draws_its_weights_from_a_normal_of_width_002(dcgan):
    for layer in layers(dcgan, nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
        error = 5 * 0.02 / layer.weight.numel() ** 0.5
        assert layer.weight.mean().item() == pytest.approx(0, abs=error)
        assert layer.weight.std().item() == pytest.approx(0.02, abs=error)
    for layer in layers(dcgan, nn.BatchNorm2d):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.4)
        assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)


def test_dcgan_trains_with_adam_as_in_section_4(dcgan):
    assert options(dcgan, "lr", "betas") == {"G": (2e-4, (0.5, 0.999)), "D": (2e-4, (0.5, 0.999))}
    assert all(isinstance(o, torch.optim.Adam) for o in dcgan.optimizers().values())


def test_dcgan_has_batch_norm_in_both_but_not_at_the_images(dcgan):
    assert len(layers(dcgan.generator, nn.BatchNorm2d)) == 3
    assert len(layers(dcgan.discriminator, nn.BatchNorm2d)) == 2
    body = list(dcgan.discriminator.features.layers)
    assert not isinstance(body[1], nn.BatchNorm2d)
    assert [type(m) for m in list(dcgan.generator.layers)[-2:]] == [nn.ConvTranspose2d, nn.Tanh]


def test_dcgan_has_relu_in_the_generator_and_leaky_relu_in_the_discriminator(dcgan):
    assert layers(dcgan.generator, nn.ReLU)
    assert not layers(dcgan.generator, nn.LeakyReLU)
    assert {m.negative_slope for m in layers(dcgan.discriminator, nn.LeakyReLU)} == {0.2}
    assert not layers(dcgan.discriminator, nn.ReLU)
    assert not layers(dcgan, nn.MaxPool2d, nn.AvgPool2d)


# --- Arjovsky 2017 ---


def test_wgan_trains_with_rmsprop_and_five_critic_steps(small):
    gan = small("wgan")
    assert {type(o) for o in gan.optimizers().values()} == {torch.optim.RMSprop}
    assert options(gan, "lr", "momentum") == {"G": (5e-5, 0), "D": (5e-5, 0)}
    assert [(p.name, p.repeat) for p in gan.stages()[0].phases] == [("D", 5), ("G", 1)]
    assert gan.loss is LOSSES["wasserstein"]
    assert not gan.regularizers


def test_wgan_clips_the_critic_after_each_of_its_updates_and_leaves_the_generator(small):
    gan = small("wgan")
    critic, generator = gan.stages()[0].phases
    drawn = [p.detach().clone() for p in gan.generator.parameters()]
    assert max(p.abs().max() for p in gan.discriminator.parameters()) > 0.01
    critic.after()
    assert max(p.abs().max().item() for p in gan.discriminator.parameters()) == pytest.approx(0.01)
    assert all(torch.equal(a, b) for a, b in zip(drawn, gan.generator.parameters(), strict=True))
    assert generator.after is None


# --- Gulrajani 2017 ---


def test_wgan_gp_trains_as_in_algorithm_1(small):
    gan = small("wgan-gp")
    assert [(p.name, p.repeat) for p in gan.stages()[0].phases] == [("D", 5), ("G", 1)]
    assert options(gan, "lr", "betas") == {"G": (1e-4, (0.0, 0.9)), "D": (1e-4, (0.0, 0.9))}
    assert gan.loss is LOSSES["wasserstein"]
    assert not uses_batch_statistics(gan.discriminator)
    assert uses_batch_statistics(gan.generator)
    assert all(phase.after is None for phase in gan.stages()[0].phases)


def test_the_critic_of_wgan_gp_may_have_a_learning_rate_of_its_own(small):
    assert options(small("wgan-gp", lr=2e-4, critic_lr=8e-4), "lr") == {"G": (2e-4,), "D": (8e-4,)}
    assert options(small("wgan-gp", lr=2e-4), "lr") == {"G": (2e-4,), "D": (2e-4,)}


def test_wgan_gp_weighs_its_penalty_by_ten_at_every_step(small, batch_for, progress):
    (gp,) = small("wgan-gp").regularizers
    batch = batch_for(small("wgan-gp"))["image"]
    flat = gp.penalty(lambda x: x.sum((1, 2, 3)) * 0, batch, batch)  # a gradient of 0: (0 - 1)^2
    torch.testing.assert_close(flat, torch.full((6,), 10.0))
    assert (gp.name, gp.every) == ("gp", 1)


# --- Mirza 2014 ---


def test_cgan_needs_a_label_which_both_networks_take(small):
    gan = small("cgan", classes=7)
    assert gan.needs == {"image", "label"}
    assert [e.num_embeddings for e in layers(gan.generator, nn.Embedding)] == [7]
    assert [e.num_embeddings for e in layers(gan.discriminator, nn.Embedding)] == [7]


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_logits_of_a_cgan_with_a_norm_begin_within_the_margin_of_a_hinge(norm, digits):
    torch.manual_seed(0)
    gan = ganzoo.create("cgan", discriminator_norm=norm)
    images = torch.from_numpy(digits[0][:64, None]).float() / 127.5 - 1
    logits = gan.discriminator(images, torch.from_numpy(digits[1][:64]).long())
    assert 0.01 < logits.std() < 2


def test_only_conditional_models_need_a_label(name, small):
    gan = small(name)
    assert ("label" in gan.needs) == hasattr(gan.config, "classes")


def test_defaults_are_of_a_size_that_trains_on_a_laptop(name):
    gan = ganzoo.create(name)
    count = sum(p.numel() for network in gan.inference for p in getattr(gan, network).parameters())
    assert 1e5 < count < (5e7 if gan.translations else 5e6)  # a U-Net of the paper has 42 million
