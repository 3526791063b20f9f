"""Architectures that cannot be trained on batches of every size."""

from __future__ import annotations

import torch

from broken_gans import Good
from ganzoo.errors import ConfigError


class NeedsFours(Good):
    """Its loss compares images in groups of four."""

    tried: tuple[int, ...] = ()

    def generator_loss(self, batch, progress):
        type(self).tried += (len(self.real(batch)),)
        self.real(batch).view(-1, 4, *self.real(batch).shape[1:])
        yield from super().generator_loss(batch, progress)


class RefusesOthersThanFours(Good):
    """The same, said by itself."""

    def generator_loss(self, batch, progress):
        if len(self.real(batch)) % 4:
            raise ConfigError("it compares four images: use a multiple of 4 for --batch-size")
        yield from super().generator_loss(batch, progress)


class FailsOnAny(Good):
    """The size of the batch is not the cause."""

    def generator_loss(self, batch, progress):
        raise ValueError("there is no loss")
        yield


class DeviatesInTheBatch(Good):
    """A deviation over one image is 0/0."""

    def generator_loss(self, batch, progress):
        images = self.real(batch)
        variance = (images - images.mean(0)).square().sum(0) / torch.tensor(float(len(images) - 1))
        for terms in super().generator_loss(batch, progress):
            yield {name: values * (1 + variance.mean()) for name, values in terms.items()}
