"""The networks of SNGAN and how they train."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ganzoo.gan import AdversarialGAN, ConditionalGAN, OptimizerSpec
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.layers import init_xavier, spectral_norm
from ganzoo.nn.resnets import ResidualFeatures, ResidualGenerator
from ganzoo_sngan import ProjectionConfig, SNGANConfig


class Discriminator(nn.Module):
    """Images (N, C, H, W) to logits (N,): a spectrally normalised residual network (Miyato 2018, table 4).

    With classes, the label (N,) meets the features in an inner product (Miyato and Koyama 2018, equation 3).
    """

    def __init__(self, config: SNGANConfig, classes: int | None = None) -> None:
        super().__init__()
        self.features = ResidualFeatures(
            image_size=config.image_size,
            channels=config.channels,
            width=config.discriminator_channels,
            wrap=spectral_norm,
        )
        self.logit = spectral_norm(nn.Linear(self.features.out_features, 1))
        self.embed = None if classes is None else spectral_norm(nn.Embedding(classes, self.features.out_features))

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Return one logit per image."""
        features = self.features(images)
        logits: Tensor = self.logit(features).flatten()
        return logits if self.embed is None else logits + (self.embed(label) * features).sum(1)


def parts(config: SNGANConfig, classes: int | None = None) -> dict[str, Any]:
    """Return the arguments of `AdversarialGAN` that both architectures share."""
    generator = ResidualGenerator(
        config.latent_dim,
        image_size=config.image_size,
        channels=config.channels,
        width=config.base_channels,
        classes=classes,
    )
    init_xavier(generator)
    adam = {"betas": (config.beta1, config.beta2)}
    return {
        "generator": generator,
        "discriminator": Discriminator(config, classes),
        "latent_dim": config.latent_dim,
        "loss": config.loss,
        "n_critic": config.n_critic,
        "optimizer": OptimizerSpec("adam", config.lr, adam),
        "discriminator_optimizer": OptimizerSpec("adam", config.discriminator_lr, adam),  # Heusel 2017: two time scales
        "lr_schedule": decay_to_zero(config.lr_decay),
        "ema": config.ema,
    }


class SNGAN(AdversarialGAN):
    """Hinge loss and spectral normalisation (Miyato 2018, section 4)."""

    def __init__(self, config: SNGANConfig) -> None:
        super().__init__(config, **parts(config))


class ProjectionSNGAN(ConditionalGAN):
    """SNGAN with a projection discriminator (Miyato and Koyama 2018, section 4)."""

    def __init__(self, config: ProjectionConfig) -> None:
        super().__init__(config, **parts(config, config.classes))
