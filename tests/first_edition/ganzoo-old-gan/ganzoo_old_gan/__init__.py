"""The light part: hyper-parameters and the hook. ``ganzoo list`` imports it, so it must not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class OldGanConfig(Config, frozen=True):
    """The hyper-parameters: what ``ganzoo show old-gan`` lists and ``-o key=value`` sets."""

    image_size: fields.ImageSize = 32  # image_size, channels and classes are taken from the data
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 64
    width: Annotated[int, Meta(ge=1, le=1024, description="channels at full resolution")] = 32
    lr: fields.LearningRate = 2e-4
    ema: fields.HalfLife = 10_000.0


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide the architecture."""
    yield Architecture(
        name="old-gan",
        target="ganzoo_old_gan.model:OldGan",
        config=OldGanConfig,
        summary="small convolutional generator and discriminator, non-saturating loss",  # what sets it apart
        paper=None,  # "Author et al. 2026, arXiv:0000.00000"
    )
    yield Architecture(
        name="old-names",
        target="ganzoo_old_gan.every_name:OldNames",
        config=OldGanConfig,
        summary="sets, overrides and calls every name that is another one now",
    )
