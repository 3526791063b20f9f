"""CycleGAN: two generators that undo each other learn from two sets of images without pairs (Zhu 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class CycleGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Zhu 2017, section 4 and appendix 7."""

    image_size: Annotated[fields.Size, fields.sizes(multiple_of=4)] = 128
    channels: fields.Channels = 3
    base_channels: Annotated[int, Meta(ge=1, le=1024, description="channels of the generators' first map")] = 64
    blocks: Annotated[
        int, Meta(ge=0, le=32, description="residual blocks of a generator; the paper has 6 for 128x128")
    ] = 6
    discriminator_channels: fields.DiscriminatorWidth = 64
    cycle: Annotated[
        float, Meta(ge=0, description="weight of the L1 distance of an image from what comes back of it")
    ] = 10.0
    identity: Annotated[
        float, Meta(ge=0, description="weight, times that of the cycle, of the change to what is of the target kind")
    ] = 0.5
    pool: Annotated[int, Meta(ge=0, le=10_000, description="earlier images that a discriminator is also shown")] = 50
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.999
    lr_decay: fields.Decay = 0.5
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``cyclegan``."""
    yield Architecture(
        name="cyclegan",
        target="ganzoo_cyclegan.model:CycleGAN",
        config=CycleGANConfig,
        summary="translates both ways between two sets of images, without pairs",
        paper="Zhu et al. 2017, arXiv:1703.10593",
        translates=True,
    )
