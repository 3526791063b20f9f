"""The simplest features: the downsampled image itself."""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.errors import ConfigError
from ganzoo_metrics.images import check_images


class Pixels(nn.Module):
    """Images (N, C, H, W) uint8 to ``features`` (N, C*K*K) in [0, 1], averaged down to K x K.

    The features show composition, tone and colour, but neither sharpness nor content.
    """

    def __init__(self, size: str = "16") -> None:
        super().__init__()
        if not re.fullmatch("[1-9][0-9]?", size) or int(size) > 32:
            raise ConfigError(f"pixels:{size}: the size must be a number from 1 to 32")
        self.size = int(size)
        self.written = "" if size == "16" else f":{size}"
        self.weights = ""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Average, scale and flatten."""
        check_images(images)
        small = F.adaptive_avg_pool2d(images.float() / 255, self.size)
        return {"features": small.flatten(1)}
