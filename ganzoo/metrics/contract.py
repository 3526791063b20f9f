"""What a metric and a feature extractor of a plugin look like. Neither has a base class: these methods are all."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from torch import Tensor


class Features(typing.Protocol):
    """An extractor: a `torch.nn.Module`, made with the words of the protocol (``"timm:resnet18"`` hands over one).

    Resizing and normalising are its own: they are part of what makes two values compare.
    """

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return what it sees in the images, in float32.

        Args:
            images: (N, C, S, S) uint8, of any size, with 1 or 3 channels.

        Returns:
            ``features`` (N, D) and, where it is a classifier, ``logits`` (N, K).
        """


class Measure(typing.Protocol):
    """A metric: made without arguments for each measurement, shown all images in batches, asked for its value.

    Of several processes each is shown all: what it counts is not to be added up over them.

    Attributes:
        needs: what a batch must have: ``image`` (N, C, S, S) uint8, ``label`` (N,) int64, or what the extractor gives,
            ``features`` (N, D) and perhaps ``logits`` (N, K).
        compares: whether it is shown real images too.
    """

    needs: frozenset[str]
    compares: bool

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Take a batch, on the device of the extractor."""

    def compute(self) -> float:
        """Return the value for all that it was shown."""
