import pytest
import torch

from ganzoo.training.ema import EMA, RAMP
from helpers import make, make_state, make_store, run_steps


def test_the_average_halves_its_distance_in_a_half_life():
    gan = make("dcgan", ema=1000.0)
    ema = EMA(gan)
    start = gan.generator.project.weight.detach().clone()
    with torch.no_grad():
        gan.generator.project.weight += 1
    for _ in range(10):
        ema.update(100, images=10**9)  # long after the ramp
    moved = (ema.averaged.generator.project.weight - start).mean().item()
    assert moved == pytest.approx(0.5, abs=1e-4)


def test_the_ramp_forgets_the_start():
    gan = make("dcgan", ema=1e9)
    ema = EMA(gan)
    start = gan.generator.project.weight.detach().clone()
    with torch.no_grad():
        gan.generator.project.weight += 1
    ema.update(100, images=1000)  # half-life 1000 * RAMP = 50 images: two half-lives
    moved = (ema.averaged.generator.project.weight - start).mean().item()
    assert moved == pytest.approx(1 - 0.5 ** (100 / (1000 * RAMP)), abs=1e-4)


def test_the_average_shares_what_it_does_not_average_and_leaves_its_mode_alone():
    gan = make("dcgan").train()
    ema = EMA(gan)
    assert ema.averaged.discriminator is gan.discriminator
    assert ema.averaged.generator is not gan.generator
    ema.model().sample(2)
    assert gan.discriminator.training
    assert gan.generator.training


def test_drawing_with_the_average_uses_the_trained_batch_statistics(digits):
    state = run_steps(make_state(make("dcgan")), make_store(digits), 3)
    model = state.ema.model()
    for ours, theirs in zip(model.generator.buffers(), state.gan.generator.buffers(), strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(model.generator.project.weight, state.gan.generator.project.weight)
