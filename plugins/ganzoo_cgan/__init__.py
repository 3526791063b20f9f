"""Conditional GAN (Mirza 2014), on convolutional networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class CGANConfig(Config, frozen=True):
    """Hyper-parameters."""

    image_size: fields.DoublingSize = 28
    channels: fields.Channels = 1
    classes: fields.Classes = 10
    latent_dim: fields.LatentDim = 64
    label_dim: Annotated[int, Meta(ge=1, le=4096, description="size of the generator's embedding of a label")] = 64
    base_channels: fields.Width = 64
    discriminator_channels: fields.DiscriminatorWidth = 64
    output: fields.Output = "transposed"
    discriminator_norm: fields.DiscriminatorNorm = "none"
    dropout: fields.Dropout = 0.0
    loss: fields.LossName = "non-saturating"
    r1: fields.Gamma = 1.0
    r1_every: fields.Interval = 8
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.99
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``cgan``."""
    yield Architecture(
        name="cgan",
        target="ganzoo_cgan.model:CGAN",
        config=CGANConfig,
        summary="label-conditional generator and discriminator, convolutional",
        paper="Mirza and Osindero 2014, arXiv:1411.1784",
    )
