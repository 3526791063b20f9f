"""GAN whose latent has codes with a meaning that training finds (Chen 2016)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class InfoGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Chen 2016, section 7 and appendix C.1, for MNIST."""

    image_size: fields.DoublingSize = 28
    channels: fields.Channels = 1
    latent_dim: Annotated[int, Meta(ge=1, le=4096, description="size of the noise, drawn from N(0, 1)")] = 62
    categories: Annotated[int, Meta(ge=2, le=1000, description="values of the categorical code")] = 10
    codes: Annotated[int, Meta(ge=0, le=16, description="continuous codes, drawn from U(-1, 1)")] = 2
    base_channels: fields.Width = 64
    discriminator_channels: fields.DiscriminatorWidth = 64
    category_weight: Annotated[float, Meta(ge=0, description="weight of the categorical code's information")] = 1.0
    code_weight: Annotated[float, Meta(ge=0, description="weight of the continuous codes' information")] = 0.1
    lr: Annotated[float, Meta(gt=0, le=1, description="learning rate of the discriminator")] = 2e-4
    generator_lr: Annotated[float, Meta(gt=0, le=1, description="learning rate of the generator")] = 1e-3
    beta1: fields.Beta = 0.5
    beta2: fields.Beta = 0.999
    lr_decay: fields.Decay = 0.0
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``infogan``."""
    yield Architecture(
        name="infogan",
        target="ganzoo_infogan.model:InfoGAN",
        config=InfoGANConfig,
        summary="a categorical and continuous codes that come to mean something, without labels",
        paper="Chen et al. 2016, arXiv:1606.03657",
    )
