"""Metrics of the means and covariances of features: sums in float64, so that memory does not grow with the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import MissingExtraError
from ganzoo.metrics.interfaces import renamed_real_state

try:
    from torchmetrics.image.fid import FrechetInceptionDistance
except ModuleNotFoundError as error:
    raise MissingExtraError("the distance of two sets of images", "metrics") from error

MEMORY = 4 * 2**30
"""Bytes that the covariances of all classes may take."""
SIDES = {True: "real", False: "fake"}  # torchmetrics' words
_SUMS = ("features_sum", "features_cov_sum", "features_num_samples")


def double(features: Tensor) -> Tensor:
    """Return features in float64, on the CPU where the device has none."""
    return (features.cpu() if features.device.type == "mps" else features).double()


class Given(nn.Module):
    """Replaces torchmetrics' network: the features are computed already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        """Return them."""
        return features


def new_sums(width: int, device: torch.device) -> Any:
    """Return torchmetrics' sums, not reduced over processes: each of them gets all images."""
    made = FrechetInceptionDistance(feature=Given(width), sync_on_compute=False)
    return made.to(device).set_dtype(torch.float64)


@renamed_real_state
class Sums:
    """Sums of features and of their products, of real and of generated images, for each class or for all."""

    compares = True
    keeps = "sums"
    least = 2
    by_class = False

    def __init__(self) -> None:
        self.sums: dict[int, Any] = {}

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Add a batch."""
        features = double(batch["features"])
        if not self.by_class:
            self._of(0, features).update(features, real=real)
            return
        labels = batch["label"].to(features.device)
        for label in torch.unique(labels).tolist():
            self._of(label, features).update(features[labels == label], real=real)

    def _of(self, label: int, features: Tensor) -> Any:
        if label not in self.sums:
            width = features.shape[1]
            if 2 * 8 * width**2 * (len(self.sums) + 1) > MEMORY:
                raise ValueError(f"the covariances of so many classes do not fit into {MEMORY / 2**30:g} GiB")
            self.sums[label] = new_sums(width, features.device)
        return self.sums[label]

    def count(self, label: int, *, real: bool) -> int:
        """Return how many images of a class there were."""
        return int(getattr(self.sums[label], f"{SIDES[real]}_features_num_samples"))

    def real_state(self) -> dict[str, Tensor]:
        """Return the sums of the real images."""
        return {
            f"{label}/{name}": getattr(metric, f"real_{name}")
            for label, metric in self.sums.items()
            for name in _SUMS
            if self.count(label, real=True)
        }

    def load_real_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the sums of the real images."""
        for key, value in state.items():
            label, _, name = key.partition("/")
            total = state[f"{label}/features_sum"]
            metric = self._of(int(label), total[None].to(self._device()))
            setattr(metric, f"real_{name}", value.to(metric.real_features_sum.device))

    def _device(self) -> torch.device:
        known = next(iter(self.sums.values()), None)
        return torch.device("cpu") if known is None else known.real_features_sum.device

    def check_count(self, label: int = 0, what: str = "") -> None:
        """Refuse too few images.

        Raises:
            ValueError: there were fewer than two of one kind.
        """
        if label not in self.sums or min(self.count(label, real=real) for real in SIDES) < 2:
            raise ValueError(f"needs at least 2 generated and 2 real images{what}")


class FrechetDistance(Sums):
    """|m - m'|^2 + Tr(S + S' - 2 (S S')^(1/2)) of means and covariances (Heusel 2017, equation 6); >= 0."""

    needs = frozenset({"features"})

    def compute(self) -> float:
        """Return the distance."""
        self.check_count()
        return float(self.sums[0].compute())


class IntraFrechetDistance(Sums):
    """The mean over the classes of the Fréchet distance within each (Miyato and Koyama 2018, section 5.1); >= 0."""

    needs = frozenset({"features", "label"})
    keeps = "sums-by-class"
    by_class = True

    def compute(self) -> float:
        """Return the mean of the distances."""
        for label in self.sums:
            self.check_count(label, f" of class {label}")
        return sum(float(metric.compute()) for metric in self.sums.values()) / len(self.sums)


class Spread(Sums):
    """Root of the total variance of the generated images' features, in proportion to that of real ones; >= 0.

    Real images have 1. Far less means that the images are too similar: mode collapse.
    """

    needs = frozenset({"features"})

    def compute(self) -> float:
        """Return the ratio."""
        self.check_count()
        generated, real = (self._variance(side) for side in ("fake", "real"))
        if real <= 0:
            raise ValueError("the real images are all the same")
        return float((generated / real) ** 0.5)

    def _variance(self, side: str) -> float:
        total, products, count = (getattr(self.sums[0], f"{side}_{name}") for name in _SUMS)
        mean = total / count
        return float((products.diagonal() - count * mean**2).sum().clamp(min=0) / (count - 1))
