"""What a metric and a feature extractor of a plugin look like. Neither has a base class: these methods are all."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from torch import Tensor

from ganzoo.nn.renamed import renamed_attributes

SEEN = ("features", "logits")
"""What an extractor may give."""
NEEDED = frozenset({"image", "label", "target", *SEEN})
"""What a measure may need."""


class Features(typing.Protocol):
    """An extractor: a `torch.nn.Module`, made with the words of the protocol (``"timm:resnet18"`` hands over one).

    Resizing and normalising are its own: they are part of what makes two values compare. Three attributes are optional:

    - ``written`` (str): what a protocol says after its name so that nothing is left open, whatever was left out when it
      was asked for: ``",tf-resize"``. Without it a protocol says what was asked for.
    - ``weights`` (str): the SHA-256 of its weights, or ``""`` if it has none: a value names it, and what measures keep
      of real images is kept for the next measurement. Without it they are looked at each time.
    - ``version`` (int, 1 by default): raise it when the features of the same image change, so that what was kept of
      real images with the old ones is not used.
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

    Of several processes each is shown all: what it counts is not to be added up over them. An attribute ``least`` (int)
    may say how many images it takes at least, drawn and, where it compares, real: fewer are refused before any is seen.

    Attributes:
        needs: what a batch must have: ``image`` (N, C, S, S) uint8, ``label`` (N,) int64, what the extractor gives,
            ``features`` (N, D) and perhaps ``logits`` (N, K), or ``target`` (N, C, S, S) uint8, what a translation of
            paired images was to be.
        compares: whether it is shown real images too.
    """

    needs: frozenset[str]
    compares: bool

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Take a batch, on the device of the extractor."""

    def compute(self) -> float:
        """Return the value for all that it was shown."""


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
