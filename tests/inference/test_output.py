"""Pixels, grids and strips."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import ConfigError
from ganzoo.inference.output import folder_names, save_strip
from ganzoo.media.grids import captioned
from ganzoo.media.image import grid, to_uint8
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
    save_strip(gan, images, tmp_path / "s.png")
    save_strip(gan, images, tmp_path / "s.gif")
    with Image.open(tmp_path / "s.png") as png, Image.open(tmp_path / "s.gif") as gif:
        assert png.size == (4 * 28, 28)
        assert gif.n_frames == 6  # there and back
    with pytest.raises(ConfigError, match=r"\.png or \.gif"):
        save_strip(gan, images, tmp_path / "s.mp4")


def test_no_grid_of_nothing(gan):
    for images, columns in ((gan.sample(2)[:0], None), (gan.sample(2), 0)):
        with pytest.raises(ConfigError, match="at least one"):
            grid(images, columns)


def test_rows_are_enlarged_by_whole_pixels_under_their_words():
    small, large = np.full((3, 28, 28, 1), 7, np.uint8), np.full((3, 70, 70, 3), 9, np.uint8)
    small[:, 3, 5] = 200
    pixels = np.asarray(captioned([("small", small), ("large", large)]))
    assert pixels.shape == (2 * (70 + 14 + 2), 3 * 72, 3)
    assert (pixels[:14, :72] < 128).any()  # the words
    assert (pixels[:14, 72:] == 255).all()
    inside = pixels[14 + 7 :, 72 + 7 :][:56, :56]  # the second one, in the middle of its cell
    assert np.array_equal(inside[::2, ::2], np.repeat(small[1], 3, 2))
    assert (pixels[86 + 14 : 86 + 84, 72:142] == 9).all()


def test_what_is_set_apart_has_a_frame_and_a_wider_gap():
    images = np.zeros((3, 64, 64, 1), np.uint8)
    plain, framed = (np.asarray(captioned([("", images)], apart=apart)) for apart in (0, 1))

    def gaps(pixels):
        """Return how much white is before each image, on a line through the middle."""
        white = (pixels[50] == 255).all(1)
        starts = [i for i in range(64, len(white)) if white[i - 1] and not white[i]]
        return [int(white[:i][::-1].argmin()) for i in starts]

    assert gaps(plain) == [2, 2]
    colour = np.array([0x35, 0x60, 0x9F])
    frame = (framed == colour).all(2)
    rows, columns = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
    assert rows[-1] - rows[0] == columns[-1] - columns[0] == 64 + 2 * 4 - 1  # around one image
    assert (framed.reshape(-1, 3) == 0).all(1).sum() == 3 * 64 * 64  # and hides none of it
    assert gaps(framed)[-2:] == [8, 2]


def test_long_words_are_not_cut():
    image = np.zeros((1, 64, 64, 1), np.uint8)
    short, long = (captioned([(text, image)]) for text in ("a", "a rather long name " * 5))
    assert short.size == (66, 80)
    assert long.width > 300


def test_no_rows_of_nothing():
    for rows in ([], [("a", np.zeros((0, 8, 8, 1), np.uint8))]):
        with pytest.raises(ConfigError, match="at least one image"):
            captioned(rows)


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["cat", "dog"], ["cat", "dog"]), (["tench, Tinca tinca", "t-shirt"], ["tench, Tinca tinca", "t-shirt"]),
        (["../up", "a/b", "c:\\d"], ["_up", "a_b", "c__d"]), (["ü", "猫"], ["ü", "猫"]), ([".hidden "], ["hidden"]),
        (["cat", "Cat", "dog"], ["0-cat", "1-Cat", "2-dog"]), (["..", ""], ["0-", "1-"]), (["a\nb"], ["a_b"]),
        (["x" * 300], ["x" * 100]), (["猫" * 300], ["猫" * 33]),
    ],
)  # fmt: skip
def test_a_class_has_a_folder_of_its_own_that_every_file_system_takes(names, folders):
    assert folder_names(dict(enumerate(names))) == dict(enumerate(folders))
