"""Images in the size and the channels of a network."""

import numpy as np
import pytest
import torch
from PIL import Image

from extractors import colourful, grey
from ganzoo.metrics.exact import exactly
from ganzoo.metrics.images import opaque
from ganzoo_metrics.images import fitted

PILLOW = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


@pytest.mark.parametrize("interpolation", PILLOW)
@pytest.mark.parametrize("side", [7, 28, 64])
def test_a_resize_is_that_of_pillow_in_floating_point(digits, interpolation, side):
    images = grey(digits)
    for image, resized in zip(images, fitted(images, 1, (side, side), interpolation), strict=True):
        real = Image.fromarray(image[0].numpy().astype(np.float32)).resize((side, side), PILLOW[interpolation])
        assert resized[0].numpy() == pytest.approx(np.asarray(real).clip(0, 255), abs=1e-3)


@pytest.mark.parametrize("background", ["white", "black", "#10c0ff"])
def test_transparency_is_laid_on_a_background_bit_by_bit_as_by_pillow(background):
    values, alphas = (part.to(torch.uint8) for part in torch.meshgrid(*[torch.arange(256)] * 2, indexing="ij"))
    stored = torch.stack([values, 255 - values, values // 2, alphas])[None]
    sheet = Image.new("RGBA", (256, 256), background)
    shown = Image.alpha_composite(sheet, Image.fromarray(stored[0].permute(1, 2, 0).numpy())).convert("RGB")
    assert np.array_equal(opaque(stored, "image", background)[0].permute(1, 2, 0).numpy(), np.asarray(shown))


def test_what_has_no_transparency_stays_as_it_is(digits):
    images = colourful(digits)
    assert opaque(images, "image") is images
    other = torch.zeros(1, 4, 8, dtype=torch.uint8)
    assert opaque(other, "sound") is other


def test_without_a_size_an_image_stays_what_it_is(digits):
    images = colourful(digits)
    assert torch.equal(fitted(images, 3, None, "bicubic"), images.float())
    assert torch.equal(fitted(images, 3, (28, 28), "bicubic"), images.float())


def test_grey_is_repeated_and_rgb_is_weighed_as_pillow_weighs_it(digits):
    assert torch.equal(fitted(grey(digits), 3, None, "bicubic"), grey(digits).float().repeat(1, 3, 1, 1))
    images = colourful(digits)
    for image, made in zip(images, fitted(images, 1, None, "bicubic"), strict=True):
        real = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L"), dtype=np.float32)
        assert made[0].numpy() == pytest.approx(real, abs=1)  # Pillow rounds


@pytest.mark.parametrize(
    "images", [torch.zeros(1, 3, 8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(1, 4, 8, 8).byte()]
)
def test_what_are_no_images_is_refused(images):
    with pytest.raises(ValueError, match=r"\(N, 1 or 3, H, W\) uint8, not \("):
        fitted(images, 3, (16, 16), "bicubic")


def test_float32_is_float32_and_then_what_it_was():
    backends = torch.backends
    switches = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
    before = [switch.fp32_precision for switch in switches]
    one = torch.rand(8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert (one @ one).dtype == torch.bfloat16
        with exactly(one.device):
            assert [switch.fp32_precision for switch in switches] == ["ieee"] * 4
            assert (one @ one).dtype == torch.float32
        assert (one @ one).dtype == torch.bfloat16
    assert [switch.fp32_precision for switch in switches] == before
    assert torch.backends.cuda.matmul.allow_tf32 in (True, False)  # the older way to ask still has an answer
