"""InfoGAN, AC-GAN, SNGAN and R3GAN against what their papers say."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganzoo.gan import LOSSES, Progress
from ganzoo.gan.regularizers import r1_penalty, r2_regularizer
from helpers import make

PROGRESS = Progress(0, 0, 0, 0.0)


def batch(gan, n=8):
    image = torch.rand(n, gan.config.channels, gan.config.image_size, gan.config.image_size) * 2 - 1
    return {"image": image, "label": torch.arange(n) % 10}


# --- InfoGAN: Chen 2016 ---


def test_the_information_is_the_likelihood_of_the_codes():
    """Equation 5: the mean of log Q(c | x), negative; a categorical and two normal factors."""
    gan = make("infogan", category_weight=1.0, code_weight=1.0)
    known = {"category": torch.tensor([1, 4]), "codes": torch.tensor([[0.5, -0.5], [0.0, 1.0]])}
    logits, mean, deviation = torch.randn(2, 10), torch.randn(2, 2), torch.randn(2, 2)
    terms = gan.information((logits, mean, deviation), known)
    torch.testing.assert_close(terms["category"], -torch.log_softmax(logits, 1)[[0, 1], known["category"]])
    normal = torch.distributions.Normal(mean, deviation.exp())
    torch.testing.assert_close(terms["codes"], -normal.log_prob(known["codes"]).sum(1))


def test_both_players_gain_from_it():
    gan = make("infogan")
    shared = batch(gan)
    for loss in (gan.generator_loss, gan.discriminator_loss):
        (terms,) = loss(shared, PROGRESS)
        assert terms["category"].requires_grad
        assert terms["codes"].requires_grad
    assert shared["category"].shape == (8,)
    assert shared["codes"].abs().max() <= 1


def test_a_code_by_its_seed_is_uniform():
    codes = make("infogan").inputs(2_000, seeds=range(2_000))["codes"].flatten().double().numpy()
    assert np.quantile(codes, [0.1, 0.5, 0.9]) == pytest.approx([-0.8, 0, 0.8], abs=0.04)


def test_a_code_that_is_given_is_taken_and_the_others_stay():
    gan = make("infogan")
    free, given = gan.inputs(3, seeds=[4, 5, 6]), gan.inputs(3, seeds=[4, 5, 6], c2=[0.1, 0.2, 0.3], category=7)
    torch.testing.assert_close(given["codes"][:, 1], torch.tensor([0.1, 0.2, 0.3]))
    assert torch.equal(given["codes"][:, 0], free["codes"][:, 0])
    assert torch.equal(given["latent"], free["latent"])
    assert given["category"].tolist() == [7, 7, 7]


@pytest.mark.parametrize("codes", [0, 1, 5])
def test_there_are_as_many_conditions_as_codes(codes):
    gan = make("infogan", codes=codes)
    assert gan.conditions() == ["truncation", "category", *(f"c{i + 1}" for i in range(codes))]
    assert gan.sample(2).isfinite().all()


# --- AC-GAN: Odena 2017 ---


def test_both_are_to_tell_the_class_of_real_and_of_drawn_images():
    gan = make("acgan", image_size=16, dropout=0.0, classify=2.0)
    shared = batch(gan)
    (of_generator,) = gan.generator_loss(shared, PROGRESS)
    _, on_fake = gan.discriminator(shared["fake"])
    torch.testing.assert_close(of_generator["class"], 2 * F.cross_entropy(on_fake, shared["label"], reduction="none"))
    (of_discriminator,) = gan.discriminator_loss(shared, PROGRESS)
    logit, on_both = gan.discriminator(torch.cat([shared["image"], shared["fake"]]))
    right = F.cross_entropy(on_both, shared["label"].repeat(2), reduction="none")
    torch.testing.assert_close(of_discriminator["class"], 2 * (right[:8] + right[8:]))
    torch.testing.assert_close(of_discriminator["loss"], LOSSES["non-saturating"].discriminator(*logit.chunk(2)))


# --- SNGAN: Miyato 2018 ---


@pytest.mark.parametrize("name", ["sngan", "sngan-projection"])
def test_every_weight_of_the_discriminator_has_spectral_norm_one(name):
    gan = make(name, image_size=16)
    images, label = torch.randn(4, 1, 16, 16), torch.arange(4)
    with torch.no_grad():
        for _ in range(60):  # each forward pass in training is one power iteration
            gan.discriminator(images, label) if gan.needs == {"image", "label"} else gan.discriminator(images)
    kinds = (nn.Conv2d, nn.Linear, nn.Embedding)
    weights = {key: m.weight for key, m in gan.discriminator.named_modules() if isinstance(m, kinds)}
    assert len(weights) >= 8
    for key, weight in weights.items():
        assert torch.linalg.matrix_norm(weight.detach().flatten(1), 2).item() == pytest.approx(1, rel=0.02), key
    assert not any(hasattr(m, "parametrizations") for m in gan.generator.modules())


def test_the_defaults_of_sngan_are_those_of_the_paper():
    gan = make("sngan")
    assert gan.loss is LOSSES["hinge"]
    assert gan.n_critic == 5
    (group,) = gan.optimizers()["D"].param_groups
    assert (group["lr"], group["betas"]) == (2e-4, (0.0, 0.9))


def test_the_projection_is_an_inner_product_of_label_and_features():
    gan = make("sngan-projection", image_size=16).eval()
    network, images, label = gan.discriminator, torch.randn(3, 1, 16, 16), torch.tensor([1, 5, 9])
    features = network.features(images)
    expected = network.logit(features).flatten() + torch.einsum("nf,nf->n", network.embed.weight[label], features)
    torch.testing.assert_close(network(images, label), expected)


# --- R3GAN: Huang 2024 ---


def test_each_fake_is_compared_with_a_real_image_by_both_players():
    gan = make("r3gan", image_size=16, gamma=0.0)
    shared = batch(gan)
    torch.manual_seed(3)
    (of_generator,) = gan.generator_loss(shared, PROGRESS)
    (of_discriminator,) = gan.discriminator_loss(shared, PROGRESS)
    real, fake = gan.discriminator(shared["image"]), gan.discriminator(shared["image"] * 0 + batch_of(shared, gan))
    torch.testing.assert_close(of_generator["loss"], F.softplus(real - fake), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(of_discriminator["loss"], F.softplus(fake - real), rtol=1e-4, atol=1e-5)


def batch_of(shared, gan):
    """The images that the generator drew, by its seed again."""
    torch.manual_seed(3)
    return gan.fakes(shared).detach()


def test_a_block_begins_as_the_identity():
    gan = make("r3gan", image_size=16, blocks=2)
    blocks = [m for m in gan.modules() if type(m).__name__ == "Block"]
    assert len(blocks) == 2 * 2 * 3
    maps = torch.randn(2, blocks[0].layers[0].in_channels, 4, 4)
    assert torch.equal(blocks[0](maps), maps)


def test_it_has_no_normalisation():
    norms = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm)
    assert not any(isinstance(m, norms) for m in make("r3gan").modules())


def test_r2_is_r1_at_the_drawn_images():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0))
    real, fake = torch.randn(3, 1, 4, 4), torch.randn(3, 1, 4, 4)
    torch.testing.assert_close(r2_regularizer(6.0).penalty(network, real, fake), 3 * r1_penalty(network, fake))
    assert math.isclose(
        r2_regularizer(6.0).penalty(network, real, fake)[0].item(),
        3 * network[1].weight.square().sum().item(),
        rel_tol=1e-5,
    )
