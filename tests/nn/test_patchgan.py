"""The patch discriminator sees patches of the size that it says, and judges each of them."""

import pytest
import torch

from ganzoo.errors import ConfigError
from ganzoo.nn.patchgan import PatchDiscriminator, num_downsamples_for, per_image, receptive_field
from ganzoo.registry.fields import height_width


@pytest.mark.parametrize(("num_downsamples", "size"), [(0, 7), (1, 16), (2, 34), (3, 70)])
def test_one_logit_sees_a_patch_of_that_size(num_downsamples, size):
    """Measured: the pixels on which a logit in the middle depends (Isola 2017, appendix 6.1.2 and section 4.4)."""
    assert receptive_field(num_downsamples) == size
    judge = PatchDiscriminator(1, base_channels=2, num_downsamples=num_downsamples, norm="none").double()
    image = torch.rand(1, 1, 160, 160, dtype=torch.float64, requires_grad=True)
    logits = judge(image)
    (gradient,) = torch.autograd.grad(logits[0, logits.shape[1] // 2, logits.shape[2] // 2], image)
    seen = gradient[0, 0].abs() > 0
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == size
    assert columns[-1] - columns[0] + 1 == size


@pytest.mark.parametrize(
    ("image", "num_downsamples"),
    [(8, 0), (16, 1), (28, 1), (32, 1), (34, 2), (64, 2), (70, 3), (128, 3), (1024, 3), ((40, 200), 2), ((200, 20), 1)],
)
def test_the_patch_is_the_largest_that_lies_within_the_image(image, num_downsamples):
    assert num_downsamples_for(image) == num_downsamples
    assert receptive_field(num_downsamples) <= min(height_width(image))


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
@pytest.mark.parametrize("size", [8, 16, 28, 32, 64, 128, (96, 64), (17, 70)])
def test_there_are_several_patches_in_every_image(size, norm):
    judge = PatchDiscriminator(3, base_channels=4, num_downsamples=num_downsamples_for(size), norm=norm)
    logits = judge(torch.randn(2, 3, *height_width(size)))
    assert logits.ndim == 3
    assert len(logits) == 2
    assert min(logits.shape[1:]) > 1


def test_it_is_as_wide_as_the_paper_says():
    """C64-C128-C256-C512, and one more to a logit."""
    judge = PatchDiscriminator(6, base_channels=64, num_downsamples=3, norm="batch")
    convolutions = [layer for layer in judge.layers if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 256, 512, 1]
    assert [layer.stride[0] for layer in convolutions] == [2, 2, 2, 1, 1]
    assert sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in judge.layers) == 3


def test_a_loss_of_patches_is_one_of_images():
    values = torch.arange(12.0).view(2, 2, 3)
    assert per_image(values.flatten(), 2).tolist() == [2.5, 8.5]
    assert per_image(torch.tensor(3.0), 2) == 3


def test_an_unknown_norm_is_refused():
    with pytest.raises(ConfigError, match=r"normalisation .*'odd'"):
        PatchDiscriminator(3, base_channels=4, num_downsamples=1, norm="odd")
