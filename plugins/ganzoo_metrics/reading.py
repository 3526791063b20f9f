"""Metrics of a classifier's predictions for generated images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import MissingExtraError

SURE = 0.95
SELDOM = 0.1
"""A class generated less often than this, in proportion to an even share, is not covered."""
SPLITS = 10  # Salimans 2016, section 4


class Counts:
    """How often each class is predicted; memory does not grow with the images."""

    needs = frozenset({"logits"})
    compares = False

    def __init__(self) -> None:
        self.classes = torch.zeros(0, dtype=torch.int64)

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Count a batch."""
        logits = batch["logits"]
        count = logits.argmax(1).bincount(minlength=logits.shape[1]).cpu()
        self.classes = count if not len(self.classes) else self.classes + count

    @property
    def shares(self) -> Tensor:
        """The share of each class (K,), in float64."""
        return self.classes.double() / self.classes.sum()


class ClassEntropy(Counts):
    """Entropy of the shares of the predicted classes, over that of even shares: 1 is even, 0 one class alone."""

    def compute(self) -> float:
        """Return the entropy, 0 to 1."""
        shares = self.shares
        if len(shares) < 2:
            raise ValueError("a classifier of one class tells no two apart")
        return abs(float(torch.xlogy(shares, shares).sum())) / math.log(len(shares))


class ModeCoverage(Counts):
    """Share of the classes that are predicted for at least a tenth of an even share of the images."""

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        return float((self.shares * len(self.shares) >= SELDOM).double().mean())


class Share:
    """The share of images that fulfil a condition."""

    needs = frozenset({"logits"})
    compares = False

    def __init__(self) -> None:
        self.hits, self.count = 0, 0

    def holds(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return which images (N,) fulfil it."""
        raise NotImplementedError

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Count a batch."""
        held = self.holds(batch)
        self.hits += int(held.sum())
        self.count += len(held)

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        return self.hits / self.count


class Confidence(Share):
    """Share of the images that the classifier gives one class a probability above 0.95."""

    def holds(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return which images have a confident prediction."""
        return batch["logits"].softmax(1).amax(1) > SURE


class LabelAccuracy(Share):
    """Share of the images that are classified as the label that they were generated for."""

    needs = frozenset({"logits", "label"})

    def holds(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return which images are classified as their label."""
        return batch["logits"].argmax(1) == batch["label"]


class InceptionScore:
    """exp(E KL(p(y|x) || p(y))) (Salimans 2016, section 4), the mean over 10 parts, shuffled by torch-fidelity's seed.

    The name is kept for the logits of any classifier; the values of two do not compare. All logits are stored.
    """

    needs = frozenset({"logits"})
    compares = False
    least = SPLITS

    def __init__(self) -> None:
        try:
            from torch_fidelity import metric_isc
        except ModuleNotFoundError as error:
            raise MissingExtraError("the Inception score", "metrics") from error
        self.library = metric_isc
        self.logits: list[Tensor] = []

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Store the logits of a batch."""
        self.logits.append(batch["logits"].float().cpu())

    def compute(self) -> float:
        """Return the score, 1 to the number of classes."""
        logits = torch.cat(self.logits)
        if len(logits) < SPLITS:
            raise ValueError(f"needs at least {SPLITS} generated images")
        return float(self.library.isc_features_to_metric(logits, SPLITS)[self.library.KEY_METRIC_ISC_MEAN])
