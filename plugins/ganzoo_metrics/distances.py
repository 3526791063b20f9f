"""Distances between two sets of features, computed by torchmetrics in float64."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import MissingExtraError

try:
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance
except ModuleNotFoundError as error:
    raise MissingExtraError("the distance of two sets of images", "metrics") from error

SUBSETS, SUBSET_SIZE = 100, 1_000


class Given(nn.Module):
    """Stands where torchmetrics has a network: the features are computed already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        """Return them."""
        return features


class Distance(ABC):
    """A metric of torchmetrics between the features of real and of drawn images."""

    needs = frozenset({"features"})
    compares = True

    def __init__(self) -> None:
        self.metric: Any = None
        self.count = {True: 0, False: 0}

    @abstractmethod
    def make(self, features: Given) -> Any:
        """Return the metric for features of this size."""

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Show it the features of a batch."""
        features = batch["features"]
        features = (features.cpu() if features.device.type == "mps" else features).double()  # MPS has no float64
        if self.metric is None:
            self.metric = self.make(Given(features.shape[1])).to(features.device)
            self.metric.set_dtype(features.dtype)
        self.count[real] += len(features)
        self.metric.update(features, real=real)

    @abstractmethod
    def compute(self) -> float:
        """Return the distance."""

    def check_count(self, least: int) -> None:
        """Refuse too few images.

        Raises:
            ValueError: there were fewer than ``least`` of one kind.
        """
        if min(self.count.values()) < least:
            raise ValueError(f"it takes at least {least:,} drawn and {least:,} real images")


class FrechetDistance(Distance):
    """|m - m'|^2 + Tr(S + S' - 2 (S S')^(1/2)) of means and covariances (Heusel 2017, equation 6).

    Only sums are kept, so memory does not grow with the number of images.
    """

    def make(self, features: Given) -> FrechetInceptionDistance:
        """Return torchmetrics' sums; every process is shown all images, so nothing is added up over them."""
        return FrechetInceptionDistance(feature=features, sync_on_compute=False)

    def compute(self) -> float:
        """Return the distance, >= 0."""
        self.check_count(2)
        return float(self.metric.compute())


class KernelDistance(Distance):
    """Squared MMD with the kernel (x.y / D + 1)^3 (Binkowski 2018, section 4), the mean over 100 subsets of 1,000.

    The subsets are drawn with a fixed seed. Unbiased, so a value may be below 0. All features are kept.
    """

    def make(self, features: Given) -> KernelInceptionDistance:
        """Return torchmetrics' lists."""
        with warnings.catch_warnings():  # it says that it keeps all features, and so do we
            warnings.simplefilter("ignore")
            return KernelInceptionDistance(
                feature=features, subsets=SUBSETS, subset_size=SUBSET_SIZE, sync_on_compute=False
            )

    def compute(self) -> float:
        """Return the mean over the subsets."""
        self.check_count(SUBSET_SIZE)
        state = torch.get_rng_state()
        torch.default_generator.manual_seed(0)  # the CPU's, with which torchmetrics draws, and no other
        try:
            return float(self.metric.compute()[0])
        finally:
            torch.set_rng_state(state)
