"""The modern baseline: a relativistic loss with two gradient penalties, and networks without tricks (Huang 2024)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class R3GANConfig(Config, frozen=True):
    """Hyper-parameters; widths and penalties are of a size that one machine trains, unlike those of Huang 2024."""

    image_size: fields.DoublingSize = 32
    channels: fields.Channels = 3
    latent_dim: fields.LatentDim = 64
    base_channels: Annotated[int, Meta(ge=1, le=2048, description="channels at full resolution, of both networks")] = 32
    max_channels: Annotated[
        int, Meta(ge=1, le=2048, description="channels at low resolutions; they double up to these")
    ] = 128
    blocks: Annotated[int, Meta(ge=1, le=8, description="residual blocks at each resolution")] = 2
    group_size: Annotated[int, Meta(ge=1, le=64, description="channels of a group of the 3x3 convolutions")] = 8
    loss: fields.LossName = "relativistic"
    gamma: Annotated[float, Meta(ge=0, description="weight of both gradient penalties, R1 and R2")] = 0.5
    penalty_every: Annotated[int, Meta(ge=1, description="the penalties are computed on each n-th step, times n")] = 1
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.0
    beta2: fields.Beta = 0.99
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``r3gan``."""
    yield Architecture(
        name="r3gan",
        target="ganzoo_r3gan.model:R3GAN",
        config=R3GANConfig,
        summary="relativistic loss with R1 and R2, residual networks without normalisation",
        paper="Huang et al. 2024, arXiv:2501.05441",
    )
