"""How StyleGAN2 trains: four phases, two of them lazy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from ganzoo.errors import ConfigError
from ganzoo.gan import GAN, Batch, OptimizerSpec, Phase, Progress, Stage, Terms, condition_values, seeded_normal
from ganzoo.gan.regularizers import r1_penalty
from ganzoo_stylegan2 import StyleGAN2Config
from ganzoo_stylegan2.networks import Discriminator, Generator

DECAY = 0.01  # of the running mean of path lengths (Karras 2020, appendix B)
STYLE_DECAY = 0.005  # of the running mean of styles, towards which truncation goes


class StyleGAN2(GAN):
    """Logistic loss, lazy R1 and path length regularisation, style mixing (Karras 2020)."""

    gaussian_inputs: Sequence[str] = ("latent", "noise")
    path_mean: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)
        self.ema: Mapping[str, float] = {"generator": config.ema}
        self.register_buffer("path_mean", torch.zeros(()))

    def optimizers(self) -> dict[str, Optimizer]:
        """Return Adam for each, with rate and betas corrected for the lazy phases (Karras 2020, appendix B)."""
        config, made = self.config, {}
        for name, network, weight, every in (
            ("G", self.generator, config.path_length, config.path_length_every),
            ("D", self.discriminator, config.r1, config.r1_every),
        ):
            share = every / (every + 1) if weight else 1.0
            betas = config.beta1**share, config.beta2**share
            made[name] = OptimizerSpec("adam", config.lr * share, {"betas": betas, "eps": 1e-8}).build(
                network.parameters()
            )
        return made

    def stages(self) -> Sequence[Stage]:
        """Return the one stage: two phases at every step, and two lazy ones."""
        config = self.config
        phases = [Phase("G", "G", self.generator_loss), Phase("D", "D", self.discriminator_loss)]
        if config.path_length:
            phases.insert(1, Phase("G/path", "G", self.path_loss, every=config.path_length_every))
        if config.r1:
            phases.append(Phase("D/r1", "D", self.r1_loss, every=config.r1_every))
        return [Stage(phases)]

    def styles(self, n: int) -> Tensor:
        """Return styles (n, L, W) of random latents; some images take those of a second latent from a layer on."""
        latents = torch.randn(2 * n, self.config.latent_dim, device=self.device)
        first, second = self.generator.mapping(latents).float().chunk(2)
        with torch.no_grad():
            self.generator.mapping.mean.lerp_(first.mean(0), STYLE_DECAY)
        layers = self.generator.synthesis.layers_count
        crossing = torch.randint(1, layers, (n, 1), device=self.device)
        crossing = torch.where(torch.rand(n, 1, device=self.device) < self.config.mixing, crossing, layers)
        after = torch.arange(layers, device=self.device) >= crossing
        return torch.where(after[..., None], self.generator.spread(second), self.generator.spread(first))

    def synthesise(self, styles: Tensor) -> Tensor:
        """Return images of styles (n, L, W) and fresh noise."""
        noise = torch.randn(len(styles), self.generator.synthesis.noise_size, device=self.device)
        images: Tensor = self.generator.synthesis(styles, noise)
        return images

    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the non-saturating loss (Goodfellow 2014, section 3), and leave the images."""
        fake = self.synthesise(self.styles(len(batch["image"])))
        batch["fake"] = fake.detach()
        yield {"loss": F.softplus(-self.discriminator(fake).float())}

    def path_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield (|J^T y| - a)^2 for half a batch, a the running mean of the lengths (Karras 2020, equation 4)."""
        with torch.autocast(self.device.type, enabled=False):
            styles = self.styles(max(1, len(batch["image"]) // 2))
            lengths = path_lengths(self.synthesise(styles), styles)
            mean = torch.lerp(self.path_mean, lengths.detach().mean(), DECAY)
            self.path_mean.copy_(mean)
            yield {"penalty": self.config.path_length * (lengths - mean).square(), "length": lengths.detach()}

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the logistic loss; real and generated batches are separate, for the minibatch statistics."""
        real = self.discriminator(batch["image"]).float()
        fake = self.discriminator(batch["fake"]).float()
        yield {"loss": F.softplus(-real) + F.softplus(fake), "real": real.detach(), "fake": fake.detach()}

    def r1_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield gamma / 2 * |gradient|^2 at the real images (Mescheder 2018, equation 9)."""
        yield {"penalty": self.config.r1 / 2 * r1_penalty(self.discriminator, batch["image"])}

    def inputs(
        self,
        n: int,
        *,
        seeds: Sequence[int],
        truncation: Sequence[float] | float = 1.0,
        noise: Literal["random", "const", "none"] = "random",
    ) -> dict[str, Tensor]:
        """Return ``{"latent": (n, D), "truncation": (n,), "noise": (n, K)}``.

        Args:
            n: number of images.
            seeds: one per image.
            truncation: how far from the mean style an image's own style is, in [0, 1], of each image or of all: 0 is
                the mean image, 1 the whole variety (Karras 2019, section 2 and appendix B).
            noise: ``"random"`` seeds it for each image, ``"const"`` is the same for all images, ``"none"`` is 0.

        Raises:
            ConfigError: a truncation or a noise that it does not know.
        """
        share = condition_values("truncation", truncation, n).float()
        if not bool(((share >= 0) & (share <= 1)).all()):
            raise ConfigError(f"truncation must be in 0 ... 1, not {truncation}")
        normal = seeded_normal(seeds, self.config.latent_dim + self.generator.synthesis.noise_size)
        latent, own = normal[:, : self.config.latent_dim], normal[:, self.config.latent_dim :]
        noises = {
            "random": own,
            "const": self.generator.synthesis.constant_noise.cpu().expand(n, -1),
            "none": torch.zeros_like(own),
        }
        if str(noise) not in noises:
            raise ConfigError(f"noise must be one of {', '.join(noises)}, not '{noise}'")
        return {"latent": latent, "truncation": share, "noise": noises[noise]}

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        mapping = self.generator.mapping
        style = torch.lerp(mapping.mean, mapping(inputs["latent"]).float(), inputs["truncation"][:, None])
        images: Tensor = self.generator.synthesis(self.generator.spread(style), inputs["noise"])
        return images.clamp(-1, 1)


def path_lengths(images: Tensor, styles: Tensor) -> Tensor:
    """Return |J^T y| per image, J the Jacobian of the image by its styles (N, L, W), y noise in the image's shape.

    The squares are averaged over the layers. With a graph for a second backward pass.
    """
    noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()
