"""Deep convolutional GAN (Radford 2015)."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import Architecture, Config, fields, hookimpl


class DCGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of the paper's section 4 and figure 1 where it gives one."""

    image_size: fields.DoublingSize = 28
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 100
    base_channels: fields.Width = 64
    discriminator_channels: fields.DiscriminatorWidth = 64
    output: fields.Output = "transposed"
    discriminator_norm: fields.DiscriminatorNorm = "batch"
    dropout: fields.Dropout = 0.0
    loss: fields.LossName = "non-saturating"
    r1: fields.Gamma = 0.0
    r1_every: fields.Interval = 8
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.999
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``dcgan``."""
    yield Architecture(
        name="dcgan",
        target="ganzoo_dcgan.model:DCGAN",
        config=DCGANConfig,
        summary="convolutional generator and discriminator with batch norm",
        paper="Radford et al. 2015, arXiv:1511.06434",
    )
