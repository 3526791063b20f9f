"""Architectures whose loss stops being finite while they train."""

from __future__ import annotations

import math

import torch

from broken_gans import Good


class Bursts(Good):
    """The loss of the fifth step is NaN."""

    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            yield {name: values * (math.nan if progress.step == 4 else 1) for name, values in terms.items()}


class BurstsNow(Good):
    """The loss of the fifth step is infinite for the first seed, and finite after a rewind."""

    def discriminator_loss(self, batch, progress):
        unlucky = progress.step == 4 and torch.initial_seed() < 1_000
        for terms in super().discriminator_loss(batch, progress):
            yield {name: values * (math.inf if unlucky else 1) for name, values in terms.items()}


class BurstsForEver(Good):
    """The loss of every step is NaN."""

    def generator_loss(self, batch, progress):
        for terms in super().generator_loss(batch, progress):
            yield {name: values * math.nan for name, values in terms.items()}
