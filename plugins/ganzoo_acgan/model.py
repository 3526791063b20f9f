"""The networks of AC-GAN and how they train: two tasks for one discriminator."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.gan import Batch, ConditionalGAN, OptimizerSpec, Progress, Terms
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvFeatures, LabelledConvGenerator
from ganzoo.nn.layers import init_normal
from ganzoo_acgan import ACGANConfig


class Discriminator(nn.Module):
    """Images (N, C, H, W) to a logit (N,) and logits of the classes (N, K) from the same features (section 3)."""

    def __init__(self, config: ACGANConfig) -> None:
        super().__init__()
        self.features = ConvFeatures(
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.discriminator_channels,
            dropout=config.dropout,
        )
        self.logit = nn.Linear(self.features.out_features, 1)
        self.classify = nn.Linear(self.features.out_features, config.classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of real against generated, and of the classes."""
        features = self.features(images)
        return self.logit(features).flatten().float(), self.classify(features).float()


class ACGAN(ConditionalGAN):
    """AC-GAN: both networks gain when the class is predicted correctly (Odena 2017, equations 2 and 3)."""

    def __init__(self, config: ACGANConfig) -> None:
        generator = LabelledConvGenerator(
            config.latent_dim,
            classes=config.classes,
            label_dim=config.label_dim,
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.base_channels,
        )
        init_normal(generator)
        super().__init__(
            config,
            generator=generator,
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (config.beta1, config.beta2)}),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )

    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield L_C - L_S of the generated images, L_S in its non-saturating form."""
        fake = self.fakes(batch)
        batch["fake"] = fake.detach()
        logit, classes = self.discriminator(fake)
        yield {
            "loss": self.loss.generator(logit),
            "class": self.config.classify * F.cross_entropy(classes, batch["label"], reduction="none"),
        }

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield L_C + L_S of real and generated images; both are classified."""
        images, label = torch.cat([batch["image"], batch["fake"]]), batch["label"]
        logit, classes = self.discriminator(images)
        (real, fake), (on_real, on_fake) = logit.chunk(2), classes.chunk(2)
        right = F.cross_entropy(on_real, label, reduction="none"), F.cross_entropy(on_fake, label, reduction="none")
        yield {
            "loss": self.loss.discriminator(real, fake),
            "class": self.config.classify * (right[0] + right[1]),
            "real": real.detach(),
            "fake": fake.detach(),
            "accuracy": (on_real.argmax(1) == label).float(),
        }
