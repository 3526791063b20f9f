"""pix2pix: translation learned from pairs, by a discriminator that sees both images (Isola 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class Pix2PixConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Isola 2017, section 3 and appendix 6."""

    image_size: fields.AnySize = 128
    channels: fields.Channels = 3
    base_channels: Annotated[int, Meta(ge=1, le=1024, description="channels of the generator's first map")] = 64
    discriminator_channels: fields.DiscriminatorWidth = 64
    direction: Annotated[Literal["AtoB", "BtoA"], Meta(description="which image of a pair is made of which")] = "AtoB"
    norm: Annotated[
        Literal["batch", "instance"], Meta(description="normalisation; instance where batches are of one image")
    ] = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="share of the generator's innermost features dropped")] = 0.5
    loss: fields.LossName = "non-saturating"
    l1: Annotated[float, Meta(ge=0, description="weight of the L1 distance from the image of the pair")] = 100.0
    lr: fields.LearningRate = 2e-4
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.999
    lr_decay: fields.Decay = 0.5
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``pix2pix``."""
    yield Architecture(
        name="pix2pix",
        target="ganzoo_pix2pix.model:Pix2Pix",
        config=Pix2PixConfig,
        summary="translates images of one kind to another, learned from pairs",
        paper="Isola et al. 2017, arXiv:1611.07004",
        translates=True,
    )
