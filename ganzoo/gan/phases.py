"""The parts of a training step: batches, loss terms, phases and stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganzoo.nn.renamed import renamed_attributes

Batch = dict[str, Any]
"""A dict of ``image`` (N, C, H, W) in [-1, 1], or of another medium by its name, and ``label`` (N,) int64; or of
samples ``A`` and ``B`` and, where they match, their numbers ``pair`` (N,) int64; and of what phases leave for later
ones."""

Terms = dict[str, Tensor]
"""Loss terms by name, per image (N,) or scalar; their means are added up. One without a gradient is only reported."""


@renamed_attributes(progress="fraction")
@dataclass(frozen=True)
class Progress:
    """Training progress at a step.

    Args:
        step: steps done before this one.
        images: real images seen before this step, over all processes.
        stage: index of the current stage.
        fraction: ``images`` as a share of the whole budget, in [0, 1).
    """

    step: int
    images: int
    stage: int
    fraction: float


@dataclass(frozen=True)
class Phase:
    """A part of a training step: a loss, and the optimizer that minimises it.

    Args:
        name: prefix of the reported terms, for instance ``"D"`` or ``"D/r1"``.
        optimizer: key in `GAN.optimizers`; only the parameters of this optimizer get gradients.
        loss: called with the batch and the progress; each dict of terms that it yields is one backward pass, and
            what it computed is freed before it goes on.
        every: run on each n-th step only, with the loss scaled by n (lazy regularisation, Karras 2020, section 3.1).
        repeat: run n times in a row, each on a new batch (n_critic, Arjovsky 2017, algorithm 1).
        after: called after each update of the phase: a projection of the weights, for instance clipping.
    """

    name: str
    optimizer: str
    loss: Callable[[Batch, Progress], Iterator[Terms]]
    every: int = 1
    repeat: int = 1
    after: Callable[[], None] | None = None


@dataclass(frozen=True)
class Stage:
    """A part of the training with its phases; most models have one, a growing model one per resolution.

    Args:
        phases: run in this order at each step.
        images: how many images the stage lasts; None is the rest of the budget.
        batch_size: images per update over all processes; None is the run's.
        resolution: height and width (or one number for both) that images are reduced to; None keeps their size.
    """

    phases: Sequence[Phase]
    images: int | None = None
    batch_size: int | None = None
    resolution: int | tuple[int, int] | None = None
