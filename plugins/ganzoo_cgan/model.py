"""The networks of the conditional GAN and how they train."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.gan import ConditionalGAN, OptimizerSpec
from ganzoo.gan.regularizers import r1_regularizer
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.convnets import ConvFeatures, LabelledConvGenerator
from ganzoo.nn.layers import init_normal
from ganzoo_cgan import CGANConfig


class Discriminator(nn.Module):
    """Images (N, C, H, W) and labels (N,) to logits (N,).

    The label meets the features of the image in an inner product (Miyato and Koyama 2018, equation 3), which a
    convolutional network follows better than a label put beside its input.
    """

    def __init__(self, config: CGANConfig) -> None:
        super().__init__()
        width = config.discriminator_channels * 4
        self.features = ConvFeatures(
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.discriminator_channels,
            norm=config.discriminator_norm,
            dropout=config.dropout,
        )
        self.logit = nn.Linear(self.features.out_features, 1)
        self.project = nn.Linear(self.features.out_features, width)
        self.embed = nn.Embedding(config.classes, width)

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        """Return one logit per image, of an image and its label being real."""
        features = self.features(images)
        fit = (self.project(features) * self.embed(label)).sum(1)
        logits: Tensor = self.logit(features).flatten() + fit
        return logits


class CGAN(ConditionalGAN):
    """Conditional GAN: generator and discriminator take the label (Mirza 2014, equation 2)."""

    def __init__(self, config: CGANConfig) -> None:
        generator = LabelledConvGenerator(
            config.latent_dim,
            classes=config.classes,
            label_dim=config.label_dim,
            image_size=config.image_size,
            channels=config.channels,
            base_channels=config.base_channels,
            output=config.output,
        )
        discriminator = Discriminator(config)
        if config.discriminator_norm != "none":
            # Features of unit size times labels drawn from N(0, 1) would begin far outside the margin of a hinge.
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
