"""Spectrally normalised GANs: plain (Miyato 2018), and with a projection of the label (Miyato and Koyama 2018)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class SNGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Miyato 2018, table 4 and section 4, for 32x32 images."""

    image_size: fields.DoublingSize = 32
    channels: fields.Channels = 3
    latent_dim: fields.LatentDim = 128
    base_channels: Annotated[int, Meta(ge=1, le=4096, description="channels of the generator's maps")] = 256
    discriminator_channels: Annotated[int, Meta(ge=1, le=4096, description="channels of the discriminator's maps")] = (
        128
    )
    loss: fields.LossName = "hinge"
    n_critic: fields.Critics = 5
    lr: fields.LearningRate = 2e-4
    discriminator_lr: Annotated[
        float, Meta(gt=0, le=1, description="of the discriminator; a higher one makes up for a low n_critic")
    ] = 2e-4
    beta1: fields.Beta = 0.0
    beta2: fields.Beta = 0.9
    lr_decay: fields.Decay = 1.0
    ema: fields.HalfLife = 10_000


class ProjectionConfig(SNGANConfig, frozen=True):
    """The same, and the number of classes."""

    classes: fields.Classes = 10


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``sngan`` and ``sngan-projection``."""
    yield Architecture(
        name="sngan",
        target="ganzoo_sngan.model:SNGAN",
        config=SNGANConfig,
        summary="residual networks, the discriminator held by spectral normalisation",
        paper="Miyato et al. 2018, arXiv:1802.05957",
    )
    yield Architecture(
        name="sngan-projection",
        target="ganzoo_sngan.model:ProjectionSNGAN",
        config=ProjectionConfig,
        summary="sngan by label: conditional batch norm, and a discriminator that projects the label",
        paper="Miyato and Koyama 2018, arXiv:1802.05637",
    )
