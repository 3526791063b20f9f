"""What the discriminators see, for every architecture, with real digits."""

from contextlib import nullcontext

import pytest
import torch
from accelerate import Accelerator

import ganzoo
from ganzoo.data import Store
from ganzoo.gan import Progress
from ganzoo.training import discriminator_inputs
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.state import State
from helpers import make, make_store, run_steps

ARCHITECTURES = ganzoo.list_architectures()


def state_of(gan, made: Augmentation | None) -> State:
    return State(gan, EMA(gan), gan.optimizers(), augmentation=made)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_trains_on_augmented_images(name, digits):
    gan = make(name)
    assert gan.discriminators
    made, seen = Augmentation("color,translation,cutout", noise=0.1), []
    made.register_forward_hook(
        lambda module, given, out: seen.append((given[0].shape, out.shape, out.isfinite().all()))
    )
    state = state_of(gan, made)
    with made.attached(gan):
        run_steps(state, make_store(digits, gan=gan), 2, batch_size=8)
    assert len(seen) >= 4
    assert all(given == out and fine for given, out, fine in seen)
    assert all(parameter.isfinite().all() for parameter in gan.parameters())
    before = len(seen)
    run_steps(state, make_store(digits, gan=gan), 1, batch_size=8)
    assert len(seen) == before  # detached again


def test_nothing_is_augmented_when_a_network_is_not_training(digits):
    gan = make("dcgan").eval()
    made = Augmentation("color")
    images = torch.from_numpy(digits[0][:4])[:, None] / 127.5 - 1
    plain = gan.discriminator(images)
    with made.attached(gan):
        assert torch.equal(gan.discriminator(images), plain)
        gan.discriminator.train()
        assert not torch.equal(gan.discriminator(images), plain)


def memorisation(images, policy, noise=0.0, strength=0.0, seed=0):
    """Train a perceptron on 32 digits; return how often it ranks one of them above one that it has not seen.

    The mean over the last 200 of 300 steps: at a single one it says little, as a GAN's logits swing up and down.
    """
    gan = make("vanilla", seed, hidden=256, dropout=0.0, lr=1e-3)
    made = Augmentation(policy, noise=noise) if policy or noise else None
    if strength:
        made.strength.fill_(strength)
    state, few = state_of(gan, made), Store("few", images[:32], None, None)
    seen, unseen = (part.float() / 127.5 - 1 for part in (images[:32], images[500:]))
    shares = []
    torch.manual_seed(seed)
    for _ in range(30):
        with made.attached(gan) if made else nullcontext():
            run_steps(state, few, 10, batch_size=32)
        gan.eval()
        with torch.no_grad():
            shares.append((gan.discriminator(seen)[:, None] > gan.discriminator(unseen)[None]).float().mean())
    return torch.stack(shares[10:]).mean().item(), made


@pytest.mark.slow
def test_a_discriminator_of_few_images_learns_them_by_heart_unless_they_are_augmented(digits):
    images = torch.from_numpy(digits[0])[:, None]
    plain, _ = memorisation(images, None)
    assert plain > 0.6
    for policy, noise, strength in (("color,translation,cutout", 0.0, 0.0), (None, 0.5, 0.0), ("ada", 0.0, 0.8)):
        assert memorisation(images, policy, noise, strength)[0] < plain - 0.03


@pytest.mark.slow
def test_the_strength_of_adaptive_augmentation_settles(digits, monkeypatch):
    monkeypatch.setattr(discriminator_inputs, "_SPEED", 20_000)  # 300 steps see 9,600 images
    _, made = memorisation(torch.from_numpy(digits[0])[:, None], "ada")
    assert 0.01 < made.strength < 0.2  # where a fixed strength would have to be guessed


@pytest.mark.parametrize(
    ("logit", "decision_boundary", "rises"), [(1.0, 0.0, True), (-1.0, 0.0, False), (0.4, 0.5, False)]
)
def test_the_strength_follows_the_signs_of_the_logits_of_real_images(logit, decision_boundary, rises):
    made = Augmentation("ada", decision_boundary=decision_boundary)
    made.strength.fill_(0.5)
    for step in range(1, 9):
        made.count_signs({"real_A": torch.full((16,), logit), "fake": torch.full((16,), 9.0), "loss": torch.ones(16)})
        made.after_step(step, 16, Accelerator(cpu=True))
    change = 8 * 16 / 500_000  # each step counts for its images, and the strength goes from 0 to 1 in 500,000
    assert made.strength.item() == pytest.approx(0.5 + change * (1 if rises else -1), abs=1e-7)
    assert made.signs.tolist() == [0, 0]


@pytest.mark.parametrize("policy", ["ada", "ada:no-mirror", "ada:upright"])
def test_each_form_of_ada_adapts_and_augments(policy):
    made, images = Augmentation(policy), torch.rand(16, 1, 28, 28)
    assert made.adaptive
    torch.testing.assert_close(made(images), images, atol=1e-5, rtol=0)  # until it has seen that it is needed
    made.count_signs({"real": torch.ones(16)})
    made.after_step(4, 250_000, Accelerator(cpu=True))
    assert made.strength == 1
    assert not torch.allclose(made(images), images, atol=0.1)


def test_the_strength_stays_where_the_mean_sign_is_on_target_and_within_its_bounds():
    made = Augmentation("ada")
    signs = torch.tensor([1.0] * 8 + [-1.0] * 2)  # mean 0.6
    for step in range(1, 5):
        made.count_signs({"real": signs})
        made.after_step(step, 16, Accelerator(cpu=True))
    assert made.strength == 0
    made.count_signs({"real": -torch.ones(4)})
    made.after_step(4, 10**9, Accelerator(cpu=True))
    assert made.strength == 0
    made.count_signs({"real": torch.ones(4)})
    made.after_step(4, 10**9, Accelerator(cpu=True))
    assert made.strength == 1


def test_instance_noise_falls_linearly_to_zero():
    made, images = Augmentation(None, noise=0.4), torch.zeros(64, 1, 28, 28)
    for progress, deviation in ((0.0, 0.4), (0.5, 0.2), (0.75, 0.1)):
        made.before_step(Progress(0, 0, 0, progress))
        assert made(images).std().item() == pytest.approx(deviation, rel=0.03)


def test_it_computes_in_float32_under_autocast():
    made = Augmentation("ada")
    made.strength.fill_(1.0)
    images = torch.rand(4, 1, 28, 28)
    torch.manual_seed(0)
    expected = made(images)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(made(images), expected)
        assert made(images.bfloat16()).dtype is torch.float32
