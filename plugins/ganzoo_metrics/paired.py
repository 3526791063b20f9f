"""Metrics of translations of paired images: how near each is to its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganzoo.errors import MissingExtraError

try:
    from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
except ModuleNotFoundError as error:
    raise MissingExtraError("the likeness of two images", "metrics") from error


class Paired:
    """A metric of torchmetrics between two images, the mean over all pairs."""

    needs = frozenset({"image", "target"})
    compares = False
    metric: Any

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Compare a batch."""
        self.metric.to(batch["image"].device)
        self.metric.update(batch["image"].float() / 255, batch["target"].float() / 255)

    def compute(self) -> float:
        """Return the mean."""
        return float(self.metric.compute())


class PSNR(Paired):
    """Peak signal-to-noise ratio of 8-bit images, in dB: of each pair, then the mean."""

    def __init__(self) -> None:
        self.metric = PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3), sync_on_compute=False)


class SSIM(Paired):
    """Structural similarity in a Gaussian window of 11 pixels (Wang 2004, section III), -1 to 1."""

    def __init__(self) -> None:
        self.metric = StructuralSimilarityIndexMeasure(data_range=1.0, sync_on_compute=False)
