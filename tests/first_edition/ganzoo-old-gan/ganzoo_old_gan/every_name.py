"""A model that sets, overrides, reads and calls every name of the first edition that is another one now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import ganzoo.gan.layers as old_layers
import torch
from ganzoo.gan.conditions import condition_values
from ganzoo.gan.contract import GAN, Phase
from ganzoo.gan.convnets import pyramid, start_size
from ganzoo.gan.equalized import EqualizedConv2d, EqualizedLinear
from ganzoo.gan.layers import mixes_images
from ganzoo.gan.patches import PatchDiscriminator, halvings_for, receptive_field
from ganzoo.gan.resnets import DownBlock, UpBlock
from ganzoo.gan.translation import ImagePool
from torch import Tensor, nn

from ganzoo.gan import AdversarialGAN, Batch, OptimizerSpec, Terms, Tick
from ganzoo.gan.losses import Loss
from ganzoo_old_gan import OldGanConfig
from ganzoo_old_gan.model import Discriminator, Generator

LEAST_SQUARES = Loss(
    lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    lambda fake: 0.5 * (fake - 1).square(),
    undecided=0.5,
)


class MeanOfBatch(nn.Module):
    """A layer whose output depends on the batch."""

    mixes_images = True

    def forward(self, images: Tensor) -> Tensor:
        """Add a tenth of the mean."""
        return images + 0.1 * images.mean(0, keepdim=True)


class Sphere(AdversarialGAN):
    """An intermediate class that overrides a method and a property."""

    spherical = ("latent",)

    def draw(self, inputs: Mapping[str, Tensor], batch_size: int = 64) -> Tensor:
        """Count."""
        self.drawn = getattr(self, "drawn", 0) + 1
        return super().draw(inputs, batch_size)

    @property
    def undecided(self) -> float | None:
        """That of the loss."""
        return self.loss.undecided


class OldNames(Sphere):
    """`OldGan` in other words."""

    def __init__(self, config: OldGanConfig) -> None:
        discriminator = nn.Sequential(MeanOfBatch(), Discriminator(config))
        super().__init__(
            config,
            generator=Generator(config),
            discriminator=discriminator,
            latent_dim=config.latent_dim,
            loss=LEAST_SQUARES,
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (0.5, 0.99)}),
            ema=config.ema,
        )
        self.spherical = ["latent"]
        assert mixes_images(discriminator)
        assert old_layers.mixes_images(discriminator)
        assert not self.joint
        assert self.undecided == LEAST_SQUARES.undecided == 0.5
        assert list(self.spherical) == list(Sphere.spherical) == ["latent"]
        assert Tick is not None
        assert issubclass(OldNames, GAN)
        assert Phase is not None
        assert pyramid(32, 8, most=16) == [16, 16, 16, 8]
        assert start_size(28) == (7, 2)
        assert EqualizedLinear(inside=2, out=3).weight.shape == (3, 2)
        assert EqualizedConv2d(inside=2, out=3, size=1).weight.shape == (3, 2, 1, 1)
        assert UpBlock(inside=2, out=3).conv1.weight.shape == DownBlock(inside=2, out=3).conv1.weight.shape
        assert receptive_field(halvings=halvings_for(64)) == 34
        assert PatchDiscriminator(1, base_channels=2, halvings=0, norm="none")(torch.zeros(1, 1, 8, 8)).ndim == 3
        assert len(ImagePool((1, 2, 2), 3).images) == 3
        assert condition_values("x", 1, 2).tolist() == [1, 1]

    def way(self, to: str | None = None) -> tuple[str, str]:
        """Refuse as the base does."""
        return super().way(to)

    def draw(self, inputs: Mapping[str, Tensor], batch_size: int = 64) -> Tensor:
        """Call the intermediate class, which calls the base."""
        images = super().draw(inputs, batch_size)
        assert self.drawn
        return images

    def lr_scale(self, tick: Tick) -> float:
        """Read the progress under its old name, and make one."""
        assert 0 <= tick.progress < 1
        assert Tick(step=1, images=2, stage=0, progress=0.25).progress == 0.25
        return super().lr_scale(tick=dataclasses.replace(tick, progress=0.5))

    def before_step(self, tick: Tick) -> None:
        """Pass on by keyword."""
        super().before_step(tick=tick)

    def generator_loss(self, batch: Batch, tick: Tick) -> Iterator[Terms]:
        """Pass on by keyword."""
        yield from super().generator_loss(batch, tick=tick)

    def discriminator_loss(self, batch: Batch, tick: Tick) -> Iterator[Terms]:
        """Pass on by keyword."""
        yield from super().discriminator_loss(batch, tick=tick)
