"""How pix2pix trains."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo.gan import Batch, Loss, OptimizerSpec, Phase, Progress, Stage, Terms, get_loss
from ganzoo.gan.image_to_image import Translator
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.layers import init_normal, uses_batch_statistics
from ganzoo.nn.patchgan import PatchDiscriminator, num_downsamples_for, per_image
from ganzoo_pix2pix import Pix2PixConfig
from ganzoo_pix2pix.networks import UNet


class Pix2Pix(Translator):
    """An adversarial loss on patches, and the L1 distance (Isola 2017, equation 4).

    The paper keeps dropout and batch statistics when it generates; here a generated image depends on its own
    input alone, as all of `GAN.generate` does.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"A", "B", "pair"})

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        self.source, self.target = ("A", "B") if config.direction == "AtoB" else ("B", "A")
        self.translations: Sequence[tuple[str, str]] = ((self.source, self.target),)
        self.generator = UNet(
            config.channels,
            image_size=config.image_size,
            base_channels=config.base_channels,
            norm=config.norm,
            dropout=config.dropout,
        )
        self.discriminator = PatchDiscriminator(
            2 * config.channels,
            base_channels=config.discriminator_channels,
            num_downsamples=num_downsamples_for(config.image_size),
            norm=config.norm,
        )
        init_normal(self)
        self.joint = not uses_batch_statistics(self.discriminator)
        self.schedule = decay_to_zero(config.lr_decay)
        self.ema: Mapping[str, float] = {"generator": config.ema}

    @functools.cached_property
    def loss(self) -> Loss:
        """The adversarial loss."""
        return get_loss(self.config.loss)

    @property
    def decision_boundary(self) -> float | None:  # type: ignore[override]
        """The logit at which real and generated are equally likely: that of the loss."""
        return self.loss.decision_boundary

    def optimizers(self) -> dict[str, Optimizer]:
        """Return Adam for each (section 3.3)."""
        spec = OptimizerSpec("adam", self.config.lr, {"betas": (self.config.beta1, self.config.beta2)})
        return {"G": spec.build(self.generator.parameters()), "D": spec.build(self.discriminator.parameters())}

    def stages(self) -> Sequence[Stage]:
        """Return the one stage of two phases."""
        return [Stage([Phase("G", "G", self.generator_loss), Phase("D", "D", self.discriminator_loss)])]

    def lr_scale(self, progress: Progress) -> float:
        """Fall linearly at the end."""
        return self.schedule(progress.fraction)

    def both_logits(self, batch: Batch, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, H, W) of the pair, and of the source with the fake."""
        source = batch[self.source]
        pairs = torch.cat([source, batch[self.target]], 1), torch.cat([source, fake], 1)
        if self.joint:
            on_real, on_fake = self.discriminator(torch.cat(pairs)).float().chunk(2)
        else:
            on_real, on_fake = (self.discriminator(pair).float() for pair in pairs)
        return on_real, on_fake

    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the adversarial loss and the L1 distance; leave the fakes."""
        source, target = batch[self.source], batch[self.target]
        fake = self.generator(source)
        batch["fake"] = fake.detach()
        on_fake = self.discriminator(torch.cat([source, fake], 1)).float().flatten()
        if self.loss.relativistic:
            with torch.no_grad():  # from real images no gradient goes to the generator
                on_real = self.discriminator(torch.cat([source, target], 1)).float().flatten()
            adversarial = self.loss.generator(on_real, on_fake)
        else:
            adversarial = self.loss.generator(on_fake)
        yield {
            "loss": per_image(adversarial, len(source)),
            "l1": self.config.l1 * (fake.float() - target).abs().flatten(1).mean(1),
        }

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the discriminator's loss, halved as in section 3.3."""
        on_real, on_fake = self.both_logits(batch, batch["fake"])
        n = len(on_real)
        yield {
            "loss": 0.5 * per_image(self.loss.discriminator(on_real.flatten(), on_fake.flatten()), n),
            "real": per_image(on_real.detach().flatten(), n),
            "fake": per_image(on_fake.detach().flatten(), n),
        }

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1] of ``images`` (N, C, H, W)."""
        images: Tensor = self.generator(inputs["images"])
        return images
