"""The simplest features."""

import pytest
import torch

from ganzoo_metrics.pixels import Pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_averages(channels):
    images = torch.randint(0, 256, (5, channels, 32, 32), dtype=torch.uint8)
    features = Pixels("8")(images)["features"]
    assert features.shape == (5, channels * 64)
    assert features[3, 0].item() == pytest.approx(images[3, 0, :4, :4].float().mean().item() / 255)
