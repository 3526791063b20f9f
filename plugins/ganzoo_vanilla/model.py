"""The networks of the first GAN and how they train."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.gan import AdversarialGAN, OptimizerSpec
from ganzoo.gan.regularizers import r1_regularizer
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvDiscriminator
from ganzoo.nn.cpu import Dropout, ToImage
from ganzoo.registry.fields import height_width
from ganzoo_vanilla import VanillaConfig


def widths(config: VanillaConfig) -> list[int]:
    """Return the hidden widths of the generator, from the latent to the image."""
    return [max(1, config.hidden >> i) for i in reversed(range(config.layers))]


def pixels(config: VanillaConfig) -> int:
    """Return the number of values of an image."""
    height, width = height_width(config.image_size)
    return config.channels * height * width


def generator(config: VanillaConfig) -> nn.Module:
    """Latent (N, D) to images (N, C, H, W) in [-1, 1]; batch norm keeps deep perceptrons from collapsing."""
    layers: list[nn.Module] = []
    width = config.latent_dim
    for hidden in widths(config):
        layers += [nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        width = hidden
    layers += [nn.Linear(width, pixels(config)), nn.Tanh()]
    return nn.Sequential(*layers, ToImage(config.channels, config.image_size))


class Discriminator(nn.Sequential):
    """Images (N, C, H, W) to logits (N,), with dropout in the hidden layers (Goodfellow 2014, section 5)."""

    def __init__(self, config: VanillaConfig) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        width = pixels(config)
        for hidden in reversed(widths(config)):
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(0.2), Dropout(config.dropout)]
            width = hidden
        super().__init__(*layers, nn.Linear(width, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per image."""
        logits: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return logits.flatten()


class VanillaGAN(AdversarialGAN):
    """The original GAN: an MLP generator against an MLP (Goodfellow 2014, section 3) or convolutions."""

    def __init__(self, config: VanillaConfig) -> None:
        discriminator: nn.Module
        if config.discriminator == "mlp":
            discriminator = Discriminator(config)
        else:
            discriminator = ConvDiscriminator(
                image_size=config.image_size,
                channels=config.channels,
                base_channels=config.discriminator_channels,
                dropout=config.dropout,
            )
        super().__init__(
            config,
            generator=generator(config),
            discriminator=discriminator,
            latent_dim=config.latent_dim,
            loss=config.loss,
            regularizers=[r1_regularizer(config.r1, config.r1_every)] if config.r1 else [],
            optimizer=OptimizerSpec("adam", config.lr, {"betas": (config.beta1, config.beta2)}),
            lr_schedule=decay_to_zero(config.lr_decay),
            ema=config.ema,
        )
