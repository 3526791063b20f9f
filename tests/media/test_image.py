"""Pictures as they come: modes, transparency, depth, orientation, frames, size, and what is told of each."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, features

from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading
from ganzoo.media import get_medium
from ganzoo.media.base import Item, SurveyNeededError
from ganzoo.media.image import MOST_PIXELS, open_image

MEDIUM = get_medium("image")
PAD, STRETCH = Reading(fit="pad"), Reading(fit="stretch")


def encoded(image, suffix="PNG", **options):
    """Return an encoded picture as an item."""
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return Item(buffer.getvalue(), None, "the picture")


def read(image, *shape, reading=DEFAULT_READING, **options):
    """Return a picture (H, W, C) or (H, W) as it is stored, and the notes."""
    item = image if isinstance(image, Item) else encoded(image, **options)
    stored, notes = MEDIUM.read(item, shape or (3, 20, 20), reading)
    assert stored.dtype == np.uint8
    return stored.transpose(1, 2, 0).squeeze(), notes


@pytest.mark.parametrize(("background", "colour"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_transparency_is_laid_on_the_background(background, colour):
    image = Image.new("RGBA", (20, 20), (200, 100, 50, 51))  # a fifth
    stored, notes = read(image, reading=Reading(background=background))
    expected = [round(0.2 * value + 0.8 * colour) for value in (200, 100, 50)]
    assert np.abs(stored[0, 0].astype(int) - expected).max() <= 1
    assert notes == (f"with transparency, laid on {background}",)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_four_channels_keep_transparency_and_say_nothing(mode):
    image = Image.new("RGBA", (20, 20), (90, 90, 90, 0))
    image.paste((90, 90, 90, 255), (0, 0, 10, 20))
    stored, notes = read(image.convert(mode), 4, 20, 20)
    assert stored[:, :10, 3].min() > 250
    assert stored[:, 10:, 3].max() < 5
    assert notes == ()


def test_an_opaque_picture_with_an_alpha_channel_is_not_said_to_be_transparent():
    assert read(Image.new("RGBA", (20, 20), (1, 2, 3, 255)))[1] == ()


def test_a_palette_is_looked_up_with_its_transparency():
    image = Image.new("P", (20, 20), 3)
    image.putpalette([c for i in range(256) for c in (i, 2 * i % 256, 255 - i)])
    assert read(image)[0][0, 0].tolist() == [3, 6, 252]
    stored, notes = read(image, transparency=bytes(range(256)))  # 3 of 255 opaque
    assert np.abs(stored[0, 0].astype(int) - [252, 252, 255]).max() <= 1
    assert notes


@pytest.mark.parametrize(("top", "bits"), [(200, 8), (1000, 10), (4095, 12), (4096, 14), (65535, 16)])
def test_sixteen_bits_are_scaled_by_the_range_of_the_whole_set(top, bits):
    items = [encoded(Image.fromarray(np.full((20, 20), value, np.uint16))) for value in (0, top // 2, top)]
    with pytest.raises(SurveyNeededError):
        read(items[0], 1, 20, 20)
    survey = MEDIUM.survey([*items, Item(b"no image", None, "damaged")])
    assert survey == {"bits": bits}
    full = 2**bits - 1
    for item, value in zip(items, (0, top // 2, top), strict=True):
        stored, notes = read(item, 1, 20, 20, reading=Reading(survey=survey))
        assert stored[0, 0] == value * 255 // full
        assert notes == (f"of {bits} bits in 16, scaled to 8",)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_no_known_range_are_refused(kind):
    with pytest.raises(DataError, match="32 bits"):
        read(Image.fromarray(np.full((20, 20), 1, kind)), suffix="TIFF")


def test_a_rotated_photograph_is_turned_upright():
    upright = Image.fromarray(np.zeros((20, 20), np.uint8))
    upright.paste(255, (0, 0, 20, 10))  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    found, _ = read(upright.rotate(90), 1, 20, 20, suffix="JPEG", exif=exif, quality=100)
    assert found[:8].min() > 240
    assert found[12:].max() < 15


def test_frames_and_inks_are_told():
    frames = [Image.new("L", (20, 20), value) for value in (10, 200)]
    stored, notes = read(frames[0], 1, 20, 20, suffix="GIF", save_all=True, append_images=frames[1:])
    assert stored.max() < 30
    assert len(notes) == 1
    assert "CMYK" in read(Image.new("CMYK", (20, 20), (0, 255, 0, 0)), suffix="JPEG")[1][0]


@pytest.mark.parametrize(
    ("reading", "left", "middle", "note"),
    [(Reading(), 0, 0, "centre-cropped"), (PAD, 255, 0, "padded"), (STRETCH, 0, 0, "stretched")],
    ids=["crop", "pad", "stretch"],
)
def test_a_picture_of_other_proportions_is_cropped_padded_or_stretched(reading, left, middle, note):
    stored, notes = read(Image.new("L", (40, 80)), 1, 20, 20, reading=reading)
    assert (stored[10, 0], stored[10, 10]) == (left, middle)
    assert notes == (note,)


def test_a_marked_middle_shows_what_each_fit_keeps():
    image = Image.new("L", (40, 80), 0)
    image.paste(255, (0, 30, 40, 50))  # a quarter of the height
    shares = {}
    for fit in ("crop", "pad", "stretch"):
        stored, _ = read(image, 1, 40, 40, reading=Reading(fit=fit, background="black"))
        shares[fit] = (stored > 127).mean()
    assert shares["crop"] == pytest.approx(0.5, abs=0.03)
    assert shares["stretch"] == pytest.approx(0.25, abs=0.03)
    assert shares["pad"] == pytest.approx(0.125, abs=0.03)


def test_padding_of_four_channels_is_transparent():
    stored, _ = read(Image.new("RGBA", (40, 80), (9, 9, 9, 255)), 4, 20, 20, reading=PAD)
    assert stored[10, 0].tolist() == [0, 0, 0, 0]
    assert stored[10, 10].tolist() == [9, 9, 9, 255]


def test_a_rectangle_and_an_enlargement():
    stored, notes = read(Image.new("RGB", (10, 10)), 3, 12, 30)
    assert stored.shape == (12, 30, 3)
    assert notes == ("enlarged", "centre-cropped")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    side = int(MOST_PIXELS**0.5) + 1
    large = encoded(Image.new("1", (side, side)))
    assert len(large.image) < 2**17
    with pytest.raises(DataError, match=f"{side}x{side}"):
        open_image(large)


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_is_read(suffix):
    if suffix == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    stored, notes = read(Image.new("RGB", (20, 20), (200, 100, 50)), suffix=suffix)
    assert np.abs(stored.astype(int) - [200, 100, 50]).max() < 8
    assert notes == ()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_cache_of_encoded_pictures_loses_nothing(channels):
    stored = np.random.default_rng(0).integers(0, 256, (channels, 24, 40), dtype=np.uint8)
    data = MEDIUM.encode(stored)
    np.testing.assert_array_equal(MEDIUM.decode(data, stored.shape), stored)


def test_networks_see_what_is_stored():
    stored = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    samples = MEDIUM.to_model(stored)
    assert (samples.min(), samples.max()) == (-1, 1)
    assert torch.equal(MEDIUM.to_storage(samples), stored)


def test_hyperparameters_of_the_data():
    assert MEDIUM.hyperparameters((3, 64, 64)) == {"channels": 3, "image_size": 64}
    assert MEDIUM.hyperparameters((1, 64, 96)) == {"channels": 1, "image_size": (64, 96)}
    assert MEDIUM.hyperparameters((3, None, 64)) == {"channels": 3, "image_size": None}
