"""The usual GAN: who moves first, what is shared, and how latents are drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.gan import AdversarialGAN, OptimizerSpec, Regularizer


class Recorder(nn.Module):
    """A discriminator that remembers what it saw, and in how many calls."""

    def __init__(self, norm=None):
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.norm = norm or nn.Identity()
        self.seen = []

    def forward(self, images):
        self.seen.append(images.detach().clone())
        return self.layer(self.norm(images).flatten(1)).flatten()


class Draw(nn.Module):
    """Latents (N, 3) to images (N, 1, 2, 2), counting the calls."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.made = []

    def forward(self, latent):
        images = self.layer(latent).tanh().view(-1, 1, 2, 2)
        self.made.append(images.detach().clone())
        return images


def toy(norm=None, **options):
    torch.manual_seed(0)
    return AdversarialGAN(
        None,
        generator=Draw(),
        discriminator=Recorder(norm),
        latent_dim=3,
        optimizer=OptimizerSpec("adam", 1e-3),
        **options,
    )


@pytest.fixture
def real():
    return torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1


def play(gan, batch, progress):
    """Return the names of all terms by phase."""
    (stage,) = gan.stages()
    return {phase.name: [name for terms in phase.loss(batch, progress) for name in terms] for phase in stage.phases}


def test_with_one_critic_step_the_generator_moves_first_and_its_fakes_are_judged(real, progress):
    gan = toy()
    assert [(p.name, p.repeat) for p in gan.stages()[0].phases] == [("G", 1), ("D", 1)]
    play(gan, {"image": real}, progress())
    (made,) = gan.generator.made  # one run of the generator for the whole step
    by_generator, by_discriminator = gan.discriminator.seen
    assert torch.equal(by_generator, made)
    assert torch.equal(by_discriminator, torch.cat([real, made]))


def test_with_more_critic_steps_the_critic_moves_first_on_fakes_of_its_own(real, progress):
    gan = toy(n_critic=3)
    assert [(p.name, p.repeat) for p in gan.stages()[0].phases] == [("D", 3), ("G", 1)]
    play(gan, {"image": real}, progress())
    for_critic, for_generator = gan.generator.made
    assert not torch.equal(for_critic, for_generator)
    assert torch.equal(gan.discriminator.seen[0], torch.cat([real, for_critic]))
    assert torch.equal(gan.discriminator.seen[1], for_generator)


def test_the_critic_reaches_no_parameter_of_the_generator_even_unfrozen(real, progress):
    for gan in (toy(), toy(n_critic=2)):
        batch = {"image": real}
        losses = {phase.name: phase.loss for phase in gan.stages()[0].phases}
        if gan.n_critic == 1:
            list(losses["G"](batch, progress()))
        for terms in losses["D"](batch, progress()):
            terms["loss"].mean().backward()
        assert all(p.grad is None for p in gan.generator.parameters())
        assert all(p.grad is not None for p in gan.discriminator.parameters())


def test_with_batch_norm_real_and_fake_images_are_judged_apart(real, progress):
    gan = toy(norm=nn.BatchNorm2d(1))
    play(gan, {"image": real}, progress())
    _, on_real, on_fake = gan.discriminator.seen
    assert torch.equal(on_real, real)
    assert torch.equal(on_fake, gan.generator.made[0])


def test_the_loss_is_that_of_the_logits_which_are_reported(real, progress):
    gan = toy(loss="hinge")
    batch = {"image": real}
    (terms,) = gan.discriminator_loss(batch, progress())
    expected = (1 - terms["real"]).clamp(min=0) + (1 + terms["fake"]).clamp(min=0)
    torch.testing.assert_close(terms["loss"].detach(), expected)
    torch.testing.assert_close(terms["real"], gan.discriminator(real).detach())
    assert not terms["real"].requires_grad
    assert not terms["fake"].requires_grad


@pytest.mark.parametrize("step", range(18))
def test_a_lazy_regulariser_is_due_on_each_eighth_step_and_scaled(step, real, progress):
    lazy = Regularizer("lazy", lambda d, real, fake: d(real).square(), every=8)
    gan = toy(regularizers=[lazy])
    terms = list(gan.discriminator_loss({"image": real}, progress(step)))
    if step in {0, 8, 16}:
        torch.testing.assert_close(terms[1]["lazy"], 8 * gan.discriminator(real).square())
        assert len(terms) == 2
    else:
        assert len(terms) == 1


def test_architectures_with_r1_play_it_lazily(with_r1, small, batch_for, progress):
    gan = small(with_r1, r1=2.0, r1_every=8, dropout=0.0)
    due = [s for s in range(17) if any("r1" in t for t in gan.discriminator_loss(batch_for(gan), progress(s)))]
    assert due == [0, 8, 16]
    off = small(with_r1, r1=0.0)
    assert not any("r1" in terms for terms in off.discriminator_loss(batch_for(off), progress(0)))


