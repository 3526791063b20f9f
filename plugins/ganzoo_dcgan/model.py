"""The networks of DCGAN and how they train."""

from __future__ import annotations

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.gan.regularizers import r1_regularizer
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvDiscriminator, ConvGenerator
from ganzoo.nn.layers import init_normal
from ganzoo_dcgan import DCGANConfig


class DCGAN(AdversarialGAN):
    """Transposed convolutions against strided convolutions (Radford 2015, section 3)."""

    def __init__(self, config: DCGANConfig) -> None:
        generator = ConvGenerator(
            config.latent_dim,
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.base_channels,
            output=config.output,
        )
        discriminator = ConvDiscriminator(
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.discriminator_channels,
            norm=config.discriminator_norm,
            dropout=config.dropout,
        )
        init_normal(generator)
        if config.discriminator_norm != "none":  # without a norm, weights this small would leave no signal
            init_normal(discriminator)
        super().__init__(
            config,
            generator=generator,
            discriminator=discriminator,
            latent_dim=config.latent_dim,
            loss=config.loss,
            regularizers=[r1_regularizer(config.r1, config.r1_every)] if config.r1 else [],
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (config.beta1, config.beta2)}),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )
