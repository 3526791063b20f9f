"""GAN with an auxiliary classifier (Odena 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class ACGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Odena 2017, appendix A, for CIFAR-10 where it gives one."""

    image_size: fields.DoublingSize = 32
    channels: fields.Channels = 3
    classes: fields.Classes = 10
    latent_dim: fields.LatentDim = 100
    label_dim: Annotated[int, Meta(ge=1, le=4096, description="size of the generator's embedding of a label")] = 64
    base_channels: fields.Width = 64
    discriminator_channels: fields.DiscriminatorWidth = 64
    dropout: fields.Dropout = 0.5
    classify: Annotated[float, Meta(ge=0, description="weight of the classification loss")] = 1.0
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.999
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``acgan``."""
    yield Architecture(
        name="acgan",
        target="ganzoo_acgan.model:ACGAN",
        config=ACGANConfig,
        summary="label-conditional generator; the discriminator also names the class",
        paper="Odena et al. 2017, arXiv:1610.09585",
    )
