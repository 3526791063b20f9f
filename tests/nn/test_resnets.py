import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganzoo.nn.resnets import ConditionalNorm, DownBlock, ResidualFeatures, ResidualGenerator, UpBlock
from ganzoo.registry.fields import height_width


@pytest.mark.parametrize("size", [8, 16, 28, 32, 64, (96, 64), (16, 56), 256])
@pytest.mark.parametrize("classes", [None, 3])
def test_shapes(size, classes):
    generator = ResidualGenerator(5, image_size=size, channels=3, width=4, classes=classes)
    label = None if classes is None else torch.tensor([0, 2])
    images = generator(torch.randn(2, 5), label)
    assert images.shape == (2, 3, *height_width(size))
    assert images.abs().max() <= 1
    assert ResidualFeatures(image_size=size, channels=3, width=4)(images).shape == (2, 4)


def test_maps_above_128_are_half_as_wide_for_each_doubling():
    generator = ResidualGenerator(5, image_size=1024, channels=3, width=16)
    assert [block.conv1.out_channels for block in generator.blocks] == [16, 16, 16, 16, 16, 8, 4, 2]
    features = ResidualFeatures(image_size=1024, channels=3, width=16)
    assert [block.conv1.out_channels for block in features.blocks] == [2, 4, 8, 16, 16, 16, 16, 16, 16]
    generator = ResidualGenerator(5, image_size=128, channels=3, width=16)
    assert {block.conv1.out_channels for block in generator.blocks} == {16}


def test_up_and_down_are_what_the_papers_draw():
    """The orders in which they are computed here, to save work, change nothing (Gulrajani 2017, appendix F)."""
    maps = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    up = UpBlock(3, 5).double().eval()
    hidden = up.conv1(F.interpolate(F.relu(up.norm1(maps)), scale_factor=2.0))
    expected = up.conv2(F.relu(up.norm2(hidden))) + up.shortcut(F.interpolate(maps, scale_factor=2.0))
    torch.testing.assert_close(up(maps), expected)
    down = DownBlock(3, 5).double()
    expected = F.avg_pool2d(down.conv2(F.relu(down.conv1(F.relu(maps)))) + down.shortcut(maps), 2)
    torch.testing.assert_close(down(maps), expected)


def test_a_block_that_keeps_its_shape_passes_its_input_by():
    block = DownBlock(3, 3, down=False)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    maps = torch.randn(2, 3, 8, 8)
    assert torch.equal(block(maps), maps)


def test_a_conditional_norm_is_batch_norm_with_the_labels_scale_and_shift():
    norm = ConditionalNorm(3, classes=4)
    nn.init.normal_(norm.scale.weight)
    nn.init.normal_(norm.shift.weight)
    maps, label = torch.randn(5, 3, 4, 4), torch.tensor([0, 1, 2, 3, 1])
    normal = F.batch_norm(maps, None, None, training=True)
    expected = normal * norm.scale.weight[label][..., None, None] + norm.shift.weight[label][..., None, None]
    torch.testing.assert_close(norm(maps, label), expected)