def test_the_two_optimizers_may_differ():
    gan = toy(discriminator_optimizer=OptimizerSpec("adam", 4e-3))
    assert {name: o.defaults["lr"] for name, o in gan.optimizers().items()} == {"G": 1e-3, "D": 4e-3}


# --- latents ---


def test_a_latent_is_the_first_normal_draw_of_its_seed(plain, small):
    gan = small(plain)
    latent = gan.inputs(3, seeds=[5, 2**40, 5])["latent"]
    assert latent.shape == (3, gan.latent_dim)
    for row, seed in zip(latent, [5, 2**40, 5], strict=True):
        assert torch.equal(row, torch.randn(gan.latent_dim, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("limit", [0, -1.0, math.nan])
def test_a_truncation_that_is_not_above_zero_is_an_error(plain, small, limit):
    with pytest.raises(ConfigError, match=r"truncation must be (above 0|a finite number)"):
        small(plain).sample(1, truncation=limit)


def test_truncation_reaches_the_images(plain, small):
    gan = small(plain)
    assert torch.equal(gan.sample(4, truncation=None), gan.sample(4))
    narrow, wide = gan.sample(16, truncation=0.01).std(0).mean(), gan.sample(16).std(0).mean()
    assert gan.inputs(4, seeds=range(4), truncation=0.5)["latent"].abs().max() <= 0.5
    if "label" not in gan.needs:
        assert narrow < 0.1 * wide


# --- labels ---


def test_the_default_label_is_the_seed_modulo_the_classes(conditional, small):
    gan = small(conditional)  # of 5 classes
    assert gan.inputs(7, seeds=range(3, 10))["label"].tolist() == [3, 4, 0, 1, 2, 3, 4]


def test_image_i_is_that_of_seed_plus_i_and_label_i(conditional, small):
    gan = small(conditional)
    with torch.no_grad():  # at the start some normalisations are the same for all labels
        for parameter in gan.generator.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    images = gan.sample(3, seed=10, labels=[4, 0, 2])
    for i, label in enumerate([4, 0, 2]):
        torch.testing.assert_close(gan.sample(1, seed=10 + i, labels=label), images[i : i + 1], atol=1e-4, rtol=0)
    swapped = gan.sample(3, seed=10, labels=[4, 1, 2])
    assert not torch.allclose(swapped[1], images[1], atol=1e-4)
    torch.testing.assert_close(swapped[[0, 2]], images[[0, 2]], atol=1e-4, rtol=0)


@pytest.mark.parametrize("labels", [[1, 1, 1], (1, 1, 1), 1, torch.tensor([1, 1, 1]), np.array([1, 1, 1]), np.int64(1)])
def test_labels_may_be_one_for_all_or_any_sequence(conditional, small, labels):
    assert small(conditional).inputs(3, seeds=[0, 1, 2], labels=labels)["label"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([5], r"labels must be whole numbers in 0 \.\.\. 4, not 5$"),
        (-1, r"in 0 \.\.\. 4, not -1"),
        ([1, 2], "1 images need 1 values of labels or one for all, not 2"),
        ([], "1 images need 1 values of labels or one for all, not 0"),
    ],
)
def test_a_wrong_label_or_number_of_labels_is_an_error(conditional, small, labels, text):
    with pytest.raises(ConfigError, match=text):
        small(conditional).sample(1, labels=labels)


@pytest.mark.parametrize("name", ["cgan", "sngan-projection"])
def test_the_discriminator_of_a_conditional_model_reads_the_label(name, small, batch_for):
    gan = small(name).eval()
    batch = batch_for(gan)
    other = {**batch, "label": (batch["label"] + 1) % 5}
    assert "label" in gan.needs
    assert not torch.allclose(gan.logits(batch["image"], batch), gan.logits(batch["image"], other))
    joint = gan.logits(torch.cat([batch["image"]] * 2), batch, 2)
    torch.testing.assert_close(joint[:6], joint[6:])
    torch.testing.assert_close(joint[:6], gan.logits(batch["image"], batch))


def test_a_bug_in_inputs_is_no_error_of_the_user(small, monkeypatch):
    gan = small("dcgan")

    def inputs(n, *, seeds, truncation=None, scale):
        return {"latent": torch.zeros(n, 2) + scale["no such key"]}

    monkeypatch.setattr(gan, "inputs", inputs)
    with pytest.raises(ConfigError, match="scale"):  # which has no default
        gan.sample(1, truncation=1.0)
    with pytest.raises(KeyError, match="no such key"):
        gan.sample(1, scale={})
