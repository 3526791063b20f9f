"""Pixels, grids and strips."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import ConfigError
from ganzoo.pictures import grid, save_strip, to_uint8
from helpers import make


@pytest.fixture(scope="module")
def gan():
    return make("dcgan")


def test_pixels_are_rounded_to_the_nearest():
    values = torch.tensor([-1.0, -0.997, 0.0, 0.999, 1.0]).view(1, 1, 1, 5)
    assert to_uint8(values).flatten().tolist() == [0, 0, 128, 255, 255]
    every = torch.arange(256).view(1, 1, 16, 16)
    assert (to_uint8(every / 127.5 - 1).flatten() == np.arange(256)).all()


@pytest.mark.parametrize(
    ("n", "columns", "size"), [(1, None, (4, 3)), (5, None, (12, 6)), (5, 5, (20, 3)), (3, 9, (12, 3))]
)
def test_a_grid_goes_row_by_row(n, columns, size):
    images = torch.stack([torch.full((3, 3, 4), i / 10) for i in range(n)])
    picture = grid(images, columns)
    assert picture.size == size
    pixels = np.asarray(picture)
    width = size[0] // 4
    for i in range(n):
        row, column = divmod(i, width)
        assert pixels[row * 3, column * 4, 0] == to_uint8(images[i : i + 1])[0, 0, 0, 0]


def test_strips(gan, tmp_path):
    images = gan.sample(4)
    save_strip(images, tmp_path / "s.png")
    save_strip(images, tmp_path / "s.gif")
    with Image.open(tmp_path / "s.png") as png, Image.open(tmp_path / "s.gif") as gif:
        assert png.size == (4 * 28, 28)
        assert gif.n_frames == 6  # there and back
    with pytest.raises(ConfigError, match=r"\.png or \.gif"):
        save_strip(images, tmp_path / "s.mp4")


def test_no_grid_of_nothing(gan):
    for images, columns in ((gan.sample(2)[:0], None), (gan.sample(2), 0)):
        with pytest.raises(ConfigError, match="at least one"):
            grid(images, columns)
