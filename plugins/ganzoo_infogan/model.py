"""The networks of InfoGAN and how they train."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.gan import AdversarialGAN, Batch, OptimizerSpec, Progress, Terms, condition_values, seeded_normal, truncate
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvFeatures, ConvGenerator
from ganzoo.nn.layers import init_normal
from ganzoo_infogan import InfoGANConfig

HIDDEN = 128


class Discriminator(nn.Module):
    """Images (N, C, H, W) to a logit (N,) and predictions of the codes: logits (N, K), means and log-deviations (N, M).

    The network Q that reads the codes shares all but its last layers with the discriminator (section 6).
    """

    def __init__(self, config: InfoGANConfig) -> None:
        super().__init__()
        self.features = ConvFeatures(
            image_size=config.image_size, channels=config.channels, base_channels=config.discriminator_channels
        )
        self.logit = nn.Linear(self.features.out_features, 1)
        self.hidden = nn.Linear(self.features.out_features, HIDDEN)
        self.category = nn.Linear(HIDDEN, config.categories)
        self.codes = nn.Linear(HIDDEN, 2 * config.codes) if config.codes else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the logits and the predicted codes."""
        features = self.features(images)
        hidden = F.leaky_relu(self.hidden(features), 0.1)
        empty = hidden.new_zeros(len(images), 0)
        mean, deviation = (empty, empty) if self.codes is None else self.codes(hidden).float().chunk(2, 1)
        return self.logit(features).flatten().float(), self.category(hidden).float(), mean, deviation


class InfoGAN(AdversarialGAN):
    """Adversarial loss and a lower bound on the mutual information of codes and images (Chen 2016, equation 6).

    The latent is the noise (N, D), one category of K as a one-hot, and M continuous codes in [-1, 1].
    """

    gaussian_inputs: Sequence[str] = ("latent",)  # the codes are uniform

    def __init__(self, config: InfoGANConfig) -> None:
        generator = ConvGenerator(
            config.latent_dim + config.categories + config.codes,
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.base_channels,
        )
        init_normal(generator)
        betas = {"betas": (config.beta1, config.beta2)}
        super().__init__(
            config,
            generator=generator,
            discriminator=Discriminator(config),
            latent_dim=config.latent_dim,
            optimizer=OptimizerSpec("adam", config.generator_lr, betas),
            discriminator_optimizer=OptimizerSpec("adam", config.lr, betas),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )

    def information(self, read: tuple[Tensor, ...], batch: Batch) -> Terms:
        """Return the negative log-likelihoods of the codes that the images were generated from, per image, weighted."""
        category, mean, deviation = read
        terms = {
            "category": self.config.category_weight * F.cross_entropy(category, batch["category"], reduction="none")
        }
        if self.config.codes:
            off = (batch["codes"] - mean) / deviation.exp()
            likelihood = 0.5 * off.square() + deviation + 0.5 * math.log(2 * math.pi)
            terms["codes"] = self.config.code_weight * likelihood.sum(1)
        return terms

    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the generator's loss with the information; leave images and codes for the discriminator."""
        n, device = len(batch["image"]), batch["image"].device
        batch["category"] = torch.randint(self.config.categories, (n,), device=device)
        batch["codes"] = torch.rand(n, self.config.codes, device=device) * 2 - 1
        fake = self.generate(latent=self.latents(batch), category=batch["category"], codes=batch["codes"])
        batch["fake"] = fake.detach()
        logit, *read = self.discriminator(fake)
        yield {"loss": self.loss.generator(logit), **self.information(tuple(read), batch)}

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the discriminator's loss; Q learns from the generated images."""
        real, fake = batch["image"], batch["fake"]
        logit, *read = self.discriminator(torch.cat([real, fake]))
        on_real, on_fake = logit.chunk(2)
        yield {
            "loss": self.loss.discriminator(on_real, on_fake),
            "real": on_real.detach(),
            "fake": on_fake.detach(),
            **self.information(tuple(part[len(real) :] for part in read), batch),
        }

    def conditions(self) -> list[str]:
        """Return the names of the conditions: a code is called c1, c2, ..."""
        return [*super().conditions(), *(f"c{place + 1}" for place in range(self.config.codes))]

    def inputs(
        self,
        n: int,
        *,
        seeds: Sequence[int],
        truncation: Sequence[float] | float | None = None,
        category: Sequence[int] | int | None = None,
        **given: Sequence[float] | float,
    ) -> dict[str, Tensor]:
        """Return ``{"latent": (n, D), "category": (n,), "codes": (n, M)}``.

        Args:
            n: number of images.
            seeds: one per image.
            truncation: see `AdversarialGAN.inputs`.
            category: of each image, or one for all; by default the seed modulo their number.
            **given: ``c1``, ``c2``, ...: a continuous code of each image, or one for all; trained in [-1, 1], by
                default from the seed.

        Raises:
            ConfigError: a category out of range, or not one value for each image.
        """
        config = self.config
        normal = seeded_normal(seeds, self.latent_dim + config.codes)
        latent, codes = normal[:, : self.latent_dim], normal[:, self.latent_dim :]
        codes = torch.special.ndtr(codes) * 2 - 1  # uniform
        for name, values in given.items():
            codes[:, int(name[1:]) - 1] = condition_values(name, values, n).float()
        if category is None:
            category = [seed % config.categories for seed in seeds]
        chosen = condition_values("category", category, n, below=config.categories)
        return {"latent": truncate(latent, truncation), "category": chosen, "codes": codes}

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        one_hot = F.one_hot(inputs["category"], self.config.categories)
        images: Tensor = self.generator(torch.cat([inputs["latent"], one_hot, inputs["codes"]], 1))
        return images
