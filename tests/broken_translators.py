"""Models that make images of images, one of them right and the others with one thing wrong each."""

from __future__ import annotations

import torch
from torch import nn

from ganzoo.gan import OptimizerSpec, Phase, Stage
from ganzoo.gan.image_to_image import Translator


class Translates(Translator):
    """Right, and passes everything: a convolution that learns to undo what the pairs were made with."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.generator = nn.Sequential(nn.Conv2d(config.channels, config.channels, 3, padding=1), nn.Tanh())
        self.ema = {"generator": 1_000}

    def optimizers(self):
        return {"G": OptimizerSpec("adam", 1e-2).build(self.generator.parameters())}

    def stages(self):
        return [Stage([Phase("G", "G", self.distance)])]

    def distance(self, batch, progress):
        yield {"loss": (self.generator(batch["A"]) - batch["B"]).abs().flatten(1).mean(1)}

    def generate(self, **inputs):
        return self.generator(inputs["images"])


class TranslatesTheBatch(Translates):
    def generate(self, **inputs):
        return super().generate(**inputs) - inputs["images"].mean() / 4


class TranslatesNothing(Translates):
    def generate(self, **inputs):
        return super().generate(images=torch.zeros_like(inputs["images"]))


class TranslatesAnUnknown(Translates):
    translations = (("A", "C"),)


class TranslatesToAList(Translates):
    def generate(self, **inputs):
        return [super().generate(**inputs)]


class TranslatesToAnotherSize(Translates):
    def generate(self, **inputs):
        return super().generate(**inputs)[:, :, ::2]


class HidesImages(Translates):
    def inputs(self, n, *, seeds):
        return super().inputs(n, seeds=seeds)


class TranslatesInSecret(Translates):
    """Its record does not say so."""
