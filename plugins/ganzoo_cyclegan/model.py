"""How CycleGAN trains: two phases, each with two networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from ganzoo.errors import ConfigError
from ganzoo.gan import Batch, OptimizerSpec, Phase, Progress, Stage, Terms
from ganzoo.gan.image_to_image import ImagePool, Translator, images_or_noise
from ganzoo.gan.schedules import decay_to_zero
from ganzoo.nn.layers import init_normal
from ganzoo.nn.patchgan import PatchDiscriminator, num_downsamples_for
from ganzoo.registry.fields import height_width
from ganzoo_cyclegan import CycleGANConfig
from ganzoo_cyclegan.networks import Generator


class CycleGAN(Translator):
    """Least squares, cycle consistency and identity losses (Zhu 2017, section 3; section 5.2 for the last)."""

    translations: Sequence[tuple[str, str]] = (("A", "B"), ("B", "A"))
    inference: Sequence[str] = ("a_to_b", "b_to_a")
    discriminators: Sequence[str] = ("judge_a", "judge_b")
    decision_boundary: float | None = 0.5

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__()
        self.config = config
        shape = {"base_channels": config.base_channels, "blocks": config.blocks}
        self.a_to_b, self.b_to_a = (Generator(config.channels, **shape) for _ in range(2))
        self.judge_a, self.judge_b = (
            PatchDiscriminator(
                config.channels,
                base_channels=config.discriminator_channels,
                num_downsamples=num_downsamples_for(config.image_size),
                norm="instance",
            )
            for _ in range(2)
        )
        init_normal(self)
        image = (config.channels, *height_width(config.image_size))
        self.pool_a, self.pool_b = ImagePool(image, config.pool), ImagePool(image, config.pool)
        self.schedule = decay_to_zero(config.lr_decay)
        self.ema: Mapping[str, float] = dict.fromkeys(self.inference, config.ema)

    def optimizers(self) -> dict[str, Optimizer]:
        """Return Adam over both generators, and over both discriminators."""
        spec = OptimizerSpec("adam", self.config.lr, {"betas": (self.config.beta1, self.config.beta2)})
        return {
            "G": spec.build([*self.a_to_b.parameters(), *self.b_to_a.parameters()]),
            "D": spec.build([*self.judge_a.parameters(), *self.judge_b.parameters()]),
        }

    def stages(self) -> Sequence[Stage]:
        """Return the one stage of two phases."""
        return [Stage([Phase("G", "G", self.generator_loss), Phase("D", "D", self.discriminator_loss)])]

    def lr_scale(self, progress: Progress) -> float:
        """Fall linearly at the end (appendix 7.1)."""
        return self.schedule(progress.fraction)

    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the terms of the cycle A, B, A, then those of B, A, B; leave the fakes."""
        for here, there, forth, back, judge in (
            ("A", "B", self.a_to_b, self.b_to_a, self.judge_b),
            ("B", "A", self.b_to_a, self.a_to_b, self.judge_a),
        ):
            real = batch[here]
            if self.config.identity:  # an image of the target kind should stay as it is
                fake, same = forth(torch.cat([real, batch[there]])).chunk(2)
            else:
                fake, same = forth(real), None
            batch[f"fake_{there}"] = fake.detach()
            terms = {
                f"adversarial_{there}": (judge(fake).float() - 1).square().flatten(1).mean(1),
                f"cycle_{here}": self.config.cycle * distance(back(fake), real),
            }
            if same is not None:
                weight = self.config.cycle * self.config.identity
                terms[f"identity_{there}"] = weight * distance(same, batch[there])
            yield terms

    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the least squares loss of each discriminator, halved as in section 4, with fakes of the pool."""
        for side, judge, pool in (("A", self.judge_a, self.pool_a), ("B", self.judge_b, self.pool_b)):
            fake = pool.swap(batch[f"fake_{side}"])
            on_real, on_fake = judge(torch.cat([batch[side], fake])).float().chunk(2)
            loss = 0.5 * ((on_real - 1).square() + on_fake.square())
            yield {
                f"loss_{side}": loss.flatten(1).mean(1),
                f"real_{side}": on_real.detach().flatten(1).mean(1),
                f"fake_{side}": on_fake.detach().flatten(1).mean(1),
            }

    def inputs(
        self, n: int, *, seeds: Sequence[int], images: Tensor | None = None, to: Literal["A", "B"] = "B"
    ) -> dict[str, Tensor]:
        """Return ``{"A": (n, C, H, W)}``, images to make B of, or with ``to="A"`` the other way round.

        Args:
            n: number of images.
            seeds: one per image.
            images: in [-1, 1]; by default noise, seeded for each image.
            to: what is made of them.

        Raises:
            ConfigError: not as many images as seeds, or ``to`` is neither.
        """
        if to not in ("A", "B"):
            raise ConfigError(f"to must be A or B, not '{to}'")
        return {"A" if to == "B" else "B": images_or_noise(self.config, seeds, images)}

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]: B for ``A`` (N, C, H, W), A for ``B``."""
        images: Tensor = self.a_to_b(inputs["A"]) if "A" in inputs else self.b_to_a(inputs["B"])
        return images


def distance(images: Tensor, real: Tensor) -> Tensor:
    """Return the mean absolute difference of each image (N,), in float32."""
    return F.l1_loss(images.float(), real, reduction="none").flatten(1).mean(1)
