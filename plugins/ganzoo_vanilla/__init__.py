"""The first GAN: two multilayer perceptrons (Goodfellow 2014)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class VanillaConfig(Config, frozen=True):
    """Hyper-parameters; the paper gives no sizes for its networks, so these are ours."""

    image_size: Annotated[fields.Size, fields.sizes(least=1)] = 28
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 64
    hidden: Annotated[int, Meta(ge=1, le=65536, description="features of the largest hidden layer")] = 1024
    layers: Annotated[int, Meta(ge=1, le=6, description="hidden layers; towards the latent each is half as wide")] = 2
    discriminator: Annotated[
        Literal["mlp", "conv"], Meta(description="the paper's perceptron, or strided convolutions")
    ] = "mlp"
    discriminator_channels: fields.DiscriminatorWidth = 48
    dropout: fields.Dropout = 0.3
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
    """Provide ``vanilla``."""
    yield Architecture(
        name="vanilla",
        target="ganzoo_vanilla.model:VanillaGAN",
        config=VanillaConfig,
        summary="MLP generator against an MLP or convolutional discriminator",
        paper="Goodfellow et al. 2014, arXiv:1406.2661",
    )
