"""The engine trains on samples of any rank."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from helpers import make_state

SHAPES = [(1, 24), (24, 3), (2, 3, 4, 4)]  # (C, T), (T, C), (C, F, H, W)


class Samples:
    """A loader of random samples of one shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def batch(self, place: int, size: int, resolution: int | None = None) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(place)
        return {"image": torch.randn(size, *self.shape, generator=generator)}


class Generator(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.layer = nn.Linear(8, torch.Size(shape).numel())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layer(z).view(-1, *self.shape)


def make(shape: tuple[int, ...]) -> AdversarialGAN:
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 8), nn.ReLU(), nn.Linear(8, 1))
    return AdversarialGAN(
        None, generator=Generator(shape), discriminator=discriminator, latent_dim=8,
        optimizer=OptimizerSpec("adam", 1e-3),
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_loop_trains_on_it(shape, accumulate):
    gan = make(shape)
    before = {name: value.detach().clone() for name, value in gan.named_parameters()}
    state = make_state(gan)
    settings = Settings("", 48, batch_size=16, accumulate=accumulate, precision="fp32", clip_grad=1.0, l2=1e-4)
    train(state, Samples(shape), Accelerator(cpu=True), settings, after_step=lambda: False)
    assert (state.step, state.images) == (3, 48)
    assert all(not torch.equal(value, before[name]) for name, value in gan.named_parameters())
    assert state.ema.model().generator(torch.randn(2, 8)).shape == (2, *shape)
    assert all(total.isfinite() for total in state.sums.totals.values())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_instance_noise_takes_it_and_augmentations_of_images_refuse_it(shape):
    samples = torch.zeros(4, *shape)
    assert Augmentation(None, noise=0.1)(samples).shape == samples.shape
    for policy in ("color", "ada"):
        with pytest.raises(ConfigError) as caught:
            Augmentation(policy)(samples)
        assert str(tuple(samples.shape)) in str(caught.value)
