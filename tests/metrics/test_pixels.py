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


def test_those_of_a_rectangle_are_averages_of_rectangles():
    images = torch.randint(0, 256, (5, 3, 96, 64), dtype=torch.uint8)
    features = Pixels("8")(images)["features"]
    assert features.shape == (5, 3 * 64)
    assert features[3, 1].item() == pytest.approx(images[3, 0, :12, 8:16].float().mean().item() / 255)


@pytest.mark.parametrize("shape", [(5, 1, 64), (5, 4, 8, 8), (5, 2, 8, 8)])
def test_what_are_no_images_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(N, 1 or 3, H, W\) uint8"):
        Pixels()(torch.zeros(shape, dtype=torch.uint8))
