"""Small instances of every installed architecture, so that a new one is tested by being installed."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.gan import Progress
from ganzoo.registry import installed
from ganzoo.registry.records import field_names
from helpers import NARROW

SMALL = {**NARROW, "base_channels": 4, "discriminator_channels": 4, "critic_channels": 4, "label_dim": 4, "classes": 5}


def hyperparameters(name):
    return set(field_names(installed().architectures[name].record.config))


def with_hyperparameter(wanted):
    return [name for name in ganzoo.list_architectures() if wanted in hyperparameters(name)]


@pytest.fixture(params=ganzoo.list_architectures())
def name(request):
    """Every installed architecture in turn."""
    return request.param


@pytest.fixture(params=with_hyperparameter("classes"))
def conditional(request):
    """Every architecture with classes in turn."""
    return request.param


@pytest.fixture(params=sorted({*with_hyperparameter("r1")} & {*with_hyperparameter("dropout")}))
def with_r1(request):
    """Every architecture with an R1 penalty in its discriminator's phase in turn."""
    return request.param


@pytest.fixture(params=with_hyperparameter("lr_decay"))
def falling(request):
    """Every architecture whose learning rate may fall in turn."""
    return request.param


@pytest.fixture(params=["vanilla", "dcgan", "wgan-gp", "wgan", "cgan", "sngan", "sngan-projection", "acgan"])
def plain(request):
    """Architectures whose latent is all that they draw with, but for a label."""
    return request.param


@pytest.fixture
def small():
    """Make a narrow, seeded instance of an architecture."""

    def make(name, **hyper):
        torch.manual_seed(0)
        narrow = {key: value for key, value in SMALL.items() if key in hyperparameters(name)}
        return ganzoo.create(name, **{**narrow, **hyper})

    return make


@pytest.fixture
def batch_for():
    """Make a random batch with the keys that a GAN needs."""

    def make(gan, n=6, seed=0):
        generator = torch.Generator().manual_seed(seed)
        shape = (n, gan.config.channels, gan.config.image_size, gan.config.image_size)
        batch = {"image": torch.rand(shape, generator=generator) * 2 - 1}
        if "label" in gan.needs:
            batch["label"] = torch.arange(n) % gan.config.classes
        return batch

    return make


@pytest.fixture
def progress():
    """Make the progress of a step."""
    return lambda step=0: Progress(step=step, images=step * 6, stage=0, fraction=0.0)
