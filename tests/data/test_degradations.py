"""Degradations, which make pairs of one set: shape and range stay, and each removes what it should."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.degradations import DEGRADATIONS, get_degradation, grey
from ganzoo.errors import DataError
from ganzoo.media.image import to_uint8


@pytest.fixture(scope="module")
def images(digits):
    """Four digits, each in another colour."""
    pixels = torch.from_numpy(digits[0][:4])[:, None].float() / 127.5 - 1
    tint = torch.tensor([[1.0, 0.2, 0.1], [0.1, 1, 0.2], [0.2, 0.1, 1], [1, 1, 0]])
    return (pixels + 1) * tint[:, :, None, None] - 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_shape_and_range_stay_and_each_image_is_its_own(name, channels, images):
    given = images[:, :channels]
    made = get_degradation(name)(given)
    assert made.shape == given.shape
    assert made.abs().max() <= 1
    torch.testing.assert_close(get_degradation(name)(given[2:3]), made[2:3])
    if (name, channels) != ("grey", 1):
        assert (made - given).abs().mean() > 0.01


def test_grey_is_pillows_brightness(images):
    made = to_uint8(grey(images))
    for colour, found in zip(to_uint8(images), made, strict=True):
        expected = torch.from_numpy(np.array(Image.fromarray(colour).convert("L"))).int()
        assert (expected - torch.from_numpy(found[..., 0]).int()).abs().max() <= 1
    assert (made[..., :1] == made).all()


def test_lowres4_keeps_the_mean_of_each_block(images):
    made = get_degradation("lowres4")(images)
    blocks = made.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4)
    assert (blocks.amax(-1) - blocks.amin(-1)).max() == 0
    torch.testing.assert_close(blocks[..., 0], images.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).mean(-1))
    with pytest.raises(DataError, match="4, not 30"):
        get_degradation("lowres4")(torch.zeros(1, 1, 30, 30))


def test_mask_hides_the_middle_and_nothing_else(images):
    made = get_degradation("mask")(images)
    assert (made[:, :, 7:21, 7:21] == 0).all()
    made[:, :, 7:21, 7:21] = images[:, :, 7:21, 7:21]
    assert torch.equal(made, images)


def test_edges_are_dark_where_the_brightness_steps_and_white_elsewhere():
    step = torch.full((1, 1, 8, 8), -1.0)
    step[..., 4:] = 1
    made = get_degradation("edges")(step)
    assert (made[..., 3:5] == -1).all()
    assert (made[..., :3] == 1).all()
    assert (made[..., 5:] == 1).all()


def test_an_unknown_one_is_named():
    with pytest.raises(DataError, match=r"'gray'.*'grey'.*: grey, lowres4, mask, edges"):
        get_degradation("gray")


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_transparency_is_kept(name):
    images = torch.rand(2, 4, 16, 24) * 2 - 1
    degrade = get_degradation(name)
    assert torch.equal(degrade(images)[:, 3], images[:, 3])
    assert torch.equal(degrade(images)[:, :3], degrade(images[:, :3]))
