"""Architectures with one thing wrong each: what the conformance kit must catch."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from broken_translators import (  # noqa: F401 - found here by their names
    HidesImages,
    Translates,
    TranslatesAnUnknown,
    TranslatesInSecret,
    TranslatesNothing,
    TranslatesTheBatch,
    TranslatesToAList,
    TranslatesToAnotherSize,
)
from ganzoo.gan import AdversarialGAN, OptimizerSpec, Phase, Stage
from ganzoo.nn.convnets import ConvDiscriminator, ConvGenerator


@dataclasses.dataclass(frozen=True)
class Config:
    image_size: int = 28
    channels: int = 1


class Good(AdversarialGAN):
    lr = 1e-3

    def __init__(self, config: Config, **options) -> None:
        shape = {"image_size": config.image_size, "channels": config.channels, "base_channels": 8}
        networks = {"generator": ConvGenerator(8, **shape), "discriminator": ConvDiscriminator(**shape)}
        super().__init__(
            config,
            latent_dim=8,
            optimizer=OptimizerSpec("adam", self.lr, {"betas": (0.5, 0.9)}),
            **{**networks, **options},
        )


class TooBright(Good):
    def generate(self, **inputs):
        return super().generate(**inputs) * 3


class WrongSize(Good):
    def generate(self, **inputs):
        return super().generate(**inputs)[..., :-1]


class NotANumber(Good):
    def generate(self, **inputs):
        return super().generate(**inputs) / 0


class OneImage(Good):
    def inputs(self, n, *, seeds):
        return {"latent": torch.zeros(n, 8)}


class GaussianInputUnknown(Good):
    gaussian_inputs = ("z",)


class MixesTheBatch(Good):
    def generate(self, **inputs):
        images = super().generate(**inputs)
        return (images - images.mean(0, keepdim=True)).clamp(-1, 1)


class DrawsInGenerate(Good):
    def generate(self, latent):
        return super().generate(latent=latent + torch.randn_like(latent))


class CountsSamples(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.register_buffer("drawn", torch.zeros(()))

    def generate(self, **inputs):
        self.drawn += 1
        return super().generate(**inputs)


class KeepsSomethingElsewhere(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.shift = torch.rand(1) * 0.5  # neither a parameter nor a buffer

    def generate(self, **inputs):
        return (super().generate(**inputs) + self.shift).clamp(-1, 1)


class UnknownNeeds(Good):
    needs = frozenset({"image", "depth"})


class UnknownOptimizer(Good):
    def stages(self):
        return [Stage([Phase("G", "generator", self.generator_loss)])]


class TwoOptimizersForOne(Good):
    def optimizers(self):
        return {**super().optimizers(), "D": self.optimizer_specs["D"].build(self.parameters())}


class Forgotten(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.extra = nn.Linear(2, 2)


class DeadWeight(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.generator.unused = nn.Linear(2, 2)


class Detached(Good):
    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            yield {name: values.detach() for name, values in terms.items()}


class MovesTheOther(Good):
    def generator_loss(self, batch, progress):
        yield from super().generator_loss(batch, progress)
        with torch.no_grad():
            next(self.discriminator.parameters()).add_(0.1)


class MeansOverTheBatch(Good):
    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            yield {name: values.mean().expand(3) for name, values in terms.items()}


class Infinite(Good):
    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            yield {name: values / 0 for name, values in terms.items()}


class UndeclaredLabels(Good):
    def discriminator_loss(self, batch, progress):
        batch["label"].float()
        yield from super().discriminator_loss(batch, progress)


class StandsStill(Good):
    def stages(self):
        return [Stage([Phase("D", "D", self.discriminator_loss), Phase("G", "G", self.generator_loss, every=0)])]


class NoAverage(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.ema = {}


class AveragesTheOther(Good):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.ema = {"discriminator": 100.0}


class RemembersOutside(Good):
    def before_step(self, progress):
        self.seen = getattr(self, "seen", 0) + 1

    def lr_scale(self, progress):
        return 1.0 / (1 + getattr(self, "seen", 0))


class DiffersByProcess(Good):
    def generator_loss(self, batch, progress):
        yield from super().generator_loss(batch, progress)
        with torch.no_grad():
            next(self.generator.parameters()).add_(torch.rand(()))


class FailsBesideAnother(Good):
    def generator_loss(self, batch, progress):
        if torch.distributed.is_initialized():
            raise ValueError("made for one process")
        yield from super().generator_loss(batch, progress)


class OverflowsInBf16(Good):
    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            scale = float("inf") if torch.is_autocast_enabled("cpu") else 1.0
            yield {name: values * scale for name, values in terms.items()}


class LearnsTheWrongWay(Good):
    lr = 1e-2

    def discriminator_loss(self, batch, progress):
        for terms in super().discriminator_loss(batch, progress):
            yield {name: -values for name, values in terms.items()}


class DrawsWithAnOutsideBuffer(Good):
    def __init__(self, config, **options):
        super().__init__(config, **options)
        self.register_buffer("brightness", torch.zeros(()))

    def generate(self, **inputs):
        return (super().generate(**inputs) + self.brightness).clamp(-1, 1)


class FirstStageForEver(Good):
    def stages(self):
        return super().stages() * 2


class StageOfNothing(Good):
    def stages(self):
        (stage,) = super().stages()
        return [Stage(stage.phases, images=64, batch_size=0), Stage(stage.phases)]


class Staged(Good):
    """A second stage trains a network that the first one leaves alone; right, and passes everything."""

    def __init__(self, config, **options):
        super().__init__(config, **options)
        self.refiner = nn.Conv2d(config.channels, config.channels, 3, padding=1)
        nn.init.dirac_(self.refiner.weight)
        nn.init.zeros_(self.refiner.bias)
        self.ema = {"generator": 1_000, "refiner": 1_000}
        self.inference = ("generator", "refiner")

    def optimizers(self):
        return {**super().optimizers(), "R": self.optimizer_specs["G"].build(self.refiner.parameters())}

    def stages(self):
        (stage,) = super().stages()
        return [Stage(stage.phases, images=64), Stage([Phase("R", "R", self.refine), *stage.phases])]

    def refine(self, batch, progress):
        with torch.no_grad():
            fake = self.fakes(batch)
        yield {"loss": self.loss.generator(self.logits(self.refiner(fake).tanh(), batch))}

    def generate(self, **inputs):
        return self.refiner(super().generate(**inputs)).clamp(-1, 1)


class RemembersOutsideLater(Staged):
    """A number of Python's, which no checkpoint has, counts in the second stage alone."""

    counted = 0

    def refine(self, batch, progress):
        self.counted += 1
        for terms in super().refine(batch, progress):
            yield {name: values * (1 + self.counted) for name, values in terms.items()}


class LeavesAGraph(Good):
    def generator_loss(self, batch, progress):
        batch["fake"] = self.fakes(batch)
        yield {"loss": self.loss.generator(self.logits(batch["fake"], batch))}

    def discriminator_loss(self, batch, progress):
        batch["fake"].mean().backward()
        yield {"loss": self.loss.discriminator(*self.both_logits(batch["image"], batch["fake"].detach(), batch))}


class GrowsBright(Good):
    """Within bounds at the start, and beyond them once it is trained."""

    def __init__(self, config, **options):
        super().__init__(config, **options)
        self.generator.layers[-1] = nn.Identity()
        nn.init.normal_(self.generator.layers[-2].weight, 0, 1e-3)


class JudgesByAnUnknown(Good):
    discriminators = ("discriminator", "critic")


class JudgesInSecret(Good):
    def logits(self, images, batch, copies=1):
        return self.discriminator.forward(images).float()  # past the hooks


class JudgesFlatImages(Good):
    def __init__(self, config: Config) -> None:
        super().__init__(config, discriminator=nn.Sequential(nn.Linear(784, 1), nn.Flatten(0)))

    def logits(self, images, batch, copies=1):
        return self.discriminator(images.flatten(1)).float()
