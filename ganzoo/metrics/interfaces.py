"""The interfaces of a metric and a feature extractor. Neither has a base class: these methods are all."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from torch import Tensor

from ganzoo.nn.renamed import renamed_attributes

SEEN = ("features", "logits")
"""The keys of an extractor's output."""
NEEDED = frozenset({"image", "label", "target", *SEEN})
"""The keys of a batch that a metric may need."""


class Features(typing.Protocol):
    """A feature extractor: a `torch.nn.Module`, made with the arguments in the protocol (one in ``"timm:resnet18"``).

    Resizing and normalising are its own: they are part of what makes two values compare. Four attributes are optional:

    - ``written`` (str): what a protocol says after the extractor's name, with the defaults of omitted arguments:
      ``",tf-resize"``. Without it a protocol contains the arguments as they were given.
    - ``weights`` (str): the SHA-256 of its weights, or ``""`` if it has none: stored with a value, and part of the key
      under which the state of real images is cached. Without it nothing is cached.
    - ``version`` (int, 1 by default): raise it when the features of the same image change, so that the cached state of
      real images is computed anew.
    - ``medium`` (str, ``"image"`` by default): the kind of samples that it takes; others are refused.
    """

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return the features of images, in float32.

        Args:
            images: (N, C, H, W) uint8, of any height and width, with 1 or 3 channels: transparency is laid on a
                background before. Of another ``medium``, its stored samples.

        Returns:
            ``features`` (N, D) and, where it is a classifier, ``logits`` (N, K).
        """


class Measure(typing.Protocol):
    """A metric: made without arguments for each measurement, updated with all images in batches, then computed.

    In each of several processes it gets all images: nothing is to be reduced over processes. Two attributes are
    optional: ``least`` (int), the least number of images, generated and, where it compares, real: fewer are refused;
    and, of one that needs images themselves, ``medium`` (str, ``"image"`` by default), their kind.

    Attributes:
        needs: the keys that a batch must have: ``image`` (N, C, H, W) uint8, ``label`` (N,) int64, ``features`` (N, D)
            and ``logits`` (N, K) of the extractor, or ``target`` (N, C, H, W) uint8 of a translation of paired images.
        compares: whether it gets real images too.
    """

    needs: frozenset[str]
    compares: bool

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Add a batch, on the device of the extractor."""

    def compute(self) -> float:
        """Return the value of all images."""


@typing.runtime_checkable
class KeepsReal(typing.Protocol):
    """A metric whose state of the real images can be stored, so that another measurement need not see them again.

    An attribute ``version`` (int, 1 by default) is optional: raise it when the state of the same images changes.

    Attributes:
        keeps: the name of the state; metrics of one module that give the same name share it.
    """

    keeps: str

    def real_state(self) -> Mapping[str, Tensor]:
        """Return the state of the real images; called when all of them were shown."""

    def load_real_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the state of the real images, in place of being shown them; tensors are on the CPU."""


renamed_real_state = renamed_attributes(kept="real_state", take="load_real_state")
"""A class decorator: the two methods may be overridden and called by their names in ganzoo 0.1."""
