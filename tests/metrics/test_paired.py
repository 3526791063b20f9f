"""The metrics of translations against their definitions."""

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from ganzoo_metrics.paired import PSNR, SSIM


@pytest.fixture
def pair(digits):
    target = torch.from_numpy(digits[0][:60])[:, None]
    noise = torch.randint(-40, 41, target.shape, generator=torch.Generator().manual_seed(0))
    return (target.int() + noise).clamp(0, 255).to(torch.uint8), target


def value(kind, image, target, batch):
    measure = kind()
    for a, b in zip(torch.split(image, batch), torch.split(target, batch), strict=True):
        measure.update({"image": a, "target": b}, real=False)
    return measure.compute()


@pytest.mark.parametrize("batch", [60, 7])
def test_psnr_is_its_definition_image_by_image(pair, batch):
    image, target = pair
    errors = ((image.double() - target.double()) ** 2).mean((1, 2, 3))
    expected = (10 * torch.log10(255**2 / errors)).mean()
    assert value(PSNR, image, target, batch) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("batch", [60, 7])
def test_ssim_is_the_librarys(pair, batch):
    image, target = pair
    expected = structural_similarity_index_measure(image.float() / 255, target.float() / 255, data_range=1.0)
    assert value(SSIM, image, target, batch) == pytest.approx(float(expected), rel=1e-5)
    assert value(SSIM, target, target, batch) == pytest.approx(1)
