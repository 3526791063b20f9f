"""The networks of the Wasserstein GANs and how they train."""

from __future__ import annotations

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.gan.regularizers import clip_weights, gradient_penalty_regularizer
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvDiscriminator, ConvGenerator
from ganzoo_wgan_gp import WGANConfig, WGANGPConfig


def generator(config: WGANConfig | WGANGPConfig) -> ConvGenerator:
    """Return the convolutional generator that both use."""
    return ConvGenerator(
        config.latent_dim,
        image_size=config.image_size,
        channels=config.channels,
        base_channels=config.base_channels,
        output=config.output,
    )


def critic(config: WGANConfig | WGANGPConfig, norm: str) -> ConvDiscriminator:
    """Return the critic: a discriminator whose output is a score, not a logit."""
    return ConvDiscriminator(
        image_size=config.image_size, channels=config.channels, base_channels=config.critic_channels, norm=norm
    )


class WGANGP(AdversarialGAN):
    """Wasserstein loss with a gradient penalty (Gulrajani 2017, algorithm 1).

    The critic has no batch norm: the penalty is on the gradient at each image alone (section 4).
    """

    def __init__(self, config: WGANGPConfig) -> None:
        adam = {"betas": (config.beta1, config.beta2)}
        super().__init__(
            config,
            generator=generator(config),
            discriminator=critic(config, norm="none"),
            latent_dim=config.latent_dim,
            loss="wasserstein",
            regularizers=[gradient_penalty_regularizer(config.penalty)],
            optimizer=OptimizerSpec("adam", config.lr, adam),
            # Heusel 2017: two time scales.
            discriminator_optimizer=OptimizerSpec("adam", config.critic_lr or config.lr, adam),
            n_critic=config.n_critic,
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )


class WGAN(AdversarialGAN):
    """Wasserstein loss with weight clipping (Arjovsky 2017, algorithm 1), RMSProp on both networks."""

    def __init__(self, config: WGANConfig) -> None:
        discriminator = critic(config, norm="batch")
        super().__init__(
            config,
            generator=generator(config),
            discriminator=discriminator,
            latent_dim=config.latent_dim,
            loss="wasserstein",
            optimizer=OptimizerSpec("rmsprop", config.lr, {"alpha": 0.99, "momentum": 0.0}),
            n_critic=config.n_critic,
            after_critic=lambda: clip_weights(discriminator.parameters(), config.clip),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )
