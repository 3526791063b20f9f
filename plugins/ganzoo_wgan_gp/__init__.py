"""Wasserstein GANs: with weight clipping (Arjovsky 2017) and with a gradient penalty (Gulrajani 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class WGANGPConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Gulrajani 2017, algorithm 1 and section 4."""

    image_size: fields.DoublingSize = 28
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 128
    base_channels: fields.Width = 64
    critic_channels: fields.DiscriminatorWidth = 64
    output: fields.Output = "transposed"
    n_critic: fields.Critics = 5
    penalty: Annotated[float, Meta(ge=0, description="weight of the gradient penalty")] = 10.0
    lr: fields.LearningRate = 1e-4
    critic_lr: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="of the critic, where it is not lr; a higher one makes up for a low n_critic"),
    ] = None
    beta1: fields.Beta = 0.0
    beta2: fields.Beta = 0.9
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


class WGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Arjovsky 2017, algorithm 1."""

    image_size: fields.DoublingSize = 28
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 100
    base_channels: fields.Width = 64
    critic_channels: fields.DiscriminatorWidth = 64
    output: fields.Output = "transposed"
    n_critic: fields.Critics = 5
    clip: Annotated[float, Meta(gt=0, description="every weight of the critic is kept in [-clip, clip]")] = 0.01
    lr: fields.LearningRate = 5e-5
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``wgan-gp`` and ``wgan``."""
    yield Architecture(
        name="wgan-gp",
        target="ganzoo_wgan_gp.model:WGANGP",
        config=WGANGPConfig,
        summary="Wasserstein loss, the critic held by a gradient penalty",
        paper="Gulrajani et al. 2017, arXiv:1704.00028",
    )
    yield Architecture(
        name="wgan",
        target="ganzoo_wgan_gp.model:WGAN",
        config=WGANConfig,
        summary="Wasserstein loss, the critic held by weight clipping",
        paper="Arjovsky et al. 2017, arXiv:1701.07875",
    )
