"""The light part: hyper-parameters and the hook. ``ganzoo list`` imports it, so it must not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class LSGANConfig(Config, frozen=True):
    """The hyper-parameters: what ``ganzoo show lsgan`` lists and ``-o key=value`` sets."""

    image_size: fields.AnySize = 32  # image_size, channels and classes are taken from the data
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 64
    width: Annotated[int, Meta(ge=1, le=1024, description="channels at full resolution")] = 32
    lr: fields.LearningRate = 2e-4
    ema: fields.HalfLife = 10_000.0


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide the architecture."""
    yield Architecture(
        name="lsgan",
        target="ganzoo_lsgan.model:LSGAN",
        config=LSGANConfig,
        summary="least squares loss, residual generator",
        paper="Mao et al. 2017, arXiv:1611.04076",
    )
