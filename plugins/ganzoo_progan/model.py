"""The networks of ProGAN and how they grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.errors import ConfigError
from ganzoo.gan import AdversarialGAN, Batch, Loss, OptimizerSpec, Progress, Stage, Terms
from ganzoo.gan.regularizers import gradient_penalty_regularizer
from ganzoo.nn.convnets import channels_per_resolution, start_shape
from ganzoo.nn.cpu import Flatten, ToImage
from ganzoo.nn.equalized import EqualizedConv2d, EqualizedLinear, MinibatchStd, PixelNorm
from ganzoo.registry.fields import Size, size_of
from ganzoo_progan import ProGANConfig


class Grown(nn.Module):
    """A network that grows: its current level, and the weight of the newest resolution in the blend.

    Both are buffers, so that they are saved with the weights; the level is a number too, to be read without the device.
    """

    share: Tensor
    reached: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.level = 0
        self.register_buffer("share", torch.ones(()))
        self.register_buffer("reached", torch.zeros((), dtype=torch.int64))

    def grow(self, level: int, share: float) -> None:
        """Set the level and the weight of its resolution."""
        self.level = level
        self.reached.fill_(level)
        self.share.fill_(share)


class Generator(Grown):
    """Latent (N, D) to images (N, C, H, W) of a level's resolution; linear, so not quite within [-1, 1]."""

    def __init__(self, config: ProGANConfig) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)
        height, width = start_shape(config.image_size)[0]
        self.project = nn.Sequential(
            PixelNorm(),
            EqualizedLinear(config.latent_dim, widths[0] * height * width, gain=2**0.5 / 4),
            ToImage(widths[0], (height, width)),
            *(nn.LeakyReLU(0.2), PixelNorm(), EqualizedConv2d(widths[0], widths[0], 3), nn.LeakyReLU(0.2), PixelNorm()),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                *(EqualizedConv2d(in_channels, out_channels, 3), nn.LeakyReLU(0.2), PixelNorm()),
                *(EqualizedConv2d(out_channels, out_channels, 3), nn.LeakyReLU(0.2), PixelNorm()),
            )
            for in_channels, out_channels in pairwise(widths)
        )
        self.to_image = nn.ModuleList(EqualizedConv2d(width, config.channels, 1, gain=1.0) for width in widths)

    def forward(self, latent: Tensor, level: int) -> Tensor:
        """Generate at a level; above the first, the newest resolution is blended in (Karras 2018, figure 2)."""
        before = maps = self.project(latent)
        for block in self.blocks[:level]:
            before, maps = maps, block(maps)
        images: Tensor = self.to_image[level](maps)
        if level == 0:
            return images
        coarse = F.interpolate(self.to_image[level - 1](before), scale_factor=2.0)
        return torch.lerp(coarse, images, self.share.to(images.dtype))


class Discriminator(Grown):
    """Images (N, C, H, W) of a level to scores (N,)."""

    def __init__(self, config: ProGANConfig) -> None:
        super().__init__()
        widths = channels_per_resolution(config.image_size, config.base_channels, config.max_channels)
        height, width = start_shape(config.image_size)[0]
        self.from_image = nn.ModuleList(
            nn.Sequential(EqualizedConv2d(config.channels, width, 1), nn.LeakyReLU(0.2)) for width in widths
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(EqualizedConv2d(in_channels, in_channels, 3), nn.LeakyReLU(0.2)),
                *(EqualizedConv2d(in_channels, out_channels, 3), nn.LeakyReLU(0.2), nn.AvgPool2d(2)),
            )
            for out_channels, in_channels in pairwise(widths)
        )
        self.judge = nn.Sequential(
            MinibatchStd(),
            *(EqualizedConv2d(widths[0] + 1, widths[0], 3), nn.LeakyReLU(0.2), Flatten()),
            *(EqualizedLinear(widths[0] * height * width, widths[0]), nn.LeakyReLU(0.2)),
            *(EqualizedLinear(widths[0], 1, gain=1.0), nn.Flatten(0)),
        )

    def forward(self, images: Tensor, level: int) -> Tensor:
        """Score images of a level."""
        maps: Tensor = self.from_image[level](images)
        if level > 0:
            maps = self.blocks[level - 1](maps)
            coarse = self.from_image[level - 1](F.avg_pool2d(images, 2))
            maps = torch.lerp(coarse.to(maps.dtype), maps, self.share.to(maps.dtype))
            for block in reversed(self.blocks[: level - 1]):
                maps = block(maps)
        scores: Tensor = self.judge(maps)
        return scores


class ProGAN(AdversarialGAN):
    """Both networks grow together, a stage for each resolution (Karras 2018, section 2 and appendix A)."""

    generator: Generator
    discriminator: Discriminator

    def __init__(self, config: ProGANConfig) -> None:
        super().__init__(
            config,
            generator=Generator(config),
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            # WGAN-GP's, and a drift term that keeps scores of real images near zero (appendix A.1)
            loss=Loss(
                lambda real, fake: fake - real + config.drift * real.square(),
                lambda fake: -fake,
                decision_boundary=None,
            ),
            regularizers=[gradient_penalty_regularizer(config.penalty)],
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (config.beta1, config.beta2)}),
            ema=config.ema,
        )
        self.start, self.levels = start_shape(config.image_size)
        if config.batch_sizes and len(config.batch_sizes) != self.levels + 1:
            raise ConfigError(f"progan grows through {self.levels + 1} resolutions: give batch_sizes as many values")

    def stages(self) -> Sequence[Stage]:
        """Return a stage for each resolution; all but the first begin with a fade-in."""
        (both,) = super().stages()
        sizes = self.config.batch_sizes or [None] * (self.levels + 1)
        return [
            Stage(
                both.phases, self._begin(level + 1) - self._begin(level), sizes[level],
                self._resolution(level),
            )
            for level in range(self.levels + 1)
        ]  # fmt: skip

    def _resolution(self, level: int) -> Size:
        """Return the size of the images of a level."""
        height, width = self.start
        return size_of(height << level, width << level)

    def _begin(self, level: int) -> int:
        """Return the images before a level."""
        return 0 if level == 0 else self.config.hold + (level - 1) * (self.config.fade + self.config.hold)

    def before_step(self, progress: Progress) -> None:
        """Fade the newest resolution in."""
        share = (
            1.0 if progress.stage == 0 else min((progress.images - self._begin(progress.stage)) / self.config.fade, 1.0)
        )
        for network in (self.generator, self.discriminator):
            network.grow(progress.stage, share)

    def fakes(self, batch: Batch) -> Tensor:
        """Return images of the present level."""
        images: Tensor = self.generator(self.latents(batch), self.generator.level)
        return images

    def logits(self, images: Tensor, batch: Batch, copies: int = 1) -> Tensor:
        """Return scores at the present level, in float32."""
        scores: Tensor = self.discriminator(images, self.discriminator.level)
        return scores.float()

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the critic's loss, its level and blend; real images are faded in like the generated ones."""
        real, share = batch["image"], self.discriminator.share
        if progress.stage > 0:
            coarse = F.interpolate(F.avg_pool2d(real, 2), scale_factor=2.0)
            batch = {**batch, "image": torch.lerp(coarse, real, share)}
        losses = super().discriminator_loss(batch, progress)
        yield {**next(losses), "size": torch.full_like(share, max(real.shape[2:])), "fade": share}
        yield from losses

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1], enlarged to full size while the model is still growing."""
        images: Tensor = self.generator(inputs["latent"], int(self.generator.reached))
        return F.interpolate(images, size=self.config.image_size).clamp(-1, 1)
